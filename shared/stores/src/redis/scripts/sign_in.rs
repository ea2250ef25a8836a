//! Signing in: the pace of wrong passwords, and tokens that end early.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::json;
use crate::redis::Redis;
use domain::{error::Error, id::UserId, time::from_ms, user::EndedTokensNote};

script!(ATTEMPT, "lib/state.lua", "attempt.lua");
script!(SIGNED_IN, "lib/state.lua", "signed_in.lua");
script!(END_TOKENS, "lib/state.lua", "end_tokens.lua");
script!(KEEP_ENDED_TOKENS, "lib/state.lua", "keep_ended_tokens.lua");

/// The mark that all notes of ended tokens are there.
const ALL: &str = "all";
/// How long the others wait for whoever reads the notes from DynamoDB. If it takes longer, or crashes, another one does.
const TURN: Duration = Duration::from_secs(3);

/// Whose wrong passwords are counted together. Neither is told in plain: fingerprints stand for both.
#[derive(Clone, Debug)]
pub struct FailuresOf {
    /// The account.
    pub account: String,
    /// The network that the attempt comes from.
    pub network: String,
    /// The wider network that this is part of, if it counts.
    pub wide: Option<String>,
}

/// How wrong passwords slow down what comes next, for one of the counters.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FailureRules {
    /// Failures before the first delay.
    pub free: u32,
    /// The first delay, in ms. It doubles with each failure.
    pub delay_ms: u64,
    /// The longest delay, in ms.
    pub delay_ms_max: u64,
    /// How long the last failure is remembered, in ms.
    pub memory_ms: u64,
}

/// What Redis knows of tokens that ended early.
#[derive(Debug)]
pub struct EndedTokensSeen {
    /// The users, each with the lowest version of the password that is still good. A user may be there several times.
    pub notes: Vec<(UserId, u32)>,
    /// Until when these count as all that there are; `None` if some may be missing.
    pub all_until: Option<Timestamp>,
}

impl Redis {
    /// `attempt.lua`: asks to try a password. `rules` are those of the pair, of the network, of the account, and
    /// of the wider network if there is one. Answers
    /// how long to wait if too many were wrong.
    pub async fn attempt(
        &self,
        of: &FailuresOf,
        rules: &impl Serialize,
        known_for: Duration,
    ) -> Result<Option<Duration>, Error> {
        let mut call = ATTEMPT.key(self.keys.failures_of_pair(&of.account, &of.network));
        call.key(self.keys.failures_of_address(&of.network));
        call.key(self.keys.failures_of_account(&of.account)).key(self.keys.known_networks(&of.account));
        call.key(self.failures_of_wide(of));
        call.arg(&of.network).arg(json(rules)?).arg(known_for.as_millis());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "ALLOWED" => Ok(None),
            "TOO_MANY" => Ok(Some(Duration::from_millis(answer.value(0)?))),
            _ => Err(answer.unknown("attempt")),
        }
    }

    /// `signed_in.lua`: the password was right, or was never looked at.
    pub async fn signed_in(
        &self,
        of: &FailuresOf,
        known_for: Duration,
        known_max: usize,
        is_right: bool,
    ) -> Result<(), Error> {
        let mut call = SIGNED_IN.key(self.keys.failures_of_pair(&of.account, &of.network));
        call.key(self.keys.failures_of_address(&of.network));
        call.key(self.keys.failures_of_account(&of.account)).key(self.keys.known_networks(&of.account));
        call.key(self.failures_of_wide(of));
        call.arg(&of.network).arg(known_for.as_millis()).arg(known_max).arg(u8::from(is_right));
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "NOTED" => Ok(()),
            _ => Err(answer.unknown("signed_in")),
        }
    }

    /// Where there is no wider network, this is never written.
    fn failures_of_wide(&self, of: &FailuresOf) -> String {
        self.keys.failures_of_wide(of.wide.as_deref().unwrap_or(&of.network))
    }

    /// `end_tokens.lua`: ends a user's tokens that were got with an older password than that version.
    pub async fn end_tokens(&self, user: UserId, version: u32, note_life: Duration) -> Result<(), Error> {
        let mut call = END_TOKENS.key(self.keys.ended_tokens());
        call.arg(user.to_string()).arg(version).arg(note_life.as_millis());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "ENDED" => Ok(()),
            _ => Err(answer.unknown("end_tokens")),
        }
    }

    /// `keep_ended_tokens.lua`: keeps the notes that DynamoDB has, and that these are all for so long.
    pub async fn keep_ended_tokens(
        &self,
        notes: &[EndedTokensNote],
        all_for: Duration,
        note_life: Duration,
    ) -> Result<(), Error> {
        let members: Vec<_> = notes
            .iter()
            .map(|note| (format!("{} {}", note.user, note.good_from), note.forget_at.saturating_mul(1_000)))
            .collect();
        let mut call = KEEP_ENDED_TOKENS.key(self.keys.ended_tokens());
        call.arg(json(&members)?).arg(all_for.as_millis()).arg(note_life.as_millis());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "KEPT" => Ok(()),
            _ => Err(answer.unknown("keep_ended_tokens")),
        }
    }

    /// The users whose tokens ended early.
    pub async fn ended_tokens(&self) -> Result<EndedTokensSeen, Error> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(self.keys.ended_tokens()).arg(0).arg(-1).arg("WITHSCORES");
        let members: Vec<(String, f64)> = self.ask(&range).await?;
        let parse = |(member, _): &(String, f64)| {
            let (user, version) = member.split_once(' ')?;
            Some((user.parse().ok()?, version.parse().ok()?))
        };
        Ok(EndedTokensSeen {
            notes: members.iter().filter_map(parse).collect(),
            all_until: members
                .iter()
                .find(|(member, _)| member == ALL)
                .map(|(_, until)| from_ms(*until as i64)),
        })
    }

    /// Asks for the turn to read them from DynamoDB. Answers false if somebody else has it.
    pub async fn take_ended_tokens_turn(&self) -> Result<bool, Error> {
        self.set_turn(self.keys.ended_tokens_turn(), TURN).await
    }
}
