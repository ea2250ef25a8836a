//! The stories: what every buyer was told is true, and nothing happened that nobody asked for.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use domain::{
    booking::{Booking, BookingStatus},
    event::GENERAL,
    id::{EventId, ReservationId},
};

use crate::{
    history::{Act, Purchase, Step},
    world::{HOLD_TTL_SECONDS, ROWS, World},
};

/// Holds every story against the bookings that there are.
pub(super) fn check(world: &World, bookings: &HashMap<ReservationId, Booking>) {
    let mut asked_for = HashSet::new();
    for purchase in world.history.purchases() {
        let mut wrong = Vec::new();
        let mut booked = 0;
        for id in purchase.reservations() {
            let booking = id.parse().ok().and_then(|id: ReservationId| bookings.get(&id));
            let is_called_off = world.to_cancel == Some(purchase.event);
            wrong.extend(check_reservation(&purchase, id, booking, is_called_off));
            if let Some(booking) = booking {
                booked += 1;
                asked_for.insert(booking.id);
            }
        }
        if booked > 1 {
            wrong.push(format!("one idempotency key became {booked} bookings"));
        }
        wrong.extend(check_key(&purchase));
        wrong.extend(check_sale(&purchase, world.to_cancel, world.redis_remembers));
        if world.redis_remembers {
            wrong.extend(check_promise(&purchase));
        }
        for wrong in wrong {
            world.history.violation(format!("{wrong}\n{purchase}"));
        }
    }
    for booking in bookings.values().filter(|booking| !asked_for.contains(&booking.id)) {
        world.history.violation(format!("a booking that nobody knows of: {booking:?}"));
    }
}

/// The same key must give the same reservation, as long as Redis forgets nothing.
fn check_key(purchase: &Purchase) -> Option<String> {
    let told: Vec<&Step> =
        purchase.steps.iter().filter(|step| step.act == Act::Book && step.reservation.is_some()).collect();
    let differ = |one: &Step, other: &Step| {
        one.reservation != other.reservation
            && one.losses.0.min(other.losses.0) == one.losses.1.max(other.losses.1)
    };
    let is_wrong = told.iter().any(|one| told.iter().any(|other| differ(one, other)));
    is_wrong.then(|| "one idempotency key gave two reservations, and Redis forgot nothing between".to_owned())
}

/// Only what was cancelled is not on sale, and then it stays so. If Redis forgets that, something may be sold until the shards are
/// closed; it is cancelled with all else.
fn check_sale(purchase: &Purchase, cancelled: Option<EventId>, redis_remembers: bool) -> Option<String> {
    let is_refused = |step: &&Step| step.outcome.code() == "not_on_sale";
    let refused = purchase.steps.iter().find(is_refused)?;
    if cancelled != Some(purchase.event) {
        return Some("not on sale, and nobody cancelled the event".to_owned());
    }
    let later = purchase.steps.iter().filter(|step| step.from > refused.until && step.act == Act::Confirm);
    let is_new = |step: &&Step| step.outcome.status() == 201;
    later
        .into_iter()
        .find(is_new)
        .filter(|_| redis_remembers)
        .map(|_| "sold after it was not on sale any more".to_owned())
}

/// A hold is a promise: until its deadline it can be confirmed, and then its seats are there.
fn check_promise(purchase: &Purchase) -> Option<String> {
    let held = purchase.steps.first()?;
    let deadline = held.from + Duration::from_secs(HOLD_TTL_SECONDS);
    let was_given_back = purchase.steps.iter().any(|step| step.act == Act::Release);
    let broken = purchase.steps.iter().filter(|step| step.act == Act::Confirm).find(|step| {
        match step.outcome.status() {
            // Redis counts what a user has bought, but a cancel may be counted twice while that is set right.
            // An event that is cancelled breaks all of them.
            409 => !["max_per_user_reached", "not_on_sale"].contains(&step.outcome.code()),
            410 => !was_given_back && step.until < deadline,
            _ => false,
        }
    })?;
    Some(format!("Redis forgot nothing, and a hold was refused: {}", broken.outcome))
}

