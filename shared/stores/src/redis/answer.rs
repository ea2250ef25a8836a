//! What a script answers: a word, and what belongs to it.

use redis::{FromRedisValue, Value};
use serde::de::DeserializeOwned;

use domain::error::{Error, GaveUp};

/// A script's answer: its word (see the head of each Lua file) and the values behind it.
#[derive(Debug)]
pub(super) struct Answer {
    word: String,
    values: Vec<Value>,
}

impl Answer {
    pub(super) fn new(mut values: Vec<Value>) -> Result<Self, Error> {
        if values.is_empty() {
            return Err(Error::Internal("a script answered nothing".into()));
        }
        let word = convert(values.remove(0))?;
        Ok(Self { word, values })
    }

    pub(super) fn word(&self) -> &str {
        &self.word
    }

    /// The n-th value behind the word, from 0.
    pub(super) fn value<T: FromRedisValue>(&self, n: usize) -> Result<T, Error> {
        convert(self.values.get(n).cloned().unwrap_or(Value::Nil))
    }

    /// The n-th value behind the word, which is JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, n: usize) -> Result<T, Error> {
        let json = match self.values.get(n) {
            Some(Value::BulkString(json)) => serde_json::from_slice(json),
            _ => serde_json::from_str(&self.value::<String>(n)?),
        };
        json.map_err(|error| Error::Internal(Box::new(error)))
    }

    /// The n-th value behind the word, which is JSON that Redis keeps, as it is: another release may have written what this
    /// one can't read. Then the outcome is not known, as if Redis had not answered.
    pub(super) fn kept_json<T: DeserializeOwned>(&self, n: usize) -> Result<T, Error> {
        self.json(n).map_err(|error| {
            tracing::warn!(%error, "what Redis keeps can't be read");
            Error::GaveUp(GaveUp::LosingState)
        })
    }

    /// A count of seats; below zero, as it can be for a moment after Redis lost data, is none.
    pub(super) fn seats(&self, n: usize) -> Result<u32, Error> {
        Ok(u32::try_from(self.value::<i64>(n)?.max(0)).unwrap_or(u32::MAX))
    }

    /// An instant in ms.
    pub(super) fn time(&self, n: usize) -> Result<jiff::Timestamp, Error> {
        Ok(domain::time::from_ms(self.value(n)?))
    }

    /// The error for a word that the caller does not know.
    pub(super) fn unknown(&self, script: &str) -> Error {
        Error::Internal(format!("{script}.lua answered {:?}", self.word).into())
    }
}

fn convert<T: FromRedisValue>(value: Value) -> Result<T, Error> {
    T::from_redis_value(value).map_err(|error| Error::Internal(Box::new(error)))
}
