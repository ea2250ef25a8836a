//! `/console/events/new` and `/console/events/{id}/edit`: making an event, and changing one.

use std::sync::Arc;

use administration::EventInput;
use axum::{extract::State, http::StatusCode, response::Response};
use domain::{
    audit::Actor,
    error::Error,
    event::{Event, EventStatus},
    field_error::FieldError,
    id::EventId,
    request_key::RequestKey,
};
use http_api::{Admin, App, PathId, Permit, Problem};
use jiff::Timestamp;
use maud::html;
use uuid::Uuid;

use super::{
    event::{self, href as event_href},
    event_form::{self, EventForm, For},
    hall_map, page, page_with,
    status::VERSION,
};
use crate::frame::{
    form::{Form, Typed},
    parts::form_error,
    refusal::Refusal,
    visitor::Visitor,
};

pub(crate) const NEW_PATH: &str = "/console/events/new";
pub(crate) const PATH: &str = "/console/events/{id}/edit";

/// Where an event is changed.
pub(crate) fn href(id: EventId) -> String {
    format!("{}/edit", event::href(id))
}

pub(crate) async fn show_new(visitor: Visitor, _: Admin) -> Response {
    let form =
        event_form::show(&visitor, For::New(Uuid::new_v4()), &event_form::empty(), &[], &Typed::default());
    page(visitor, "New event", html! { h1 { "New event" } (form) })
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    permit: Permit,
    admin: Admin,
    Form { read, typed, .. }: Form<EventForm>,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let EventForm { input, key, is_preview, .. } = match read {
        Ok(form) => form,
        Err(errors) => return Ok(wrong_new(visitor, Uuid::new_v4(), &typed, Wrong::fields(errors))),
    };
    let key = key.unwrap_or_else(Uuid::new_v4);
    if let Err(error) = permit.granted().await {
        return refused_new(visitor, key, &typed, error);
    }
    if is_preview {
        return Ok(previewed(visitor, key, &typed, &input, now));
    }
    if !input.unread.is_empty() {
        // Whatever else is wrong is said at once.
        let Err(error) = input.details(None, now) else { return Err(Error::Invalid(Vec::new()).into()) };
        return refused_new(visitor, key, &typed, error);
    }
    let request = RequestKey::new(admin.user_id, &key.to_string(), &input.canonical()?);
    let by = Actor::from(admin);
    let created =
        booking::create_event_once(&app.protocol, &request, || input.details(None, now), Some(&by), now)
            .await;
    match created {
        Ok(created) => {
            let said = match created.event.details.status {
                EventStatus::Published => "It is published.",
                EventStatus::Draft | EventStatus::Cancelled => {
                    "It is saved as a draft, which nobody else sees."
                }
            };
            Ok(visitor.go_saying(&event_href(created.event.id), said))
        }
        Err(error) => refused_new(visitor, key, &typed, error),
    }
}

/// The halls as they are typed, above the form. Whatever is wrong with the rest of it is no matter yet.
fn previewed(visitor: Visitor, key: Uuid, typed: &Typed, input: &EventInput, now: Timestamp) -> Response {
    let mut errors = match input.clone().details(None, now) {
        Err(Error::Invalid(errors)) => errors,
        _ => Vec::new(),
    };
    errors.retain(|error| error.field.starts_with("areas"));
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let form = event_form::show(&visitor, For::New(key), typed, &errors, &Typed::default());
    let halls = hall_map::preview(input.areas.as_deref().unwrap_or_default());
    let main = html! { h1 { "New event" } (form_error(summary(&errors))) (halls) (form) };
    page_with(visitor, status, "New event", main)
}

fn refused_new(visitor: Visitor, key: Uuid, typed: &Typed, error: Error) -> Result<Response, Problem> {
    match error {
        Error::Invalid(errors) => Ok(wrong_new(visitor, key, typed, Wrong::fields(errors))),
        // The form was changed after it had made an event.
        Error::IdempotencyKeyReused => {
            let said =
                "This form made an event already, with other values. Send it again to make another one.";
            Ok(wrong_new(visitor, Uuid::new_v4(), typed, Wrong::text(StatusCode::UNPROCESSABLE_ENTITY, said)))
        }
        error @ Error::TokenEnded => Err(error.into()),
        error => Ok(wrong_new(visitor, key, typed, Wrong::of(error))),
    }
}

