//! All Redis keys. Those of one event share the hash tag `{event id}`, those of one user `{user id}`: Redis
//! Cluster puts keys of one tag in one slot, so that a script can touch them together.

use crate::domain::id::{EventId, UserId};

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

    /// String, expires: what a user's idempotency key got as an answer for this event.
    pub fn idempotency(&self, event: EventId, user: UserId, key: &str) -> String {
        self.of_event(event, &format!("idempotency:{user}:{key}"))
    }

    /// String, expires: what a user's idempotency key is used for, over all events.
    pub fn claim(&self, user: UserId, operation: &str, key: &str) -> String {
        format!("{}{{{user}}}:claim:{operation}:{key}", self.prefix)
    }

    /// String, expires: that a change of the event's inventory was taken in.
    pub fn restocked(&self, event: EventId, change: &str) -> String {
        self.of_event(event, &format!("restocked:{change}"))
    }

    /// String: where the janitor's next run starts.
    pub fn janitor_cursor(&self) -> String {
        format!("{}janitor:cursor", self.prefix)
    }

    /// Counter: changes of what is sold, or of the events themselves.
    pub fn sales_generation(&self) -> String {
        format!("{}{{catalogue}}:sales-generation", self.prefix)
    }

    /// String, expires: a report and the generation of sales that it is about. In the slot of the counter, so that both
    /// are read at once.
    pub fn report(&self, report: &str) -> String {
        format!("{}{{catalogue}}:report:{report}", self.prefix)
    }

    fn of_event(&self, event: EventId, what: &str) -> String {
        format!("{}{{{event}}}:{what}", self.prefix)
    }
}
