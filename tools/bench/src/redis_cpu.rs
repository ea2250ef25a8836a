//! What a booking takes of Redis' processor, beside a GET in the same run.
//!
//! ElastiCache Serverless counts in processing units: a GET of up to a kilobyte is one, and what takes more processor time takes
//! as many more of them (<https://aws.amazon.com/elasticache/pricing/>). All keys of an area are in one slot of a Redis Cluster,
//! which serves 30,000 units a second (<https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/RedisConfiguration.html>). So this
//! says what an event of one area can sell, or one area of several; 5,000 bookings a second would take 6 units each.
//!
//! Each client has a connection of its own and waits for each answer, as instances of functions do.

use domain::id::EventId;
use futures::future::try_join_all;
use kit::{Failure, http::Call};
use load::server::OwnStores;
use stores::dynamodb;

use crate::{
    bare_redis::BareRedis,
    figures::{Figure, Samples, Target},
    world::{Service, app, buyers},
};

const ROUNDS: usize = 5;
const CLIENTS: usize = 16;
/// Of each client in a round; of what is quick many more, as the clock that Redis tells is coarse.
const GETS: usize = 400;
const BOOKINGS: usize = 12;
const LOOKS: usize = 60;
const SEATS: u32 = 100_000;
/// Areas of the event that has several, of which one is sold.
const AREAS: u8 = 10;
/// Of the event whose seats have names.
const ROWS: u16 = 500;
const SEATS_PER_ROW: u8 = 40;
/// No client is refused by it, and each is counted.
const LIMIT: u64 = 1_000_000;
/// As long as a small value is: a GET transfers less than a kilobyte.
const VALUE_BYTES: usize = 100;
const SLOT_UNITS: f64 = 30_000.0;

/// What is done, one sample a round, in µs of Redis' processor for each.
#[derive(Default)]
struct Measured {
    get: Samples,
    book: Samples,
    confirm: Samples,
    /// The same two in one of several areas.
    in_area: Samples,
    /// Holds of two places, and of the best two seats with names.
    two: Samples,
    best_two: Samples,
    refusal: Samples,
    look: Samples,
}

/// Redis' processor time of what buyers do, in GETs.
pub(crate) async fn figures() -> Result<Vec<Figure>, Failure> {
    let stores = OwnStores::start().await?;
    let own = measure(&stores, "bare", 0).await?;
    let limited = measure(&stores, "limited", LIMIT).await?;
    let in_gets = |of: &Samples, measured: &Measured| of.by(&measured.get);
    let booking = |measured: &Measured| {
        let (book, confirm) = (in_gets(&measured.book, measured), in_gets(&measured.confirm, measured));
        Samples(book.0.iter().zip(&confirm.0).map(|(book, confirm)| book + confirm).collect())
    };
    let row = |name: &str, most, samples: Samples| {
        let name = format!("Redis' processor time of {name}");
        Figure::new(name, "a GET, same connections", Target::AtMost(most), "×", samples)
    };
    let (of_event, all) = (booking(&own), booking(&limited));
    let by_area = in_gets(&own.in_area, &own).by(&of_event);
    let note = format!(
        "{:.0} µs for a book and {:.0} for a confirm, against {:.1} for a GET: a slot of {SLOT_UNITS} units a second sells {:.0}",
        own.book.median(),
        own.confirm.median(),
        own.get.median(),
        SLOT_UNITS / of_event.median(),
    );
    Ok(vec![
        row("a booked and confirmed seat, limits of clients left out", 6.0, of_event).note(note),
        Figure::new(
            "Redis' processor time of the same in one of ten areas, in that area's slot",
            "of an event of one area",
            Target::AtMost(1.25),
            "×",
            by_area,
        ),
        row("the same with them, as deployed", 40.0, all),
        Figure::new(
            "Redis' processor time of a hold of the best two of 20,000 seats with names, half of them sold here and there",
            "of a hold of two places",
            Target::AtMost(3.0),
            "×",
            own.best_two.by(&own.two),
        ),
        row("a sold-out refusal", 10.0, in_gets(&own.refusal, &own)),
        row("a look (`GET /events/{id}`)", 5.0, in_gets(&own.look, &own)),
    ])
}

