//! What the measurements stand on: buyers, an admin, and the app in this process over the same stores as the service.

use std::sync::Arc;

use axum::{Router, body::Body};
use domain::{
    event::{AreaDetails, Event, EventDetails},
    id::EventId,
    inventory::{Shards, shards_of_rows},
    row::{Labels, Row, SeatSet, in_parts},
};
use http_api::App;
use http_body_util::BodyExt;
use hyper::{Request, header};
use jiff::{SignedDuration, Timestamp};
use kit::{Failure, http::Call};
use load::{people::Buyers, server::JWT_SECRET};
use local::{api, stack::table_name, tables, template::Template};
use serde_json::Value;
use settings::Config;
use stores::dynamodb;
use tower::ServiceExt;

/// Settings of the service in which nothing refuses: as `make load` has them, and the logs as they are deployed.
pub(crate) const AS_DEPLOYED: (&str, &str) = ("RUST_LOG", "info,dynoxide=error");

/// Buyers whose tokens we sign.
pub(crate) fn buyers() -> Buyers {
    Buyers::signed(JWT_SECRET)
}

/// An `Authorization` header of an admin.
pub(crate) async fn admin() -> Result<String, Failure> {
    load::people::admin(&buyers(), None).await
}

/// The settings that a function needs, on that Redis; `prefix` keeps tables and keys apart.
pub(crate) fn settings(redis: &str, prefix: &str) -> Vec<(&'static str, String)> {
    vec![
        ("USERS_TABLE", format!("{prefix}-users")),
        ("EVENTS_TABLE", format!("{prefix}-events")),
        ("INVENTORY_TABLE", format!("{prefix}-inventory")),
        ("BOOKINGS_TABLE", format!("{prefix}-bookings")),
        ("AUDIT_TABLE", format!("{prefix}-audit")),
        ("REDIS_URL", redis.to_owned()),
        ("JWT_SECRET", JWT_SECRET.to_owned()),
        ("RATE_LIMIT_WRITES_PER_MINUTE", "0".to_owned()),
        ("RATE_LIMIT_READS_PER_MINUTE", "0".to_owned()),
        ("RATE_LIMIT_AUTH_PER_MINUTE", "0".to_owned()),
        ("NETWORK_REGISTRATIONS_PER_HOUR", "0".to_owned()),
        ("NETWORK_PLACES_MAX", "0".to_owned()),
        ("ADMIN_EMAIL", kit::sample::ADMIN_EMAIL.to_owned()),
        ("ADMIN_EMAIL_PASSWORD", "evently-admin".to_owned()),
    ]
}

/// An app on that Redis, with its tables, and perhaps with other settings; DynamoDB through that client.
pub(crate) async fn app(
    redis: &str,
    prefix: &str,
    client: dynamodb::Client,
    change: impl FnOnce(&mut Config),
) -> Result<Arc<App>, Failure> {
    let settings = settings(redis, prefix);
    let mut config = Config::from_lookup(|name| {
        settings.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    })?;
    config.redis.key_prefix = format!("{prefix}:");
    config.unbought_ttls_max = 0;
    change(&mut config);
    let names = config.tables.clone();
    tables::create_missing(&client, |id| table_name(&names, id)).await?;
    Ok(App::new(config, client)?)
}

/// The service in this process: the same routes, without a network.
pub(crate) struct Service {
    pub(crate) app: Arc<App>,
    routes: Router,
}

impl Service {
    pub(crate) fn new(app: Arc<App>) -> Result<Self, Failure> {
        Ok(Self { routes: api::service(&Template::embedded()?, &app)?, app })
    }

    /// Sends a request, which must be answered with that status; answers with the body.
    pub(crate) async fn send(&self, call: Call<'_>, status: u16) -> Result<Value, Failure> {
        let mut request = Request::builder().method(call.method).uri(call.path);
        if let Some(bearer) = call.bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Body::from(call.body.unwrap_or_default()))?;
        let response = self.routes.clone().oneshot(request).await?;
        let answered = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        if answered != status {
            return Err(format!("{} was answered with {answered}: {}", call.path, body.escape_ascii()).into());
        }
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Holds a seat for the buyer; answers with the reservation's id.
    pub(crate) async fn hold(&self, event: EventId, buyer: &str) -> Result<String, Failure> {
        self.hold_in(event, None, 1, buyer).await
    }

