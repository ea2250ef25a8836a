//! All Redis keys. Those of one event share the hash tag `{event id}`, those of one user `{user id}`, those of the list of
//! events `{catalogue}`, those of sign-ins `{sign-in}` (hashing the password costs a thousand times what they do, so one
//! slot is plenty): Redis Cluster puts keys of one tag in one slot, so that a script can touch them together.

use domain::id::{EventId, UserId};

/// Makes keys under a common prefix.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys under that prefix.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Hash: facts of the event, its epoch, free seats and applied commits of each shard.
    pub fn state(&self, event: EventId) -> String {
        self.of_event(event, "state")
    }

    /// Sorted set: reservation id to deadline in ms.
    pub fn deadlines(&self, event: EventId) -> String {
        self.of_event(event, "deadlines")
    }

    /// Hash: reservation id to hold.
    pub fn holds(&self, event: EventId) -> String {
        self.of_event(event, "holds")
    }

    /// Sorted set, expires: how holds ended lately: reservation id, space, user id, space, `released` or `expired`; to when,
    /// in ms.
    pub fn ended_holds(&self, event: EventId) -> String {
        self.of_event(event, "ended")
    }

    /// String, expires: what a user's idempotency key got as an answer for this event.
    pub fn idempotency(&self, event: EventId, user: UserId, key: &str) -> String {
        self.of_event(event, &format!("idempotency:{user}:{key}"))
    }

    /// String, expires: what a user's idempotency key is used for, over all events.
    pub fn claim(&self, user: UserId, operation: &str, key: &str) -> String {
        format!("{}{{{user}}}:claim:{operation}:{key}", self.prefix)
    }

    /// Sorted set, expires: a user's reservations, those among them that have ended or never were: id to when the longest
    /// life of its hold is over, in ms.
    pub fn own_reservations(&self, user: UserId) -> String {
        format!("{}{{{user}}}:reservations", self.prefix)
    }

    /// List, expires: the times of a client's last requests of a kind.
    pub fn limit(&self, kind: &str, client: &str) -> String {
        format!("{}{{{client}}}:limit:{kind}", self.prefix)
    }

    /// String, expires: that a change of the event's inventory was taken in.
    pub fn restocked(&self, event: EventId, change: &str) -> String {
        self.of_event(event, &format!("restocked:{change}"))
    }

    /// Hash, expires: the event as people see it: its JSON, its version, and its unsold seats if it has no state.
    pub fn copy(&self, event: EventId) -> String {
        self.of_event(event, "copy")
    }

    /// String, expires soon: somebody is reading the event from DynamoDB; the others wait for what it finds.
    pub fn turn(&self, event: EventId) -> String {
        self.of_event(event, "turn")
    }

    /// String, expires: the list of upcoming published events, as the index in DynamoDB had it. Another one than that of
    /// releases before it said when sales close: they may still run, and could not read it. The changes can be read by
    /// all.
    pub fn catalogue(&self) -> String {
        self.of_catalogue("upcoming")
    }

    /// Hash, expires: event id to what became of it, for changes that the index may not have yet.
    pub fn catalogue_changes(&self) -> String {
        self.of_catalogue("changes")
    }

    /// String: another one after each change of the list.
    pub fn catalogue_generation(&self) -> String {
        self.of_catalogue("generation")
    }

    /// String, expires soon: somebody is reading the list from DynamoDB.
    pub fn catalogue_turn(&self) -> String {
        self.of_catalogue("upcoming-turn")
    }

    /// Sorted set: event id to rank, by tickets sold and start.
    pub fn popular(&self) -> String {
        self.of_catalogue("popular")
    }

    /// String, expires soon: somebody is counting all tickets sold in DynamoDB.
    pub fn popular_turn(&self) -> String {
        self.of_catalogue("popular-turn")
    }

    /// Number: another one after each confirm and each cancel.
    pub fn sales_generation(&self) -> String {
        self.of_catalogue("sales-generation")
    }

    /// Hash, expires: how often an account's password was wrong from one network.
    pub fn failures_of_pair(&self, account: &str, network: &str) -> String {
        self.of_sign_in(&format!("pair:{account}:{network}"))
    }

    /// Hash, expires: how often passwords were wrong from one network.
    pub fn failures_of_address(&self, network: &str) -> String {
        self.of_sign_in(&format!("address:{network}"))
    }

    /// Hash, expires: how often an account's password was wrong from networks that it was never right from.
    pub fn failures_of_account(&self, account: &str) -> String {
        self.of_sign_in(&format!("account:{account}"))
    }

    /// Sorted set, expires: networks that an account signed in from, and when it last did, in ms.
    pub fn known_networks(&self, account: &str) -> String {
        self.of_sign_in(&format!("known:{account}"))
    }

    /// Sorted set, expires: users whose tokens end early: user id, space, lowest version of the password that is still
    /// good; by when the last older token expires, in ms. And the mark that all are there.
    pub fn ended_tokens(&self) -> String {
        format!("{}accounts:ended-tokens", self.prefix)
    }

    /// String, expires soon: somebody is reading these users from DynamoDB.
    pub fn ended_tokens_turn(&self) -> String {
        format!("{}accounts:ended-tokens-turn", self.prefix)
    }

    /// String: where the janitor's next run starts.
    pub fn janitor_cursor(&self, job: &str) -> String {
        format!("{}janitor:cursor:{job}", self.prefix)
    }

    /// String: where the next pricing run starts.
    pub fn pricing_cursor(&self) -> String {
        format!("{}pricing:cursor", self.prefix)
    }

    /// String, expires: a report and the generation of sales that it is about. In the slot of the counter, so that both
    /// are read at once.
    pub fn report(&self, report: &str) -> String {
        self.of_catalogue(&format!("report:{report}"))
    }

    fn of_sign_in(&self, what: &str) -> String {
        format!("{}{{sign-in}}:{what}", self.prefix)
    }

    fn of_catalogue(&self, what: &str) -> String {
        format!("{}{{catalogue}}:{what}", self.prefix)
    }

    fn of_event(&self, event: EventId, what: &str) -> String {
        format!("{}{{{event}}}:{what}", self.prefix)
    }
}
