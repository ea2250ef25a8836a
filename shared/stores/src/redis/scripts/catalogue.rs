//! What people browse: copies of events, the list of upcoming ones, and which are popular.

use std::time::Duration;

use jiff::Timestamp;

use super::json;
use crate::redis::{Redis, answer::Answer};
use domain::{
    error::Error,
    event::{Available, Event, ON_SALE_LOOKBACK, UpcomingEvent, searched},
    id::{AreaKey, EventId},
    inventory::Shards,
    popularity::{TICKET_RANK, rank_of_start},
    time::from_ms,
};

script!(SHOW, "show.lua");
script!(KEEP_SUM, "lib/state.lua", "keep_sum.lua");
script!(KEEP, "lib/state.lua", "keep.lua");
script!(MISSING, "missing.lua");
script!(LIST, "list.lua");
script!(KEEP_LIST, "lib/state.lua", "keep_list.lua");
script!(CHANGE, "lib/state.lua", "change.lua");
script!(SOLD, "sold.lua");
script!(RANK, "rank.lua");
script!(CORRECT, "correct.lua");

/// Nothing that people browse is older than this, even if nobody told Redis of a change.
pub const COPY_TTL: Duration = Duration::from_secs(30);
/// A copy is read anew this long before its end, while it can still be shown.
const AGEING_BEFORE_END: Duration = Duration::from_secs(10);
/// How long the others wait for whoever reads a copy anew. If it takes longer, or crashes, another one reads it.
const TURN: Duration = Duration::from_secs(3);
/// How long an event that was not there counts as missing.
const MISSING_FOR: Duration = Duration::from_secs(1);
/// A change that old is in DynamoDB's index, which lags behind by well under a second.
const CHANGE_SETTLED: Duration = Duration::from_secs(60);
/// Longer than a change takes to settle plus the life of a list that was read before.
const CHANGE_REMEMBERED: Duration = Duration::from_secs(120);

/// What `show.lua` answers.
#[derive(Debug)]
pub enum Show {
    /// The event, and the seats that can be had.
    Shown(Event, SeatsShown),
    /// The same; and it is the caller's turn to read it anew.
    Ageing(Event, SeatsShown, Turn),
    /// It is the caller's turn to read it.
    Read(Turn),
    /// Somebody else reads it.
    Wait,
    /// There was no such event a moment ago.
    Missing,
}

/// Seats that can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatsShown {
    /// How many.
    pub seats: Available,
    /// Whether the caller is to count those of the event's areas.
    pub sum_up: bool,
}

/// The caller's turn to read an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whether Redis has the event's state.
    pub is_loaded: bool,
}

/// What `list.lua` answers.
#[derive(Debug)]
pub enum List {
    /// The list, and whether it is the caller's turn to read it anew.
    Listed(CatalogueKept, bool),
    /// It is the caller's turn to read it.
    Read,
    /// Somebody else reads it.
    Wait,
}

/// The list of upcoming published events as Redis keeps it.
#[derive(Debug)]
pub struct CatalogueKept {
    /// As it was read from DynamoDB's index; `None` if it is the one that the caller has.
    pub list: Option<Vec<UpcomingEvent>>,
    /// What to call it when asking for what changed since.
    pub name: String,
    /// What changed lately, and whether it belongs in the list.
    pub changes: Vec<(UpcomingEvent, bool)>,
    /// Another one after each change.
    pub generation: String,
    /// How long it may be used.
    pub usable_for: Duration,
}

impl CatalogueKept {
    /// How long it may be used before somebody should read it anew.
    pub fn fresh_for(&self) -> Duration {
        self.usable_for.saturating_sub(AGEING_BEFORE_END)
    }
}

/// An event in the list's JSON, which has thousands of them: id, start in ms, shards, version, what words are looked for in, close
/// of sales in ms.
type Row = (EventId, i64, Shards, u64, String, Option<i64>);

fn to_row(event: UpcomingEvent) -> Row {
    let UpcomingEvent { id, starts_at, shards, version, searched, sales_close_at } = event;
    let close_ms = sales_close_at.map(Timestamp::as_millisecond);
    (id, starts_at.as_millisecond(), shards, version, searched, close_ms)
}

