//! Reserve: hold seats for a user.

use jiff::Timestamp;

use crate::{
    Protocol, measure,
    network::{self, Counted},
};
use domain::{
    error::{Error, GaveUp},
    event::{Event, EventStatus},
    id::{AreaKey, EventId, ReservationId, UserId},
    network::Network,
    rate::WantedRates,
    reservation::{CONFIRMING_GRACES_MAX, Reservation, ReservationStatus, WantedSeats},
};
use stores::redis::{
    Redis,
    scripts::{Became, Places, Reserve, ReserveRequest, UserSeats},
};

/// Tries of one request: the state may be missing, then lost again, another area be meant, and an id may be taken.
const TRIES_MAX: usize = 6;

/// A reservation as it is now, and whether this request was answered before.
#[derive(Debug)]
pub struct Reserved {
    /// The reservation as it was made; while its seats are held, with the deadline that they have now.
    pub reservation: Reservation,
    /// What became of it.
    pub status: ReservationStatus,
    /// Now, by the clock that ends the hold.
    pub now: Timestamp,
    /// Whether the same request was answered before.
    pub replayed: bool,
    capacity: Option<u32>,
}

/// Seats that a user wants to hold.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Who wants them.
    pub user: UserId,
    /// Of which event.
    pub event: EventId,
    /// Of which of its areas, by its id; may be left out where there is one.
    pub area: Option<&'a str>,
    /// How many.
    pub quantity: u32,
    /// How many of them at which rates; the rest at the event's first.
    pub rates: &'a WantedRates,
    /// Which ones, in a numbered area.
    pub seats: &'a WantedSeats,
    /// The user's key for this request.
    pub idempotency_key: &'a str,
    /// From where it comes, if that is known.
    pub network: Option<&'a Network>,
}

/// Holds seats of an area for a user. The same idempotency key gives the same reservation, as it is by then; for
/// another quantity, other rates, other seats or another area it is refused. `permitted` says whether the request may be had at all; it is waited for
/// while the seats are held, which is taken back if not.
pub async fn reserve(
    protocol: &Protocol,
    wanted: Wanted<'_>,
    now: Timestamp,
    permitted: impl Future<Output = Result<(), Error>>,
) -> Result<Reserved, Error> {
    let Wanted { user, event, area, quantity, rates, seats, idempotency_key, network } = wanted;
    let request = ReserveRequest {
        id: ReservationId::new(protocol.catalogue.areas.meant(event, area), now),
        user,
        area,
        quantity,
        rates,
        seats,
        idempotency_key,
        hold_ttl_ms: protocol.hold_ttl_ms,
        unbought_max_ms: protocol.unbought_ttls_max * protocol.hold_ttl_ms,
    };
    let (permitted, reserved) = tokio::join!(permitted, reserve_at_once(protocol, request, network, now));
    if let Err(error) = permitted {
        withdraw(protocol, request, network, &reserved).await;
        return Err(error);
    }
    measure::reserved(&reserved);
    reserved
}

async fn reserve_at_once(
    protocol: &Protocol,
    request: ReserveRequest<'_>,
    network: Option<&Network>,
    now: Timestamp,
) -> Result<Reserved, Error> {
    let area = request.id.area();
    let places = Places { id: request.id, seats: request.quantity };
    let claim = || protocol.redis.claim_booking(&request, now, life_ms(protocol));
    let count = || network::count_held(protocol, network, places);
    // The key's record with the answer lives beside the event's seats, so one script can write both. That the key was not
    // used for another area, and what the network has, is asked at the same time, not before: it costs no round trip. While
    // seats are refused anyway, only who gets some after all has to ask.
    let at_once = !protocol.refusals.has(area);
    let (reserved, mut claimed, mut counted) = tokio::join!(
        hold_seats(protocol, request, now),
        when(at_once, claim),
        when(at_once && network.is_some(), count),
    );
    if !at_once && reserved.is_ok() {
        (claimed, counted) = tokio::join!(when(true, claim), when(is_new(&reserved), count));
    }
    let was_claimed = claimed.is_some();
    let reserved = check(protocol, request, reserved, claimed, counted.unwrap_or_default()).await;
    if counted.is_some() && !is_new(&reserved) {
        network::forget(protocol, network, places);
    }
    match &reserved {
        Ok(Reserved { reservation, replayed: false, .. }) if reservation.id != request.id => {
            note(protocol, request.user, reservation.id, now).await;
        }
        Err(error) if error.is_refusal() && was_claimed => {
            // Who comes in the moment after it need not say so again.
            protocol.refusals.note(area, error);
            forget_claim(protocol, request);
        }
        _ => {}
    }
    reserved
}

async fn when<T, F: Future<Output = T>>(wanted: bool, what: impl FnOnce() -> F) -> Option<T> {
    if wanted { Some(what().await) } else { None }
}

fn is_new(reserved: &Result<Reserved, Error>) -> bool {
    matches!(reserved, Ok(Reserved { replayed: false, .. }))
}

/// Gives new seats back if the key was used for something else, or if they are too many for the network. What is refused for
/// another reason is so whatever its key was used for: that was perhaps not asked.
async fn check(
    protocol: &Protocol,
    request: ReserveRequest<'_>,
    reserved: Result<Reserved, Error>,
    claimed: Option<Result<bool, Error>>,
    counted: Counted,
) -> Result<Reserved, Error> {
    let Ok(Reserved { reservation, replayed, capacity, .. }) = &reserved else { return reserved };
    let refused = match claimed.unwrap_or(Ok(true))? {
        false => Error::IdempotencyKeyReused,
        true if *replayed => return reserved,
        true => match network::check(protocol, counted, *capacity) {
            Ok(()) => return reserved,
            Err(refused) => refused,
        },
    };
    if !replayed {
        undo(protocol, request, reservation.id).await;
    }
    Err(refused)
}

