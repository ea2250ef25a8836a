//! Endpoints of webhooks, as admins write them.

use aws_lc_rs::rand;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    endpoint_url::EndpointUrl,
    error::Error,
    field_error::Wrong,
    id::{UserId, WebhookId},
    message::Kind,
    text,
    time::to_whole_ms,
    webhook::{DESCRIPTION_CHARS_MAX, Endpoint, EndpointStatus, SECRETS_OVERLAP, Secret, TYPES},
};
use http_api::{
    App,
    fields::{Fields, Read, Value, text_of, word, words_of},
};
use jiff::Timestamp;
use utoipa::{
    ToSchema,
    openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type},
};

/// As the specification suggests, 24 to 64.
const SECRET_BYTES: usize = 32;

/// An endpoint, as it is written.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = WebhookInput)]
pub struct EndpointInput {
    /// Where it is told: `https://` at a public address, without user information. Whether its name leads to one is seen each time
    /// that something is sent.
    #[schema(example = "https://till.example/hook", max_length = 2048)]
    pub url: String,
    /// What it is told; null or left out for all there is, and all there will be.
    #[schema(schema_with = types_schema)]
    pub types: Option<Vec<Kind>>,
    /// What it is for.
    #[schema(example = "The till", max_length = 200)]
    pub description: Option<String>,
    /// `enabled` unless it is given. One that was disabled begins anew.
    pub status: Option<EndpointStatus>,
}

/// The words that may be in `types`: messages to people have kinds, too.
fn types_schema() -> Schema {
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(TYPES.map(Kind::as_str)));
    ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(word)
        .min_items(Some(1))
        .description(Some("What it is told; null or left out for all there is, and all there will be."))
        .examples([serde_json::json!(["booking.confirmed", "booking.cancelled"])])
        .into()
}

impl Read for EndpointInput {
    fn read(fields: &mut Fields) -> Option<Self> {
        let url = fields.required("url", http_api::fields::text);
        let types = fields.optional("types", |value| {
            let types = words_of(&TYPES, Kind::as_str)(value)?;
            if types.is_empty() { Err(Wrong::NotOneOf(TYPES.map(Kind::as_str).to_vec())) } else { Ok(types) }
        });
        let description = fields.optional("description", description);
        let status = fields.optional("status", word(&EndpointStatus::ALL, EndpointStatus::as_str));
        Some(Self { url: url?, types, description, status })
    }
}

/// What an endpoint is for.
///
/// # Errors
/// When it is no line of text, or too long.
pub fn description(value: Value) -> Result<String, Wrong> {
    let description = text_of(1..=DESCRIPTION_CHARS_MAX)(value)?;
    if !text::is_line(&description) {
        return Err(Wrong::ControlCharacters { but_lines: false });
    }
    if text::is_visible(&description) { Ok(description) } else { Err(Wrong::Invisible) }
}

impl EndpointInput {
    /// The endpoint that is written so.
    fn endpoint(
        self,
        app: &App,
        id: WebhookId,
        made_by: UserId,
        created_at: Timestamp,
    ) -> Result<Endpoint, Error> {
        let Self { url, types, description, status } = self;
        let url = EndpointUrl::parse(&url, app.config.webhook_addresses)
            .map_err(|reason| Error::invalid_field("url", Wrong::NoEndpoint(reason)))?;
        Ok(Endpoint {
            id,
            url: url.as_str().to_owned(),
            types: types.unwrap_or_default().into_iter().map(|kind| kind.as_str().to_owned()).collect(),
            description,
            status: status.unwrap_or(EndpointStatus::Enabled),
            disabled_because: None,
            failing_since: None,
            made_by,
            created_at,
        })
    }
}

/// Makes an endpoint. Its secret is shown now and never again.
///
/// # Errors
/// `NoWebhooks`, `TooManyWebhooks`, a field that can't be accepted, or as the store has it.
pub async fn create_endpoint(
    app: &App,
    input: EndpointInput,
    admin: UserId,
    now: Timestamp,
) -> Result<(Endpoint, Secret), Error> {
    let endpoint = input.endpoint(app, WebhookId::new(now), admin, to_whole_ms(now))?;
    let secret = new_secret()?;
    match app.store.add_endpoint(&endpoint, &secret).await? {
        true => Ok((endpoint, secret)),
        false => Err(Error::TooManyWebhooks),
    }
}

/// Writes an endpoint anew; its secret stays.
///
/// # Errors
/// `NoWebhooks`, `WebhookNotFound`, a field that can't be accepted, or as the store has it.
pub async fn replace_endpoint(app: &App, id: WebhookId, input: EndpointInput) -> Result<Endpoint, Error> {
    let before = app.store.endpoint(id).await?.ok_or(Error::WebhookNotFound)?;
    let endpoint = input.endpoint(app, id, before.made_by, before.created_at)?;
    match app.store.change_endpoint(&endpoint).await? {
        true => Ok(endpoint),
        false => Err(Error::WebhookNotFound),
    }
}

/// Tells an endpoint again what happens, or nothing more.
///
/// # Errors
/// `NoWebhooks`, `WebhookNotFound`, or as the store has it.
pub async fn switch_endpoint(app: &App, id: WebhookId, status: EndpointStatus) -> Result<(), Error> {
    let before = app.store.endpoint(id).await?.ok_or(Error::WebhookNotFound)?;
    match app.store.change_endpoint(&Endpoint { status, ..before }).await? {
        true => Ok(()),
        false => Err(Error::WebhookNotFound),
    }
}

/// Gives an endpoint another secret; the one before signs beside it for a day.
///
/// # Errors
/// `NoWebhooks`, `WebhookNotFound`, or as the store has it.
pub async fn rotate_secret(app: &App, id: WebhookId, now: Timestamp) -> Result<Secret, Error> {
    let secret = new_secret()?;
    match app.store.change_secret(id, &secret, now + SECRETS_OVERLAP).await? {
        true => Ok(secret),
        false => Err(Error::WebhookNotFound),
    }
}

fn new_secret() -> Result<Secret, Error> {
    let mut random = [0; SECRET_BYTES];
    rand::fill(&mut random).map_err(|_| Error::Internal("there is nothing random to be had".into()))?;
    Ok(Secret::of_base64(&BASE64_STANDARD.encode(random)))
}
