//! What the samples speak of: people, events, holds and bookings with ids that never change, and the stores with them.
//!
//! Whatever a sample changes is there for that sample alone, so that they can be sent in any order.

use std::future::ready;

use accounts::{
    mailed_tokens::{MailedClaims, Purpose},
    tokens::{AccessClaims, Tokens},
};
use domain::{
    booking::{Booking, PendingReason},
    delivery::{Delivery, Outcome},
    email::Email,
    error::Error,
    event::{AreaDetails, Available, Event, EventDetails, EventStatus, Pricing},
    id::{EventId, ReservationId, UserId},
    inventory::{Draw, Shards, new_shards, shards_of_rows},
    rate::ALL_AT_FIRST,
    reservation::{BEST_SEATS, BegunHold},
    row::{Labels, Row, in_parts},
    user::{PasswordHash, Role, User},
    webhook::{Endpoint, EndpointStatus, Secret},
};
use http_api::{App, headers::event_answer, views::EventWithAreas};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kit::Failure;
use stores::{
    dynamodb::{CommitOutcome, Created},
    redis::scripts::{Reserve, ReserveRequest},
};

/// Signs the samples' tokens. Everybody knows it, so nothing that matters may ever have it.
pub const JWT_SECRET: &str = "everybody-knows-this-secret-of-the-samples";
/// The admin of the settings.
pub const ADMIN_EMAIL: &str = "admin@example.com";
/// The admin's password.
pub const ADMIN_PASSWORD: &str = "evently-admin";
/// Everybody else's.
pub const PASSWORD: &str = "correct horse battery";
/// Of [`PASSWORD`], as `auth` makes it.
const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$dOx1E2KVVz1pZm6loIDjaA$j/96uyNHAhQ39vlV1O12rWxS19GVNZYWI+bbGJ9aFEU";

/// When the world begins: all ids and tokens are of that time.
const BEGINNING: &str = "2026-01-01T00:00:00Z";
/// When its events start. Only the past one started before.
pub const EVENTS_START: &str = "2035-06-12T20:00:00.000Z";
const PAST_EVENT_STARTED: &str = "2026-01-02T20:00:00Z";
/// When its tokens expire: later than anybody runs a sample.
const TOKENS_END: &str = "2099-01-01T00:00:00Z";
/// A hold lives for a day, so that samples can be tried by hand at leisure.
const HOLD_TTL_MS: u64 = 24 * 60 * 60 * 1_000;

/// Somebody with an account.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The user's id.
    pub id: &'static str,
    /// What the account signs in with.
    pub email: &'static str,
    role: Role,
}

/// Holds and buys.
pub const GRACE: Person = person("019b76da-a800-7000-8000-000000000001", "grace@example.com");
/// Has what is not Grace's.
pub const ALAN: Person = person("019b76da-a801-7000-8000-000000000002", "alan@example.com");
/// Changes her password, which ends her token.
pub const MARY: Person = person("019b76da-a802-7000-8000-000000000003", "mary@example.com");
/// Is about to book.
pub const HEDY: Person = person("019b76da-a803-7000-8000-000000000004", "hedy@example.com");
/// Manages events.
pub const ADMIN: Person =
    Person { id: "019b76da-a804-7000-8000-000000000005", email: ADMIN_EMAIL, role: Role::Admin };

/// Erases her account.
pub const LISE: Person = person("019b76da-a805-7000-8000-000000000006", "lise@example.com");

/// Has forgotten her password.
pub const EMMY: Person = person("019b76da-a806-7000-8000-000000000007", "emmy@example.com");

const fn person(id: &'static str, email: &'static str) -> Person {
    Person { id, email, role: Role::User }
}

