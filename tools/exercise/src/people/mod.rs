//! The people: buyers, and an admin. They use the API as anybody would, and remember what they asked and were told.

pub(crate) mod admin;
pub(crate) mod buyer;
mod process;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::id::EventId;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    history::{Act, Outcome, Purchase, Step, Wish},
    world::{ROWS, World},
};

/// Longer than a server takes to say that it does not know.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    world: Arc<World>,
    http: reqwest::Client,
    token: String,
    open: Arc<AtomicBool>,
}

impl Session {
    pub(crate) fn new(
        world: &Arc<World>,
        http: &reqwest::Client,
        token: String,
        open: &Arc<AtomicBool>,
    ) -> Self {
        Self { world: Arc::clone(world), http: http.clone(), token, open: Arc::clone(open) }
    }

    /// The same service, somebody else's session.
    pub(crate) fn of(&self, token: String) -> Self {
        Self { token, ..self.clone() }
    }

    /// Whether people still go on.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    pub(crate) async fn book(&self, server: usize, purchase: &Purchase, patience: Option<Duration>) -> Step {
        let Purchase { event, area, wish, key, quantity, .. } = purchase;
        let mut wanted = match wish {
            Wish { seats, .. } if !seats.is_empty() => json!({ "seats": seats }),
            Wish { apart: true, .. } => json!({ "quantity": quantity, "together": false }),
            _ => json!({ "quantity": quantity }),
        };
        if self.world.has_rates {
            // Every other one is a child.
            wanted["rates"] = json!({ "child": quantity / 2 });
        }
        if let Some(area) = area {
            wanted["area"] = json!(area);
        }
        let request = self.request(server, Method::POST, &format!("/events/{event}/book"));
        let request = request.header("idempotency-key", key).json(&wanted);
        let mut step = self.send(Act::Book, server, None, request, patience).await;
        step.reservation = step.outcome.member("/reservation/id").as_str().map(str::to_owned);
        step
    }

    pub(crate) async fn confirm(&self, server: usize, id: &str, patience: Option<Duration>) -> Step {
        let request = self.request(server, Method::POST, &format!("/reservations/{id}/confirm"));
        self.send(Act::Confirm, server, Some(id), request, patience).await
    }

    pub(crate) async fn release(&self, server: usize, id: &str, patience: Option<Duration>) -> Step {
        let request = self.request(server, Method::DELETE, &format!("/reservations/{id}"));
        self.send(Act::Release, server, Some(id), request, patience).await
    }

    pub(crate) async fn cancel(&self, server: usize, id: &str, patience: Option<Duration>) -> Step {
        let request = self.request(server, Method::POST, &format!("/bookings/{id}/cancel"));
        self.send(Act::Cancel, server, Some(id), request, patience).await
    }

    /// Cancels an event, whatever its version.
    pub(crate) async fn cancel_event(&self, server: usize, event: EventId) -> Step {
        let request = self.request(server, Method::POST, &format!("/admin/events/{event}/cancel"));
        let request = request.header("if-match", "*").json(&json!({ "reason": "A bad day." }));
        self.send(Act::CancelEvent, server, None, request, None).await
    }

    pub(crate) async fn event(&self, server: usize, event: EventId) -> Step {
        let request = self.request(server, Method::GET, &format!("/events/{event}"));
        self.send(Act::Read, server, None, request, None).await
    }

    /// Takes seats out of sale, or brings them back.
    pub(crate) async fn move_seats(
        &self,
        server: usize,
        event: EventId,
        way: &str,
        seats: &[String],
    ) -> Step {
        let path = format!("/admin/events/{event}/areas/{}/seats/{way}", ROWS.0);
        let request = self.request(server, Method::POST, &path).json(&json!({ "seats": seats }));
        self.send(Act::Replace, server, None, request, None).await
    }

    pub(crate) async fn replace(&self, server: usize, event: EventId, version: u64, body: &Value) -> Step {
        let request = self
            .request(server, Method::PUT, &format!("/admin/events/{event}"))
            .header("if-match", format!("\"{version}\""))
            .json(body);
        self.send(Act::Replace, server, None, request, None).await
    }

    fn request(&self, server: usize, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.world.fleet.url(server))).bearer_auth(&self.token)
    }

    async fn send(
        &self,
        act: Act,
        server: usize,
        reservation: Option<&str>,
        request: RequestBuilder,
        patience: Option<Duration>,
    ) -> Step {
        let (history, faults) = (&self.world.history, &self.world.faults);
        let (from, losses_before) = (history.now(), faults.redis_losses());
        let outcome = match tokio::time::timeout(patience.unwrap_or(PATIENCE), answer(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Unknown("gave up waiting"),
        };
        history.count(act, &outcome);
        let step = Step {
            act,
            reservation: reservation.map(str::to_owned),
            server,
            from,
            until: history.now(),
            losses: (losses_before, faults.redis_losses()),
            outcome,
        };
        if let Some(why) = unexpected(&step) {
            let Step { outcome, .. } = &step;
            let body = match outcome {
                Outcome::Answered(_, body) => body.to_string(),
                Outcome::Unknown(_) => String::new(),
            };
            history.violation(format!("{act:?} on server {server} was answered {outcome}: {why} {body}"));
        }
        step
    }
}

async fn answer(request: RequestBuilder) -> Outcome {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Outcome::Unknown("no connection"),
        Err(_) => return Outcome::Unknown("connection broken"),
    };
    let status = response.status().as_u16();
    match response.bytes().await {
        Ok(body) => Outcome::Answered(status, serde_json::from_slice(&body).unwrap_or(Value::Null)),
        Err(_) => Outcome::Unknown("connection broken"),
    }
}

/// The answers that are none of what the API promises to somebody who asks as these people do.
fn unexpected(step: &Step) -> Option<&'static str> {
    let allowed: &[(u16, &str)] = match step.act {
        Act::Book => &[
            (201, ""),
            (409, "sold_out"),
            (409, "all_held"),
            (409, "max_per_user_reached"),
            (409, "held_too_long"),
            (409, "seats_taken"),
            (409, "not_together"),
            // The admin took it away, or cancelled the event: whether that is so, the stories are held against.
            (422, "unknown_area"),
            (409, "not_on_sale"),
        ],
        Act::Confirm => &[
            (201, ""),
            (200, ""),
            (410, "reservation_expired"),
            (410, "reservation_released"),
            (409, "sold_out"),
            (409, "all_held"),
            (409, "max_per_user_reached"),
            (409, "seats_taken"),
            (409, "not_on_sale"),
        ],
        Act::Release => &[
            (204, ""),
            (404, "reservation_not_found"),
            (410, "reservation_expired"),
            (409, "already_confirmed"),
            (409, "confirm_under_way"),
        ],
        Act::Cancel | Act::CancelEvent => &[(200, "")],
        Act::Read => &[(200, "")],
        Act::Replace => &[
            (200, ""),
            (409, "capacity_below_sold"),
            (409, "area_has_bookings"),
            (409, "seats_in_use"),
            (412, "stale_version"),
        ],
    };
    let outcome = &step.outcome;
    let told = (outcome.status(), outcome.code());
    (!outcome.is_open() && !allowed.contains(&told)).then_some("that is no answer to this request.")
}
