//! The mails of what was sold: one for each booking. The service writes them into a folder, each in a file that is named after its
//! message.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use kit::Failure;
use serde::Serialize;
use tokio::time::sleep;

/// A mail takes some writes, each of which the embedded store brings to the disk: a slow one lags behind those who buy. While mails
/// come, there is hope.
const NEXT_WITHIN: Duration = Duration::from_secs(70);
const ALL_WITHIN: Duration = Duration::from_secs(900);
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Whatever goes out twice, does so by then.
const TWICE_WITHIN: Duration = Duration::from_secs(3);
const OF_BOOKINGS: &str = "booking.confirmed.";

/// What was told.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Mails {
    /// Bookings whose buyers got a mail.
    pub told: u64,
    /// Mails that went out again.
    pub again: u64,
    /// Seconds from the last answer to the last mail.
    pub seconds_after: f64,
}

impl Mails {
    /// Waits until there is a mail of so many bookings, or no more come.
    pub(crate) async fn of(folder: &Path, bookings: u64) -> Result<Self, Failure> {
        let started = Instant::now();
        let (mut last, mut before) = (started, 0);
        while before != bookings && last.elapsed() < NEXT_WITHIN && started.elapsed() < ALL_WITHIN {
            let by_now = told(folder)?.len() as u64;
            if by_now > before {
                (last, before) = (Instant::now(), by_now);
            }
            sleep(LOOK_AGAIN_AFTER).await;
        }
        let seconds_after = last.duration_since(started).as_secs_f64();
        sleep(TWICE_WITHIN).await;
        let told = told(folder)?;
        let again = told.values().map(|times| times - 1).sum();
        Ok(Self { told: told.len() as u64, again, seconds_after })
    }

    pub(crate) fn violations(&self, bookings: u64) -> Vec<String> {
        let mut violations = Vec::new();
        if self.told != bookings {
            violations.push(format!("{} bookings were told by mail, of {bookings}", self.told));
        }
        if self.again > 0 {
            violations.push(format!("{} mails went out again", self.again));
        }
        violations
    }
}

/// How often each booking was told.
fn told(folder: &Path) -> Result<BTreeMap<String, u64>, Failure> {
    let mut told = BTreeMap::new();
    // No folder, no mail.
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(told) };
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let message = name.strip_suffix(".eml").and_then(|name| name.split_once('-'));
        if let Some((_, message)) = message.filter(|(_, message)| message.starts_with(OF_BOOKINGS)) {
            *told.entry(message.to_owned()).or_default() += 1;
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_booking_is_told_once_or_it_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        write("20310101T000000.000Z-booking.confirmed.a.1.eml");
        write("20310101T000000.001Z-account.verify.a.1.eml");
        write("20310101T000000.002Z-booking.confirmed.b-c.1.eml");
        let mails = Mails::of(folder.path(), 2).await.unwrap();
        assert_eq!((mails.told, mails.again, mails.violations(2)), (2, 0, Vec::new()));
        assert_eq!(mails.violations(3).len(), 1, "one is missing");
        write("20310101T000001.000Z-booking.confirmed.a.1.eml");
        let mails = Mails::of(folder.path(), 2).await.unwrap();
        assert_eq!((mails.told, mails.again, mails.violations(2).len()), (2, 1, 1));
    }
}