fn wrong_new(visitor: Visitor, key: Uuid, typed: &Typed, wrong: Wrong) -> Response {
    let form = event_form::show(&visitor, For::New(key), typed, &wrong.errors, &Typed::default());
    let main = html! { h1 { "New event" } (form_error(wrong.text.as_deref())) (form) };
    page_with(visitor, wrong.status, "New event", main)
}

/// What stands above a form with wrong fields, some of which may be out of sight.
fn summary(errors: &[FieldError]) -> Option<&'static str> {
    (!errors.is_empty()).then_some("Nothing is saved yet: see what is said beside the fields.")
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    PathId(id): PathId<EventId>,
) -> Result<Response, Problem> {
    let event = app.store.event(id).await?.ok_or(Error::EventNotFound)?;
    let form = event_form::show(
        &visitor,
        For::Change(&event, event.version),
        &event_form::typed(&event_form::input_of(&event)),
        &[],
        &Typed::default(),
    );
    Ok(page(visitor, "Edit", html! { h1 { "Edit: " (event.details.name) } (form) }))
}

pub(crate) async fn change(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    permit: Permit,
    admin: Admin,
    PathId(id): PathId<EventId>,
    Form { read, typed, .. }: Form<EventForm>,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let EventForm { input, version, .. } = match read {
        Ok(form) => form,
        Err(errors) => return wrong(&app, visitor, id, &typed, Wrong::fields(errors)).await,
    };
    match permit.granted().await {
        Ok(()) => {}
        // What was typed is not lost by that.
        Err(error @ Error::RateLimited { .. }) => {
            return wrong(&app, visitor, id, &typed, Wrong::of(error)).await;
        }
        Err(error) => return Err(error.into()),
    }
    let sent = EventInput { unread: Vec::new(), ..input.clone() };
    let changed = booking::replace_event(
        &app.protocol,
        id,
        |event| Some(event.version) == version,
        |event| input.details(Some(event), now),
        Some(&Actor::from(admin)),
        now,
    )
    .await;
    let why = match changed {
        Ok(_) => return Ok(visitor.go_saying(&event_href(id), "Saved.")),
        Err(error @ Error::EventNotFound) => return Err(error.into()),
        Err(Error::Invalid(errors)) => Wrong::fields(errors),
        Err(Error::StaleVersion { .. }) => {
            Wrong { stale: Some(sent), ..Wrong::text(StatusCode::UNPROCESSABLE_ENTITY, STALE) }
        }
        Err(error) => Wrong::of(error),
    };
    wrong(&app, visitor, id, &typed, why).await
}

const STALE: &str = "Somebody changed this event meanwhile. What it is now stands beside what differs: save again to have it as it \
                     stands in the fields.";

/// Why an event was not saved.
pub(super) struct Wrong {
    pub(super) status: StatusCode,
    pub(super) errors: Vec<FieldError>,
    pub(super) text: Option<String>,
    /// What was sent, if the event was changed meanwhile.
    stale: Option<EventInput>,
}

impl Wrong {
    fn text(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, errors: Vec::new(), text: Some(text.into()), stale: None }
    }

    pub(super) fn fields(errors: Vec<FieldError>) -> Self {
        let text = summary(&errors).unwrap_or_default();
        Self { errors, ..Self::text(StatusCode::UNPROCESSABLE_ENTITY, text) }
    }

    /// What the API would say, in words for people.
    pub(super) fn of(error: Error) -> Self {
        let problem = Problem::from(error).body();
        let status = problem["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        Self::text(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Refusal::of_problem(&problem).said())
    }
}

/// The form again, with what was typed.
async fn wrong(
    app: &App,
    visitor: Visitor,
    id: EventId,
    typed: &Typed,
    wrong: Wrong,
) -> Result<Response, Problem> {
    let event: Event = app.store.event(id).await?.ok_or(Error::EventNotFound)?;
    // Only who was shown what others changed meanwhile may save over it.
    let (version, differing) = match wrong.stale {
        Some(sent) => (event.version, event_form::differing(&sent, &event_form::input_of(&event))),
        None => (typed.get(VERSION).parse().unwrap_or_default(), Typed::default()),
    };
    let form = event_form::show(&visitor, For::Change(&event, version), typed, &wrong.errors, &differing);
    let main = html! { h1 { "Edit: " (event.details.name) } (form_error(wrong.text.as_deref())) (form) };
    Ok(page_with(visitor, wrong.status, "Edit", main))
}
