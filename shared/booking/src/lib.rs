//! The booking protocol: how a seat moves from free to held to sold, and back, so that no event is ever
//! oversold and no seat is ever lost, whatever crashes.
//!
//! # Who owns what
//!
//! DynamoDB holds the truth and is never lost. Redis holds a fast copy, any of which may be lost at any moment
//! (failover, flush, eviction). Two rules follow:
//!
//! - **DynamoDB alone decides what is sold.** A confirm is one `TransactWriteItems` whose conditions refuse to
//!   sell past capacity, even if Redis answers nonsense.
//! - **Redis alone decides who may try.** A hold is a promise that the confirm's conditions will be true. Redis
//!   keeps it unless it lost data; then its state is rebuilt from DynamoDB in one read ([`catalogue::load()`]).
//!
//! # The life of a seat
//!
//! ```text
//!          reserve               begin                 commit (DynamoDB)        finish
//!   free ─────────────▶ held ─────────────▶ confirming ─────────────────▶ sold ─────────▶ hold gone
//!    ▲                   │                      │                          │
//!    │ release, expire   │                      │ settle: never committed  │ cancel (DynamoDB),
//!    └───────────────────┴──────────────────────┘                          │ restock
//!    └─────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - [`reserve()`]: one script, one round trip. It replays a known idempotency key, checks the sale, expires
//!   overdue holds if seats are short, draws seats from the inventory shards and writes the hold.
//! - [`confirm()`]: *begin* marks the hold `confirming`, which from then on only the janitor may end, after a
//!   grace period longer than any request can live; it is taken back at once if the request turns out to be one too many
//!   (`unbegin.lua`), unless another confirm of the hold began. *Commit* puts the booking and sells the drawn seats in one
//!   transaction. *Finish* removes the hold. A crash after *begin* or after *commit* leaves a `confirming` hold;
//!   [`expire()`] reads whether the booking exists and settles it.
//! - [`release()`], and expiry: the draws become free again. How a hold ended is known for a day ([`reservation()`]).
//! - [`cancel()`], and [`cancel_event()`] for all bookings of an event: one transaction marks the booking and takes the
//!   seats back, then Redis follows.
//! - [`replace_event()`]: an admin's change. Raising the capacity is like a cancel, lowering it like a confirm.
//!   An event that becomes a draft has all its seats withdrawn for a moment, which shows that none is sold or held
//!   (`unpublish.rs`); a draft sells nothing, so only such an event can be deleted ([`delete_draft()`]).
//! - [`catalogue::price_event()`]: demand pricing, once a day. It touches no seat: a hold keeps the price that it quoted.
//!
//! *Rates* (adult, child) change what a seat costs, never which there are: the script that holds prices the seats
//! (`shared/stores/lua/lib/charge.lua`, [`domain::rate`]), and writes into the hold what each rate's cost. Where that differs, the hold
//! has no `unit_price`, so that a release from before rates can't confirm it at a wrong one.
//!
//! # Inventory shards
//!
//! An event's capacity is split over shards, each an item of its own, because DynamoDB limits what one item can
//! take ([`domain::inventory`]). A hold names its *draws*: which shards its seats come from. Where no
//! single shard has enough, a draw spans several, so the last seat of every shard can be sold, and clients
//! never see that there are shards.
//!
//! A shard's `version` counts its committed changes of seats. Redis keeps how many of them it knows of (`applied`), and an
//! `epoch`, new at every load. Whoever changes DynamoDB first and Redis after (cancel, raise) remembers the epoch
//! it saw before: if it changed meanwhile, the new state may contain the change already.
//!
//! # Areas
//!
//! An event sells from one area or several, each with its price. An area is the unit of all of this: it has its range of shards
//! ([`domain::inventory::shard_number`]), and in Redis its state and its holds under a hash tag of its own, so in a cluster a slot of its
//! own. A reservation is of one area, and its id says of which ([`domain::id`]), so every later step finds the keys without a look-up.
//! What is said below of an event's shards holds for each of its areas; an event's own keys are those of its first. People name an
//! area by its id, which stands for one number for ever, so a process remembers it (`catalogue::areas`); what it does not know, or what was
//! taken away, the area's state says.
//!
//! # Seats with names
//!
//! An area can have rows ([`domain::row`]). A row is one shard, and a draw of it names its seats. DynamoDB keeps in the shard which are
//! `taken`, and a commit has the condition that these are not; Redis keeps a character for each seat (`lib/rows.lua`), and chooses the best
//! (`lib/pick.lua`) inside *reserve*. All else is one with places that have no names, but for this: such a hold never changes its
//! seats. If DynamoDB refuses them, others are not drawn: the buyer is answered `seats_taken`, and the hold is settled. A hold that is gone
//! is made anew with just its seats or not at all. An admin adds rows behind the others ([`replace_event()`]), and takes seats out of sale and
//! back ([`withdraw_seats()`], [`restore_seats()`]), which are a lowered and a raised capacity of these very seats.
//!
//! # Cancelled events
//!
//! [`cancel_event()`] takes an event off sale; then [`cancel_bookings()`] closes its shards, which every commit looks at, and cancels one
//! booking after the other (`cancel_event.rs`).
//!
//! # Pending bookings
//!
//! What waits for the outside (a payment), or for hours (an offer), can't stand on a hold, which Redis may forget: [`checkout()`] makes a
//! booking of it that is *pending*. Its seats are taken in DynamoDB (`unsold -= n, pending += n, version += 1`), and *finish* removes
//! the hold, so Redis knows them as sold. Confirming it moves no seat for Redis (`pending -= n, sold += n`), so the version stays. If it
//! expires its seats come back as those of a cancelled one. So `capacity = free + held + pending + sold`, and that a booking exists
//! means nothing by itself: whoever meets one answers by its status (`pending.rs`).
//!
//! # One user's seats
//!
//! One user may have `max_per_user` seats of an event, over holds and bookings together. *Reserve* refuses more by what
//! Redis counts: `holding` follows the hold, `bought` follows *finish* and a cancel. *Commit* counts again in DynamoDB, in
//! an item of the user and the event, under the condition that it is not too much: so it holds even if Redis lost data.
//! If Redis counts too much, because it never heard of a cancel, who is refused is counted anew by DynamoDB.
//!
//! # The janitor
//!
//! Every minute, the janitor does three things for each event, in this order, and may be broken off or run twice at once
//! anywhere: [`expire()`] *expires* overdue holds and *settles* overdue confirms, of all events first; then [`reconcile()`]
//! finds what was lost with Redis or with a process between the two stores (`shared/stores/lua/reconcile.lua` says how).
//! [`conservation()`] shows an admin where the seats are.
//!
//! The transactions of confirm and cancel also count what they did for the hour (`stores::dynamodb`). That changes nothing
//! here: the janitor moves past hours out of the shards in transactions that touch no seat, and leave `version` alone.
//!
//! `tools/model` checks all of this exhaustively for small sizes, with every crash, lost reply and loss of Redis; and
//! that each guard is needed.
//!
//! # Invariants
//!
//! 1. `sold <= capacity` on every shard, always, with Redis arbitrarily wrong.
//! 2. `free + held + sold <= capacity` on every shard, a hold whose booking is committed counted once, unless
//!    Redis lost data and the janitor has not yet caught up: two grace periods and two sweeps, or longer on a shard
//!    that never rests. It may promise too much then; invariant 1 holds all the same.
//! 3. At rest, `free + held + sold = capacity`: no seat leaks.
//! 4. A reservation ends exactly once: confirmed, released or expired.
//! 5. One (user, idempotency key) makes at most one reservation, unless Redis lost its record; one reservation at
//!    most one booking, always.
//! 6. The price charged is the price quoted in the hold, at each rate.
//! 7. A confirmed booking changes only by an explicit cancel, and its seats return once.
//! 8. Sold out is never said for good while a seat is free.
//! 9. A seat with a name belongs to at most one booking that is not cancelled, always, with Redis arbitrarily wrong.
//! 10. At rest every seat with a name is exactly one of free, held, sold and out of sale, alike in both stores.
//! 11. Seats that were asked for by their number, side by side, are neighbours in one row.
//! 12. A pending booking is confirmed or expires, exactly once, in any order of crashes, repeats and words of the outside.
//! 13. One whose time is over, and whose outside has answered, does not outlive two minutes. (If the Redis half of its return was
//!     lost, its seats are back in Redis once the shard is quiet for a grace period.)
//! 14. The seats of an expired one return once.