fn check_reservation(
    purchase: &Purchase,
    id: &str,
    booking: Option<&Booking>,
    is_called_off: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut say = |is_wrong: bool, what: String| {
        if is_wrong {
            wrong.push(what);
        }
    };
    let any = |act| purchase.steps_of(act, id).next().is_some();
    let told = |act| purchase.steps_of(act, id).find(|step| step.outcome.is_success());
    let quoted =
        purchase.steps_of(Act::Book, id).find_map(|step| step.outcome.member("/reservation/total").as_u64());
    let total = booking.map(|booking| booking.charge().total());

    let Some(booking) = booking else {
        say(told(Act::Confirm).is_some(), format!("told confirmed, and there is no booking {id}"));
        say(told(Act::Cancel).is_some(), format!("told cancelled, and there is no booking {id}"));
        return wrong;
    };
    let what = format!("booking {id} ({} for {total:?}, {:?})", booking.quantity, booking.status);
    say(!any(Act::Confirm), format!("nobody asked to confirm {what}"));
    say(
        (booking.user_id, booking.event_id, booking.quantity)
            != (purchase.user, purchase.event, purchase.quantity),
        format!("{what} is not what was asked for"),
    );
    say(
        booking.area.id != purchase.area.unwrap_or(GENERAL),
        format!("{what} is of another area: {:?}", booking.area),
    );
    say(total != quoted, format!("{what} was quoted {quoted:?}"));
    for step in purchase.steps.iter().filter(|step| step.reservation.as_deref() == Some(id)) {
        for member in ["/reservation/seats", "/booking/seats"] {
            let said = step.outcome.member(member).as_array();
            let differs = said.is_some_and(|said| !said.iter().eq(&booking.seats));
            say(differs, format!("{what} has the seats {:?}, and was said to have {said:?}", booking.seats));
        }
    }
    let wish = &purchase.wish;
    let mut wanted = wish.seats.clone();
    wanted.sort_unstable();
    let mut got = booking.seats.clone();
    got.sort_unstable();
    say(!wanted.is_empty() && wanted != got, format!("{what} has {got:?}, asked for were {wanted:?}"));
    if purchase.area == Some(ROWS.0) {
        say(
            booking.seats.len() != booking.quantity as usize,
            format!("{what} has the seats {:?}", booking.seats),
        );
        let are_apart = !wish.apart && wanted.is_empty() && !are_neighbours(booking);
        say(are_apart, format!("{what} was to stand together: {:?}", booking.seats));
    }
    for step in purchase.steps_of(Act::Confirm, id).filter(|step| step.outcome.is_success()) {
        let said = ["/booking/quantity", "/booking/total"].map(|member| step.outcome.member(member).as_u64());
        let kept = [Some(u64::from(booking.quantity)), total];
        say(said != kept, format!("{what} was confirmed as {said:?}"));
    }
    let is_cancelled = booking.status == BookingStatus::Cancelled;
    say(told(Act::Cancel).is_some() && !is_cancelled, format!("told cancelled: {what}"));
    say(!any(Act::Cancel) && is_cancelled && !is_called_off, format!("nobody asked to cancel {what}"));
    say(!is_cancelled && is_called_off, format!("left of an event that is cancelled: {what}"));
    say(released_and_sold(purchase, id), format!("told released, and sold all the same: {what}"));
    say(told_lost(purchase, id).is_some(), format!("told that it was lost: {what}"));
    wrong
}

