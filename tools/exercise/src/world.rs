//! Everything that a run needs: the stores, the proxies before them, the servers, the events; and two views of it: through
//! the proxies, as the service sees it, and past them, as it is.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    event::{AreaDetails, DetailsWithRows, EventDetails},
    id::{EventId, UserId},
    rate::Rate,
    row::{Labels, Row, SeatSet},
    user::Role,
};
use http_api::App;
use jiff::{SignedDuration, Timestamp};
use kit::Failure;
use local::{
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
    stack::table_name,
    tables,
};
use settings::Config;
use stores::dynamodb::{self, Look};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::{
    dynamodb_proxy::{DynamoProxy, LATE_REPLIES, LATE_REQUESTS, USUAL},
    faults::{Dice, Faults},
    fleet::Fleet,
    history::History,
    ledger::Ledger,
    progress::Progress,
    receiver::Receiver,
    redis_proxy::RedisProxy,
    settings::Settings,
};

/// Short, so that holds run out all the time.
pub(crate) const HOLD_TTL_SECONDS: u64 = 2;
/// Above a request's time limit (8.5 s) and what a proxy may add to it.
pub(crate) const GRACE_SECONDS: u64 = 10;
/// Few, so that parties meet the ends of shards.
const SEATS_PER_SHARD: u32 = 6;
/// Seats of each event of one area at first.
const CAPACITIES: [u64; 3] = [12, 30, 54];
/// The areas of the event that has several, with their seats at first. The admin takes the last one away, and adds it again.
pub(crate) const AREAS: [(&str, u64); 4] = [("floor", 24), ("balcony", 13), ("box", 6), ("tent", 8)];
/// The area of the same event whose seats have names, its rows, and the seats of each.
pub(crate) const ROWS: (&str, u16, u8) = ("stalls", 4, 6);
/// Seats of the event that the admin cancels in the middle of the day.
const CANCELLED_CAPACITY: u64 = 48;
/// Few, so that people meet this end, too.
pub(crate) const MAX_PER_USER: u32 = 8;
const FIRST_PRICE: u32 = 2_500;
const JWT_SECRET: &str = "known to all servers of the exercise, and to nobody else";

/// A running Evently that is about to have a bad day.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    /// With even seeds Redis may be slow, cut off and killed, but forgets nothing: then the protocol promises more.
    pub(crate) redis_remembers: bool,
    pub(crate) faults: Arc<Faults>,
    pub(crate) history: History,
    pub(crate) progress: Arc<Progress>,
    pub(crate) fleet: Fleet,
    pub(crate) redis: Mutex<RedisServer>,
    /// Where Redis keeps its data.
    pub(crate) redis_folder: std::path::PathBuf,
    /// Past the proxies.
    pub(crate) truth: Arc<App>,
    /// Through the proxies, and DynamoDB's replies often come late: the janitors'.
    pub(crate) disturbed: Arc<App>,
    /// Through the proxies, and slow between its steps.
    pub(crate) slow: Arc<App>,
    /// The DynamoDB client past the proxies.
    pub(crate) dynamodb: dynamodb::Client,
    pub(crate) events: Vec<EventId>,
    /// The one that the admin cancels; a release before this one, which runs beside it, would go on to sell it.
    pub(crate) to_cancel: Option<EventId>,
    /// Whether they name rates: a release before this one, which runs beside it, knows none.
    pub(crate) has_rates: bool,
    pub(crate) receivers: [Receiver; 2],
    pub(crate) starts_at: Timestamp,
    store: EmbeddedStore,
    folder: TempDir,
}

impl World {
    /// Starts everything, with the faults off.
    pub(crate) async fn start(settings: &Settings, seed: u64) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("evently-exercise-").tempdir()?;
        let faults = Arc::new(Faults::default());
        let store = EmbeddedStore::start(Location::Memory, None).await?;
        let redis_folder = folder.path().join("redis");
        let options = RedisOptions { data: Some(redis_folder.clone()), ..RedisOptions::default() };
        let redis = RedisServer::start(options).await?;
        let dynamodb_proxy = |part, permille| {
            DynamoProxy::start(store.endpoint(), Arc::clone(&faults), Dice::new(seed, part, 0), permille)
        };
        let dynamodb_endpoint = dynamodb_proxy("dynamodb", USUAL).await?;
        let late_replies = dynamodb_proxy("dynamodb of the janitors", LATE_REPLIES).await?;
        let late_requests = dynamodb_proxy("dynamodb of the slow", LATE_REQUESTS).await?;
        let redis_url =
            RedisProxy::start(redis.url(), Arc::clone(&faults), Dice::new(seed, "redis", 0)).await?;

