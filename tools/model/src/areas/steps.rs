//! What can happen next, and what it does.

use super::{
    AREAS, Action, Config, Guard, REQUESTS,
    state::{AreaRedis, Asked, Booked, HoldAt, Sees, State, Step},
};

impl State {
    pub(super) fn next_steps(&self, config: &Config, actions: &mut Vec<Action>) {
        for (request, wanted) in config.wants.iter().enumerate() {
            if let Some((_, area, _)) = wanted {
                self.steps_of(config, request, *area, actions);
            }
        }
        let losses = self.user_losses + self.area_losses.iter().sum::<u8>();
        for area in 0..AREAS {
            match self.redis[area] {
                None => actions.push(Action::Load(area)),
                Some(redis) => {
                    if losses < config.losses {
                        actions.push(Action::LoseArea(area));
                    }
                    // Of a hold that is being confirmed only settle knows whether its places are sold.
                    let confirming = redis.holds.contains(&HoldAt::Confirming);
                    if self.upset[area] && !confirming && !self.is_busy(config, area) {
                        actions.push(Action::Reconcile(area));
                    }
                }
            }
        }
        if losses < config.losses {
            actions.push(Action::LoseUser);
        }
    }

    fn steps_of(&self, config: &Config, request: usize, area: usize, actions: &mut Vec<Action>) {
        let is = self.requests[request];
        let at_redis = self.redis[area].map(|redis| redis.holds[request]);
        match (is.asked, is.hold, is.key) {
            (Asked::UnderWay, hold, key) => {
                if hold == Sees::NotAsked && self.redis[area].is_some() {
                    actions.push(Action::Reserve(request));
                }
                if key == Sees::NotAsked {
                    actions.push(Action::Claim(request));
                }
                match (hold, key) {
                    (Sees::Yes, Sees::No) => actions.push(Action::Undo(request)),
                    (Sees::No, Sees::Yes | Sees::No) => actions.push(Action::Unclaim(request)),
                    _ => {}
                }
                if (hold, key) != (Sees::NotAsked, Sees::NotAsked) {
                    actions.push(Action::Crash(request));
                }
            }
            (Asked::Held, ..) if is.step == Step::None && at_redis == Some(HoldAt::Held) => {
                actions.push(Action::Begin(request));
            }
            (Asked::Confirmed, ..)
                if is.step == Step::None && config.cancels && self.bookings[request] == Booked::Confirmed =>
            {
                actions.push(Action::Cancel(request));
            }
            _ => {}
        }
        match is.step {
            Step::None => {}
            Step::Begun => actions.extend([Action::Commit(request), Action::Crash(request)]),
            Step::Committed => actions.extend([Action::Finish(request), Action::Crash(request)]),
            Step::Cancelled => actions.extend([Action::Restock(request), Action::Crash(request)]),
        }
        // A confirm that is under way is within its grace.
        if at_redis == Some(HoldAt::Held) && is.asked != Asked::UnderWay
            || at_redis == Some(HoldAt::Confirming) && is.step == Step::None
        {
            actions.push(Action::End(request));
        }
    }

    pub(super) fn act(&mut self, config: &Config, action: Action) {
        match action {
            Action::Load(area) => {
                let free = self.unsold[area] as i8;
                self.redis[area] = Some(AreaRedis { free, ..AreaRedis::default() });
            }
            Action::LoseArea(area) => {
                self.redis[area] = None;
                self.area_losses[area] += 1;
                self.upset[area] = true;
            }
            Action::LoseUser => {
                self.claims = [None; REQUESTS];
                self.user_losses += 1;
            }
            Action::Reconcile(area) => {
                let held = self.held_in(config, area) as i8;
                let unsold = self.unsold[area] as i8;
                if let Some(redis) = &mut self.redis[area] {
                    redis.free = unsold - held;
                }
                self.upset[area] = false;
            }
            Action::Reserve(request)
            | Action::Claim(request)
            | Action::Undo(request)
            | Action::Unclaim(request)
            | Action::Begin(request)
            | Action::Commit(request)
            | Action::Finish(request)
            | Action::Cancel(request)
            | Action::Restock(request)
            | Action::Crash(request)
            | Action::End(request) => {
                if let Some((key, area, seats)) = config.wants[request] {
                    self.act_for(config, action, request, (usize::from(key), area, seats));
                }
            }
        }
    }

