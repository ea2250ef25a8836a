//! What Redis has of the event, read behind the program's back, in the terms of the model.

use std::collections::HashMap;

use domain::inventory::Draw;
use model::state::{Hold, HoldState, Memory, RESERVATIONS, Redis, RedisShard, SHARDS};
use serde::Deserialize;

use crate::{
    abstraction::{draws_of, price_of, small},
    program::Program,
    stores::now_ms,
};

type Fields = HashMap<String, String>;
type Read = (Fields, Fields, Vec<(String, String)>, Vec<Option<String>>);

#[derive(Deserialize)]
struct KeptHold {
    user: String,
    quantity: u32,
    draws: Vec<Draw>,
    unit_price: Option<u32>,
    state: String,
}

/// A hold, by its number, in the model's terms and as it is kept.
struct SeenHold {
    number: usize,
    hold: Hold,
    kept: KeptHold,
}

impl Program<'_> {
    /// What Redis has, and the idempotency records in it, as bits by key. Checks what the scripts count for themselves
    /// against the holds that they count.
    pub(crate) async fn redis(&mut self) -> Result<(Option<Redis>, u8), String> {
        let (state, holds, deadlines, marks) = self.read_redis().await;
        let (answers, restocked) = marks.split_at(RESERVATIONS);
        let bits = |marks: &[Option<String>]| {
            marks.iter().enumerate().fold(0, |bits, (n, mark)| bits | u8::from(mark.is_some()) << n)
        };
        let Some(epoch) = state.get("epoch") else {
            let is_empty = state.is_empty() && holds.is_empty() && deadlines.is_empty();
            return if is_empty {
                Ok((None, bits(answers)))
            } else {
                Err("a part of the state is left".into())
            };
        };
        if !self.epochs.contains(epoch) {
            self.epochs.push(epoch.clone());
        }
        let epoch = self.epochs.iter().position(|known| known == epoch).map_or(0, |index| small(index + 1));
        let number = |field: &str| state.get(field).map_or(0, |value| value.parse::<i64>().unwrap());
        let mut redis = Redis {
            epoch,
            price: price_of(u32::try_from(number("price")).unwrap()),
            draft: state.get("status").is_some_and(|status| status == "draft"),
            count: small(number("shards")),
            restocked: bits(restocked),
            ..Redis::default()
        };
        for index in 0..SHARDS {
            let applied = u64::try_from(number(&format!("applied:{index}"))).unwrap();
            redis.shards[index] = RedisShard {
                free: i8::try_from(number(&format!("free:{index}"))).unwrap(),
                applied: self.version_of(index, applied),
                remembered: state.get(&format!("differs:{index}")).map(|kept| self.memory_of(index, kept)),
            };
        }
        let kept = self.holds_of(&holds, &deadlines)?;
        for seen in &kept {
            redis.holds[seen.number] = seen.hold;
        }
        check_counts(&state, &kept)?;
        Ok((Some(redis), bits(answers)))
    }

    async fn read_redis(&self) -> Read {
        let (keys, event) = (&self.stores.keys, self.event);
        let mut marks: Vec<String> =
            self.users.iter().map(|user| keys.idempotency(event, *user, "key")).collect();
        marks.extend(self.ids.iter().take(RESERVATIONS).map(|id| keys.restocked(event, &id.to_string())));
        let raise = self.raised_from.as_ref().map(Self::name_of_raise);
        marks.push(keys.restocked(event, &raise.unwrap_or_default()));
        let mut read = redis::pipe();
        read.cmd("HGETALL").arg(keys.state(event)).cmd("HGETALL").arg(keys.holds(event));
        read.cmd("ZRANGE").arg(keys.deadlines(event)).arg(0).arg(-1).arg("WITHSCORES");
        read.cmd("MGET").arg(marks);
        self.stores.ask_all(&read).await
    }

    fn memory_of(&self, shard: usize, kept: &str) -> Memory {
        let (difference, _) = kept.split_once(" since ").unwrap();
        let (version, applied) = difference.split_once(" over ").unwrap();
        let version_of = |text: &str| self.version_of(shard, text.parse().unwrap());
        Memory { version: version_of(version), applied: version_of(applied), waiting: 0 }
    }

    fn holds_of(&mut self, holds: &Fields, deadlines: &[(String, String)]) -> Result<Vec<SeenHold>, String> {
        if holds.len() != deadlines.len() {
            return Err(format!("{} holds have {} deadlines", holds.len(), deadlines.len()));
        }
        let mut found = Vec::new();
        for (id, deadline) in deadlines {
            let hold = self.number_of(id.parse().unwrap());
            let kept = holds.get(id).ok_or_else(|| format!("hold {hold} has a deadline only"))?;
            let kept: KeptHold = serde_json::from_str(kept).unwrap();
            let deadline: i64 = deadline.parse().unwrap();
            let is_confirming = kept.state == "confirming";
            let seen = Hold {
                state: if is_confirming { HoldState::Confirming } else { HoldState::Held },
                draws: draws_of(&kept.draws),
                price: price_of(kept.unit_price),
                deadline: if is_confirming { self.note_deadline(hold, deadline) } else { 0 },
                overdue: deadline <= now_ms(),
            };
            found.push(SeenHold { number: hold, hold: seen, kept });
        }
        Ok(found)
    }

    /// The number of a confirm's deadline; one that is new gets the next.
    fn note_deadline(&mut self, hold: usize, deadline: i64) -> u8 {
        if let Some(known) = self.deadlines[hold].get(&deadline) {
            return *known;
        }
        self.numbers[hold] += 1;
        self.deadlines[hold].insert(deadline, self.numbers[hold]);
        self.numbers[hold]
    }
}

/// What the scripts count is what there is: free and held seats in all, held and confirming seats of each shard, and
/// what each user holds.
fn check_counts(state: &Fields, holds: &[SeenHold]) -> Result<(), String> {
    let mut expected: HashMap<String, i64> = HashMap::new();
    let mut add = |field: String, seats: i64| *expected.entry(field).or_default() += seats;
    for shard in 0..SHARDS {
        let free = state.get(&format!("free:{shard}")).map_or(0, |free| free.parse().unwrap());
        add("free".to_owned(), free);
    }
    for SeenHold { hold, kept, .. } in holds {
        for (shard, seats) in hold.draws.into_iter().enumerate() {
            add("held".to_owned(), seats.into());
            add(format!("held:{shard}"), seats.into());
            if hold.state == HoldState::Confirming {
                add(format!("confirming:{shard}"), seats.into());
            }
        }
        if !kept.user.is_empty() {
            add(format!("holding:{}", kept.user), kept.quantity.into());
        }
        if kept.quantity != hold.draws.iter().map(|seats| u32::from(*seats)).sum::<u32>() {
            return Err(format!("a hold of {} seats has the draws {:?}", kept.quantity, kept.draws));
        }
    }
    let counted = state.iter().filter(|(field, _)| {
        let name = field.split(':').next().unwrap_or_default();
        matches!(name, "held" | "confirming" | "holding") || *field == "free"
    });
    for (field, value) in counted {
        let expected = expected.remove(field).unwrap_or(0);
        if *value != expected.to_string() {
            return Err(format!("Redis counts {field} = {value}, but there are {expected}"));
        }
    }
    match expected.into_iter().find(|(_, seats)| *seats != 0) {
        Some((field, seats)) => Err(format!("Redis does not count {field}, of which there are {seats}")),
        None => Ok(()),
    }
}
