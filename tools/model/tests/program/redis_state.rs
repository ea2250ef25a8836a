//! What Redis has of the event in the terms of the model.

use model::state::{Hold, HoldState, Memory, RESERVATIONS, Redis, RedisShard, SHARDS};

use crate::{
    abstraction::{draws_of, price_of, small},
    kept::KeptHold,
    program::Program,
    stores::now_ms,
};

impl Program<'_> {
    /// What Redis has, and the idempotency records in it, as bits by key.
    pub(crate) async fn redis(&mut self) -> Result<(Option<Redis>, u8), String> {
        let (kept, marks) = (self.stores.kept(self.event).await?, self.marks().await);
        let (answers, restocked) = marks.split_at(RESERVATIONS);
        let bits = |marks: &[Option<String>]| {
            marks.iter().enumerate().fold(0, |bits, (n, mark)| bits | u8::from(mark.is_some()) << n)
        };
        let state = &kept.state;
        let Some(epoch) = state.get("epoch") else { return Ok((None, bits(answers))) };
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
        for kept in &kept.holds {
            redis.holds[self.number_of(kept.id)] = self.hold_of(kept);
        }
        Ok((Some(redis), bits(answers)))
    }

    /// The records of idempotency keys, then those of restocks.
    async fn marks(&self) -> Vec<Option<String>> {
        let (keys, event) = (&self.stores.keys, self.event);
        let mut marks: Vec<String> =
            self.users.iter().map(|user| keys.idempotency(event, *user, "key")).collect();
        marks.extend(self.ids.iter().take(RESERVATIONS).map(|id| keys.restocked(event, &id.to_string())));
        let raise = self.raised_from.as_ref().map(Self::name_of_raise);
        marks.push(keys.restocked(event, &raise.unwrap_or_default()));
        self.stores.ask(redis::cmd("MGET").arg(marks)).await
    }

    fn memory_of(&self, shard: usize, kept: &str) -> Memory {
        let (difference, _) = kept.split_once(" since ").unwrap();
        let (version, applied) = difference.split_once(" over ").unwrap();
        let version_of = |text: &str| self.version_of(shard, text.parse().unwrap());
        Memory { version: version_of(version), applied: version_of(applied), waiting: 0 }
    }

    fn hold_of(&mut self, kept: &KeptHold) -> Hold {
        let KeptHold { id, deadline, hold } = kept;
        let deadline_number =
            if hold.is_confirming() { self.note_deadline(self.number_of(*id), *deadline) } else { 0 };
        Hold {
            state: if hold.is_confirming() { HoldState::Confirming } else { HoldState::Held },
            draws: draws_of(&hold.draws),
            price: price_of(hold.unit_price),
            deadline: deadline_number,
            overdue: *deadline <= now_ms(),
        }
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
