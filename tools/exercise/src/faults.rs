//! The faults: which there are, how often each is tried, and how often each was really done. No product code knows
//! of them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

/// What can be done to the service. The names are those of the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// DynamoDB did what it was asked, and the connection breaks before the reply.
    DynamoReplyLost,
    /// DynamoDB did what it was asked, and never says so.
    DynamoSilent,
    /// DynamoDB did what it was asked, and answers with 500.
    DynamoErrorAfterDone,
    /// The request reaches DynamoDB late.
    DynamoSlow,
    /// DynamoDB answers in time, and its reply comes late.
    DynamoSlowReply,
    /// `ThrottlingException`; nothing is done.
    DynamoThrottled,
    /// `ProvisionedThroughputExceededException`; nothing is done.
    DynamoThroughput,
    /// `InternalServerError`; nothing is done.
    DynamoError,
    /// `TransactionCanceledException` with `TransactionConflict`; nothing is done.
    DynamoConflict,
    /// The same, and another item's condition failed: the other transaction is half applied. Nothing is done.
    DynamoConflictHalfApplied,
    /// Redis ran the commands, their replies are swallowed, then the connection breaks.
    RedisRepliesSwallowed,
    /// The connection breaks before the commands reach Redis.
    RedisCutBefore,
    /// The connection breaks after Redis ran the commands.
    RedisCutAfter,
    /// Commands reach Redis late.
    RedisSlowCommand,
    /// Replies reach the client late, perhaps after it gave up.
    RedisSlowReply,
    /// `FLUSHALL`.
    RedisFlushed,
    /// `SCRIPT FLUSH`.
    RedisScriptsFlushed,
    /// `CLIENT PAUSE`.
    RedisPaused,
    /// Killed with SIGKILL and started again with its data.
    RedisKilled,
    /// Killed with SIGKILL and started again empty.
    RedisWiped,
    /// Killed with SIGKILL and started again as it was a moment earlier: a failover to a replica that lagged behind.
    RedisRolledBack,
    /// A server process killed with SIGKILL and started again.
    ServerKilled,
    /// A process that dies between the begin and the commit of a confirm.
    ConfirmDied,
    /// A process that dies between the commit and the end of a confirm.
    ConfirmDiedCommitted,
    /// An endpoint of webhooks does not take what it is told.
    EndpointRefused,
    /// An endpoint of webhooks takes what it is told, and answers with 500.
    EndpointAnswerLost,
    /// A janitor's run broken off.
    JanitorBrokenOff,
    /// Two janitors at once.
    TwoJanitors,
}

impl Fault {
    /// All of them, in the order of the verdict.
    pub(crate) const ALL: [(Self, &str); 28] = [
        (Self::DynamoReplyLost, "DynamoDB: done, connection broken"),
        (Self::DynamoSilent, "DynamoDB: done, never answered"),
        (Self::DynamoErrorAfterDone, "DynamoDB: done, answered 500"),
        (Self::DynamoSlow, "DynamoDB: request late"),
        (Self::DynamoSlowReply, "DynamoDB: reply late"),
        (Self::DynamoThrottled, "DynamoDB: throttled"),
        (Self::DynamoThroughput, "DynamoDB: throughput exceeded"),
        (Self::DynamoError, "DynamoDB: internal error"),
        (Self::DynamoConflict, "DynamoDB: transaction conflict"),
        (Self::DynamoConflictHalfApplied, "DynamoDB: conflict, half applied"),
        (Self::RedisRepliesSwallowed, "Redis: done, replies swallowed"),
        (Self::RedisCutBefore, "Redis: cut before the command"),
        (Self::RedisCutAfter, "Redis: cut after the command"),
        (Self::RedisSlowCommand, "Redis: command late"),
        (Self::RedisSlowReply, "Redis: reply late"),
        (Self::RedisFlushed, "Redis: FLUSHALL"),
        (Self::RedisScriptsFlushed, "Redis: SCRIPT FLUSH"),
        (Self::RedisPaused, "Redis: CLIENT PAUSE"),
        (Self::RedisKilled, "Redis: killed, back with its data"),
        (Self::RedisWiped, "Redis: killed, back empty"),
        (Self::RedisRolledBack, "Redis: killed, back as it was earlier"),
        (Self::ServerKilled, "server process killed"),
        (Self::ConfirmDied, "process died before a commit"),
        (Self::ConfirmDiedCommitted, "process died after a commit"),
        (Self::EndpointRefused, "endpoint: answered 500"),
        (Self::EndpointAnswerLost, "endpoint: done, answered 500"),
        (Self::JanitorBrokenOff, "janitor broken off"),
        (Self::TwoJanitors, "two janitors at once"),
    ];
}

