//! Everything that can go wrong, by meaning. `http::problem` turns each into an answer, in one place.

use std::{fmt, time::Duration};

use jiff::Timestamp;

use super::{
    event::NotOnSale,
    field_error::{FieldError, Wrong},
    id::ReservationId,
    reservation::Ended,
};

/// A cause of any kind, kept for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why something was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such event, or none that the caller may see.
    #[error("event not found")]
    EventNotFound,
    /// No such hold, or not the caller's.
    #[error("reservation not found")]
    ReservationNotFound,
    /// No such booking, or not the caller's.
    #[error("booking not found")]
    BookingNotFound,
    /// Fewer seats are left than asked for, and none is held that might return.
    #[error("{area} is sold out, {available} seats available")]
    SoldOut {
        /// Seats that can be had now.
        available: u32,
        /// The id of the area that is asked for.
        area: String,
    },
    /// Enough seats would be left if holds ran out.
    #[error("{area} is all held until {retry_at}, {available} seats available")]
    AllHeld {
        /// Seats that can be had now.
        available: u32,
        /// When the next hold runs out.
        retry_at: Timestamp,
        /// The id of the area that is asked for.
        area: String,
    },
    /// The user would have more seats of the event than one user may, over holds and bookings together.
    #[error("more than {most} seats for one user, {left} left")]
    TooManyForUser {
        /// The most that one user may have.
        most: u32,
        /// What the user may still hold.
        left: u32,
    },
    /// The user held seats of the event for too long without buying them.
    #[error("held too long without buying, until {retry_at}")]
    HeldTooLong {
        /// When that is forgotten.
        retry_at: Timestamp,
    },
    /// The network has as many places of the event as one may have.
    #[error("one network has too many places")]
    NetworkLimit {
        /// When some of them count no longer.
        retry_at: Timestamp,
    },
    /// The event has no area of the id that the path or the query names.
    #[error("area not found")]
    AreaNotFound,
    /// The area has no such seats.
    #[error("unknown seats {0:?}")]
    UnknownSeats(Vec<String>),
    /// Somebody else has these seats, or holds them, or they are out of sale.
    #[error("seats {seats:?} of {area} are taken")]
    SeatsTaken {
        /// What they are called.
        seats: Vec<String>,
        /// The id of their area.
        area: String,
    },
    /// These seats are sold or held, so they can't be taken out of sale.
    #[error("seats {seats:?} of {area} are in use")]
    SeatsInUse {
        /// What they are called.
        seats: Vec<String>,
        /// The id of their area.
        area: String,
    },
    /// So many seats are free, but they do not stand side by side.
    #[error("no so many seats of {area} side by side, {largest} at most")]
    NotTogether {
        /// How many do, at most.
        largest: u32,
        /// The area's id.
        area: String,
    },
    /// The event has no such rate.
    #[error("unknown rate {0:?}")]
    UnknownRate(String),
    /// The event has no such area.
    #[error("unknown area {0:?}")]
    UnknownArea(String),
    /// The event has several areas, and none of them is named.
    #[error("no area named")]
    AreaRequired,
    /// The event names its areas, and a change of it does not.
    #[error("no areas named")]
    AreasRequired,
    /// The event sells nothing now.
    #[error("not on sale: {0:?}")]
    NotOnSale(NotOnSale),
    /// The hold ran out, or there never was one.
    #[error("reservation expired")]
    ReservationExpired,
    /// The user gave the hold back.
    #[error("reservation released")]
    ReservationReleased,
    /// The hold is being confirmed, so it can't be given back.
    #[error("confirm under way")]
    ConfirmUnderWay,
    /// The hold became a booking, so it can't be given back; the booking can be cancelled.
    #[error("already confirmed")]
    AlreadyConfirmed,
    /// The seats are taken for the user, but have yet to be paid for.
    #[error("payment required")]
    PaymentRequired {
        /// The pending booking.
        booking: ReservationId,
    },
    /// The booking is not confirmed yet, so it can't be cancelled; it can be given up.
    #[error("not confirmed yet")]
    NotConfirmed,
    /// The event has started, so a booking can't be cancelled any more.
    #[error("event started")]
    EventStarted,
    /// The time for cancelling is over.
    #[error("cancelling ended at {since}")]
    CancelClosed {
        /// When it ended.
        since: Timestamp,
    },
    /// The idempotency key was used for another request.
    #[error("idempotency key reused")]
    IdempotencyKeyReused,
    /// The address has an account already, or is the admin's.
    #[error("email taken")]
    EmailTaken,
    /// Unknown address or wrong password.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// Too many passwords were wrong lately, of this account or from this address.
    #[error("too many attempts, wait for {wait_seconds} s")]
    TooManyAttempts {
        /// Seconds until the next attempt, at least 1.
        wait_seconds: u64,
    },
    /// The admin's password can only be changed where it is set.
    #[error("password is a setting")]
    PasswordIsASetting,
    /// The caller's token is good, but there is no account to change.
    #[error("account not found")]
    AccountNotFound,
    /// The account can't be erased while somebody counts on its owner.
    #[error("still open: {} bookings, {} reservations", bookings.len(), reservations.len())]
    StillOpen {
        /// Bookings of events that are to come, some of them if there are many.
        bookings: Vec<ReservationId>,
        /// Holds that live, some of them if there are many.
        reservations: Vec<ReservationId>,
    },
    /// The access token is not valid, or no longer.
    #[error("token is not valid, or no longer")]
    TokenEnded,
    /// A token from a mail was used, or is too old, or never was one.
    #[error("mailed token ended")]
    MailedTokenEnded,
    /// The user must prove first to get mail at their address.
    #[error("email not verified")]
    EmailNotVerified,
    /// Nobody can be told anything by mail.
    #[error("no mail is sent")]
    NoMail,
    /// No endpoints can be told anything: there is no table of them.
    #[error("no webhooks are sent")]
    NoWebhooks,
    /// There is no such endpoint.
    #[error("webhook not found")]
    WebhookNotFound,
    /// There are as many endpoints as there may be.
    #[error("too many webhooks")]
    TooManyWebhooks,
    /// There is no such delivery.
    #[error("delivery not found")]
    DeliveryNotFound,
    /// A mail about an account is not sent once more: its link has ended.
    #[error("not replayable")]
    NotReplayable,
    /// The version that the change was based on is not the current one.
    #[error("stale version, current is {current}")]
    StaleVersion {
        /// The version to base the change on.
        current: u64,
    },
    /// So many seats are sold or held that the capacity can't be lowered this far.
    #[error("capacity of {area} can't go below {lowest}")]
    CapacityBelowSold {
        /// The id of the area whose capacity it is.
        area: String,
        /// The lowest capacity possible now.
        lowest: u32,
    },
    /// Seats of the area are sold or held, so it can't be taken away.
    #[error("area {area} has bookings")]
    AreaHasBookings {
        /// Its id.
        area: String,
        /// How many are.
        seats: u32,
    },
    /// The event was cancelled, and its bookings with it, so it can't take place after all.
    #[error("event was cancelled")]
    EventCancelled,
    /// Seats of the event are sold or held, or were sold once, so it can't become a draft, or be deleted.
    #[error("event has bookings")]
    EventHasBookings,
    /// There is no table for the audit trail.
    #[error("nothing is audited")]
    NotAudited,
    /// Only a draft can be deleted.
    #[error("event is no draft")]
    EventNotDraft,
    /// The client had too many requests.
    #[error("rate limited for {retry_after:?}")]
    RateLimited {
        /// How long until it may have one more.
        retry_after: Duration,
    },
    /// The network had too many accounts made.
    #[error("no more registrations of the network for {retry_after:?}")]
    TooManyRegistrations {
        /// How long until it may have one more.
        retry_after: Duration,
    },
    /// Fields of the request are unacceptable.
    #[error("invalid: {0:?}")]
    Invalid(Vec<FieldError>),
    /// A store did not answer, or not in time. Whether it acted may be unknown; trying again is safe.
    #[error("{store} is out of reach")]
    OutOfReach {
        /// Which store.
        store: StoreName,
        /// What the client library said.
        #[source]
        source: Cause,
    },
    /// The stores answer, and it did not work out all the same. Trying again is safe.
    #[error("given up: {0}")]
    GaveUp(GaveUp),
    /// A defect, of the program or of its settings: a store said something that it never should.
    #[error("internal error")]
    Internal(#[source] Cause),
}

