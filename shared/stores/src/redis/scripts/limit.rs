//! How many requests a client may have.

use std::time::Duration;

use crate::redis::Redis;
use domain::{error::Error, network::WIDE_TIMES};

script!(LIMIT, "lib/state.lua", "limit.lua");

/// What `limit.lua` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Whether the client may have this request.
    pub is_allowed: bool,
    /// Requests that it may have beyond this one.
    pub left: u64,
    /// How long until it may have one more.
    pub more_in: Duration,
}

/// Whose requests are counted. Neither is told in plain: ids or fingerprints stand for them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitOf {
    /// The client.
    pub client: String,
    /// The wider network that it is part of, if that counts, too.
    pub wide: Option<String>,
}

impl Redis {
    /// `limit.lua`: counts a request of a client, if fewer than `allowed` of that kind came within the window.
    pub async fn limit(
        &self,
        kind: &str,
        of: &LimitOf,
        allowed: u64,
        window: Duration,
    ) -> Result<Allowance, Error> {
        let mut call = LIMIT.key(self.limit_key(kind, of));
        if let Some(wide) = &of.wide {
            call.key(self.keys.limit(kind, wide));
        }
        call.arg(allowed).arg(window.as_millis()).arg(allowed * u64::from(WIDE_TIMES));
        let answer = self.invoke(&call).await?;
        let ms = |n| answer.value::<u64>(n).map(Duration::from_millis);
        match answer.word() {
            "ALLOWED" => Ok(Allowance { is_allowed: true, left: answer.value(0)?, more_in: ms(1)? }),
            "LIMITED" => Ok(Allowance { is_allowed: false, left: 0, more_in: ms(0)? }),
            _ => Err(answer.unknown("limit")),
        }
    }

    /// Takes back one of the requests that were counted, the last: what it stood for did not happen.
    pub async fn take_back(&self, kind: &str, of: &LimitOf) -> Result<(), Error> {
        let keys = [Some(self.limit_key(kind, of)), of.wide.as_ref().map(|wide| self.keys.limit(kind, wide))];
        for key in keys.into_iter().flatten() {
            self.ask::<Option<String>>(redis::cmd("RPOP").arg(key)).await?;
        }
        Ok(())
    }

    fn limit_key(&self, kind: &str, LimitOf { client, wide }: &LimitOf) -> String {
        match wide {
            Some(wide) => self.keys.limit_within(kind, wide, client),
            None => self.keys.limit(kind, client),
        }
    }
}