/// On sale; all of Grace's holds and bookings but one are for it.
pub const CONCERT: &str = "019b76da-a800-7009-a4a5-39cac2c3652a";
/// Sold out.
pub const SOLD_OUT: &str = "019b76da-a800-7010-98f7-2d8d71ea2f69";
/// All its seats are held.
pub const ALL_HELD: &str = "019b76da-a800-7019-aed3-9504fa8d3702";
/// Not published.
pub const DRAFT: &str = "019b76da-a800-7026-9a49-eede35662123";
/// It started long ago.
pub const PAST: &str = "019b76da-a800-702b-b0a5-30e83fd8c80d";
/// Has demand pricing.
pub const GALA: &str = "019b76da-a800-7037-af25-ed93f65c7ae7";
/// For an admin to replace.
pub const TO_REPLACE: &str = "019b76da-a800-7038-8a12-682cb798bd50";
/// For an admin to change a part of.
pub const TO_PATCH: &str = "019b76da-a800-705b-b425-cbee81da1b0e";
/// A draft, for an admin to delete.
pub const TO_DELETE: &str = "019b76da-a800-7065-a7a2-1b54bca9cd1f";
/// For an admin to cancel.
pub const EVENT_TO_CANCEL: &str = "019b76da-a800-7119-b157-a11a923a57ea";
/// Nothing ever happens to it.
pub const QUIET: &str = "019b76da-a800-7044-9d5c-072a880011da";
/// Its seats have names. Rows are added, and seats leave the sale and come back, each sample its own.
pub const THEATRE: &str = "019b76da-a800-7105-b2fc-7106b32255ef";
/// An endpoint of webhooks, to look at.
pub const WEBHOOK: &str = "019b76da-a800-7101-9d5c-072a88001101";
/// For an admin to replace.
pub const WEBHOOK_TO_REPLACE: &str = "019b76da-a800-7102-9d5c-072a88001102";
/// For an admin to remove.
pub const WEBHOOK_TO_DELETE: &str = "019b76da-a800-7103-9d5c-072a88001103";
/// A delivery to [`WEBHOOK`] that was given up.
pub const DELIVERY: &str =
    "ping_019b76da-a800-7101-9d5c-072a88001101_1767225600000~webhook.019b76da-a800-7101-9d5c-072a88001101";
/// One that arrived, for an admin to tell again.
pub const TO_REPLAY: &str =
    "ping_019b76da-a800-7101-9d5c-072a88001101_1767225600001~webhook.019b76da-a800-7101-9d5c-072a88001101";
/// There is none of that id.
pub const NO_EVENT: &str = "019b76da-a800-7048-8bf1-36f3bc857411";

/// Grace's holds: one to look at, one to give back, one to confirm.
pub const HELD: &str = "019b76db-9260-7001-8583-0e7800001001";
/// Grace gives it back.
pub const TO_RELEASE: &str = "019b76db-9648-7002-8583-0e7800001002";
/// Grace confirms it.
pub const TO_CONFIRM: &str = "019b76db-9a30-7003-8583-0e7800001003";
/// Alan's hold of all seats of [`ALL_HELD`].
pub const HELD_BY_ALAN: &str = "019b76db-b588-700a-8583-0e780000300a";
/// Was never held, or long ago.
pub const EXPIRED: &str = "019b76db-a200-7005-8583-0e7800001005";
/// Grace's bookings: one to look at, one to cancel, one that is cancelled, one of an event that has started.
pub const BOOKED: &str = "019b76db-a5e8-7006-8583-0e7800001006";
/// Grace cancels it.
pub const TO_CANCEL: &str = "019b76db-a9d0-7007-8583-0e7800001007";
/// Grace's pending booking, which she closes.
pub const TO_CLOSE: &str = "019b76db-aba4-700e-8583-0e780000100e";
/// Grace cancelled it.
pub const CANCELLED: &str = "019b76db-adb8-7008-8583-0e7800001008";
/// Of [`PAST`].
pub const PAST_BOOKING: &str = "019b76db-b970-700b-8583-0e780000500b";
/// Alan's booking of all seats of [`SOLD_OUT`].
pub const BOOKED_BY_ALAN: &str = "019b76db-b1a0-7009-8583-0e7800002009";
/// Hedy's hold, asked for with [`KEY_USED`].
pub const HELD_BY_HEDY: &str = "019b76db-9e18-7004-8583-0e7800001004";
/// The idempotency key of a request that Hedy sent before.
pub const KEY_USED: &str = "hedy-first";

impl Person {
    /// The `Authorization` header of the person's requests. It is the same each time: what signs it and what it says
    /// never change.
    ///
    /// # Errors
    /// When the token can't be signed.
    pub fn bearer(&self) -> Result<String, Failure> {
        let claims = AccessClaims {
            sub: self.id.parse()?,
            email: Email::parse(self.email)?,
            role: self.role,
            password_version: 0,
            email_verified: false,
            iat: instant(BEGINNING)?.as_second(),
            exp: instant(TOKENS_END)?.as_second(),
            iss: "evently".to_owned(),
            aud: "evently".to_owned(),
        };
        let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
        Ok(format!("Bearer {}", jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)?))
    }

    /// The token of a mail to the person. It is the same each time, too.
    ///
    /// # Errors
    /// When the token can't be signed.
    pub fn mailed(&self, purpose: Purpose) -> Result<String, Failure> {
        let asked_at = instant(TOKENS_END)? - purpose.lasts();
        let claims = MailedClaims::new(purpose, self.user_id()?, Email::parse(self.email)?, 0, asked_at);
        Ok(Tokens::new(&JWT_SECRET.into(), None).seal_mailed(purpose, &claims)?)
    }

    fn user_id(&self) -> Result<UserId, Failure> {
        Ok(self.id.parse()?)
    }
}

