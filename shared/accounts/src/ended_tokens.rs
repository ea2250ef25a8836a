//! Tokens that end before their time: those that were got with a password that was changed since, or for an account that was
//! erased since.
//!
//! A token carries the version of the password that it was got with. A change of the password raises the version and
//! leaves a note, in one DynamoDB transaction: the user, and the lowest version that is good. Erasing an account leaves such a
//! note, too, of a version that the account never had. The note matters for as long as older tokens live. Redis has a copy of
//! all notes, which every process reads and refuses what is older. The users table is never asked.
//!
//! - **Cost**: one read of a small sorted set for each process in 3 s at most, and only while requests with tokens come. Of
//!   the requests at one time one reads; the others go by what is known, while that is no older than 5 s. All processes
//!   together read the notes from DynamoDB once a minute at most, and only while such requests come.
//! - **Bound**: an old token is good for 5 s at most after the change, plus the life of a request; in the process that
//!   changed it not at all. Should Redis lose that one note, as a failover can, or never hear of it: for a minute more.
//! - **Redis lost its data**: then it lost the mark that its notes are all that there are, too. One process of all reads
//!   DynamoDB and fills Redis again; the others wait for that.
//! - **Without Redis** each process reads DynamoDB itself, as often as it would read Redis. If neither answers, it goes by
//!   what it knows.
//!
//! A release from before there were notes in DynamoDB leaves one in Redis only, and so does the next sign-in.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::tokens::ACCESS_TOKEN_SECONDS;
use domain::{id::UserId, user::EndedTokensNote};
use stores::{dynamodb::Store, redis::Redis};

/// How long a note matters: as long as a token is good, and a minute for clocks that are apart and for a sign-in that read
/// the password just before it was changed.
pub(crate) const NOTE_LIFE: Duration = Duration::from_secs(ACCESS_TOKEN_SECONDS.unsigned_abs() + 60);
/// Notes are read anew when they are older than this.
const FRESH_FOR: Duration = Duration::from_secs(3);
/// No request goes by notes that are older than this.
const USABLE_FOR: Duration = Duration::from_secs(5);

/// How long Redis' notes count as all that there are, if nobody can read DynamoDB.
const ALL_FOR: Duration = Duration::from_secs(5 * 60);
/// When they are read from DynamoDB anew: Redis can lose one and keep the mark, in a failover for example.
const READ_ANEW_AFTER: Duration = Duration::from_secs(60);
/// How long DynamoDB is waited for, or whoever reads it. Requests that need no token wait as well.
const STORE_WAIT_MAX: Duration = Duration::from_secs(1);
/// Between two looks whether Redis has all notes again.
const PAUSE: Duration = Duration::from_millis(25);

/// What this process knows of tokens that end early.
#[derive(Debug)]
pub struct EndedTokens {
    store: Store,
    redis: Option<Redis>,
    notes: Mutex<Notes>,
    /// Whoever has it reads Redis.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Notes {
    /// The lowest version that is good, and until when the note matters.
    good_from: HashMap<UserId, (u32, Instant)>,
    read_at: Option<Instant>,
}

impl EndedTokens {
    /// What is known from these stores; without Redis, as outside its network, from DynamoDB alone.
    pub fn new(store: Store, redis: Option<Redis>) -> Self {
        Self { store, redis, notes: Mutex::default(), turn: Default::default() }
    }

    /// Whether a token with that version of the user's password has self.
    pub async fn has_ended(&self, user: UserId, version: u32) -> bool {
        let age = self.notes.lock().age();
        match age {
            Some(age) if age < FRESH_FOR => {}
            // One reads; the others do not wait.
            Some(age) if age < USABLE_FOR => {
                if let Ok(_turn) = self.turn.try_lock() {
                    self.read().await;
                }
            }
            _ => {
                let _turn = self.turn.lock().await;
                // Somebody may have read them meanwhile.
                if self.notes.lock().age().is_none_or(|age| age >= FRESH_FOR) {
                    self.read().await;
                }
            }
        }
        self.notes.lock().good_from.get(&user).is_some_and(|(good_from, _)| version < *good_from)
    }

    /// This process just raised the version.
    pub(crate) fn add(&self, user: UserId, good_from: u32) {
        self.notes.lock().add(user, good_from);
    }

    async fn read(&self) {
        let started = Instant::now();
        let read = match &self.redis {
            Some(redis) => read_notes(&self.store, redis).await,
            None => pairs(&read_store(&self.store).await.unwrap_or_default()),
        };
        let mut notes = self.notes.lock();
        // After a failure, too: it is not asked again with each request.
        notes.read_at = Some(started);
        notes.good_from.retain(|_, (_, until)| *until > started);
        for (user, good_from) in read {
            notes.add(user, good_from);
        }
    }
}

/// All notes, as far as a store can tell them: each a user, and the lowest version that is good.
async fn read_notes(store: &Store, redis: &Redis) -> Vec<(UserId, u32)> {
    let began = Instant::now();
    loop {
        let seen = match redis.ended_tokens().await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::warn!(%error, "which tokens ended early is read from DynamoDB");
                return pairs(&read_store(store).await.unwrap_or_default());
            }
        };
        let left =
            seen.all_until.map_or(SignedDuration::ZERO, |until| until.duration_since(Timestamp::now()));
        let left = Duration::try_from(left).unwrap_or_default();
        if left > ALL_FOR - READ_ANEW_AFTER {
            return seen.notes;
        }
        let is_our_turn =
            began.elapsed() >= STORE_WAIT_MAX || redis.take_ended_tokens_turn().await.unwrap_or(true);
        if is_our_turn {
            return [seen.notes, pairs(&fill_redis(store, redis).await)].concat();
        }
        if !left.is_zero() {
            return seen.notes;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Gives Redis the notes that DynamoDB has; answers with these.
async fn fill_redis(store: &Store, redis: &Redis) -> Vec<EndedTokensNote> {
    let Some(notes) = read_store(store).await else { return Vec::new() };
    if let Err(error) = redis.keep_ended_tokens(&notes, ALL_FOR, NOTE_LIFE).await {
        tracing::warn!(%error, "Redis does not know all tokens that ended early");
    }
    notes
}

/// The notes that DynamoDB has; `None` if it does not answer in time.
async fn read_store(store: &Store) -> Option<Vec<EndedTokensNote>> {
    let reading = store.ended_tokens(Timestamp::now());
    match tokio::time::timeout(STORE_WAIT_MAX, reading).await {
        Ok(Ok(notes)) => Some(notes),
        Ok(Err(error)) => {
            tracing::warn!(%error, "which tokens ended early is not known");
            None
        }
        Err(elapsed) => {
            tracing::warn!(%elapsed, "which tokens ended early is not known");
            None
        }
    }
}

fn pairs(notes: &[EndedTokensNote]) -> Vec<(UserId, u32)> {
    notes.iter().map(|note| (note.user, note.good_from)).collect()
}

impl Notes {
    fn age(&self) -> Option<Duration> {
        self.read_at.map(|read_at| read_at.elapsed())
    }

    fn add(&mut self, user: UserId, good_from: u32) {
        let until = Instant::now() + NOTE_LIFE;
        let note = self.good_from.entry(user).or_insert((good_from, until));
        *note = (note.0.max(good_from), until);
    }
}
