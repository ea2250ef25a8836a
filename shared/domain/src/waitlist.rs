//! Waitlists: parties that wait for seats of an area which is sold out, and whose turn it is when some come back.
//!
//! The oldest party that fits is next. One that is too large for what is free is passed by smaller ones, but at most so many times:
//! then what comes back is collected until it fits. That ends, too, so that one large party does not keep all others waiting for
//! ever: after so long it keeps its place and may be passed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    event::AreaName,
    id::{EntryId, EventId, ReservationId, UserId},
};

/// Parties that may wait for one area.
pub const PARTIES_MAX: u32 = 10_000;
/// Entries with which one user may wait.
pub const ENTRIES_OF_USER_MAX: usize = 20;
/// An offer that could not last so long is none.
pub const OFFER_MIN: SignedDuration = SignedDuration::from_mins(5);
/// Passes that are told apart at most; see [`List::served`].
pub const BYPASSES_LIMIT: usize = 100;

/// What an operator may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitlistRules {
    /// How long an offer lasts.
    pub offer: SignedDuration,
    /// How long seats are collected for a party that was passed as often as it may be.
    pub collect: SignedDuration,
    /// How often a party may be passed.
    pub bypasses_max: usize,
}

impl WaitlistRules {
    /// Where nothing is set.
    pub const DEFAULT: Self = Self {
        offer: SignedDuration::from_secs(1_800),
        collect: SignedDuration::from_secs(21_600),
        bypasses_max: 10,
    };

    /// Until when an offer that is made now lasts; `None` if that is too short.
    pub fn offer_until(&self, now: Timestamp, sales_close_at: Timestamp) -> Option<Timestamp> {
        let until = (now + self.offer).min(sales_close_at);
        (until.duration_since(now) >= OFFER_MIN.min(self.offer)).then_some(until)
    }

    /// Whether a party that was passed as often as it may be may be passed all the same.
    pub fn has_collected(&self, party: &Party, now: Timestamp, sales_close_at: Timestamp) -> bool {
        let is_over = party.collecting_since.is_some_and(|since| now.duration_since(since) >= self.collect);
        is_over || sales_close_at.duration_since(now) < self.offer + self.offer
    }
}

/// What is known of an area's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Whether anybody waits: then the area's seats are the list's alone.
    #[serde(default)]
    pub open: bool,
    /// How often it was opened.
    #[serde(default)]
    pub generation: u64,
    /// Every change of it adds 1.
    #[serde(default)]
    pub version: u64,
    /// Parties that wait.
    #[serde(default)]
    pub waiting: u32,
    /// Places that they wait for.
    #[serde(default)]
    pub places: u32,
    /// Entries that were served past an older one which still waits, the largest ids of them. A party was passed as often as there
    /// are ids greater than its own. So as many as the bound are enough to tell who has reached it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub served: Vec<EntryId>,
}

/// A party that waits, in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Its entry; the ids of entries are in the order of joining.
    pub id: EntryId,
    /// Who it is.
    pub user_id: UserId,
    /// For how many places it waits.
    pub quantity: u32,
    /// Since when seats are collected for it.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub collecting_since: Option<Timestamp>,
}

/// Whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn<'a> {
    /// This one's.
    Of(&'a Party),
    /// What is free is kept for this one, until it fits.
    Collecting(&'a Party),
    /// Nobody's that fits.
    Nobody,
}

impl List {
    /// How often that party was passed, as far as it matters.
    pub fn passes(&self, id: EntryId) -> usize {
        self.served.iter().filter(|served| **served > id).count()
    }

    /// Whose turn it is among those that wait, in the order of joining. `fits` says whether so many places could be had now.
    pub fn turn<'a>(
        &self,
        queue: impl IntoIterator<Item = &'a Party>,
        bypasses_max: usize,
        may_be_passed: impl Fn(&Party) -> bool,
        fits: impl Fn(u32) -> bool,
    ) -> Turn<'a> {
        for party in queue {
            if fits(party.quantity) {
                return Turn::Of(party);
            }
            if self.passes(party.id) >= bypasses_max && !may_be_passed(party) {
                return Turn::Collecting(party);
            }
        }
        Turn::Nobody
    }

    /// What is remembered once `served` was, while `head` is the first that waits then.
    #[must_use]
    pub fn served_after(&self, served: EntryId, head: Option<EntryId>, bypasses_max: usize) -> Vec<EntryId> {
        let Some(head) = head else { return Vec::new() };
        let mut ids: Vec<EntryId> =
            self.served.iter().copied().chain([served]).filter(|id| *id > head).collect();
        ids.sort_unstable();
        ids.drain(..ids.len().saturating_sub(bypasses_max.min(BYPASSES_LIMIT)));
        ids
    }
}

/// How it stands with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryStatus {
    /// Nothing was offered yet.
    Waiting,
    /// Seats are offered.
    Offered,
    /// An offer was accepted.
    Taken,
    /// An offer was not accepted in time, or nothing can be offered any more.
    Lapsed,
    /// Its user left.
    Left,
}