mod audit;
mod cancel;
mod cancel_event;
mod confirm;
mod conservation;
mod create;
mod delete;
mod expire;
mod look;
mod measure;
mod network;
mod out_of_sale;
mod pending;
mod reconcile;
mod refusals;
mod release;
mod replace;
mod reserve;
mod rows;
mod unpublish;
mod versions;
mod withdrawals;

pub use cancel::{Cancelled, cancel};
pub use cancel_event::{
    BookingsCancelled, CancellationProgress, cancel_bookings, cancel_event, cancellation,
};
pub use confirm::{Confirmed, confirm, event_now};
pub use conservation::{Conservation, Counted, conservation};
pub use create::{Created, create_event, create_event_once};
pub use delete::delete_draft;
pub use expire::{Expired, expire};
pub use look::{Looked, own_holds, reservation};
pub use out_of_sale::{OutOfSale, SEATS_AT_ONCE_MAX, restore_seats, withdraw_seats};
pub use pending::{Decided, checkout, close, decide};
pub use reconcile::{Reconciliation, reconcile};
pub use release::release;
pub use replace::replace_event;
pub use reserve::{Reserved, Wanted, reserve};

use std::sync::Arc;

use catalogue::Catalogue;
use domain::{error::Error, id::UserId};
use refusals::Refusals;
use settings::Config;
use stores::{dynamodb::Store, redis::Redis};