    /// Holds seats of an area.
    pub(crate) async fn hold_in(
        &self,
        event: EventId,
        area: Option<&str>,
        quantity: u32,
        buyer: &str,
    ) -> Result<String, Failure> {
        let (path, key) = (format!("/events/{event}/book"), format!("{:032x}", fastrand::u128(..)));
        let body = match (area, quantity) {
            (None, 1) => None,
            (None, quantity) => Some(serde_json::json!({ "quantity": quantity })),
            (Some(area), quantity) => Some(serde_json::json!({ "area": area, "quantity": quantity })),
        };
        let body = body.map(|body| body.to_string());
        let held = self.send(Call { key: Some(&key), body, ..Call::post(&path, buyer) }, 201).await?;
        Ok(held["reservation"]["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Buys what the buyer holds.
    pub(crate) async fn confirm(&self, reservation: &str, buyer: &str) -> Result<(), Failure> {
        let path = format!("/reservations/{reservation}/confirm");
        self.send(Call::post(&path, buyer), 201).await.map(|_| ())
    }

    /// A new buyer holds a seat and buys it.
    pub(crate) async fn buy(&self, event: EventId) -> Result<(), Failure> {
        let buyer = buyers().bearer(0)?;
        let reservation = self.hold(event, &buyer).await?;
        self.confirm(&reservation, &buyer).await
    }

    /// Makes an event; answers with its id.
    pub(crate) async fn event(&self, number: u32, capacity: u32) -> Result<EventId, Failure> {
        self.event_of(number, capacity, &[]).await
    }

    /// Makes an event of one area of so many rows, half of whose seats are sold here and there.
    pub(crate) async fn theatre(&self, number: u32, rows: u16, of_row: u8) -> Result<EventId, Failure> {
        let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond())?;
        let starts_at = now + SignedDuration::from_hours(24 * 30) + SignedDuration::from_secs(number.into());
        let capacity = u32::from(rows) * u32::from(of_row);
        let area = AreaDetails {
            id: "seats".to_owned(),
            name: "Seats".to_owned(),
            capacity,
            base_price: 2_500,
            rows,
            ..AreaDetails::default()
        };
        let details = kit::sample::event(format!("Evening {number}"), starts_at, capacity);
        let details = EventDetails { areas: vec![area], ..details }.with_sums_of_areas();
        let row = |number: u16| Row {
            name: number.to_string(),
            labels: Labels::Numbers(of_row),
            accessible: SeatSet::default(),
        };
        let all: Vec<Row> = (0..rows).map(row).collect();
        let layout = in_parts([(0, &all[..])]);
        let mut inventory = shards_of_rows(0, 0, &all);
        for shard in &mut inventory {
            let mut seats: Vec<u8> = (0..of_row).collect();
            fastrand::shuffle(&mut seats);
            shard.taken = seats.into_iter().take(usize::from(of_row / 2)).collect();
            (shard.sold, shard.unsold) = (shard.taken.count(), shard.capacity - shard.taken.count());
        }
        let shards = Shards::from(rows).of_numbered();
        let event = Event::new(EventId::new(now), details, shards, now);
        let event = Event { layout_parts: u16::try_from(layout.len())?, ..event };
        self.app.store.create_event(&event, &inventory, &layout, None, None).await?;
        Ok(event.id)
    }

    /// Makes an event of these areas, with so many seats each; of the general one if there are none.
    pub(crate) async fn event_of(
        &self,
        number: u32,
        capacity: u32,
        areas: &[String],
    ) -> Result<EventId, Failure> {
        let area = |id: &String| AreaDetails {
            id: id.clone(),
            name: id.clone(),
            capacity,
            base_price: 2_500,
            ..AreaDetails::default()
        };
        let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond())?;
        let starts_at = now + SignedDuration::from_hours(24 * 30) + SignedDuration::from_secs(number.into());
        let details = kit::sample::event(format!("Evening {number}"), starts_at, capacity);
        let details = EventDetails { areas: areas.iter().map(area).collect(), ..details };
        let details = details.with_sums_of_areas();
        Ok(booking::create_event(&self.app.protocol, details, None, now).await?.id)
    }
}