/// One of the two stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreName {
    /// The truth.
    DynamoDb,
    /// The fast copy.
    Redis,
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DynamoDb => "DynamoDB",
            Self::Redis => "Redis",
        })
    }
}

/// What was tried for as long as a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GaveUp {
    /// Another request reads what is needed, and did not come to an end.
    #[error("what another request reads was not there in time")]
    Waiting,
    /// DynamoDB read only a part, again and again.
    #[error("DynamoDB was too busy to read all")]
    ReadingAll,
    /// The janitor moved hours of sales whenever they were read.
    #[error("hours of sales kept moving")]
    MovingHours,
    /// Redis lost an event's state whenever it was loaded.
    #[error("the event's state was lost again and again")]
    LosingState,
    /// A later release keeps the event's state in another way.
    #[error("the event's state is of another release")]
    UnknownFormat,
    /// Others changed the hold whenever it was drawn anew.
    #[error("the hold kept changing")]
    ChangingHold,
    /// DynamoDB refused the seats whenever they were drawn anew.
    #[error("seats were refused again and again")]
    RefusedSeats,
    /// Others changed the event whenever it was read.
    #[error("the event kept changing")]
    ChangingEvent,
    /// Others changed the account whenever it was read.
    #[error("the account kept changing")]
    ChangingAccount,
    /// Redis lost data: it thinks seats free that are sold, or sold that are free. The janitor sets that right.
    #[error("Redis lost data and disagrees about free seats")]
    DisagreeingStores,
    /// No id for a new event was free.
    #[error("no free id was found")]
    FindingId,
    /// An idempotency key was used a moment ago and is not known yet.
    #[error("an idempotency key was used and is not known yet")]
    UnknownKey,
    /// Too many passwords wait to be hashed.
    #[error("too many passwords wait to be hashed")]
    Hashing,
    /// The request took as long as any may.
    #[error("the request took too long")]
    Answering,
}

impl Error {
    /// Whether the request is refused for what was found: nothing of ours failed, and nothing was done.
    pub fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::OutOfReach { .. } | Self::GaveUp(_) | Self::Internal(_) | Self::IdempotencyKeyReused
        )
    }

    /// Whether Redis is out of reach, so that DynamoDB must do. A defect is none of that: nothing falls back on it.
    pub fn is_without_redis(&self) -> bool {
        matches!(self, Self::OutOfReach { store: StoreName::Redis, .. })
    }

    /// One field is unacceptable.
    pub fn invalid_field(field: &str, wrong: Wrong) -> Self {
        Self::Invalid(vec![FieldError::new(field, wrong)])
    }
}

impl From<Vec<FieldError>> for Error {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Invalid(errors)
    }
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Released => Self::ReservationReleased,
            Ended::Expired => Self::ReservationExpired,
        }
    }
}
