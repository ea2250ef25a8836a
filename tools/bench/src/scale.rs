//! How times grow: with the number of events, and with an event's shards and seats. Each is compared with itself, all sizes
//! side by side in every round.

use std::time::Instant;

use domain::{
    id::EventId,
    inventory::{SEATS_PER_SHARD, SHARDS_MAX},
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use kit::{
    Failure,
    http::Call,
    plot::{Line, Plot},
};
use load::server::OwnStores;
use stores::dynamodb;

use crate::{
    figures::{Figure, Samples, Target},
    world::{Service, admin, app, buyers},
};

const EVENTS: [u32; 3] = [10, 1_000, 10_000];
const MADE_AT_ONCE: usize = 8;
/// Small, so that each event has one shard.
const SEATS: u32 = 100;
const ROUNDS: usize = 9;
/// A sweep of 10,000 events takes a while.
const ROUNDS_OF_EVENTS: usize = 3;
/// Requests in a round, of which the median counts.
const TIMES: usize = 20;
/// A page that all sizes can fill.
const LIST: &str = "/events?limit=10";
/// More than any sweep of these takes.
const SWEEP_MAX: std::time::Duration = std::time::Duration::from_secs(300);
/// What counts as flat: within 20 %.
pub(crate) const FLAT: f64 = 1.2;
/// What counts as linear: ten times the events take at most ten times as long, give or take.
const LINEAR: f64 = 1.1;

/// Times by the number of events, and their plot.
pub(crate) async fn by_events() -> Result<(Vec<Figure>, Plot), Failure> {
    let (stores, admin) = (OwnStores::start().await?, admin().await?);
    let mut services = Vec::new();
    for events in EVENTS {
        let client = dynamodb::client_for_endpoint(&stores.dynamodb);
        let service = Service::new(app(&stores.redis, &format!("scale{events}"), client, |_| {}).await?)?;
        let made = stream::iter((0..events).map(|number| service.event(number, SEATS)));
        let made = made.buffer_unordered(MADE_AT_ONCE).try_collect::<Vec<_>>().await;
        made.map_err(|error| format!("making {events} events: {}", with_causes(&*error)))?;
        services.push(service);
    }
    let mut times: [Vec<Samples>; 4] = std::array::from_fn(|_| vec![Samples::default(); EVENTS.len()]);
    // The first round warms up.
    for round in 0..=ROUNDS_OF_EVENTS {
        for (size, service) in services.iter().enumerate() {
            let taken = [
                median_ms(async |_| service.send(Call::get(LIST), 200).await.map(|_| ())).await?,
                median_ms(async |_| service.send(Call::get("/events/popular"), 200).await.map(|_| ()))
                    .await?,
                analytics_ms(service, &admin, round).await?,
                sweep_ms(service).await?,
            ];
            if round > 0 {
                times.iter_mut().zip(taken).for_each(|(of, taken)| of[size].0.push(taken));
            }
        }
    }
    let names =
        ["list (`GET /events?limit=10`)", "popular", "analytics, counted anew", "a sweep of the janitor"];
    let mut figures = Vec::new();
    for (name, times) in names.into_iter().zip(&times) {
        let is_flat = figures.len() < 2;
        let (few, many, most) = (&times[0], &times[1], &times[2]);
        let note = format!(
            "{:.2}, {:.2} and {:.2} ms at 10, 1,000 and 10,000 events",
            few.median(),
            many.median(),
            most.median()
        );
        figures.push(match is_flat {
            true => Figure::new(
                format!("{name}: time at 10,000 events"),
                "itself at 10",
                Target::AtMost(FLAT),
                "×",
                most.by(few),
            )
            .note(note),
            false => Figure::new(
                format!("{name}: slope from 1,000 to 10,000 events"),
                "itself; 1 is linear",
                Target::AtMost(LINEAR),
                "",
                Samples(most.by(many).0.iter().map(|ratio| ratio.log10()).collect()),
            )
            .note(note),
        });
    }
    let lines = ["list", "popular", "analytics", "janitor"].iter().zip(&times).map(|(name, times)| Line {
        name: (*name).to_owned(),
        points: EVENTS.iter().zip(times).map(|(events, of)| (f64::from(*events), of.median())).collect(),
    });
    let plot = Plot {
        title: "Time by the number of events".to_owned(),
        x: "events".to_owned(),
        y: "ms".to_owned(),
        is_log: true,
        lines: lines.collect(),
    };
    Ok((figures, plot))
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.join(": ")
}

/// Analytics that nobody asked for before, so that nothing is kept of them.
async fn analytics_ms(service: &Service, admin: &str, round: usize) -> Result<f64, Failure> {
    let path = format!("/admin/analytics?from=2020-01-01T00:00:{round:02}Z");
    let started = Instant::now();
    service.send(Call { bearer: Some(admin), ..Call::get(&path) }, 200).await?;
    Ok(ms_since(started))
}

async fn sweep_ms(service: &Service) -> Result<f64, Failure> {
    let started = Instant::now();
    let limits = janitor::Limits { run_time: SWEEP_MAX, ..Default::default() };
    let report = janitor::run_within(&service.app, Timestamp::now(), limits).await?;
    if !report.complete || report.events_failed > 0 {
        return Err("a sweep was not complete".into());
    }
    Ok(ms_since(started))
}

/// An event of a certain size, in a service that splits it into so many shards.
struct Hall {
    shards: u16,
    seats: u32,
    service: Service,
}

/// Book and confirm by an event's shards and seats, and their plot.
pub(crate) async fn by_shards() -> Result<(Vec<Figure>, Plot), Failure> {
    let stores = OwnStores::start().await?;
    // The same seats over more and more shards; then as many seats as may be, over as many shards as the rule says.
    let rule = SEATS_PER_SHARD;
    let sizes = [
        (1, 8_192, 8_192),
        (16, 8_192, 512),
        (256, 8_192, 32),
        (2, 100, rule),
        (SHARDS_MAX, 1_000_000, rule),
    ];
    let mut halls = Vec::new();
    for (number, (shards, seats, seats_per_shard)) in (0..).zip(sizes) {
        let client = dynamodb::client_for_endpoint(&stores.dynamodb);
        let prefix = format!("shards{number}");
        let app =
            app(&stores.redis, &prefix, client, |config| config.seats_per_shard = seats_per_shard).await?;
        halls.push(Hall { shards, seats, service: Service::new(app)? });
    }
    let mut times: [Vec<Samples>; 2] = std::array::from_fn(|_| vec![Samples::default(); halls.len()]);
    // The first round warms up.
    for round in 0..=ROUNDS {
        for (which, [book, confirm]) in book_and_confirm_ms(&halls).await?.into_iter().enumerate() {
            if round > 0 {
                times[0][which].0.push(book);
                times[1][which].0.push(confirm);
            }
        }
    }
    let mut figures = Vec::new();
    for (name, times) in ["book", "confirm"].iter().zip(&times) {
        for (which, base) in [(1, 0), (2, 0), (4, 3)] {
            let (hall, base_hall) = (&halls[which], &halls[base]);
            let (what, against) = match which {
                4 => (format!("{} seats", hall.seats), format!("itself at {} seats", base_hall.seats)),
                _ => (format!("{} shards", hall.shards), "itself at 1 shard".to_owned()),
            };
            let ratio = times[which].by(&times[base]);
            figures.push(
                Figure::new(format!("{name}: time at {what}"), against, Target::AtMost(FLAT), "×", ratio)
                    .note(format!("{:.2} against {:.2} ms", times[which].median(), times[base].median())),
            );
        }
    }
    let lines = ["book", "confirm"].iter().zip(&times).map(|(name, times)| Line {
        name: (*name).to_owned(),
        points: halls
            .iter()
            .zip(times)
            .take(3)
            .map(|(hall, of)| (f64::from(hall.shards), of.median()))
            .collect(),
    });
    let plot = Plot {
        title: "Time of book and confirm by inventory shards".to_owned(),
        x: "shards".to_owned(),
        y: "ms".to_owned(),
        is_log: true,
        lines: lines.collect(),
    };
    Ok((figures, plot))
}

/// Medians of some purchases in each hall, one hall after the other each time. The events are new in each round, for the
/// smallest has few seats.
async fn book_and_confirm_ms(halls: &[Hall]) -> Result<Vec<[f64; 2]>, Failure> {
    const PURCHASES: usize = 60;
    let mut events = Vec::new();
    for hall in halls {
        events.push(hall.event().await?);
    }
    let mut taken: Vec<[Samples; 2]> = halls.iter().map(|_| Default::default()).collect();
    for purchase in 0..PURCHASES {
        // Each is first as often as any other.
        for which in (0..halls.len()).map(|which| (which + purchase) % halls.len()) {
            let (hall, event, [books, confirms]) = (&halls[which], &events[which], &mut taken[which]);
            let buyer = buyers().bearer(0)?;
            let started = Instant::now();
            let reservation = hall.service.hold(*event, &buyer).await?;
            books.0.push(ms_since(started));
            let started = Instant::now();
            hall.service.confirm(&reservation, &buyer).await?;
            confirms.0.push(ms_since(started));
        }
    }
    Ok(taken.iter().map(|[books, confirms]| [books.median(), confirms.median()]).collect())
}

impl Hall {
    /// A new event of this size.
    async fn event(&self) -> Result<EventId, Failure> {
        let event = self.service.event(0, self.seats).await?;
        match self.service.app.store.event(event).await?.map(|event| event.shards) {
            Some(shards) if shards == self.shards.into() => Ok(event),
            other => {
                Err(format!("an event for {} has {other:?} shards instead of {}", self.seats, self.shards)
                    .into())
            }
        }
    }
}

async fn median_ms(mut request: impl AsyncFnMut(usize) -> Result<(), Failure>) -> Result<f64, Failure> {
    let mut taken = Samples::default();
    for time in 0..TIMES {
        let started = Instant::now();
        request(time).await?;
        taken.0.push(ms_since(started));
    }
    Ok(taken.median())
}

pub(crate) fn ms_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