        let dynamodb = dynamodb::client_for_endpoint(store.endpoint());
        let truth = App::new(config(redis.url())?, dynamodb.clone())?;
        let disturbed = App::new(config(&redis_url)?, dynamodb::client_for_endpoint(&late_replies))?;
        let slow = App::new(config(&redis_url)?, dynamodb::client_for_endpoint(&late_requests))?;
        let names = truth.config.tables.clone();
        tables::create_missing(&dynamodb, |id| table_name(&names, id)).await?;
        let now = Timestamp::now();
        // What happens from now on is to be told.
        truth.store.keep_look(&Look { from: now, began: None, place: None }).await?;
        let receiver = |works| {
            let dice = Dice::new(seed, "receiver", 0);
            Receiver::start(&truth.store, Arc::clone(&faults), dice, works)
        };
        let receivers = [receiver(true).await?, receiver(false).await?];
        let starts_at = Timestamp::from_second(now.as_second())? + SignedDuration::from_hours(24 * 30);
        let mut events = Vec::new();
        let mut all: Vec<DetailsWithRows> =
            CAPACITIES.iter().map(|capacity| event(*capacity as u32, starts_at).into()).collect();
        // What a release before this one can't read nobody makes until that is gone.
        let has_rates = settings.release_before.is_none();
        if has_rates {
            all.push(event_of_areas(starts_at));
            all.push(event(CANCELLED_CAPACITY as u32, starts_at).into());
            all.iter_mut().for_each(|event| event.details.rates = rates());
        }
        for details in all {
            events.push(booking::create_event(&truth.protocol, details, None, now).await?.id);
        }
        let to_cancel = events.last().copied().filter(|_| has_rates);
        let environment = environment(&redis_url, &dynamodb_endpoint);
        let fleet = Fleet::start(settings, folder.path(), environment).await?;
        let progress = Arc::new(Progress::start(settings.day()));
        let history = History::new(Arc::clone(&progress));
        let redis = Mutex::new(redis);
        Ok(Self {
            seed,
            redis_remembers: seed.is_multiple_of(2),
            faults,
            history,
            progress,
            fleet,
            redis,
            redis_folder,
            truth,
            disturbed,
            slow,
            dynamodb,
            events,
            to_cancel,
            has_rates,
            receivers,
            starts_at,
            store,
            folder,
        })
    }

    /// Stops everything. The folder with the servers' logs is kept if it is needed to see what was wrong.
    pub(crate) async fn stop(self) -> Result<Option<std::path::PathBuf>, Failure> {
        self.fleet.stop().await?;
        self.redis.into_inner().stop().await;
        self.store.stop().await;
        let is_bad = !self.history.violations().is_empty();
        Ok(is_bad.then(|| self.folder.keep()))
    }

    /// Somebody who is signed in: an id and a token.
    pub(crate) fn sign_in(&self, role: Role) -> Result<(UserId, String), Failure> {
        let user = kit::sample::somebody(role)?;
        let token = self.truth.tokens.issue_access(&user, Timestamp::now())?;
        Ok((user.id, token))
    }

    /// Where mails are, the servers' and our own.
    pub(crate) fn mail_folders(&self) -> Vec<std::path::PathBuf> {
        let servers = (0..self.fleet.len()).map(|number| self.fleet.folder(number).join("mail"));
        servers.chain([self.own_mail_folder()]).collect()
    }

    /// Where those are that the exercise itself sends.
    pub(crate) fn own_mail_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("mail")
    }

    /// Where every seat is looked for.
    pub(crate) fn ledger(&self) -> Ledger<'_> {
        Ledger {
            app: &self.truth,
            dynamodb: &self.dynamodb,
            events: &self.events,
            max_per_user: MAX_PER_USER,
        }
    }

    /// The areas that the event has or had, with the seats that each had at first; `None` for the only one.
    pub(crate) fn areas(&self, event: EventId) -> Vec<(Option<&'static str>, u64)> {
        if self.to_cancel == Some(event) {
            return vec![(None, CANCELLED_CAPACITY)];
        }
        let number = self.events.iter().position(|known| *known == event);
        match number.and_then(|number| CAPACITIES.get(number)) {
            Some(capacity) => vec![(None, *capacity)],
            None => {
                let (rows, count, seats) = ROWS;
                let rows = (Some(rows), u64::from(count) * u64::from(seats));
                AREAS.into_iter().map(|(area, capacity)| (Some(area), capacity)).chain([rows]).collect()
            }
        }
    }

    /// Whether the event has the area whose seats have names.
    pub(crate) fn has_rows(&self, event: EventId) -> bool {
        self.areas(event).iter().any(|(area, _)| *area == Some(ROWS.0))
    }

    pub(crate) fn dice(&self, part: &str, number: usize) -> Dice {
        Dice::new(self.seed, part, number)
    }
}

