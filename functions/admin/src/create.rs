//! POST /admin/events

use std::sync::Arc;

use administration::EventInput;
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use booking::{self, Created};
use domain::{audit::Actor, error::Error, event::Available, request_key::RequestKey};
use http_api::{
    Admin, App, Code, JsonBody, OptionalIdempotencyKey, Problem,
    headers::replayed,
    openapi::{AdminProblems, AdvisedKeyHeader, BodyProblems, KeyProblems, StoreProblems},
    views::EventWithAreas,
};
use jiff::Timestamp;

use crate::{get::available, tagged};

http_api::problems! { CreateProblems:
    BodyTooLarge: "more than 1 MiB",
    EventNotFound: "the event that was created with this `Idempotency-Key` is deleted",
    IdempotencyKeyReused: "the key was used for another event",
    TryAgain: "a store did not answer in time. The event may have been created or not. With an `Idempotency-Key`, send the \
               same request again; without, look at the list first",
}

/// Creates an event. Its `price` starts at `base_price`.
///
/// Sending the same `Idempotency-Key` again makes no second event: the answer is the one that was created, as it is now,
/// with `Idempotent-Replayed: true`.
#[utoipa::path(
    post, path = "/admin/events", tag = "Admin", security(("bearer" = [])),
    params(AdvisedKeyHeader),
    request_body = EventInput,
    responses(
        (status = 201, description = "The event is created.", body = EventWithAreas,
         headers(("Location" = String), ("ETag" = String), ("Idempotent-Replayed" = bool))),
        BodyProblems, KeyProblems, AdminProblems, StoreProblems, CreateProblems,
    ),
)]
pub(crate) async fn create_event(
    State(app): State<Arc<App>>,
    admin: Admin,
    OptionalIdempotencyKey(key): OptionalIdempotencyKey,
    JsonBody(input): JsonBody<EventInput>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    if !input.unread.is_empty() {
        // Whatever its key: what can't be read is no request that was made before.
        return Err(input
            .details(None, now)
            .map_or_else(Problem::from, |_| Problem::new(Code::ValidationFailed)));
    }
    let user_id = admin.user_id;
    let by = Actor::from(admin);
    let created = match key {
        Some(key) => {
            let key = RequestKey::new(user_id, &key, &input.canonical()?);
            booking::create_event_once(&app.protocol, &key, || input.details(None, now), Some(&by), now)
                .await?
        }
        None => {
            let created =
                booking::create_event(&app.protocol, input.details(None, now)?, Some(&by), now).await;
            Created { event: created.map_err(without_key)?, replayed: false }
        }
    };
    let location = format!("/admin/events/{}", created.event.id);
    let seats = if created.replayed {
        available(&app, &created.event, now).await?
    } else {
        // Nothing is held or sold yet; no store is asked, so nothing can fail any more.
        Available::all_of(&created.event)
    };
    let mut response = tagged(created.event, &seats)?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(replayed(response, created.replayed))
}

/// Unlike elsewhere, the same request again may do the same again.
fn without_key(error: Error) -> Problem {
    match error {
        error @ (Error::OutOfReach { .. } | Error::GaveUp(_)) => Problem::from(error).detail(
            "The event may have been created or not: look at the list before you send it again. With an \
             Idempotency-Key it can be sent again as it is.",
        ),
        error => error.into(),
    }
}
