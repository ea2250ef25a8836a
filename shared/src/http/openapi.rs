//! What the OpenAPI document says of every route: the base document, and the errors that many routes share.

use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use crate::domain::error::FieldError;

/// The document that the routes are added to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Evently",
        description = "Event booking under rush: browse, hold, confirm, cancel. Errors are RFC 9457 problems with \
                       a stable `code`. Money is in integer minor units, times are RFC 3339 in UTC.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(ProblemBody, FieldError)),
    modifiers(&BearerToken),
)]
pub struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.bearer_format = Some("JWT".to_owned());
        http.description = Some("The access_token of POST /login.".to_owned());
        if let Some(components) = &mut openapi.components {
            components.add_security_scheme("bearer", SecurityScheme::Http(http));
        }
    }
}

/// An error: `application/problem+json` (RFC 9457). Some codes come with more members, named in their description.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes the answer for the document; problem.rs writes it")]
pub struct ProblemBody {
    /// `/problems/<code>`.
    #[schema(example = "/problems/sold_out")]
    r#type: String,
    /// What is wrong, in general.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable, for programs.
    #[schema(example = "sold_out")]
    code: String,
    /// What is wrong in this case, for people.
    detail: Option<String>,
    /// Each bad field of the request.
    errors: Option<Vec<FieldError>>,
    /// `sold_out`, `all_held`: seats that can be had now.
    available: Option<u32>,
    /// `all_held`: when the next hold runs out.
    retry_at: Option<jiff::Timestamp>,
    /// `not_on_sale`: when sales open.
    sales_open_at: Option<jiff::Timestamp>,
    /// `not_on_sale`: when sales closed.
    sales_close_at: Option<jiff::Timestamp>,
    /// `stale_version`: the version to base the change on.
    current_version: Option<u64>,
    /// `capacity_below_sold`: the lowest capacity possible now.
    lowest_capacity: Option<u32>,
}

/// Answers of every route that asks a store.
#[derive(utoipa::IntoResponses)]
pub enum StoreProblems {
    /// `internal_error`.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(ProblemBody),
    /// `try_again`: a store did not answer in time. Sending the same request again is safe; wait for `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
}

/// Answers of every route for signed-in users.
#[derive(utoipa::IntoResponses)]
pub enum CallerProblems {
    /// `unauthorized`: no token, or one that is not valid.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(ProblemBody),
}

/// Answers of every route for admins.
#[derive(utoipa::IntoResponses)]
pub enum AdminProblems {
    /// `unauthorized`: no token, or one that is not valid.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(ProblemBody),
    /// `forbidden`: only an admin may do this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemBody),
}

/// Answers of every route that takes a JSON body.
#[derive(utoipa::IntoResponses)]
pub enum BodyProblems {
    /// `malformed_json`, `malformed_body`, or `invalid_parameter`, or a required header is missing.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemBody),
    /// `body_too_large`: more than 16 KiB.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// `unsupported_media_type`: not JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    NotJson(ProblemBody),
    /// `validation_failed`: each bad or unknown field is listed in `errors`.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(ProblemBody),
}

/// Answers of every route with parameters that can be wrong.
#[derive(utoipa::IntoResponses)]
pub enum ParameterProblems {
    /// `invalid_parameter`, `invalid_cursor`.
    #[response(status = 400, content_type = "application/problem+json")]
    BadParameter(ProblemBody),
}