    fn act_for(
        &mut self,
        config: &Config,
        action: Action,
        request: usize,
        (key, area, seats): (usize, usize, u8),
    ) {
        // What a key is tied to: the area, as it is asked for.
        let asks_for = if config.lacks(Guard::KeyOfArea) { 0 } else { area as u8 };
        match action {
            Action::Reserve(_) => {
                let Some(redis) = &mut self.redis[area] else { return };
                let is_free = redis.free >= seats as i8;
                if is_free {
                    redis.free -= seats as i8;
                    redis.holds[request] = HoldAt::Held;
                }
                self.requests[request].hold = if is_free { Sees::Yes } else { Sees::No };
                self.answer(config, request);
            }
            Action::Claim(_) => {
                let tied_to = *self.claims[key].get_or_insert(asks_for);
                let is = &mut self.requests[request];
                is.key = if tied_to == asks_for { Sees::Yes } else { Sees::No };
                is.claimed_at = self.user_losses;
                self.answer(config, request);
            }
            Action::Undo(_) => {
                self.give_back(request, area, seats);
                self.requests[request].asked = Asked::KeyReused;
            }
            Action::Unclaim(_) => {
                if self.claims[key] == Some(asks_for) || config.lacks(Guard::UnclaimOwn) {
                    self.claims[key] = None;
                }
                self.requests[request].asked = Asked::SoldOut;
            }
            Action::Begin(_) => {
                if let Some(redis) = &mut self.redis[area] {
                    redis.holds[request] = HoldAt::Confirming;
                    self.requests[request].step = Step::Begun;
                }
            }
            Action::Commit(_) => self.commit(config, request, area, seats),
            Action::Finish(_) => {
                if let Some(redis) = &mut self.redis[area] {
                    redis.holds[request] = HoldAt::None;
                }
                let is = &mut self.requests[request];
                (is.asked, is.step) = (Asked::Confirmed, Step::None);
            }
            Action::Cancel(_) => {
                self.bookings[request] = Booked::Cancelled;
                self.unsold[area] += seats;
                self.counted -= seats;
                let is = &mut self.requests[request];
                is.step = Step::Cancelled;
                is.seen = self.redis[area].map(|_| self.area_losses[area]);
            }
            Action::Restock(_) => {
                let is_as_seen = self.requests[request].seen == Some(self.area_losses[area]);
                if let (true, Some(redis)) = (is_as_seen, &mut self.redis[area]) {
                    redis.free += seats as i8;
                }
                let is = &mut self.requests[request];
                (is.asked, is.step, is.seen) = (Asked::Gone, Step::None, None);
            }
            Action::Crash(_) => {
                let is = &mut self.requests[request];
                self.upset[area] |= is.step != Step::None;
                (is.asked, is.step, is.seen) = (Asked::Gone, Step::None, None);
            }
            Action::End(_) => {
                match self.bookings[request] {
                    Booked::Absent => self.give_back(request, area, seats),
                    // Settle: the commit is done.
                    Booked::Confirmed | Booked::Cancelled => {
                        if let Some(redis) = &mut self.redis[area] {
                            redis.holds[request] = HoldAt::None;
                        }
                    }
                }
                let is = &mut self.requests[request];
                if is.asked == Asked::Held {
                    is.asked = Asked::Gone;
                }
            }
            Action::Load(_) | Action::Reconcile(_) | Action::LoseArea(_) | Action::LoseUser => {}
        }
    }

    /// The user is answered once both slots have spoken.
    fn answer(&mut self, config: &Config, request: usize) {
        let is = &mut self.requests[request];
        match (is.hold, is.key) {
            (Sees::Yes, Sees::Yes) => (is.asked, is.told) = (Asked::Held, true),
            (Sees::Yes, Sees::No) if config.lacks(Guard::Undo) => is.asked = Asked::KeyReused,
            _ => {}
        }
    }

    /// One transaction: the area's shard, the booking, and the user's places of the event.
    fn commit(&mut self, config: &Config, request: usize, area: usize, seats: u8) {
        let has = match config.lacks(Guard::LimitOverAll) {
            false => self.counted,
            true => self.sold_in(config, area),
        };
        let is = &mut self.requests[request];
        if has + seats > config.most {
            (is.asked, is.step) = (Asked::OverLimit, Step::None);
        } else if self.unsold[area] < seats {
            (is.asked, is.step) = (Asked::Gone, Step::None);
        } else {
            self.unsold[area] -= seats;
            self.counted += seats;
            self.bookings[request] = Booked::Confirmed;
            is.step = Step::Committed;
        }
    }

    fn give_back(&mut self, request: usize, area: usize, seats: u8) {
        if let Some(redis) = &mut self.redis[area]
            && redis.holds[request] != HoldAt::None
        {
            redis.holds[request] = HoldAt::None;
            redis.free += seats as i8;
        }
    }
}
