//! Tokens that end before their time: those that were got with a password that was changed since.
//!
//! A token carries the version of the password that it was got with. A change of the password raises the version in
//! DynamoDB, so that the next sign-in gets it, and leaves a note in Redis for as long as older tokens live: the user, and
//! the lowest version that is good. Every process reads these notes and refuses what is older. The users table is never
//! asked.
//!
//! - **Cost**: one read of a small sorted set for each process in 3 s at most, and only while requests with tokens come. Of
//!   the requests at one time one reads; the others go by what is known, while that is no older than 5 s.
//! - **Bound**: an old token is good for 5 s at most after the change, plus the life of a request; in the process that
//!   changed it not at all.
//! - **Without Redis** tokens are good until they expire, an hour at most, where the change is not known yet. The next
//!   sign-in leaves the note again, should Redis have missed or lost it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    App,
    domain::{id::UserId, user::User},
    http::token::ACCESS_TOKEN_SECONDS,
};

const TOKEN_LIFE: Duration = Duration::from_secs(ACCESS_TOKEN_SECONDS.unsigned_abs());
/// Notes are read anew when they are older than this.
const FRESH_FOR: Duration = Duration::from_secs(3);
/// No request goes by notes that are older than this.
const USABLE_FOR: Duration = Duration::from_secs(5);

/// What this process knows of tokens that end early.
#[derive(Debug, Default)]
pub(crate) struct EndedTokens {
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

/// Ends a user's tokens that were got with an older password. What fails is made up for by the next sign-in.
pub async fn end_tokens(app: &App, user: &User) {
    app.ended_tokens.notes().add(user.id, user.password_version);
    if let Err(error) = app.redis.end_tokens(user.id, user.password_version, TOKEN_LIFE).await {
        tracing::warn!(user_id = %user.id, %error, "older tokens are good for up to an hour elsewhere");
    }
}

/// Ends older tokens again if the password was changed so lately that there may be some: Redis may not have it.
pub async fn end_tokens_again(app: &App, user: &User, now: Timestamp) {
    let since = user.password_changed_at.map(|changed_at| now.duration_since(changed_at).unsigned_abs());
    if since.is_some_and(|since| since < TOKEN_LIFE) {
        end_tokens(app, user).await;
    }
}

/// Whether a token with that version of the user's password has ended.
pub async fn has_ended(app: &App, user: UserId, version: u32) -> bool {
    let ended = &app.ended_tokens;
    let age = ended.notes().age();
    match age {
        Some(age) if age < FRESH_FOR => {}
        // One reads; the others do not wait.
        Some(age) if age < USABLE_FOR => {
            if let Ok(_turn) = ended.turn.try_lock() {
                ended.read(app).await;
            }
        }
        _ => {
            let _turn = ended.turn.lock().await;
            // Somebody may have read them meanwhile.
            if ended.notes().age().is_none_or(|age| age >= FRESH_FOR) {
                ended.read(app).await;
            }
        }
    }
    ended.notes().good_from.get(&user).is_some_and(|(good_from, _)| version < *good_from)
}

impl EndedTokens {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, app: &App) {
        let started = Instant::now();
        let read = app.redis.ended_tokens().await;
        let mut notes = self.notes();
        // After a failure, too: it is not asked again with each request.
        notes.read_at = Some(started);
        match read {
            Ok(read) => {
                notes.good_from.retain(|_, (_, until)| *until > started);
                for (user, good_from) in read {
                    notes.add(user, good_from);
                }
            }
            Err(error) => tracing::warn!(%error, "which tokens ended early is not known"),
        }
    }
}

impl Notes {
    fn age(&self) -> Option<Duration> {
        self.read_at.map(|read_at| read_at.elapsed())
    }

    fn add(&mut self, user: UserId, good_from: u32) {
        let until = Instant::now() + TOKEN_LIFE;
        let note = self.good_from.entry(user).or_insert((good_from, until));
        *note = (note.0.max(good_from), until);
    }
}
