//! `/console/webhooks`: who is told what happens, and how they fare.

use std::sync::Arc;

use administration::webhooks::{EndpointInput, create_endpoint, rotate_secret, switch_endpoint};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    delivery::Delivery,
    error::Error,
    field_error::FieldError,
    id::WebhookId,
    message::Kind,
    webhook::{DisabledBecause, Endpoint, EndpointStatus, Secret, TYPES},
};
use http_api::{
    Admin, App, Code, Problem,
    fields::{Fields, Read, Value, text, words_of},
};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{deliveries, page_with, tables::table};
use crate::frame::{
    form::{Button, Form, Typed},
    parts::{Field, button, form_error, hidden},
    visitor::Visitor,
    words::time,
};

pub(crate) const PATH: &str = "/console/webhooks";
pub(crate) const ACTION_PATH: &str = "/console/webhooks/{id}/{action}";

const FIELDS: [Field; 3] = [
    Field::new("url", "Address", "url").hint("Like https://example.com/hook. It must be public."),
    Field::new("types", "What it is told", "text")
        .optional()
        .hint("Words with spaces between; all there is, if empty."),
    Field::new("description", "What it is for", "text").optional(),
];

/// An endpoint as somebody wrote it into the form.
#[derive(Debug)]
pub(crate) struct EndpointForm(EndpointInput);

impl Read for EndpointForm {
    fn read(fields: &mut Fields) -> Option<Self> {
        let url = fields.required("url", text);
        let types = fields.optional("types", |value| {
            let words = text(value)?
                .split([' ', ','])
                .filter(|word| !word.is_empty())
                .map(|word| Value::Text(word.to_owned()))
                .collect();
            words_of(&TYPES, Kind::as_str)(Value::List(words))
        });
        let description = fields.optional("description", administration::webhooks::description);
        let types = types.filter(|types| !types.is_empty());
        Some(Self(EndpointInput { url: url?.trim().to_owned(), types, description, status: None }))
    }
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
) -> Result<Response, Problem> {
    shown(&app, visitor, StatusCode::OK, None, &Typed::default(), &[]).await
}

/// The page; with a secret that is shown this once, or with what is wrong with the form.
async fn shown(
    app: &App,
    visitor: Visitor,
    status: StatusCode,
    secret: Option<&Secret>,
    typed: &Typed,
    errors: &[FieldError],
) -> Result<Response, Problem> {
    let main = if app.store.has_webhooks() {
        let endpoints = app.store.endpoints().await?;
        html! {
            h1 { "Webhooks" }
            @if let Some(secret) = secret {
                p.notice role="status" { "The secret that signs from now on: " code { (secret.reveal()) } " Keep it: it is shown this once." }
            }
            @if endpoints.is_empty() { p { "Nobody is told what happens here yet." } } @else { (rows(&visitor, &endpoints)) }
            section aria-labelledby="new" {
                h2 #new { "New endpoint" }
                p { "It is told by a signed request, by the Standard Webhooks specification." }
                form.account method="post" action=(PATH) {
                    (hidden(&visitor.glimpse, None))
                    (form_error((!errors.is_empty()).then_some("Nothing is saved yet: see what is said beside the fields.")))
                    @for field in FIELDS { (field.show(typed, errors)) }
                    p.hint { "Words: " (TYPES.map(Kind::as_str).join(", ")) "." }
                    button { "Make it" }
                }
            }
        }
    } else {
        html! { h1 { "Webhooks" } p { "This service sends none. Whoever runs it can switch them on." } }
    };
    Ok(page_with(visitor, status, "Webhooks", main))
}

fn rows(visitor: &Visitor, endpoints: &[Endpoint]) -> Markup {
    let rows = endpoints.iter().map(|endpoint| {
        vec![
            html! { (endpoint.url) @if let Some(description) = &endpoint.description { br; (description) } },
            html! { @if endpoint.types.is_empty() { "all" } @else { (endpoint.types.join(", ")) } },
            state(endpoint),
            actions(visitor, endpoint),
        ]
    });
    table("Webhooks", ["Address", "What it is told", "How it fares", "What to do"], rows)
}

