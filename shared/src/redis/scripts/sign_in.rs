//! Signing in: the pace of wrong passwords, and tokens that end early.

use std::time::Duration;

use serde::Serialize;

use super::json;
use crate::{
    domain::{error::Error, id::UserId},
    redis::Redis,
};

script!(ATTEMPT, "lib/state.lua", "attempt.lua");
script!(SIGNED_IN, "lib/state.lua", "signed_in.lua");
script!(END_TOKENS, "lib/state.lua", "end_tokens.lua");

/// Whose wrong passwords are counted together. Neither is told in plain: fingerprints stand for both.
#[derive(Clone, Debug)]
pub struct FailuresOf {
    /// The account.
    pub account: String,
    /// The network that the attempt comes from.
    pub network: String,
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

impl Redis {
    /// `attempt.lua`: asks to try a password. `rules` are those of the pair, of the network and of the account. Answers
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
        call.arg(&of.network).arg(known_for.as_millis()).arg(known_max).arg(u8::from(is_right));
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "NOTED" => Ok(()),
            _ => Err(answer.unknown("signed_in")),
        }
    }

    /// `end_tokens.lua`: ends a user's tokens that were got with an older password than that version.
    pub async fn end_tokens(&self, user: UserId, version: u32, token_life: Duration) -> Result<(), Error> {
        let mut call = END_TOKENS.key(self.keys.ended_tokens());
        call.arg(user.to_string()).arg(version).arg(token_life.as_millis());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "ENDED" => Ok(()),
            _ => Err(answer.unknown("end_tokens")),
        }
    }

    /// The users whose tokens ended early, each with the lowest version of the password that is still good. A user may
    /// be there several times.
    pub async fn ended_tokens(&self) -> Result<Vec<(UserId, u32)>, Error> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(self.keys.ended_tokens()).arg(0).arg(-1);
        let ended: Vec<String> = self.ask(&range).await?;
        let parse = |entry: &String| {
            let (user, version) = entry.split_once(' ')?;
            Some((user.parse().ok()?, version.parse().ok()?))
        };
        Ok(ended.iter().filter_map(parse).collect())
    }
}