fn from_row((id, start_ms, shards, version, searched, close_ms): Row) -> UpcomingEvent {
    let (starts_at, sales_close_at) = (from_ms(start_ms), close_ms.map(from_ms));
    UpcomingEvent { id, starts_at, shards, version, searched: searched_now(searched), sales_close_at }
}

/// The release before wrote the name in lower case and no more, without a line break, which stands before the venue. So such an
/// event is found by its name alone until the list is read anew.
fn searched_now(text: String) -> String {
    if text.contains('\n') { text } else { searched(&text, None) }
}

/// What a change says of an event: a row without the close of sales, which the release before cannot read.
type ChangedRow = (EventId, i64, Shards, u64, String);

fn to_changed_row(event: UpcomingEvent) -> ChangedRow {
    let (id, start_ms, shards, version, searched, _) = to_row(event);
    (id, start_ms, shards, version, searched)
}

/// The event counts as on sale for as long as it can be; whether it is, its copy says when it is shown.
fn from_changed_row((id, start_ms, shards, version, searched): ChangedRow) -> UpcomingEvent {
    let starts_at = from_ms(start_ms);
    let close = starts_at.checked_add(ON_SALE_LOOKBACK).unwrap_or(Timestamp::MAX);
    from_row((id, start_ms, shards, version, searched, Some(close.as_millisecond())))
}

impl Redis {
    /// The event as people see it. A copy that can't be read is none.
    pub async fn shown(&self, event: EventId) -> Result<Show, Error> {
        if let Some(shown) = self.show(event).await? {
            return Ok(shown);
        }
        tracing::warn!(event_id = %event, "the copy of an event can't be read; it is made anew");
        self.forget_copy(event).await?;
        // Another release may have made its own meanwhile.
        Ok(self.show(event).await?.unwrap_or(Show::Wait))
    }

    /// `show.lua`: the event as people see it; `None` if the copy can't be read.
    pub async fn show(&self, event: EventId) -> Result<Option<Show>, Error> {
        let mut call = SHOW.key(self.keys.state(event));
        call.key(self.keys.copy(event)).key(self.keys.turn(event));
        call.arg(AGEING_BEFORE_END.as_millis()).arg(TURN.as_millis());
        let answer = self.invoke(&call).await?;
        let turn = |n| Ok::<_, Error>(Turn { is_loaded: answer.value::<u8>(n)? == 1 });
        let copy = || answer.json(0).ok();
        let seats = || {
            let by_area: Option<String> = answer.value(3)?;
            // What another release or a stranger wrote says nothing of areas.
            let by_area = by_area.and_then(|json| serde_json::from_str(&json).ok());
            let seats = by_area.map_or_else(
                || answer.seats(1).map(Available::from),
                |seats| Ok(Available::by_area(seats)),
            )?;
            Ok::<_, Error>(SeatsShown { seats, sum_up: answer.value::<u8>(2)? == 1 })
        };
        Ok(match answer.word() {
            "SHOWN" => copy().zip(Some(seats()?)).map(|(event, seats)| Show::Shown(event, seats)),
            "AGEING" => {
                let (seats, turn) = (seats()?, turn(4)?);
                copy().map(|event| Show::Ageing(event, seats, turn))
            }
            "READ" => Some(Show::Read(turn(0)?)),
            "WAIT" => Some(Show::Wait),
            "MISSING" => Some(Show::Missing),
            _ => return Err(answer.unknown("show")),
        })
    }