/// Whether all seats of a booking stand side by side in one row.
fn are_neighbours(booking: &Booking) -> bool {
    let [draw] = booking.draws.as_slice() else { return false };
    let seats: Vec<u8> = draw.named.iter().collect();
    seats.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// The buyer gave the hold back, and Redis forgot nothing between that and the confirms: then there must be no booking.
fn released_and_sold(purchase: &Purchase, id: &str) -> bool {
    let Some(released) = purchase.steps_of(Act::Release, id).find(|step| step.outcome.is_success()) else {
        return false;
    };
    let seen = |step: &Step| step.losses == (released.losses.0, released.losses.0);
    seen(released) && purchase.steps_of(Act::Confirm, id).all(seen)
}

/// The buyer was told for good that the hold is lost, and Redis had forgotten nothing since the hold was made: then
/// there must be no booking. That no seats are left (409) is for good only as long as the buyer does not confirm again:
/// the hold lives on for a while, in case that another attempt commits or seats come back.
fn told_lost<'a>(purchase: &'a Purchase, id: &'a str) -> Option<&'a Step> {
    let held = purchase.steps_of(Act::Book, id).next()?;
    purchase.steps_of(Act::Confirm, id).find(|step| {
        let outcome = &step.outcome;
        let is_last = || purchase.steps_of(Act::Confirm, id).all(|other| other.from <= step.from);
        let is_for_good = !outcome.is_success() && !outcome.is_open();
        is_for_good && (outcome.status() != 409 || is_last()) && step.losses.1 == held.losses.0
    })
}

#[cfg(test)]
mod tests {
    use domain::id::{EventId, UserId};
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::history::Outcome;

    /// What a buyer does, and the status that is answered; 0 for none.
    type Then = &'static [(Act, u16)];

    /// A buyer who holds two seats at 2,500 and then does what is given, with these answers.
    fn story(then: &[(Act, u16)]) -> (Purchase, ReservationId) {
        let now = Timestamp::now();
        let event = EventId::new(now);
        let id = ReservationId::new(event, now);
        let step = |act, status, at| {
            let body = match act {
                Act::Book => json!({ "reservation": { "total": 5_000 } }),
                _ => json!({ "booking": { "quantity": 2, "total": 5_000 } }),
            };
            let outcome =
                if status == 0 { Outcome::Unknown("lost") } else { Outcome::Answered(status, body) };
            let (from, until, losses) = (at, at, (0, 0));
            Step { act, reservation: Some(id.to_string()), server: 0, from, until, losses, outcome }
        };
        let acts = [(Act::Book, 201)];
        let acts = acts.iter().chain(then).zip(0_u64..);
        let steps = acts.map(|((act, status), at)| step(*act, *status, Duration::from_millis(at))).collect();
        (
            Purchase {
                user: UserId::new(),
                event,
                area: None,
                wish: Default::default(),
                key: "key".to_owned(),
                quantity: 2,
                steps,
            },
            id,
        )
    }

    fn booking(purchase: &Purchase, id: ReservationId, status: BookingStatus) -> Booking {
        Booking {
            id,
            user_id: purchase.user,
            event_id: purchase.event,
            event_name: String::new(),
            starts_at: Timestamp::now(),
            area: Default::default(),
            quantity: 2,
            seats: Vec::new(),
            unit_price: Some(2_500),
            lines: Vec::new(),
            counted_by_rate: false,
            currency: "EUR".to_owned(),
            draws: vec![],
            status,
            reason: None,
            expires_at: None,
            outside: None,
            void: false,
            created_at: Timestamp::now(),
            confirmed_at: None,
            expired_at: None,
            cancelled_at: None,
            version: 1,
        }
    }

    /// What is wrong with that story if its booking has that status, or is not there.
    fn wrong(then: &[(Act, u16)], status: Option<BookingStatus>) -> Vec<String> {
        let (purchase, id) = story(then);
        let booking = status.map(|status| booking(&purchase, id, status));
        check_reservation(&purchase, &id.to_string(), booking.as_ref(), false)
    }

    #[test]
    fn what_was_told_must_be_true() {
        use BookingStatus::{Cancelled, Confirmed};
        let lies: [(Then, Option<BookingStatus>); 9] = [
            (&[(Act::Confirm, 201)], None),
            (&[], Some(Confirmed)),
            (&[(Act::Confirm, 201)], Some(Cancelled)),
            (&[(Act::Confirm, 201), (Act::Cancel, 200)], Some(Confirmed)),
            (&[(Act::Confirm, 201), (Act::Cancel, 200)], None),
            (&[(Act::Release, 204), (Act::Confirm, 0)], Some(Confirmed)),
            (&[(Act::Confirm, 0), (Act::Confirm, 410)], Some(Confirmed)),
            (&[(Act::Confirm, 409)], Some(Confirmed)),
            (&[(Act::Confirm, 410), (Act::Confirm, 201)], Some(Confirmed)),
        ];
        for (then, status) in lies {
            assert!(!wrong(then, status).is_empty(), "{then:?} {status:?}");
        }
    }

    #[test]
    fn what_is_not_known_may_have_happened_or_not() {
        use BookingStatus::{Cancelled, Confirmed};
        let truths: [(Then, Option<BookingStatus>); 8] = [
            (&[], None),
            (&[(Act::Confirm, 0)], None),
            (&[(Act::Confirm, 0)], Some(Confirmed)),
            (&[(Act::Confirm, 503), (Act::Confirm, 200)], Some(Confirmed)),
            (&[(Act::Confirm, 201), (Act::Cancel, 0)], Some(Confirmed)),
            (&[(Act::Confirm, 201), (Act::Cancel, 0)], Some(Cancelled)),
            (&[(Act::Release, 204), (Act::Confirm, 410)], None),
            (&[(Act::Confirm, 409), (Act::Confirm, 201)], Some(Confirmed)),
        ];
        for (then, status) in truths {
            assert_eq!(wrong(then, status), Vec::<String>::new(), "{then:?} {status:?}");
        }
    }

    #[test]
    fn a_hold_is_a_promise() {
        let stories: [(Then, bool); 4] = [
            (&[(Act::Confirm, 409)], true),
            (&[(Act::Confirm, 410)], true),
            (&[(Act::Release, 204), (Act::Confirm, 410)], false),
            (&[(Act::Confirm, 201)], false),
        ];
        for (then, is_broken) in stories {
            assert_eq!(check_promise(&story(then).0).is_some(), is_broken, "{then:?}");
        }
    }

    #[test]
    fn nothing_is_left_of_an_event_that_is_cancelled() {
        use BookingStatus::{Cancelled, Confirmed};
        let (purchase, id) = story(&[(Act::Confirm, 201)]);
        for (status, is_called_off, is_wrong) in [
            (Confirmed, false, false),
            (Cancelled, true, false),
            (Confirmed, true, true),
            (Cancelled, false, true),
        ] {
            let booking = booking(&purchase, id, status);
            let wrong = check_reservation(&purchase, &id.to_string(), Some(&booking), is_called_off);
            assert_eq!(!wrong.is_empty(), is_wrong, "{status:?} {is_called_off}: {wrong:?}");
        }
    }

    #[test]
    fn what_is_cancelled_is_not_on_sale_any_more_and_nothing_else() {
        let (mut purchase, _) = story(&[(Act::Confirm, 409), (Act::Confirm, 201)]);
        purchase.steps[1].outcome = Outcome::Answered(409, json!({ "code": "not_on_sale" }));
        assert!(check_sale(&purchase, None, true).is_some());
        assert!(check_sale(&purchase, Some(purchase.event), true).is_some(), "sold later");
        assert!(check_sale(&purchase, Some(purchase.event), false).is_none());
        purchase.steps.pop();
        assert!(check_sale(&purchase, Some(purchase.event), true).is_none());
    }

    #[test]
    fn a_key_gives_another_reservation_only_after_redis_forgot() {
        let (mut purchase, _) = story(&[(Act::Book, 201)]);
        assert!(check_key(&purchase).is_none());
        purchase.steps[1].reservation = Some("another".to_owned());
        assert!(check_key(&purchase).is_some());
        purchase.steps[1].losses = (2, 2);
        assert!(check_key(&purchase).is_none());
    }
}