impl EntryStatus {
    /// Its word in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Offered => "offered",
            Self::Taken => "taken",
            Self::Lapsed => "lapsed",
            Self::Left => "left",
        }
    }
}

/// A user's entry on an area's list. There is one of a user and an area; whoever joins again has a new one in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id, which leads to its area.
    pub id: EntryId,
    /// Whose it is.
    pub user_id: UserId,
    /// The event.
    pub event_id: EventId,
    /// The event's name, when it was joined.
    pub event_name: String,
    /// The area, as it was called.
    #[serde(default, skip_serializing_if = "AreaName::is_general")]
    pub area: AreaName,
    /// For how many places.
    pub quantity: u32,
    /// How it stands. Of one that was offered something, the booking says what became of that.
    pub status: EntryStatus,
    /// When it was joined.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub joined_at: Timestamp,
    /// What is, or was, offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<ReservationId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::AreaKey, time::from_ms};

    const BOUND: usize = 2;

    fn parties(sizes: &[u32]) -> Vec<Party> {
        let area = AreaKey::from(EventId::new(from_ms(1_900_000_000_000)));
        let party = |(at, quantity): (i64, &u32)| Party {
            id: EntryId::new(area, from_ms(1_900_000_000_000 + at)),
            user_id: UserId::new(),
            quantity: *quantity,
            collecting_since: None,
        };
        (0..).zip(sizes).map(party).collect()
    }

    /// Serves as many as fit into `free`, one after the other; the sizes in their order, and what is left.
    fn serve(list: &mut List, queue: &mut Vec<Party>, mut free: u32, may_be_passed: bool) -> (Vec<u32>, u32) {
        let mut served = Vec::new();
        while let Turn::Of(party) = list.turn(&*queue, BOUND, |_| may_be_passed, |quantity| quantity <= free) {
            let party = party.clone();
            queue.retain(|waits| waits.id != party.id);
            list.served = list.served_after(party.id, queue.first().map(|head| head.id), BOUND);
            assert!(list.served.len() <= BOUND);
            free -= party.quantity;
            served.push(party.quantity);
        }
        (served, free)
    }

    #[test]
    fn the_oldest_that_fits_is_next_and_nobody_is_passed_more_often_than_the_bound() {
        let (mut list, mut queue) = (List::default(), parties(&[4, 1, 3, 1, 1, 1]));
        assert_eq!(serve(&mut list, &mut queue, 1, false), (vec![1], 0));
        assert_eq!(serve(&mut list, &mut queue, 1, false), (vec![1], 0));
        // The first was passed twice: all is kept for it.
        assert_eq!(serve(&mut list, &mut queue, 3, false), (vec![], 3));
        assert!(matches!(list.turn(&queue, BOUND, |_| false, |_| false), Turn::Collecting(party) if party.quantity == 4));
        assert_eq!(serve(&mut list, &mut queue, 4, false), (vec![4], 0));
        // The second large one was passed once, by the second of those.
        assert_eq!(list.passes(queue[0].id), 1);
        assert_eq!(serve(&mut list, &mut queue, 1, false), (vec![1], 0));
        assert_eq!(serve(&mut list, &mut queue, 2, false), (vec![], 2));
        assert_eq!(serve(&mut list, &mut queue, 4, false), (vec![3, 1], 0));
        assert!(queue.is_empty() && list.served.is_empty());
    }

    #[test]
    fn once_collecting_has_ended_it_is_passed_and_keeps_its_place() {
        let (mut list, mut queue) = (List::default(), parties(&[4, 1, 1, 1, 3, 1]));
        assert_eq!(serve(&mut list, &mut queue, 3, false), (vec![1, 1], 1));
        assert_eq!(serve(&mut list, &mut queue, 1, true), (vec![1], 0));
        assert_eq!(list.passes(queue[1].id), 0, "who stands behind them was not passed");
        assert_eq!(serve(&mut list, &mut queue, 4, false), (vec![4], 0));
    }

    #[test]
    fn an_offer_ends_with_the_sale_and_collecting_ends_before() {
        let rules = WaitlistRules::DEFAULT;
        let (now, seconds) = (from_ms(1_900_000_000_000), SignedDuration::from_secs);
        assert_eq!(rules.offer_until(now, now + seconds(10_000)), Some(now + seconds(1_800)));
        assert_eq!(rules.offer_until(now, now + seconds(300)), Some(now + seconds(300)));
        assert_eq!(rules.offer_until(now, now + seconds(299)), None);
        let quick = WaitlistRules { offer: seconds(2), ..rules };
        assert_eq!(quick.offer_until(now, now + seconds(60)), Some(now + seconds(2)), "as short as it was set");

        let mut party = parties(&[4]).remove(0);
        let closes = now + seconds(100_000);
        assert!(!rules.has_collected(&party, now, closes));
        party.collecting_since = Some(now - seconds(21_599));
        assert!(!rules.has_collected(&party, now, closes));
        party.collecting_since = Some(now - seconds(21_600));
        assert!(rules.has_collected(&party, now, closes));
        party.collecting_since = Some(now);
        assert!(rules.has_collected(&party, now, now + seconds(3_599)) && !rules.has_collected(&party, now, now + seconds(3_600)));
    }
}