/// The protocol over the two stores.
#[derive(Debug)]
pub struct Protocol {
    store: Store,
    redis: Redis,
    /// Hears of what sells and changes.
    catalogue: Arc<Catalogue>,
    /// How long a hold lives.
    hold_ttl_ms: u64,
    /// For how many lives of a hold a user may hold seats of an event without buying them; 0 for any time.
    unbought_ttls_max: u64,
    /// Places of an event that one network may have; see [`domain::network::places_max`].
    network_places_max: Option<u32>,
    refusals: Refusals,
    /// How long a hold stays after its confirm began, before the janitor settles it.
    confirm_grace_ms: u64,
    /// How many seats one inventory shard is meant for.
    seats_per_shard: u32,
}

impl Protocol {
    /// The protocol over these stores, by these settings.
    pub fn new(config: &Config, store: Store, redis: Redis, catalogue: Arc<Catalogue>) -> Self {
        Self {
            store,
            redis,
            catalogue,
            hold_ttl_ms: config.hold_ttl_ms,
            unbought_ttls_max: config.unbought_ttls_max,
            network_places_max: config.network_places_max,
            refusals: Refusals::default(),
            confirm_grace_ms: config.confirm_grace_ms,
            seats_per_shard: config.seats_per_shard,
        }
    }
}

/// Ties an idempotency key to what the request is about; `IdempotencyKeyReused` if it was used for something
/// else. For requests that are idempotent by nature: without Redis they work all the same, only such a mix-up is
/// not noticed.
pub async fn check_idempotency_key(
    protocol: &Protocol,
    user: UserId,
    operation: &str,
    key: &str,
    used_for: &str,
) -> Result<(), Error> {
    match protocol.redis.claim(user, operation, key, used_for).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::IdempotencyKeyReused),
        Err(Error::OutOfReach { source, .. }) => {
            tracing::warn!(error = %source, "an idempotency key was not checked");
            Ok(())
        }
        Err(error) => Err(error),
    }
}
