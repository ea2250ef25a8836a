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
use http_api::{Admin, App, PathId, Problem};
use jiff::Timestamp;
use maud::html;
use uuid::Uuid;

use super::{
    event::{self, href as event_href},
    event_form::{self, EventForm, For},
    page, page_with,
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
    admin: Admin,
    Form { read, typed, .. }: Form<EventForm>,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let EventForm { input, key, .. } = match read {
        Ok(form) => form,
        Err(errors) => return Ok(wrong_new(visitor, Uuid::new_v4(), &typed, &errors, None)),
    };
    let key = key.unwrap_or_else(Uuid::new_v4);
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

fn refused_new(visitor: Visitor, key: Uuid, typed: &Typed, error: Error) -> Result<Response, Problem> {
    match error {
        Error::Invalid(errors) => Ok(wrong_new(visitor, key, typed, &errors, None)),
        // The form was changed after it had made an event.
        Error::IdempotencyKeyReused => {
            let said =
                "This form made an event already, with other values. Send it again to make another one.";
            Ok(wrong_new(visitor, Uuid::new_v4(), typed, &[], Some(said)))
        }
        error @ (Error::TokenEnded | Error::RateLimited { .. }) => Err(error.into()),
        error => Ok(wrong_new(visitor, key, typed, &[], Some(&Refusal::of(error).said()))),
    }
}

fn wrong_new(
    visitor: Visitor,
    key: Uuid,
    typed: &Typed,
    errors: &[FieldError],
    text: Option<&str>,
) -> Response {
    let form = event_form::show(&visitor, For::New(key), typed, errors, &Typed::default());
    let main = html! { h1 { "New event" } (form_error(text.or(summary(errors)))) (form) };
    page_with(visitor, StatusCode::UNPROCESSABLE_ENTITY, "New event", main)
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
        For::Change(&event),
        &event_form::typed(&EventInput::of(&event)),
        &[],
        &Typed::default(),
    );
    Ok(page(visitor, "Edit", html! { h1 { "Edit: " (event.details.name) } (form) }))
}

pub(crate) async fn change(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    admin: Admin,
    PathId(id): PathId<EventId>,
    Form { read, typed, .. }: Form<EventForm>,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let EventForm { input, version, .. } = match read {
        Ok(form) => form,
        Err(errors) => return wrong(&app, visitor, id, &typed, Wrong::fields(errors)).await,
    };
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
    match changed {
        Ok(_) => Ok(visitor.go_saying(&event_href(id), "Saved.")),
        Err(Error::Invalid(errors)) => wrong(&app, visitor, id, &typed, Wrong::fields(errors)).await,
        Err(error @ Error::CapacityBelowSold { .. }) => {
            wrong(
                &app,
                visitor,
                id,
                &typed,
                Wrong { text: Some(Refusal::of(error).said()), ..Wrong::default() },
            )
            .await
        }
        Err(Error::StaleVersion { .. }) => {
            let text = "Somebody changed this event meanwhile. What it is now stands beside what differs: save again to have it as \
                        it stands in the fields.";
            wrong(
                &app,
                visitor,
                id,
                &typed,
                Wrong { text: Some(text.to_owned()), stale: Some(sent), ..Wrong::default() },
            )
            .await
        }
        Err(error @ (Error::EventNotFound | Error::TokenEnded | Error::RateLimited { .. })) => {
            Err(error.into())
        }
        Err(error) => {
            wrong(
                &app,
                visitor,
                id,
                &typed,
                Wrong { text: Some(Refusal::of(error).said()), ..Wrong::default() },
            )
            .await
        }
    }
}

/// Why a change was not saved.
#[derive(Default)]
struct Wrong {
    errors: Vec<FieldError>,
    text: Option<String>,
    /// What was sent, if the event was changed meanwhile.
    stale: Option<EventInput>,
}

impl Wrong {
    fn fields(errors: Vec<FieldError>) -> Self {
        Self { text: summary(&errors).map(str::to_owned), errors, stale: None }
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
    let now = EventInput::of(&event);
    let now = wrong.stale.map(|sent| event_form::differing(&sent, &now)).unwrap_or_default();
    let form = event_form::show(&visitor, For::Change(&event), typed, &wrong.errors, &now);
    let main = html! { h1 { "Edit: " (event.details.name) } (form_error(wrong.text.as_deref())) (form) };
    Ok(page_with(visitor, StatusCode::UNPROCESSABLE_ENTITY, "Edit", main))
}
