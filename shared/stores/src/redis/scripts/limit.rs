//! How many requests a client may have.

use std::time::Duration;

use crate::redis::Redis;
use domain::error::Error;

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

impl Redis {
    /// `limit.lua`: counts a request of a client, if fewer than `allowed` of that kind came within the window.
    pub async fn limit(
        &self,
        kind: &str,
        client: &str,
        allowed: u64,
        window: Duration,
    ) -> Result<Allowance, Error> {
        let mut call = LIMIT.key(self.keys.limit(kind, client));
        call.arg(allowed).arg(window.as_millis());
        let answer = self.invoke(&call).await?;
        let ms = |n| answer.value::<u64>(n).map(Duration::from_millis);
        match answer.word() {
            "ALLOWED" => Ok(Allowance { is_allowed: true, left: answer.value(0)?, more_in: ms(1)? }),
            "LIMITED" => Ok(Allowance { is_allowed: false, left: 0, more_in: ms(0)? }),
            _ => Err(answer.unknown("limit")),
        }
    }
}