    /// `missing.lua`: DynamoDB has no such event; for a moment nobody else looks.
    pub async fn missing(&self, event: EventId) -> Result<(), Error> {
        let mut call = MISSING.key(self.keys.copy(event));
        call.key(self.keys.turn(event));
        call.arg(MISSING_FOR.as_millis());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "NOTED" | "KEPT" => Ok(()),
            _ => Err(answer.unknown("missing")),
        }
    }

    /// `keep.lua`: keeps a copy of an event that was read `age` ago; `unsold` is for one that gets no state. Answers
    /// whether it is the newest.
    pub async fn keep(
        &self,
        event: &Event,
        unsold: Option<&Available>,
        age: Duration,
    ) -> Result<bool, Error> {
        let mut call = KEEP.key(self.keys.state(event.id));
        call.key(self.keys.copy(event.id)).key(self.keys.turn(event.id));
        call.arg(json(event)?).arg(event.version);
        call.arg(unsold.map(|unsold| unsold.seats.to_string()).unwrap_or_default()).arg(ttl_ms(age));
        call.arg(event.shards.areas().count());
        call.arg(json(&unsold.map(Available::areas))?);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "KEPT" => Ok(true),
            "OLDER" => Ok(false),
            _ => Err(answer.unknown("keep")),
        }
    }

    /// `keep_sum.lua`: keeps how many seats of all areas can be had, and of each. Answers whether there is a copy for it.
    pub async fn keep_sum(&self, event: EventId, seats: &Available) -> Result<bool, Error> {
        let mut call = KEEP_SUM.key(self.keys.copy(event));
        call.arg(seats.seats).arg(json(&seats.areas())?);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "KEPT" => Ok(true),
            "GONE" => Ok(false),
            _ => Err(answer.unknown("keep_sum")),
        }
    }

    /// The list of upcoming published events. One that can't be read is none. `known` names the list that the caller has, if
    /// it has one.
    pub async fn listed(&self, known: Option<&str>) -> Result<List, Error> {
        if let Some(list) = self.list(known).await? {
            return Ok(list);
        }
        tracing::warn!("the list of events can't be read; it is made anew");
        self.forget(self.keys.catalogue()).await?;
        // Another release may have made its own meanwhile.
        Ok(self.list(known).await?.unwrap_or(List::Wait))
    }

    /// `list.lua`: the list of upcoming published events; `None` if it can't be read.
    pub async fn list(&self, known: Option<&str>) -> Result<Option<List>, Error> {
        let mut call = LIST.key(self.keys.catalogue());
        call.key(self.keys.catalogue_changes()).key(self.keys.catalogue_generation());
        call.key(self.keys.catalogue_turn());
        call.arg(AGEING_BEFORE_END.as_millis()).arg(TURN.as_millis()).arg(known.unwrap_or_default());
        let answer = self.invoke(&call).await?;
        Ok(match answer.word() {
            "LISTED" => kept(&answer)?.map(|list| List::Listed(list, false)),
            "AGEING" => kept(&answer)?.map(|list| List::Listed(list, true)),
            "READ" => Some(List::Read),
            "WAIT" => Some(List::Wait),
            _ => return Err(answer.unknown("list")),
        })
    }

    /// `keep_list.lua`: keeps the list that was read `age` ago. `generation` is used if there is none.
    pub async fn keep_list(
        &self,
        list: &[UpcomingEvent],
        generation: &str,
        age: Duration,
    ) -> Result<(), Error> {
        let rows: Vec<Row> = list.iter().cloned().map(to_row).collect();
        let mut call = KEEP_LIST.key(self.keys.catalogue());
        call.key(self.keys.catalogue_changes()).key(self.keys.catalogue_generation());
        call.key(self.keys.catalogue_turn());
        call.arg(json(&rows)?).arg(ttl_ms(age)).arg(generation).arg(CHANGE_SETTLED.as_millis());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "KEPT" => Ok(()),
            _ => Err(answer.unknown("keep_list")),
        }
    }

    /// `change.lua`: an event was created or changed; `is_listed` says whether it belongs in the list.
    pub async fn change(&self, event: &Event, is_listed: bool, generation: &str) -> Result<(), Error> {
        let mut call = CHANGE.key(self.keys.catalogue_changes());
        call.key(self.keys.catalogue_generation()).key(self.keys.popular()).key(self.keys.sales_generation());
        call.arg(event.id.to_string())
            .arg(event.version)
            .arg(json(&(to_changed_row(event.into()), is_listed))?);
        call.arg(generation).arg(CHANGE_REMEMBERED.as_millis());
        call.arg(rank_of_start(event.details.starts_at)).arg(TICKET_RANK).arg(u8::from(is_listed));
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "CHANGED" | "OLDER" => Ok(()),
            _ => Err(answer.unknown("change")),
        }
    }

    /// `sold.lua`: tickets were sold or, below zero, came back.
    pub async fn sold(&self, event: EventId, tickets: i64) -> Result<(), Error> {
        let mut call = SOLD.key(self.keys.popular());
        call.key(self.keys.sales_generation());
        call.arg(event.to_string()).arg(tickets * TICKET_RANK);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "COUNTED" => Ok(()),
            _ => Err(answer.unknown("sold")),
        }
    }

    /// `rank.lua`: ranks all events anew, unless something was sold since the sales generation was `before`; `anyway`
    /// ranks them even then. Answers whether they are ranked.
    pub async fn rank(&self, ranks: &[(EventId, i64)], before: u64, anyway: bool) -> Result<bool, Error> {
        // As strings: Lua's numbers would be written with fewer digits.
        let ranks: Vec<_> = ranks.iter().map(|(event, rank)| (event, rank.to_string())).collect();
        let mut call = RANK.key(self.keys.popular());
        call.key(self.keys.sales_generation()).key(self.keys.popular_turn());
        call.arg(before).arg(json(&ranks)?).arg(u8::from(anyway));
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "RANKED" => Ok(true),
            "SOLD_MEANWHILE" => Ok(false),
            _ => Err(answer.unknown("rank")),
        }
    }

    /// `correct.lua`: sets an event's rank right, if it is still the one that was seen. Answers whether it was wrong.
    pub async fn correct(&self, event: EventId, seen: Option<i64>, right: i64) -> Result<bool, Error> {
        let mut call = CORRECT.key(self.keys.popular());
        call.arg(event.to_string()).arg(seen.map(|rank| rank.to_string()).unwrap_or_default()).arg(right);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "CORRECTED" => Ok(true),
            "UNCHANGED" => Ok(false),
            _ => Err(answer.unknown("correct")),
        }
    }

    /// The generation of the list of events; `None` if there is none.
    pub async fn catalogue_generation(&self) -> Result<Option<String>, Error> {
        self.get(&self.keys.catalogue_generation()).await
    }

    /// The most popular events, from the `first` on, at most `count`; drafts, cancelled ones and such as are over among them.
    pub async fn popular(&self, first: usize, count: usize) -> Result<Vec<EventId>, Error> {
        let mut range = redis::cmd("ZREVRANGE");
        range.arg(self.keys.popular()).arg(first).arg(first + count - 1);
        let events: Vec<String> = self.ask(&range).await?;
        Ok(events.iter().filter_map(|event| event.parse().ok()).collect())
    }

    /// An event's rank, if it has one.
    pub async fn popularity(&self, event: EventId) -> Result<Option<i64>, Error> {
        let mut score = redis::cmd("ZSCORE");
        score.arg(self.keys.popular()).arg(event.to_string());
        let rank: Option<f64> = self.ask(&score).await?;
        #[expect(clippy::cast_possible_truncation, reason = "ranks are whole numbers up to 2^53")]
        Ok(rank.map(|rank| rank as i64))
    }

    /// Takes events out of the ranks.
    pub async fn drop_from_popular(&self, events: &[EventId]) -> Result<(), Error> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(self.keys.popular());
        for event in events {
            remove.arg(event.to_string());
        }
        self.ask::<i64>(&remove).await.map(|_| ())
    }

    /// Asks for the turn to read an event from DynamoDB. Answers false if somebody else has it.
    pub async fn take_turn(&self, area: impl Into<AreaKey>) -> Result<bool, Error> {
        self.set_turn(self.keys.turn(area), TURN).await
    }

    /// Asks for the turn to count all tickets sold in DynamoDB. Answers false if somebody else has it.
    pub async fn take_popular_turn(&self) -> Result<bool, Error> {
        self.set_turn(self.keys.popular_turn(), TURN).await
    }

    pub(super) async fn set_turn(&self, key: String, turn: Duration) -> Result<bool, Error> {
        let mut set = redis::cmd("SET");
        set.arg(key).arg("taken").arg("NX").arg("PX").arg(turn.as_millis());
        Ok(self.ask::<Option<String>>(&set).await?.is_some())
    }

    /// Ends a turn without a result.
    pub async fn end_turn(&self, area: impl Into<AreaKey>) -> Result<(), Error> {
        self.forget(self.keys.turn(area)).await
    }

    /// Ends the turn to count all tickets without a result.
    pub async fn end_popular_turn(&self) -> Result<(), Error> {
        self.forget(self.keys.popular_turn()).await
    }

    /// Forgets the copy of an event: its unsold seats are others now.
    pub async fn forget_copy(&self, event: EventId) -> Result<(), Error> {
        self.forget(self.keys.copy(event)).await
    }

    async fn forget(&self, key: String) -> Result<(), Error> {
        self.ask::<i64>(redis::cmd("DEL").arg(key)).await.map(|_| ())
    }

    async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        self.ask(redis::cmd("GET").arg(key)).await
    }
}