/// What is set for the servers and for our own apps alike.
fn common(name: &str) -> Option<String> {
    let value = match name {
        "USERS_TABLE" => "exercise-users",
        "EVENTS_TABLE" => "exercise-events",
        "INVENTORY_TABLE" => "exercise-inventory",
        "BOOKINGS_TABLE" => "exercise-bookings",
        "AUDIT_TABLE" => "exercise-audit",
        "DELIVERIES_TABLE" => "exercise-deliveries",
        "WEBHOOKS_TABLE" => "exercise-webhooks",
        "JWT_SECRET" => JWT_SECRET,
        "RESERVATION_TTL_SECONDS" => return Some(HOLD_TTL_SECONDS.to_string()),
        // A few people stand for thousands.
        "RATE_LIMIT_WRITES_PER_MINUTE"
        | "RATE_LIMIT_READS_PER_MINUTE"
        | "RATE_LIMIT_AUTH_PER_MINUTE"
        | "NETWORK_REGISTRATIONS_PER_HOUR"
        | "NETWORK_PLACES_MAX" => "0",
        _ => return None,
    };
    Some(value.to_owned())
}

fn config(redis_url: &str) -> Result<Config, Failure> {
    let mut config =
        Config::from_lookup(
            |name| if name == "REDIS_URL" { Some(redis_url.to_owned()) } else { common(name) },
        )?;
    config.confirm_grace_ms = GRACE_SECONDS * 1_000;
    config.seats_per_shard = SEATS_PER_SHARD;
    Ok(config)
}

fn environment(redis_url: &str, dynamodb_endpoint: &str) -> Vec<(&'static str, String)> {
    const COMMON: [&str; 14] = [
        "USERS_TABLE",
        "EVENTS_TABLE",
        "INVENTORY_TABLE",
        "BOOKINGS_TABLE",
        "AUDIT_TABLE",
        "DELIVERIES_TABLE",
        "WEBHOOKS_TABLE",
        "JWT_SECRET",
        "RESERVATION_TTL_SECONDS",
        "RATE_LIMIT_WRITES_PER_MINUTE",
        "RATE_LIMIT_READS_PER_MINUTE",
        "RATE_LIMIT_AUTH_PER_MINUTE",
        "NETWORK_REGISTRATIONS_PER_HOUR",
        "NETWORK_PLACES_MAX",
    ];
    let mut environment: Vec<_> = COMMON.into_iter().filter_map(|name| Some((name, common(name)?))).collect();
    environment.extend([
        ("REDIS_URL", redis_url.to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_endpoint.to_owned()),
        ("LOCAL_CONFIRM_GRACE_SECONDS", GRACE_SECONDS.to_string()),
        ("LOCAL_SEATS_PER_SHARD", SEATS_PER_SHARD.to_string()),
        // The buyers of an exercise are faster than people.
        ("RATE_LIMIT_WRITES_PER_MINUTE", "0".to_owned()),
        ("RATE_LIMIT_READS_PER_MINUTE", "0".to_owned()),
        ("RATE_LIMIT_AUTH_PER_MINUTE", "0".to_owned()),
        ("MAIL_PER_SECOND", "0".to_owned()),
        ("RUST_LOG", "warn,dynoxide=error".to_owned()),
    ]);
    environment
}

fn event(capacity: u32, starts_at: Timestamp) -> EventDetails {
    EventDetails {
        base_price: FIRST_PRICE,
        max_per_user: MAX_PER_USER,
        ..kit::sample::event(format!("An event for {capacity}"), starts_at, capacity)
    }
}

fn rates() -> Vec<Rate> {
    vec![Rate::ordinary(), Rate { id: "child".to_owned(), name: "Up to 14".to_owned(), percent: 50 }]
}

/// What a row is called: `A`, `B`, …
pub(crate) fn row_name(row: u16) -> char {
    char::from_u32(u32::from('A') + u32::from(row)).unwrap_or('?')
}

fn event_of_areas(starts_at: Timestamp) -> DetailsWithRows {
    let areas = AREAS.iter().map(|(id, capacity)| AreaDetails {
        id: (*id).to_owned(),
        name: id.to_uppercase(),
        capacity: *capacity as u32,
        base_price: FIRST_PRICE,
        ..AreaDetails::default()
    });
    let (id, rows, seats) = ROWS;
    let stalls = AreaDetails {
        id: id.to_owned(),
        name: id.to_uppercase(),
        capacity: u32::from(rows) * u32::from(seats),
        base_price: FIRST_PRICE,
        rows,
        ..AreaDetails::default()
    };
    let of_row = |row| Row {
        name: row_name(row).to_string(),
        labels: Labels::Numbers(seats),
        accessible: SeatSet::default(),
    };
    let areas = areas.chain(Some(stalls)).collect();
    let details = EventDetails { areas, ..event(0, starts_at) }.with_sums_of_areas();
    DetailsWithRows { details, rows: BTreeMap::from([(id.to_owned(), (0..rows).map(of_row).collect())]) }
}