/// How long a hold may live, with a confirm that is repeated until the end.
fn life_ms(protocol: &Protocol) -> u64 {
    protocol.hold_ttl_ms + CONFIRMING_GRACES_MAX * protocol.confirm_grace_ms
}

/// What is refused leaves nothing behind. Nobody waits for that: should the process end before, the claim does in a day.
fn forget_claim(protocol: &Protocol, request: ReserveRequest<'_>) {
    let (redis, id, user, key) =
        (protocol.redis.clone(), request.id, request.user, request.idempotency_key.to_owned());
    let asked_for = request.asked_for();
    tokio::spawn(async move { unclaim(&redis, id, user, &key, &asked_for).await });
}

async fn unclaim(redis: &Redis, id: ReservationId, user: UserId, idempotency_key: &str, asked_for: &str) {
    if let Err(error) = redis.unclaim_booking(id, user, idempotency_key, asked_for).await {
        tracing::warn!(%error, "an idempotency key stays tied to a request that was refused");
    }
}

/// Notes a reservation that got another id than was claimed, so that its owner finds it.
async fn note(protocol: &Protocol, user: UserId, id: ReservationId, now: Timestamp) {
    if let Err(error) = protocol.redis.note_reservation(user, id, now, life_ms(protocol)).await {
        tracing::warn!(reservation_id = %id, %error, "a reservation will not stand among its user's own");
    }
}

/// Takes back what a request did that was refused after all, so that its idempotency key may be used again: for this
/// event or for another. A reservation that the user was told of before stays, and so does what its key is used for.
async fn withdraw(
    protocol: &Protocol,
    request: ReserveRequest<'_>,
    network: Option<&Network>,
    reserved: &Result<Reserved, Error>,
) {
    match reserved {
        // Its key was used before, by this request or another.
        Ok(Reserved { replayed: true, .. }) | Err(Error::IdempotencyKeyReused) => return,
        Ok(Reserved { reservation, .. }) => {
            network::forget(protocol, network, Places { id: request.id, seats: request.quantity });
            undo(protocol, request, reservation.id).await;
        }
        Err(_) => {}
    }
    unclaim(&protocol.redis, request.id, request.user, request.idempotency_key, &request.asked_for()).await;
}

/// Takes a reservation back that its user was not told of. If that fails, the hold runs out by itself, or is what the
/// next such request is told of.
async fn undo(protocol: &Protocol, request: ReserveRequest<'_>, reservation: ReservationId) {
    if let Err(error) = protocol.redis.undo(reservation, request.user, request.idempotency_key).await {
        tracing::warn!(reservation_id = %reservation, %error, "a reservation could not be taken back");
    }
}

async fn hold_seats(
    protocol: &Protocol,
    mut request: ReserveRequest<'_>,
    now: Timestamp,
) -> Result<Reserved, Error> {
    let user = request.user;
    for _ in 0..TRIES_MAX {
        let area = request.id.area();
        match protocol.redis.reserve(&request).await? {
            Reserve::Held { reservation, now, capacity } => {
                let status = ReservationStatus::Held;
                return Ok(Reserved { reservation, status, now, replayed: false, capacity });
            }
            Reserve::Replayed { reservation, now, became } => {
                let status = status_of(protocol, user, reservation.id, became).await?;
                return Ok(Reserved { reservation, status, now, replayed: true, capacity: None });
            }
            Reserve::NotLoaded => {
                catalogue::load_missing(&protocol.catalogue, area, |event| check_on_sale(event, now)).await?
            }
            Reserve::IdTaken => request.id = ReservationId::new(area, now),
            Reserve::OtherArea(number) => {
                let other = AreaKey { number, ..area };
                protocol.catalogue.areas.note(other, request.area);
                request.id = ReservationId::new(other, now);
            }
            Reserve::UserLimit(seats) => check_user_limit(protocol, area, user, seats).await?,
        }
    }
    Err(Error::GaveUp(GaveUp::LosingState))
}

/// What became of a reservation: a booking, or what Redis says. A hold that is gone without a word has expired.
async fn status_of(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    became: Became,
) -> Result<ReservationStatus, Error> {
    let otherwise = match became {
        Became::Held => return Ok(ReservationStatus::Held),
        Became::Ended(how) => how.into(),
        Became::Gone => ReservationStatus::Expired,
    };
    // Also of one that has ended: Redis may have forgotten a confirm.
    Ok(protocol.store.booking(user, id).await?.map_or(otherwise, |booking| booking.status.into()))
}

/// Redis says that the user has too many seats already. It may know of too many: a cancel that it did not hear of. So
/// who is refused is refused by what DynamoDB says.
async fn check_user_limit(
    protocol: &Protocol,
    area: AreaKey,
    user: UserId,
    seats: UserSeats,
) -> Result<(), Error> {
    let bought = protocol.store.seats_of_user(area.event, user).await?;
    if bought >= seats.bought {
        let left = seats.most.saturating_sub(bought + seats.holding);
        return Err(Error::TooManyForUser { most: seats.most, left });
    }
    protocol.redis.bought(area, user, seats.bought, bought).await.map(|_| ())
}

/// Events whose sales are over are not loaded: their keys would stay for nothing.
fn check_on_sale(event: &Event, now: Timestamp) -> Result<(), Error> {
    if event.details.status == EventStatus::Draft {
        return Err(Error::EventNotFound);
    }
    event.not_on_sale(now).map_or(Ok(()), |why| Err(Error::NotOnSale(why)))
}
