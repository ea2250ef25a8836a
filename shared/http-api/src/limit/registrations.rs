//! How many accounts may be made from a network in an hour. What is counted is what makes an account, so whoever counts can
//! take it back: the same registration again makes none.

use super::{count, counted::Budget, network};
use crate::{App, ClientAddress, Ring, front::Front};
use domain::error::Error;
use stores::redis::scripts::{Allowance, LimitOf};

/// A registration that counts.
#[derive(Debug)]
#[must_use]
pub struct CountedRegistration<'a> {
    front: &'a Front,
    /// `None` if nobody counted it.
    of: Option<LimitOf>,
}

impl App {
    /// Counts a registration; `TooManyRegistrations` if its network had too many. An address that is not known is nobody's.
    pub async fn count_registration(&self, from: ClientAddress) -> Result<CountedRegistration<'_>, Error> {
        let front = &**self.front();
        if from == ClientAddress::Unknown {
            return Ok(CountedRegistration { front, of: None });
        }
        let of = network(front, from);
        match count(front, Budget::Registrations, &of).await? {
            Some(Allowance { is_allowed: false, more_in, .. }) => {
                Err(Error::TooManyRegistrations { retry_after: more_in })
            }
            Some(_) => Ok(CountedRegistration { front, of: Some(of) }),
            None => Ok(CountedRegistration { front, of: None }),
        }
    }
}

impl CountedRegistration<'_> {
    /// It made no account.
    pub async fn take_back(self) {
        let Some(of) = self.of else { return };
        self.front.clients.take_back(Budget::Registrations, &of);
        if let Some(redis) = &self.front.redis
            && let Err(error) = redis.take_back(Budget::Registrations.name(), &of).await
        {
            tracing::warn!(%error, "a registration that made no account still counts");
        }
    }
}