/// `None` if the list can't be read.
fn kept(answer: &Answer) -> Result<Option<CatalogueKept>, Error> {
    let rows = match answer.value::<Vec<u8>>(0)?.as_slice() {
        [] => None,
        _ => match answer.json::<Vec<Row>>(0) {
            Ok(rows) => Some(rows),
            Err(_) => return Ok(None),
        },
    };
    let changes: Vec<String> = answer.value(1)?;
    // Below zero if it never ends, which only a stranger's does.
    let usable_for_ms = answer.value::<i64>(3)?.max(0).cast_unsigned();
    Ok(Some(CatalogueKept {
        list: rows.map(|rows| rows.into_iter().map(from_row).collect()),
        name: answer.value(4)?,
        changes: changes.iter().filter_map(|change| changed(change)).collect(),
        generation: answer.value(2)?,
        usable_for: Duration::from_millis(usable_for_ms),
    }))
}

/// A change, which is: when, version, what; see change.lua. One that can't be read is passed over: the next list has it.
fn changed(change: &str) -> Option<(UpcomingEvent, bool)> {
    let what = change.splitn(3, ' ').nth(2).map(serde_json::from_str::<(ChangedRow, bool)>);
    let Some(Ok((row, is_listed))) = what else {
        tracing::warn!("a change of the list of events can't be read");
        return None;
    };
    Some((from_changed_row(row), is_listed))
}