/// Puts all of it into empty stores.
///
/// # Errors
/// When a store fails, or has something of it already.
pub async fn make(app: &App) -> Result<(), Failure> {
    for person in [GRACE, ALAN, MARY, HEDY, LISE, EMMY] {
        app.store.create_user(&account(&person)?).await?;
    }
    let events = [
        (CONCERT, EventDetails { max_per_user: 100, ..details("Open Air Concert", 500)? }),
        (SOLD_OUT, details("Chamber Concert", 2)?),
        (ALL_HELD, details("Cellar Jazz", 2)?),
        (DRAFT, EventDetails { status: EventStatus::Draft, ..details("Secret Show", 100)? }),
        (PAST, EventDetails { starts_at: instant(PAST_EVENT_STARTED)?, ..details("Opening Night", 100)? }),
        (GALA, EventDetails { pricing: Some(Pricing::default()), ..details("Gala", 500)? }),
        (TO_REPLACE, details("Poetry Slam", 100)?),
        (TO_PATCH, details("Story Slam", 100)?),
        (EVENT_TO_CANCEL, details("Rain Dance", 100)?),
        (TO_DELETE, EventDetails { status: EventStatus::Draft, ..details("Never Mind", 100)? }),
        (QUIET, quiet()?),
    ];
    for (id, details) in events {
        create(app, id, details).await?;
    }
    create_theatre(app).await?;
    for (id, person, quantity) in
        [(HELD, GRACE, 2), (TO_RELEASE, GRACE, 1), (TO_CONFIRM, GRACE, 1), (HELD_BY_ALAN, ALAN, 2)]
    {
        hold(app, id, &person, quantity, id).await?;
    }
    hold(app, HELD_BY_HEDY, &HEDY, 1, KEY_USED).await?;
    for (id, person, quantity) in
        [(BOOKED, GRACE, 2), (TO_CANCEL, GRACE, 1), (CANCELLED, GRACE, 1), (BOOKED_BY_ALAN, ALAN, 2)]
    {
        hold(app, id, &person, quantity, id).await?;
        booking::confirm(
            &app.protocol,
            person.user_id()?,
            id.parse()?,
            Timestamp::now(),
            None,
            ready(Ok(())),
        )
        .await?;
    }
    hold(app, TO_CLOSE, &GRACE, 1, TO_CLOSE).await?;
    let until = Timestamp::now() + SignedDuration::from_hours(24);
    booking::checkout(
        &app.protocol,
        GRACE.user_id()?,
        TO_CLOSE.parse()?,
        (PendingReason::Checkout, until),
        Timestamp::now(),
        None,
        ready(Ok(())),
    )
    .await?;
    booking::cancel(
        &app.protocol,
        GRACE.user_id()?,
        CANCELLED.parse()?,
        Timestamp::now(),
        None,
        ready(Ok(())),
    )
    .await?;
    book_in_the_past(app).await?;
    endpoints(app).await
}

/// Endpoints of webhooks, and a ping that one of them never took.
async fn endpoints(app: &App) -> Result<(), Failure> {
    let begun = instant(BEGINNING)?;
    for (id, name) in [(WEBHOOK, "hook"), (WEBHOOK_TO_REPLACE, "old"), (WEBHOOK_TO_DELETE, "gone")] {
        let endpoint = Endpoint {
            id: id.parse()?,
            // A name that leads nowhere (RFC 2606).
            url: format!("https://till.example/{name}"),
            types: Vec::new(),
            description: None,
            status: EndpointStatus::Enabled,
            disabled_because: None,
            failing_since: None,
            made_by: ADMIN.user_id()?,
            created_at: begun,
        };
        let secret = Secret::of_base64("ZXZlcnlib2R5LWtub3dzLXRoaXMtc2VjcmV0");
        if !app.store.add_endpoint(&endpoint, &secret).await? {
            return Err("there are too many endpoints".into());
        }
    }
    let later = begun + SignedDuration::from_millis(1);
    for (at, outcome) in
        [(begun, Outcome::Impossible("410".to_owned())), (later, Outcome::Delivered("204".to_owned()))]
    {
        let tried = Delivery::ping(WEBHOOK.parse()?, at).after(&outcome, at, 0.0);
        let kept = Delivery { forget_at: instant(TOKENS_END)?.as_second(), ..tried };
        app.store.ask_for_delivery(&kept, true).await?;
    }
    Ok(())
}

fn account(person: &Person) -> Result<User, Failure> {
    Ok(User {
        id: person.user_id()?,
        role: person.role,
        password_hash: Some(PasswordHash::new(PASSWORD_HASH.to_owned())),
        ..User::new(Email::parse(person.email)?, instant(BEGINNING)?)
    })
}

