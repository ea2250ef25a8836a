//! All Redis keys. Those of one event share the hash tag `{event id}`, and so do those of its first area; those of another area have
//! one of their own, `{event id.number}`; those of one user `{user id}`, those of the list of
//! events `{catalogue}`, those of sign-ins `{sign-in}` (hashing the password costs a thousand times what they do, so one
//! slot is plenty): Redis Cluster puts keys of one tag in one slot, so that a script can touch them together.

use domain::id::{AreaKey, EventId, UserId};

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
    pub fn state(&self, area: impl Into<AreaKey>) -> String {
        self.of_area(area, "state")
    }

    /// Sorted set: reservation id to deadline in ms.
    pub fn deadlines(&self, area: impl Into<AreaKey>) -> String {
        self.of_area(area, "deadlines")
    }

    /// Hash: reservation id to hold.
    pub fn holds(&self, area: impl Into<AreaKey>) -> String {
        self.of_area(area, "holds")
    }

    /// Sorted set, expires: how holds ended lately: reservation id, space, user id, space, `released` or `expired`; to when,
    /// in ms.
    pub fn ended_holds(&self, area: impl Into<AreaKey>) -> String {
        self.of_area(area, "ended")
    }

    /// String, expires: what a user's idempotency key got as an answer for this event.
    pub fn idempotency(&self, area: impl Into<AreaKey>, user: UserId, key: &str) -> String {
        self.of_area(area, &format!("idempotency:{user}:{key}"))
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

    /// Sorted set, expires: places of an event that one network has: seats, space, reservation id; to until when they count,
    /// in ms.
    pub fn places(&self, network: &str, event: EventId) -> String {
        format!("{}{{{network}}}:places:{event}", self.prefix)
    }

    /// Number, expires: their seats.
    pub fn places_sum(&self, network: &str, event: EventId) -> String {
        format!("{}{{{network}}}:places-sum:{event}", self.prefix)
    }

    /// List, expires: the same of a client that is part of a wider network. It is in that network's slot, as both are counted
    /// together.
    pub fn limit_within(&self, kind: &str, wide: &str, client: &str) -> String {
        format!("{}:{client}", self.limit(kind, wide))
    }

    /// String, expires: that a change of the event's inventory was taken in.
    pub fn restocked(&self, area: impl Into<AreaKey>, change: &str) -> String {
        self.of_area(area, &format!("restocked:{change}"))
    }

    /// Hash, expires: the event as people see it: its JSON, its version, and its unsold seats if it has no state.
    pub fn copy(&self, event: EventId) -> String {
        self.of_event(event, "copy")
    }

    /// String, expires soon: somebody is reading the event, or an area's shards, from DynamoDB; the others wait for what it finds.
    pub fn turn(&self, area: impl Into<AreaKey>) -> String {
        self.of_area(area, "turn")
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

    /// Hash, expires: how often passwords were wrong from a wider network, of accounts whose password was never right from the
    /// same narrow one.
    pub fn failures_of_wide(&self, wide: &str) -> String {
        self.of_sign_in(&format!("wide:{wide}"))
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

    /// An area has a slot of its own. That of the first is the event's.
    fn of_area(&self, area: impl Into<AreaKey>, what: &str) -> String {
        let area: AreaKey = area.into();
        format!("{}{{{area}}}:{what}", self.prefix)
    }

    fn of_event(&self, event: EventId, what: &str) -> String {
        format!("{}{{{event}}}:{what}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use domain::id::AreaNumber;

    use super::*;

    /// Who and what keys are of.
    #[derive(Clone, Copy)]
    struct Of<'a> {
        event: EventId,
        area: AreaNumber,
        user: UserId,
        /// An idempotency key, a client, a change, an account: what a key is of besides.
        one: &'a str,
        /// An operation, a kind, a network, a job, a report.
        other: &'a str,
    }

    /// Where a key must be: what a script touches together is in one slot.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Slot {
        Event,
        Area,
        User,
        Catalogue,
        SignIn,
        /// That of a network.
        Network,
        /// Any, even one of its own.
        Own,
    }

    /// Every key, by the name of its method.
    fn all(keys: &Keys, of: Of<'_>) -> Vec<(&'static str, Slot, String)> {
        let Of { event, area, user, one, other } = of;
        let area = AreaKey { event, number: area };
        vec![
            ("state", Slot::Area, keys.state(area)),
            ("deadlines", Slot::Area, keys.deadlines(area)),
            ("holds", Slot::Area, keys.holds(area)),
            ("ended_holds", Slot::Area, keys.ended_holds(area)),
            ("idempotency", Slot::Area, keys.idempotency(area, user, one)),
            ("restocked", Slot::Area, keys.restocked(area, one)),
            ("copy", Slot::Event, keys.copy(event)),
            ("turn", Slot::Area, keys.turn(area)),
            ("claim", Slot::User, keys.claim(user, other, one)),
            ("own_reservations", Slot::User, keys.own_reservations(user)),
            ("limit", Slot::Own, keys.limit(other, one)),
            ("places", Slot::Network, keys.places(one, event)),
            ("places_sum", Slot::Network, keys.places_sum(one, event)),
            ("limit_within", Slot::Own, keys.limit_within("kind", one, other)),
            ("catalogue", Slot::Catalogue, keys.catalogue()),
            ("catalogue_changes", Slot::Catalogue, keys.catalogue_changes()),
            ("catalogue_generation", Slot::Catalogue, keys.catalogue_generation()),
            ("catalogue_turn", Slot::Catalogue, keys.catalogue_turn()),
            ("popular", Slot::Catalogue, keys.popular()),
            ("popular_turn", Slot::Catalogue, keys.popular_turn()),
            ("sales_generation", Slot::Catalogue, keys.sales_generation()),
            ("report", Slot::Catalogue, keys.report(other)),
            ("failures_of_pair", Slot::SignIn, keys.failures_of_pair(one, other)),
            ("failures_of_address", Slot::SignIn, keys.failures_of_address(other)),
            ("failures_of_account", Slot::SignIn, keys.failures_of_account(one)),
            ("failures_of_wide", Slot::SignIn, keys.failures_of_wide(other)),
            ("known_networks", Slot::SignIn, keys.known_networks(one)),
            ("ended_tokens", Slot::Own, keys.ended_tokens()),
            ("ended_tokens_turn", Slot::Own, keys.ended_tokens_turn()),
            ("janitor_cursor", Slot::Own, keys.janitor_cursor(other)),
            ("pricing_cursor", Slot::Own, keys.pricing_cursor()),
        ]
    }

    /// What Redis Cluster finds the slot of: the first braces with something between them.
    fn tag(key: &str) -> Option<&str> {
        let (_, after) = key.split_once('{')?;
        after.split_once('}').map(|(tag, _)| tag).filter(|tag| !tag.is_empty())
    }

    fn somebody() -> [Of<'static>; 6] {
        let at = |ms| EventId::new(jiff::Timestamp::from_millisecond(ms).unwrap());
        let (event, user) = (at(1_900_000_000_000), UserId::new());
        let of = Of { event, area: 0, user, one: "one", other: "other" };
        [
            of,
            Of { event: at(1_900_000_000_001), ..of },
            Of { user: UserId::new(), ..of },
            Of { one: "another", ..of },
            Of { other: "another", ..of },
            Of { area: 2, ..of },
        ]
    }

    #[test]
    fn this_test_knows_every_key() {
        let methods = include_str!("keys.rs").split("#[cfg(test)]").next().unwrap();
        let methods = methods.lines().filter_map(|line| line.trim().strip_prefix("pub fn "));
        let methods: BTreeSet<_> = methods.filter_map(|method| method.split('(').next()).collect();
        let known = all(&Keys::new(""), somebody()[0]).into_iter().map(|(name, ..)| name);
        assert_eq!(known.chain(["new"]).collect::<BTreeSet<_>>(), methods);
    }

    #[test]
    fn keys_of_different_things_events_and_people_are_different() {
        let mut known: BTreeMap<String, &str> = BTreeMap::new();
        let (prefix, of) = (Keys::new("evently:"), somebody());
        let first = all(&prefix, of[0]);
        for (name, _, key) in &first {
            assert_eq!(known.insert(key.clone(), name), None, "{name}: {key}");
        }
        // What a key is of makes another key of it, and all else does not.
        for (changed, expected) in [
            (of[1], "state deadlines holds ended_holds idempotency restocked copy turn places places_sum"),
            (of[2], "idempotency claim own_reservations"),
            (
                of[3],
                "idempotency restocked claim limit places places_sum limit_within failures_of_pair failures_of_account known_networks",
            ),
            (
                of[4],
                "claim limit limit_within report failures_of_pair failures_of_address failures_of_wide janitor_cursor",
            ),
            (of[5], "state deadlines holds ended_holds idempotency restocked turn"),
        ] {
            let changed = all(&prefix, changed).into_iter();
            let changed = changed.filter(|(name, _, key)| known.insert(key.clone(), name).is_none());
            let names: Vec<_> = changed.map(|(name, ..)| name).collect();
            assert_eq!(names.join(" "), expected);
        }
        let elsewhere = all(&Keys::new("other:"), of[0]);
        assert!(elsewhere.iter().all(|(_, _, key)| !known.contains_key(key)), "another prefix");
    }

    #[test]
    fn keys_that_a_script_touches_together_share_a_slot() {
        let (keys, of) = (Keys::new("evently:"), somebody());
        for of in of {
            for (name, slot, key) in all(&keys, of) {
                let (event, user) = (of.event.to_string(), of.user.to_string());
                let area = AreaKey { event: of.event, number: of.area }.to_string();
                let expected = match slot {
                    Slot::Event => event.as_str(),
                    Slot::Area => area.as_str(),
                    Slot::User => user.as_str(),
                    Slot::Catalogue => "catalogue",
                    Slot::SignIn => "sign-in",
                    Slot::Network => of.one,
                    Slot::Own => continue,
                };
                assert_eq!(tag(&key), Some(expected), "{name}: {key}");
            }
        }
        // What all clients write is spread over all slots.
        assert_eq!(tag(&keys.limit("writes", "client")), Some("client"));
        assert_eq!(tag(&keys.limit_within("auth", "network", "client")), Some("network"));
    }
}
