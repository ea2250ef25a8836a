//! What the sequences came to: which steps, and what came of them where that is rare.

use model::numbered::{Action, Attempt, Cancel, Config, HoldAt, Seat, State};

use crate::walk::Reached;

/// What the sequences must come to, or they show little.
pub(crate) const KINDS: &[&str] = &[
    "Begin",
    "Begin, in vain",
    "Cancel",
    "Cancel, too late",
    "CancelRead",
    "CancelRead, without a row",
    "Commit",
    "Commit, of what is booked",
    "Commit, over the limit",
    "Commit, refused",
    "Crash",
    "CrashCancel",
    "End, expired",
    "End, finished",
    "End, of a held seat that is sold",
    "End, undone",
    "Finish",
    "Finish, of a held seat that is sold",
    "Finish, without a hold",
    "Load",
    "Load, of an old read",
    "LoadRead",
    "Lose",
    "Reconcile, adopting",
    "Reconcile, adopting held but sold",
    "Reconcile, in vain",
    "Reconcile, of another epoch",
    "Reconcile, remembering",
    "Reconcile, waiting for a confirm",
    "Reconcile, waiting for a grace",
    "ReconcileRead",
    "ReconcileSee",
    "Refuse",
    "Reserve",
    "Reserve, in vain",
    "Reserve, over the limit",
    "Restock",
    "Restock, finishing first",
    "Restock, of a held seat",
    "Restock, of another epoch",
    "Restock, of seats sold again",
    "Unbegin",
    "Unbegin, in vain",
];

/// Counts a step, by what it was and what came of it. `is_refused`: Redis refused it for a limit.
pub(super) fn note(
    reached: &mut Reached,
    config: &Config,
    (action, is_refused): (Action, bool),
    before: &State,
    after: &State,
) {
    let words = format!("{action:?}");
    let kind = words.split('(').next().unwrap_or_default();
    let came_of_it = match action {
        Action::Reserve(_) if is_refused => "over the limit",
        Action::Reserve(_) | Action::Begin(..) | Action::Unbegin(..) if before.holds == after.holds => {
            "in vain"
        }
        Action::Commit(id, attempt) => match after.attempts[id][attempt] {
            Attempt::Refused(_) => "refused",
            Attempt::OverLimit | Attempt::Ended => "over the limit",
            _ if before.dynamo == after.dynamo => "of what is booked",
            _ => "",
        },
        Action::Finish(..) if before.holds == after.holds => "without a hold",
        Action::Finish(id, _) if holds_a_sold_seat(before, id) => "of a held seat that is sold",
        Action::CancelRead(_) if before.row.is_none() => "without a row",
        Action::Cancel(_) if before.dynamo == after.dynamo => "too late",
        Action::Restock(cancel) => restocked(config, cancel, before),
        Action::End(id) => ended(before, after, id),
        Action::Load if before.loader.is_some_and(|read| read.version != before.dynamo.version) => {
            "of an old read"
        }
        Action::Reconcile => reconciled(before, after),
        _ => "",
    };
    let what = if came_of_it.is_empty() { kind.to_owned() } else { format!("{kind}, {came_of_it}") };
    *reached.entry(what).or_default() += 1;
}

fn holds_a_sold_seat(state: &State, id: usize) -> bool {
    let (HoldAt::Held(seats) | HoldAt::Confirming(seats)) = state.holds[id] else { return false };
    are_among(state, seats, Seat::HeldButSold)
}

/// Whether one of these seats of the row is in that state.
fn are_among(state: &State, seats: u8, is: Seat) -> bool {
    let seats_of_row = state.row.iter().flat_map(|row| row.seats).enumerate();
    seats_of_row.into_iter().any(|(seat, found)| seats & (1 << seat) != 0 && found == is)
}

fn restocked(config: &Config, cancel: usize, before: &State) -> &'static str {
    let id = config.cancels[cancel].unwrap_or_default();
    let seats = before.dynamo.bookings[id].seats;
    match before.cancels[cancel] {
        Cancel::Committed(Some(seen)) if before.row.is_some() && seen != before.losses => "of another epoch",
        Cancel::Committed(Some(seen)) if seen == before.losses => match before.holds[id] {
            HoldAt::None if are_among(before, seats, Seat::SoldAgain) => "of seats sold again",
            HoldAt::None if are_among(before, seats, Seat::HeldButSold) => "of a held seat",
            HoldAt::None => "",
            _ => "finishing first",
        },
        _ => "without a row",
    }
}

fn ended(before: &State, after: &State, id: usize) -> &'static str {
    let applied = |state: &State| state.row.map(|row| row.applied);
    let is_sold = holds_a_sold_seat(before, id);
    match before.holds[id] {
        HoldAt::Confirming(_) if applied(before) != applied(after) => "finished",
        _ if is_sold => "of a held seat that is sold",
        HoldAt::Confirming(_) => "undone",
        _ => "expired",
    }
}

fn reconciled(before: &State, after: &State) -> &'static str {
    let (Some(was), Some(is)) = (before.row, after.row) else { return "without a row" };
    let Some((epoch, applied)) = before.janitor.seen else { return "in vain" };
    let is_seen = epoch == before.losses && applied == was.applied;
    let version = before.janitor.read.map(|read| read.version);
    let confirming = before.holds.iter().any(|hold| matches!(hold, HoldAt::Confirming(seats) if *seats != 0));
    match (was.applied != is.applied, was.differs != is.differs) {
        _ if epoch != before.losses => "of another epoch",
        _ if !is_seen => "of what was applied before",
        (true, _) if is.seats.contains(&Seat::HeldButSold) => "adopting held but sold",
        (true, _) => "adopting",
        (false, true) if is.differs.is_some() => "remembering",
        (false, true) => "forgetting a difference",
        _ if version == Some(was.applied) => "in vain",
        _ if confirming => "waiting for a confirm",
        _ => "waiting for a grace",
    }
}
