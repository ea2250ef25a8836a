//! One typed function for each Lua script. The head of each Lua file is its contract; a test holds both to it.

/// Makes a script of files in `shared/stores/lua`: what it uses of `lib`, then its own. To make the functions of `lib` takes Redis
/// longer than some scripts do.
macro_rules! script {
    ($constant:ident, $($file:literal),+) => {
        static $constant: std::sync::LazyLock<redis::Script> = std::sync::LazyLock::new(|| {
            redis::Script::new(&$crate::redis::scripts::without_comments(concat!($(include_str!(concat!("../../../lua/", $file))),+)))
        });
    };
}

/// A script's name in Redis is its SHA-1, which takes a function longer than all else in its first request.
fn without_comments(code: &str) -> String {
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with("--");
    code.lines().map(str::trim_start).filter(is_code).collect::<Vec<_>>().join("\n")
}

mod capacity;
mod catalogue;
mod confirm;
mod draws;
mod event;
mod hold;
mod janitor;
mod limit;
mod places;
mod rows;
mod sign_in;

use redis::{Script, Value};
use serde::Serialize;

pub use self::{
    capacity::{Cancelled, Unbought, Withdraw, WithdrawSeats, WithdrawnAtOnce},
    catalogue::{COPY_TTL, CatalogueKept, List, SeatsShown, Show, Turn},
    confirm::{Begin, Redraw},
    hold::{Became, Look, Release, Reserve, ReserveRequest, UserSeats},
    janitor::{OverdueConfirm, Reconciled, Swept},
    limit::{Allowance, LimitOf},
    places::{Places, PlacesCounted},
    rows::{RowFree, SeatsFree, SeatsSeen, StateOfSeats, row_by_dynamodb},
    sign_in::{EndedTokensSeen, FailureRules, FailuresOf},
};
use super::{Redis, answer::Answer, failed};
use domain::{error::Error, id::AreaKey};

impl Redis {
    /// Runs a script over the three keys of an area.
    async fn run(
        &self,
        script: &'static Script,
        area: AreaKey,
        arguments: impl FnOnce(&mut redis::ScriptInvocation<'static>) -> Result<(), Error>,
    ) -> Result<Answer, Error> {
        let mut call = script.key(self.keys.state(area));
        call.key(self.keys.deadlines(area)).key(self.keys.holds(area));
        arguments(&mut call)?;
        self.invoke(&call).await
    }

    async fn invoke(&self, call: &redis::ScriptInvocation<'_>) -> Result<Answer, Error> {
        let values: Vec<Value> = call.invoke_async(&mut self.connection.clone()).await.map_err(failed)?;
        Answer::new(values)
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Internal(Box::new(error)))
}
