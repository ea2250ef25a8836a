//! Taking an event on and off sale, and deleting a draft: forms of the event's page.

use std::sync::Arc;

use administration::EventInput;
use axum::{extract::State, response::Response};
use booking::CancellationProgress;
use domain::{
    audit::Actor,
    error::Error,
    event::{Event, EventStatus, REASON_CHARS_MAX},
    id::EventId,
};
use http_api::{
    Admin, App, PathId, Problem,
    fields::{Fields, Read, text},
};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{event::href, events};
use crate::frame::{
    form::Form,
    parts::hidden,
    refusal::Refusal,
    visitor::Visitor,
    words::{grouped, time},
};

pub(crate) const STATUS_PATH: &str = "/console/events/{id}/status";
pub(crate) const DELETE_PATH: &str = "/console/events/{id}/delete";

/// What a version is called in forms: what is changed is what was looked at.
pub(crate) const VERSION: &str = "version";

/// The version that a form was made of.
pub(crate) fn version(fields: &mut Fields) -> Option<u64> {
    fields.required(VERSION, text)?.parse().ok()
}

/// What the event may become, each with what that means. What can't be taken back easily takes two steps.
pub(crate) fn forms(visitor: &Visitor, event: &Event, progress: Option<&CancellationProgress>) -> Markup {
    let form_with = |status: EventStatus, label: &str, class: &str, more: Markup| {
        html! {
            form method="post" action=(format!("{}/status", href(event.id))) {
                (hidden(&visitor.glimpse, None))
                input type="hidden" name=(VERSION) value=(event.version);
                input type="hidden" name="status" value=(status.as_str());
                (more)
                button class=(class) { (label) }
            }
        }
    };
    let form = |status, label, class| form_with(status, label, class, html! {});
    match event.details.status {
        EventStatus::Draft => html! {
            p { "Nobody sees it yet." }
            (form(EventStatus::Published, "Publish", ""))
            details {
                summary { "Delete this draft" }
                p { "It is gone for good, with the prices it had." }
                form method="post" action=(format!("{}/delete", href(event.id))) {
                    (hidden(&visitor.glimpse, None))
                    input type="hidden" name=(VERSION) value=(event.version);
                    button.danger { "Delete the draft" }
                }
            }
        },
        EventStatus::Published => html! {
            p { "People see it, and buy while sales are open." }
            details {
                summary { "Cancel this event" }
                p { "It goes off sale at once. Then every booking is cancelled, and its owner told. That can't be undone." }
                (form_with(EventStatus::Cancelled, "Cancel the event", "danger", html! {
                    label for="reason" { "Why, for those who had places" }
                    input #reason name="reason" maxlength=(REASON_CHARS_MAX) aria-describedby="reason-hint";
                    p.hint #reason-hint { "It stands in their mails, and on the event's page. May be left empty." }
                }))
            }
            details {
                summary { "Make it a draft again" }
                p { "That takes it out of the shop. It can be done only while nothing of it is sold or held." }
                (form(EventStatus::Draft, "Make it a draft", "quiet"))
            }
        },
        EventStatus::Cancelled => match progress {
            Some(progress) => html! { p { "It is cancelled, and people see that." } (done_so_far(progress)) },
            // By a release of before, which left its bookings as they were.
            None if event.cancellation.is_none() => html! {
                p { "It is cancelled, and people see that. Its bookings are as they were." }
                (form(EventStatus::Published, "Put it back on sale", "quiet"))
            },
            None => html! { p { "It is cancelled, and people see that." } },
        },
    }
}

fn done_so_far(progress: &CancellationProgress) -> Markup {
    let CancellationProgress { cancellation, bookings_left, places_left, .. } = progress;
    html! {
        @if !cancellation.reason.is_empty() { p { "Why: " (cancellation.reason) } }
        @match cancellation.finished_at {
            Some(at) => p { span.good { "All its bookings are cancelled" } ", since " (time(at)) "." },
            None if *bookings_left == 0 => p { "None of its bookings is left." },
            None => p role="status" {
                (grouped(*bookings_left)) " of its bookings, with " (grouped(*places_left))
                " places, are still to be cancelled. That takes minutes: load this page again to see."
            },
        }
    }
}

/// What a form says whose hidden fields somebody changed.
const NO_CHANGE: &str = "That was no change of an event. Try again.";

/// Which status an event is to have, and why it is cancelled.
#[derive(Debug)]
pub(crate) struct StatusChange {
    status: EventStatus,
    version: u64,
    reason: Option<String>,
}

impl Read for StatusChange {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (status, version) = (fields.required("status", administration::status), version(fields));
        let reason = fields.optional("reason", administration::reason);
        Some(Self { status: status?, version: version?, reason })
    }
}

pub(crate) async fn change(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    admin: Admin,
    PathId(id): PathId<EventId>,
    form: Form<StatusChange>,
) -> Result<Response, Problem> {
    let StatusChange { status, version, reason } = match form.read {
        Ok(change) => change,
        Err(errors) if errors.iter().any(|error| error.field == "reason") => {
            return Ok(
                visitor.go_refused(&href(id), "The reason may have 500 characters at most, in one line.")
            );
        }
        Err(_) => return Ok(visitor.go_refused(&href(id), NO_CHANGE)),
    };
    let (by, now) = (Actor::from(admin), Timestamp::now());
    let expected = |event: &Event| event.version == version;
    let changed = if status == EventStatus::Cancelled {
        let reason = reason.unwrap_or_default();
        booking::cancel_event(&app.protocol, id, expected, reason, Some(&by), now).await.map(drop)
    } else {
        let details = |event: &Event| {
            EventInput { status: Some(status), ..EventInput::of(event) }.details(Some(event), now)
        };
        booking::replace_event(&app.protocol, id, expected, details, Some(&by), now).await.map(drop)
    };
    match changed {
        Ok(()) => Ok(visitor.go_saying(
            &href(id),
            match status {
                EventStatus::Draft => "It is a draft now.",
                EventStatus::Published => "It is published.",
                EventStatus::Cancelled => "It is cancelled.",
            },
        )),
        Err(error) => refused(visitor, id, error),
    }
}

/// A draft that is to go.
#[derive(Debug)]
pub(crate) struct Deletion {
    version: u64,
}

impl Read for Deletion {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { version: version(fields)? })
    }
}

pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    admin: Admin,
    PathId(id): PathId<EventId>,
    form: Form<Deletion>,
) -> Result<Response, Problem> {
    let Ok(Deletion { version }) = form.read else {
        return Ok(visitor.go_refused(&href(id), NO_CHANGE));
    };
    let (by, now) = (Actor::from(admin), Timestamp::now());
    let deleted =
        booking::delete_draft(&app.protocol, id, |event| event.version == version, Some(&by), now).await;
    match deleted {
        Ok(()) => Ok(visitor.go_saying(events::PATH, "The draft is deleted.")),
        Err(error) => refused(visitor, id, error),
    }
}

/// Leads back to the event, if there is one.
fn refused(visitor: Visitor, id: EventId, error: Error) -> Result<Response, Problem> {
    match error {
        error @ Error::EventNotFound => Err(error.into()),
        error => Ok(visitor.go_refused(&href(id), Refusal::of(error).said())),
    }
}