fn state(endpoint: &Endpoint) -> Markup {
    html! {
        @match (endpoint.status, endpoint.disabled_because) {
            (EndpointStatus::Enabled, _) => {
                @match endpoint.failing_since {
                    None => { span.good { "Enabled" } }
                    Some(since) => { span.gone { "Fails" } " since " (time(since)) }
                }
            }
            (EndpointStatus::Disabled, None) => { "Disabled" }
            (EndpointStatus::Disabled, Some(DisabledBecause::Gone)) => { span.gone { "Disabled" } ": it answered that it is gone" }
            (EndpointStatus::Disabled, Some(DisabledBecause::Failing)) => { span.gone { "Disabled" } ": it failed for five days" }
        }
    }
}

fn actions(visitor: &Visitor, endpoint: &Endpoint) -> Markup {
    let form = |action: &str, label: &str, class: &str| {
        html! { form method="post" action=(format!("{PATH}/{}/{action}", endpoint.id)) { (button(&visitor.glimpse, label, class)) } }
    };
    html! {
        @match endpoint.status {
            EndpointStatus::Enabled => { (form("test", "Send a ping", "quiet")) (form("disable", "Disable", "quiet")) }
            EndpointStatus::Disabled => { (form("enable", "Enable", "")) }
        }
        details {
            summary { "More" }
            (form("rotate", "Make another secret", "quiet"))
            (form("remove", "Remove it", "danger"))
        }
    }
}

pub(crate) async fn create(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    admin: Admin,
    Form { read, typed, .. }: Form<EndpointForm>,
) -> Result<Response, Problem> {
    let made = match read {
        Ok(EndpointForm(input)) => create_endpoint(&app, input, admin.user_id, Timestamp::now()).await,
        Err(errors) => Err(Error::Invalid(errors)),
    };
    match made {
        Ok((_, secret)) => shown(&app, visitor, StatusCode::OK, Some(&secret), &Typed::default(), &[]).await,
        Err(Error::Invalid(errors)) => {
            shown(&app, visitor, StatusCode::UNPROCESSABLE_ENTITY, None, &typed, &errors).await
        }
        Err(Error::TooManyWebhooks) => {
            Ok(visitor.go_refused(PATH, "There are as many as there may be. Remove one first."))
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn act(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    Path((id, action)): Path<(String, String)>,
    _: Form<Button>,
) -> Result<Response, Problem> {
    let Ok(id) = id.parse::<WebhookId>() else { return Err(Problem::new(Code::NotFound)) };
    let now = Timestamp::now();
    let done = match action.as_str() {
        "test" => ping(&app, id, now)
            .await
            .map(|()| "A ping is on its way: see what came of it among the deliveries."),
        "enable" => switch_endpoint(&app, id, EndpointStatus::Enabled)
            .await
            .map(|()| "It is told again what happens."),
        "disable" => {
            switch_endpoint(&app, id, EndpointStatus::Disabled).await.map(|()| "It is told nothing more.")
        }
        "rotate" => match rotate_secret(&app, id, now).await {
            Ok(secret) => {
                return shown(&app, visitor, StatusCode::OK, Some(&secret), &Typed::default(), &[]).await;
            }
            Err(error) => Err(error),
        },
        "remove" => app.store.remove_endpoint(id, now).await.map(|_| "It is removed."),
        _ => return Err(Problem::new(Code::NotFound)),
    };
    match done {
        Ok(said) if action == "test" => Ok(visitor.go_saying(deliveries::PATH, said)),
        Ok(said) => Ok(visitor.go_saying(PATH, said)),
        Err(Error::WebhookNotFound) => Ok(visitor.go_refused(PATH, "It was removed meanwhile.")),
        Err(error) => Err(error.into()),
    }
}

async fn ping(app: &App, id: WebhookId, now: Timestamp) -> Result<(), Error> {
    app.store.endpoint(id).await?.ok_or(Error::WebhookNotFound)?;
    app.store.ask_for_delivery(&Delivery::ping(id, now), true).await
}
