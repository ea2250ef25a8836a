//! Whether everybody heard of what they bought and gave back, whoever was killed while telling it. The servers' mails are files, each
//! named after its message.

use std::{collections::BTreeMap, path::Path, time::Duration};

use domain::{booking::Booking, delivery::Delivery, endpoint_url::Addresses, message::due_of_booking};
use jiff::{SignedDuration, Timestamp};
use kit::Failure;
use messages::{Limits, Teller, run_within};
use settings::mail::MailConfig;
use stores::dynamodb::Queue;
use tokio::time::{Instant, sleep};

use crate::world::World;

/// More than are ever due in an exercise.
const DUE_MAX: usize = 10_000;
/// Whatever waits for its next try, waits no longer.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24 * 10);
const TOLD_WITHIN: Duration = Duration::from_secs(60);
/// Killed between sending and noting it, or without a store to note it in, a mail goes again. Each time takes a minute and a half,
/// so no day is long enough for more.
const TIMES_MAX: u64 = 3;

/// What people were told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mails {
    /// All that was to be told.
    pub(crate) told: u64,
    /// Of these, what went out again.
    pub(crate) again: u64,
}

/// Does what the next minutes and the next hourly look would do, and then looks for each mail.
pub(crate) async fn check(world: &World, bookings: &[Booking]) -> Result<Mails, Failure> {
    tell_the_rest(world).await?;
    let mut sent = BTreeMap::new();
    for folder in world.mail_folders() {
        count(&folder, &mut sent)?;
    }
    let people = world.truth.store.people(bookings.iter().map(|booking| booking.user_id)).await?;
    let mut mails = Mails::default();
    for booking in bookings.iter().filter(|booking| people.contains_key(&booking.user_id)) {
        for message in due_of_booking(booking, Timestamp::UNIX_EPOCH) {
            let times = sent.get(&message.id()).copied().unwrap_or_default();
            mails.told += 1;
            mails.again += u64::from(times > 1);
            if !(1..=TIMES_MAX).contains(&times) {
                world.history.violation(format!("{} was told {times} times: {booking:?}", message.id()));
            }
        }
    }
    Ok(mails)
}

async fn tell_the_rest(world: &World) -> Result<(), Failure> {
    let store = &world.truth.store;
    let (mail, tokens) = (world.mail_config()?, world.truth.tokens.clone());
    let teller = Teller::open(store.clone(), tokens, Some(mail), Addresses::AlsoLoopback).await?;
    let limits = Limits { run_time: Duration::from_secs(20), look_every: SignedDuration::ZERO };
    let deadline = Instant::now() + TOLD_WITHIN;
    loop {
        let report = run_within(&teller, Timestamp::now(), limits).await?;
        let waiting = store.due_deliveries(Queue::Mails, Timestamp::now() + LONGEST_WAIT, DUE_MAX).await?;
        if waiting.is_empty() && report.missed == 0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            world.history.violation(format!("{} deliveries are still due", waiting.len()));
            return Ok(());
        }
        for delivery in waiting {
            let now = Delivery { due_at: Some(Timestamp::now()), ..delivery.clone() };
            store.change_delivery(&delivery, &now).await?;
        }
        sleep(Duration::from_millis(300)).await;
    }
}

/// Counts the mails in a folder by their messages. A file is called after the time and the message.
fn count(folder: &Path, sent: &mut BTreeMap<String, u64>) -> Result<(), Failure> {
    // No folder, no mail.
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let message = name.strip_suffix(".eml").and_then(|name| name.split_once('-'));
        let (_, message) = message.ok_or_else(|| format!("{name} is no mail's name"))?;
        *sent.entry(message.to_owned()).or_default() += 1;
    }
    Ok(())
}

impl World {
    fn mail_config(&self) -> Result<MailConfig, Failure> {
        let folder = self.own_mail_folder();
        let config = MailConfig::from_lookup(|name| {
            Some(match name {
                "MAIL_URL" => format!("file:{}", folder.display()),
                "MAIL_FROM" => "tickets@evently.example".to_owned(),
                "MAIL_PER_SECOND" => "0".to_owned(),
                "PUBLIC_URL" => "http://127.0.0.1".to_owned(),
                "DELIVERIES_TABLE" => self.truth.config.tables.deliveries.clone()?,
                _ => return None,
            })
        })?;
        Ok(config.ok_or("no mail")?)
    }
}