fn quiet() -> Result<EventDetails, Failure> {
    details("Silent Film", 80)
}

/// The ETag of the quiet event, whose seats are all free.
///
/// # Errors
/// When there is none.
pub fn tag_of_quiet() -> Result<String, Failure> {
    let event = Event::new(QUIET.parse()?, quiet()?, 1, instant(BEGINNING)?);
    let seats = Available::all_of(&event);
    let answer = event_answer(&EventWithAreas::new(event, &seats))?;
    let tag = answer.headers().get("etag").ok_or("an event has no ETag")?;
    Ok(tag.to_str()?.to_owned())
}

fn details(name: &str, capacity: u32) -> Result<EventDetails, Failure> {
    let venue = Some("Riverside Park".to_owned());
    Ok(EventDetails { venue, ..kit::sample::event(name, instant(EVENTS_START)?, capacity) })
}

/// Two rows of a theatre.
async fn create_theatre(app: &App) -> Result<(), Failure> {
    let id: EventId = THEATRE.parse()?;
    let row = |name: &str| Row {
        name: name.to_owned(),
        labels: Labels::Numbers(8),
        accessible: [0].into_iter().collect(),
    };
    let rows = vec![row("A"), row("B")];
    let area = AreaDetails {
        id: "stalls".to_owned(),
        name: "Stalls".to_owned(),
        capacity: 16,
        base_price: 3_500,
        rows: 2,
        ..AreaDetails::default()
    };
    let details = EventDetails { areas: vec![area], ..details("Puppet Theatre", 16)? }.with_sums_of_areas();
    let event = Event::new(id, details, Shards::from(2).of_numbered(), instant(BEGINNING)?);
    let event = Event { layout_parts: 1, ..event };
    let (inventory, layout) = (shards_of_rows(0, 0, &rows), in_parts([(0, &rows[..])]));
    if app.store.create_event(&event, &inventory, &layout, None, None).await? != Created::Done {
        return Err(format!("the stores have the event {id} already").into());
    }
    catalogue::load(&app.catalogue, &event, 0).await?;
    Ok(())
}

/// Past [`booking::create_event`], which chooses an id itself and takes no event that has started.
async fn create(app: &App, id: &str, details: EventDetails) -> Result<(), Failure> {
    let id: EventId = id.parse()?;
    let inventory = new_shards(0, details.capacity, app.config.seats_per_shard);
    let event = Event::new(id, details, u16::try_from(inventory.len())?, instant(BEGINNING)?);
    if app.store.create_event(&event, &inventory, &[], None, None).await? != Created::Done {
        return Err(format!("the stores have the event {id} already").into());
    }
    catalogue::load(&app.catalogue, &event, 0).await?;
    Ok(())
}

/// Past [`booking::reserve`], which chooses an id itself.
async fn hold(app: &App, id: &str, person: &Person, quantity: u32, key: &str) -> Result<(), Failure> {
    let request = ReserveRequest {
        id: id.parse()?,
        user: person.user_id()?,
        area: None,
        quantity,
        rates: &ALL_AT_FIRST,
        seats: &BEST_SEATS,
        idempotency_key: key,
        hold_ttl_ms: HOLD_TTL_MS,
        unbought_max_ms: 0,
    };
    app.redis.claim_booking(&request, Timestamp::now(), HOLD_TTL_MS).await?;
    match app.redis.reserve(&request).await? {
        Reserve::Held { .. } => Ok(()),
        other => Err(format!("{id} was not held: {other:?}").into()),
    }
}

/// A booking of an event that has started since: nobody can hold its seats any more.
async fn book_in_the_past(app: &App) -> Result<(), Failure> {
    let id: ReservationId = PAST_BOOKING.parse()?;
    let event = app.store.event(id.event()).await?.ok_or(Error::EventNotFound)?;
    let hold = BegunHold {
        id,
        quantity: 1,
        seats: Vec::new(),
        unit_price: Some(event.price),
        lines: Vec::new(),
        currency: event.details.currency.code().to_owned(),
        draws: vec![Draw::places(0, 1)],
        event_name: event.details.name,
        starts_at: event.details.starts_at,
        area: Default::default(),
        max_per_user: event.details.max_per_user,
        event: None,
        begins: 1,
        is_first: true,
    };
    let booking = Booking::from_hold(&hold, GRACE.user_id()?, instant(BEGINNING)?);
    match app.store.commit_booking(&booking, hold.max_per_user).await? {
        CommitOutcome::Committed => Ok(()),
        other => Err(format!("{id} was not booked: {other:?}").into()),
    }
}

/// An instant as a constant above has it.
///
/// # Errors
/// When it is none.
pub fn instant(text: &str) -> Result<Timestamp, Failure> {
    Ok(text.parse()?)
}