/// What is left of a copy's life. What took longer to read may be shown for a moment only.
fn ttl_ms(age: Duration) -> u128 {
    COPY_TTL.saturating_sub(age).as_millis().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dynamodb::OPERATION_TIMEOUT, waiting::WAIT_MAX};

    /// By so much DynamoDB's index may lag; as a rule it is well under a second.
    const INDEX_LAGS: Duration = Duration::from_secs(10);

    #[test]
    fn a_change_outlives_every_list_that_lacks_it() {
        // A list may be kept as long after its reading began as it may live.
        assert!(CHANGE_SETTLED >= COPY_TTL + INDEX_LAGS);
        assert!(CHANGE_REMEMBERED >= CHANGE_SETTLED + COPY_TTL);
    }

    #[test]
    fn a_turn_ends_before_those_who_wait_for_it_give_up_and_before_what_is_shown_ends() {
        assert!(TURN < WAIT_MAX && TURN < AGEING_BEFORE_END && AGEING_BEFORE_END < COPY_TTL);
        assert!(OPERATION_TIMEOUT < AGEING_BEFORE_END, "who has the turn has the time to read");
    }

    #[test]
    fn a_copy_lives_from_when_it_was_read() {
        for (age_ms, left_ms) in [(0, 30_000), (1, 29_999), (29_999, 1), (30_000, 1), (90_000, 1)] {
            assert_eq!(ttl_ms(Duration::from_millis(age_ms)), left_ms, "after {age_ms} ms");
        }
    }
}