/// Whether faults happen now, and how many of each happened.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    on: AtomicBool,
    /// Grows when an act that makes Redis forget begins, and again when it is over.
    redis_losses: AtomicU64,
    done: Mutex<BTreeMap<Fault, u64>>,
    /// What was asked of DynamoDB and is answered already, though nobody knows the answer yet.
    late: Mutex<Vec<Arc<str>>>,
    /// Transactions that DynamoDB refused because Redis had promised seats that are sold.
    broken_promises: Mutex<Vec<String>>,
}

impl Faults {
    pub(crate) fn switch(&self, on: bool) {
        self.on.store(on, Ordering::SeqCst);
    }

    pub(crate) fn are_on(&self) -> bool {
        self.on.load(Ordering::SeqCst)
    }

    /// Called when the fault was really done.
    pub(crate) fn count(&self, fault: Fault) {
        *self.done.lock().entry(fault).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<Fault, u64> {
        self.done.lock().clone()
    }

    /// DynamoDB refused this because Redis had promised seats that are sold.
    pub(crate) fn promise_is_broken(&self, request: &[u8]) {
        self.broken_promises.lock().push(String::from_utf8_lossy(request).into_owned());
    }

    /// The transactions that were refused so.
    pub(crate) fn broken_promises(&self) -> Vec<String> {
        self.broken_promises.lock().clone()
    }

    /// DynamoDB's reply to this request is late for as long as the answer lives.
    pub(crate) fn reply_is_late(&self, request: &[u8]) -> impl Drop {
        let request: Arc<str> = String::from_utf8_lossy(request).into();
        self.late.lock().push(Arc::clone(&request));
        Late { faults: self, request }
    }

    /// Whether a late reply is about that.
    pub(crate) fn is_reply_late_about(&self, id: &str) -> bool {
        self.late.lock().iter().any(|request| request.contains(id))
    }

    /// Redis starts or ends to forget.
    pub(crate) fn redis_forgets(&self) {
        self.redis_losses.fetch_add(1, Ordering::SeqCst);
    }

    /// A number that stays the same as long as Redis forgets nothing.
    pub(crate) fn redis_losses(&self) -> u64 {
        self.redis_losses.load(Ordering::SeqCst)
    }
}

struct Late<'a> {
    faults: &'a Faults,
    request: Arc<str>,
}

impl Drop for Late<'_> {
    fn drop(&mut self) {
        self.faults.late.lock().retain(|request| !Arc::ptr_eq(request, &self.request));
    }
}

/// Choices that follow from the seed. Each proxy, buyer and job has dice of its own, so that none depends on how the
/// others' requests interleave.
#[derive(Debug)]
pub(crate) struct Dice(Mutex<fastrand::Rng>);

impl Dice {
    /// The dice of one part of the run.
    pub(crate) fn new(seed: u64, part: &str, number: usize) -> Self {
        let mut mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number as u64;
        for byte in part.bytes() {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        Self(Mutex::new(fastrand::Rng::with_seed(mixed)))
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.0.lock().u64(..end.max(1))
    }

    /// A number from `low` to `high`.
    pub(crate) fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `percent` of 100 throws.
    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Milliseconds from `low` to `high`.
    pub(crate) fn ms(&self, low: u64, high: u64) -> std::time::Duration {
        std::time::Duration::from_millis(self.between(low, high))
    }

    /// One of them, if there is any.
    pub(crate) fn one_of<T: Copy>(&self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len() as u64) as usize).copied()
    }

    /// Brings them into another order.
    pub(crate) fn shuffle<T>(&self, items: &mut [T]) {
        self.0.lock().shuffle(items);
    }

    /// An outcome by weight out of 1,000; `None` for what remains.
    pub(crate) fn weighted<T: Copy>(&self, permille: &[(T, u64)]) -> Option<T> {
        let mut thrown = self.below(1_000);
        for (outcome, weight) in permille {
            if thrown < *weight {
                return Some(*outcome);
            }
            thrown -= weight;
        }
        None
    }
}
