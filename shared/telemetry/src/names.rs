//! The names of all metrics, with their meaning. In CloudWatch they are in the namespace `Evently`, with the function's
//! name as the dimension `FunctionName`. A name stands for a number of things unless it ends in `Ms`.
//!
//! What happens any number of times in a request is a counter, and left out when it is zero. What is measured once, a
//! request or a run, is recorded as a histogram: then a zero is a value, too, and an old value is never told again,
//! as a gauge's would be.

/// Declares the names, and a list of all of them.
macro_rules! names {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: &str = $name;)*

        /// All names.
        pub const ALL: &[&str] = &[$($constant),*];
    };
}

names! {
    // Every function behind the API, a request.

    /// Requests answered.
    REQUESTS = "Requests";
    /// Requests answered with a status from 400 to 499.
    REQUESTS_REFUSED = "RequestsRefused";
    /// Requests refused because their client had too many.
    REQUESTS_LIMITED = "RequestsLimited";
    /// Requests answered with a status from 500.
    REQUESTS_FAILED = "RequestsFailed";
    /// How long a request took, in ms.
    REQUEST_MS = "RequestMs";

    // Booking, a request. What is answered again counts once.

    /// Holds made.
    HOLDS_MADE = "HoldsMade";
    /// Holds refused because fewer seats are left.
    HOLDS_SOLD_OUT = "HoldsSoldOut";
    /// Holds refused because others hold the seats, for now.
    HOLDS_ALL_HELD = "HoldsAllHeld";
    /// Holds refused because the user would have more seats than one user may.
    HOLDS_OVER_LIMIT = "HoldsOverLimit";
    /// Holds refused because the user held seats again and again without buying them.
    HOLDS_TOO_LONG = "HoldsTooLong";
    /// Refused: one network has too many places of the event.
    HOLDS_OF_ONE_NETWORK = "HoldsOfOneNetwork";
    /// Holds refused because the event sells nothing now.
    HOLDS_NOT_ON_SALE = "HoldsNotOnSale";
    /// Holds given back.
    HOLDS_RELEASED = "HoldsReleased";
    /// Holds that became bookings.
    CONFIRMS_MADE = "ConfirmsMade";
    /// Seats that were sold by these.
    SEATS_BOOKED = "SeatsBooked";
    /// Confirms that came after the hold ran out.
    CONFIRMS_EXPIRED = "ConfirmsExpired";
    /// Confirms that were refused for another reason.
    CONFIRMS_REFUSED = "ConfirmsRefused";
    /// Times that DynamoDB refused seats which Redis had promised, so that others were drawn.
    CONFIRMS_REDRAWN = "ConfirmsRedrawn";
    /// Confirms refused because DynamoDB had sold seats with names that Redis had promised.
    SEATS_REFUSED = "SeatsRefused";
    /// Holds that became pending bookings.
    CHECKOUTS_MADE = "CheckoutsMade";
    /// Pending bookings that expired.
    BOOKINGS_EXPIRED = "BookingsExpired";
    /// Bookings cancelled.
    BOOKINGS_CANCELLED = "BookingsCancelled";
    /// Tries of a transaction that met another one on the same item.
    TRANSACTION_CONFLICTS = "TransactionConflicts";
    /// Tries of a transaction that were repeated, because of a conflict, throttling or a lost reply.
    TRANSACTION_RETRIES = "TransactionRetries";

    // Accounts, a request.

    /// Passwords hashed, to keep or to compare.
    PASSWORDS_HASHED = "PasswordsHashed";
    /// Passwords that were wrong.
    PASSWORDS_WRONG = "PasswordsWrong";
    /// Sign-ins with the right password.
    SIGN_INS_SUCCEEDED = "SignInsSucceeded";
    /// Sign-ins with a wrong password, or of no account.
    SIGN_INS_FAILED = "SignInsFailed";
    /// Passwords that were changed.
    PASSWORDS_CHANGED = "PasswordsChanged";
    /// Accounts that were erased.
    ACCOUNTS_ERASED = "AccountsErased";
    /// Registrations refused because too many accounts were made from their network.
    REGISTRATIONS_LIMITED = "RegistrationsLimited";
    /// Sign-ins that had to wait because too many passwords were wrong.
    SIGN_INS_SLOWED = "SignInsSlowed";

    // The catalogue, a request.

    /// Events shown from their copy in Redis. With [`COPIES_MISSED`] this gives the cache's hit rate.
    COPIES_SHOWN = "CopiesShown";
    /// Events that had to be read, or waited for.
    COPIES_MISSED = "CopiesMissed";
    /// Events read from DynamoDB to refill the cache, missed or ageing.
    COPIES_REFILLED = "CopiesRefilled";
    /// Reads of the whole list of upcoming events from DynamoDB.
    LISTS_REFILLED = "ListsRefilled";
    /// Counts of all tickets sold, to rank the popular events anew.
    RANKS_REFILLED = "RanksRefilled";
    /// Events read from DynamoDB because Redis was out of reach.
    OUTAGE_READS = "OutageReads";

    // A job, a run.

    /// How long the run took, in ms.
    RUN_MS = "RunMs";
    /// 1 if the run came to the end of the events, 0 if the next one goes on.
    RUN_COMPLETE = "RunComplete";
    /// Events that were left as they were because a store failed.
    EVENTS_FAILED = "EventsFailed";

    // Telling people, a message.

    /// Webhooks that their endpoints took.
    WEBHOOKS_DELIVERED = "WebhooksDelivered";
    /// Tries of webhooks that failed and will be repeated.
    WEBHOOKS_FAILED = "WebhooksFailed";
    /// Webhooks that were given up.
    WEBHOOKS_DEAD = "WebhooksDead";
    /// Endpoints that are told nothing any more: they answered 410, or failed for five days.
    WEBHOOKS_DISABLED = "WebhooksDisabled";
    /// Mails that were taken on.
    MAILS_SENT = "MailsSent";
    /// Mails that were not, and will be tried again.
    MAILS_FAILED = "MailsFailed";
    /// Mails that were given up.
    MAILS_DEAD = "MailsDead";
    /// Mails that nobody needs any more: the account is gone, or the event has changed again.
    MAILS_DROPPED = "MailsDropped";
    /// Messages that no stream told, found by looking at the tables.
    MESSAGES_MISSED = "MessagesMissed";
    /// Records of a stream that could not be read.
    RECORDS_UNREADABLE = "RecordsUnreadable";
    /// How late the mail was that was due the longest, in ms, a run.
    OLDEST_DUE_MS = "OldestDueMs";

    // Pricing, a run.

    /// Events that became dearer.
    PRICES_RAISED = "PricesRaised";
    /// Events that became cheaper.
    PRICES_LOWERED = "PricesLowered";
    /// Events whose price is right as it is.
    PRICES_KEPT = "PricesKept";
    /// Events that were priced today already.
    PRICES_SKIPPED = "PricesSkipped";

    // The janitor, a run.

    /// Events looked at.
    EVENTS_SWEPT = "EventsSwept";
    /// Holds that ran out and returned their seats.
    HOLDS_EXPIRED = "HoldsExpired";
    /// Confirms that were committed but not finished, and were finished now.
    CONFIRMS_FINISHED = "ConfirmsFinished";
    /// Confirms that were begun but never committed, and were undone now.
    CONFIRMS_UNDONE = "ConfirmsUndone";
    /// Confirms that could not be settled because a store failed.
    CONFIRMS_FAILED = "ConfirmsFailed";
    /// How late the latest overdue confirm was, in ms.
    OLDEST_OVERDUE_MS = "OldestOverdueMs";
    /// Shards whose free seats in Redis were wrong, and were set right.
    SHARDS_REPAIRED = "ShardsRepaired";
    /// Shards that could not be judged yet.
    SHARDS_WAITING = "ShardsWaiting";
    /// Seats that Redis took for free and were not.
    SEATS_TOO_MANY = "SeatsTooMany";
    /// Seats that were free and Redis did not know.
    SEATS_TOO_FEW = "SeatsTooFew";
    /// How late the pending booking was that was due the longest, in ms.
    OLDEST_DUE_BOOKING_MS = "OldestDueBookingMs";
    /// Events that were cancelled, and may have bookings left.
    EVENTS_BEING_CANCELLED = "EventsBeingCancelled";
    /// Events whose popularity was wrong, and was set right.
    RANKS_CORRECTED = "RanksCorrected";
    /// Events whose facts in Redis were old.
    EVENTS_REFRESHED = "EventsRefreshed";
    /// Events that Redis forgot, because their sales are over.
    EVENTS_UNLOADED = "EventsUnloaded";
    /// Seats in all, of the swept events that Redis knows.
    SEATS_CAPACITY = "SeatsCapacity";
    /// Of these, seats sold.
    SEATS_SOLD = "SeatsSold";
    /// Of these, seats of pending bookings.
    SEATS_PENDING = "SeatsPending";
    /// Of these, seats held.
    SEATS_HELD = "SeatsHeld";
    /// Of these, seats whose confirm has begun and not ended.
    SEATS_IN_FLIGHT = "SeatsInFlight";
    /// Of these, seats that can be held.
    SEATS_FREE = "SeatsFree";
    /// Of these, seats that are nowhere, or, below zero, in two places. At rest it is 0.
    SEATS_DRIFT = "SeatsDrift";
}

/// Tells the recorder the unit of each.
pub(super) fn describe() {
    for name in ALL {
        let unit = if name.ends_with("Ms") { metrics::Unit::Milliseconds } else { metrics::Unit::Count };
        metrics::describe_histogram!(*name, unit, "");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_name_is_there_once() {
        let mut names = super::ALL.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), super::ALL.len());
    }
}
