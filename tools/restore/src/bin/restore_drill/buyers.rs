//! The buyers: they book and confirm, some cancel, and they remember what they were told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use domain::id::{EventId, ReservationId};
use http_api::App;
use kit::Failure;
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::stage::Stage;

const BUYERS: usize = 10;
const PARTY_MAX: u32 = 4;
const CANCEL_PERCENT: u32 = 15;

/// A booking that a buyer was told of.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) id: ReservationId,
    /// When the answer was there.
    pub(crate) confirmed: Instant,
    /// When a cancel was asked for, and when it was answered.
    pub(crate) cancel_asked: Option<Instant>,
    pub(crate) cancelled: Option<Instant>,
}

/// Everybody who buys.
pub(crate) struct Buyers {
    open: Arc<AtomicBool>,
    told: Arc<Mutex<Vec<Told>>>,
    people: JoinSet<()>,
}

impl Buyers {
    pub(crate) fn start(stage: &Stage) -> Self {
        let (open, told) = (Arc::new(AtomicBool::new(true)), Arc::<Mutex<Vec<Told>>>::default());
        let mut people = JoinSet::new();
        for number in 0..BUYERS {
            let (shop, on_sale) = (Shop::of(stage, number), Arc::clone(&stage.on_sale));
            let (open, told) = (Arc::clone(&open), Arc::clone(&told));
            people.spawn(async move {
                while open.load(Ordering::SeqCst) {
                    let event = fastrand::choice(on_sale.lock().iter().copied());
                    if let Some(event) = event {
                        // Nobody answers while the servers are being stopped.
                        let _ = shop.buy_and_perhaps_cancel(event, &told).await;
                    }
                    sleep(Duration::from_millis(fastrand::u64(5..40))).await;
                }
            });
        }
        Self { open, told, people }
    }

    /// How many bookings were confirmed by now.
    pub(crate) fn confirmed(&self) -> usize {
        self.told.lock().len()
    }

    /// Everybody leaves; what they were told.
    pub(crate) async fn leave(mut self) -> Vec<Told> {
        self.open.store(false, Ordering::SeqCst);
        while self.people.join_next().await.is_some() {}
        std::mem::take(&mut self.told.lock())
    }
}

/// Where a buyer buys.
#[derive(Clone)]
pub(crate) struct Shop {
    app: Arc<App>,
    http: reqwest::Client,
    url: String,
}

/// Tells idempotency keys apart.
static KEYS: AtomicUsize = AtomicUsize::new(0);

impl Shop {
    pub(crate) fn of(stage: &Stage, number: usize) -> Self {
        let url = stage.urls[number % stage.urls.len()].clone();
        Self { app: Arc::clone(&stage.app), http: stage.http.clone(), url }
    }

    async fn buy_and_perhaps_cancel(&self, event: EventId, told: &Mutex<Vec<Told>>) -> Result<(), Failure> {
        let (_, token) = Stage::sign_in(&self.app)?;
        let Ok(id) = self.buy(event, fastrand::u32(1..=PARTY_MAX), &token).await? else { return Ok(()) };
        let place = {
            let mut told = told.lock();
            told.push(Told { id, confirmed: Instant::now(), cancel_asked: None, cancelled: None });
            told.len() - 1
        };
        if fastrand::u32(..100) < CANCEL_PERCENT {
            sleep(Duration::from_millis(fastrand::u64(..800))).await;
            told.lock()[place].cancel_asked = Some(Instant::now());
            let (status, body) = self.post(&format!("/bookings/{id}/cancel"), &token, json!({})).await?;
            if status != StatusCode::OK {
                return Err(format!("a cancel was answered {status}: {body}").into());
            }
            told.lock()[place].cancelled = Some(Instant::now());
        }
        Ok(())
    }

    /// Buys seats; the booking's id, or the code of the refusal.
    pub(crate) async fn buy(
        &self,
        event: EventId,
        seats: u32,
        token: &str,
    ) -> Result<Result<ReservationId, String>, Failure> {
        let (status, body) =
            self.post(&format!("/events/{event}/book"), token, json!({ "quantity": seats })).await?;
        let Some(id) = body.pointer("/reservation/id").and_then(Value::as_str) else {
            return refused(status, &body);
        };
        let (status, body) = self.post(&format!("/reservations/{id}/confirm"), token, json!({})).await?;
        match status {
            StatusCode::CREATED => Ok(Ok(id.parse()?)),
            _ => refused(status, &body),
        }
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Result<(StatusCode, Value), Failure> {
        let key = format!("drill-{}-{}", std::process::id(), KEYS.fetch_add(1, Ordering::Relaxed));
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(token);
        let answer = request.header("idempotency-key", key).json(&body).send().await?;
        Ok((answer.status(), answer.json().await.unwrap_or_default()))
    }
}

fn refused(status: StatusCode, body: &Value) -> Result<Result<ReservationId, String>, Failure> {
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    match status {
        StatusCode::CONFLICT => Ok(Err(code)),
        _ => Err(format!("a buyer was answered {status} {code}").into()),
    }
}