async fn measure(stores: &OwnStores, prefix: &str, limit: u64) -> Result<Measured, Failure> {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let client = dynamodb::client_for_endpoint(&stores.dynamodb);
        let app = app(&stores.redis, prefix, client, |config| {
            config.rate_limits.writes_per_minute = limit;
            config.rate_limits.reads_per_minute = limit;
        });
        clients.push(Service::new(app.await?)?);
    }
    let first = clients.first().ok_or("no clients")?;
    let (hot, gone) = (first.event(1, SEATS).await?, first.event(2, 1).await?);
    let areas: Vec<String> = (0..AREAS).map(|number| format!("area-{number}")).collect();
    let hall = first.event_of(3, SEATS / u32::from(AREAS), &areas).await?;
    let area = areas.last().map(String::as_str);
    let theatre = first.theatre(4, ROWS, SEATS_PER_ROW).await?;
    first.buy(gone).await?;
    let mut meter = Meter(BareRedis::new(&stores.redis)?);
    let mut bare = (0..CLIENTS).map(|_| BareRedis::new(&stores.redis)).collect::<Result<Vec<_>, _>>()?;
    meter.0.ask(&["SET", VALUE, &"v".repeat(VALUE_BYTES)]).await?;
    let mut measured = Measured::default();
    // The first round warms up.
    for round in 0..=ROUNDS {
        let ((), get) = meter.cost(GETS, get(&mut bare)).await?;
        let (held, book) = meter.cost(BOOKINGS, hold(&clients, hot, None, 1)).await?;
        let ((), confirmed) = meter.cost(BOOKINGS, confirm(&clients, &held)).await?;
        let (held, book_in_area) = meter.cost(BOOKINGS, hold(&clients, hall, area, 1)).await?;
        let ((), confirmed_in_area) = meter.cost(BOOKINGS, confirm(&clients, &held)).await?;
        let (_, two) = meter.cost(BOOKINGS, hold(&clients, hot, None, 2)).await?;
        let (_, best_two) = meter.cost(BOOKINGS, hold(&clients, theatre, None, 2)).await?;
        let ((), refusal) = meter.cost(LOOKS, refuse(&clients, gone)).await?;
        let ((), look) = meter.cost(LOOKS, look(&clients, hot)).await?;
        if round > 0 {
            measured.get.0.push(get);
            measured.book.0.push(book);
            measured.confirm.0.push(confirmed);
            measured.in_area.0.push(book_in_area + confirmed_in_area);
            measured.two.0.push(two);
            measured.best_two.0.push(best_two);
            measured.refusal.0.push(refusal);
            measured.look.0.push(look);
        }
    }
    Ok(measured)
}

/// Reads what Redis says of its own processor time.
struct Meter(BareRedis);

impl Meter {
    /// What comes of the work, and what each of so many things took of Redis' processor, in µs, that each client did.
    async fn cost<T>(
        &mut self,
        times: usize,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<(T, f64), Failure> {
        let before = self.cpu_us().await?;
        let done = work.await?;
        let used = self.cpu_us().await? - before;
        Ok((done, used / (times * CLIENTS) as f64))
    }

    /// Of the thread that runs commands and speaks to clients.
    async fn cpu_us(&mut self) -> Result<f64, Failure> {
        let info = self.0.ask(&["INFO", "cpu"]).await?;
        let seconds = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse::<f64>().ok())
        };
        let (user, system) = (seconds("used_cpu_user_main_thread:"), seconds("used_cpu_sys_main_thread:"));
        let both = user.zip(system).ok_or("Redis does not tell its processor time: version 6.2 does")?;
        Ok((both.0 + both.1) * 1e6)
    }
}

const VALUE: &str = "bench-value";

async fn get(bare: &mut [BareRedis]) -> Result<(), Failure> {
    let each = bare.iter_mut().map(async |connection: &mut BareRedis| {
        for _ in 0..GETS {
            connection.ask(&["GET", VALUE]).await?;
        }
        Ok::<_, Failure>(())
    });
    try_join_all(each).await.map(|_| ())
}

/// A buyer and what they hold.
type Held = (String, String);

async fn hold(
    clients: &[Service],
    event: EventId,
    area: Option<&str>,
    quantity: u32,
) -> Result<Vec<Vec<Held>>, Failure> {
    let each = clients.iter().map(async |client| {
        let mut held = Vec::new();
        for _ in 0..BOOKINGS {
            let buyer = buyers().bearer(0)?;
            held.push((client.hold_in(event, area, quantity, &buyer).await?, buyer));
        }
        Ok::<_, Failure>(held)
    });
    try_join_all(each).await
}

async fn confirm(clients: &[Service], held: &[Vec<Held>]) -> Result<(), Failure> {
    let each = clients.iter().zip(held).map(async |(client, held)| {
        for (reservation, buyer) in held {
            client.confirm(reservation, buyer).await?;
        }
        Ok::<_, Failure>(())
    });
    try_join_all(each).await.map(|_| ())
}

async fn refuse(clients: &[Service], event: EventId) -> Result<(), Failure> {
    let path = format!("/events/{event}/book");
    let each = clients.iter().map(async |client| {
        let buyer = buyers().bearer(0)?;
        for _ in 0..LOOKS {
            let key = format!("{:032x}", fastrand::u128(..));
            client.send(Call { key: Some(&key), ..Call::post(&path, &buyer) }, 409).await?;
        }
        Ok::<_, Failure>(())
    });
    try_join_all(each).await.map(|_| ())
}

async fn look(clients: &[Service], event: EventId) -> Result<(), Failure> {
    let path = format!("/events/{event}");
    let each = clients.iter().map(async |client| {
        for _ in 0..LOOKS {
            client.send(Call::get(&path), 200).await?;
        }
        Ok::<_, Failure>(())
    });
    try_join_all(each).await.map(|_| ())
}
