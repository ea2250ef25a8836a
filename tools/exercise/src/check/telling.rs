//! Whether everybody heard of what was bought and given back, whoever was killed while telling it: people by mail, endpoints by
//! webhooks. The servers' mails are files, each named after its message.

use std::{collections::BTreeMap, path::Path, time::Duration};

use domain::{
    booking::Booking, delivery::Delivery, endpoint_url::Addresses, message::due_of_booking,
    webhook::WebhookMessage,
};
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
/// Killed between sending and noting it, or without a store to note it in, a message goes again. Each time takes a minute and a half,
/// so no day is long enough for more.
const TIMES_MAX: u64 = 3;

/// What was told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// All that was to be told.
    pub(crate) told: u64,
    /// Of these, what went out again.
    pub(crate) again: u64,
}

impl Told {
    pub(crate) fn add(&mut self, other: Self) {
        self.told += other.told;
        self.again += other.again;
    }
}

/// Looks for the mails of these bookings.
pub(crate) async fn check_mails(world: &World, bookings: &[Booking]) -> Result<Told, Failure> {
    let mut sent = BTreeMap::new();
    for folder in world.mail_folders() {
        count(&folder, &mut sent)?;
    }
    let people = world.truth.store.people(bookings.iter().map(|booking| booking.user_id)).await?;
    let mut mails = Told::default();
    for booking in bookings.iter().filter(|booking| people.contains_key(&booking.user_id)) {
        for message in due_of_booking(booking, Timestamp::UNIX_EPOCH) {
            let times = sent.get(&message.id()).copied().unwrap_or_default();
            mails.add(Told { told: 1, again: u64::from(times > 1) });
            if !(1..=TIMES_MAX).contains(&times) {
                world.history.violation(format!("{} was told {times} times: {booking:?}", message.id()));
            }
        }
    }
    Ok(mails)
}

/// Looks for what endpoints were told of these bookings. One that fails now and then may be told as often as it fails.
pub(crate) fn check_webhooks(world: &World, bookings: &[Booking]) -> Told {
    let mut webhooks = Told::default();
    for receiver in &world.receivers {
        let times_max = if receiver.works { TIMES_MAX } else { u64::MAX };
        for message in
            bookings.iter().flat_map(|booking| WebhookMessage::due_of_booking(booking, Timestamp::UNIX_EPOCH))
        {
            let times = receiver.times(&message.id());
            webhooks.add(Told { told: 1, again: u64::from(times > 1) });
            if !(1..=times_max).contains(&times) {
                let id = receiver.id;
                world.history.violation(format!("endpoint {id} was told {} {times} times", message.id()));
            }
        }
    }
    webhooks
}

/// Does what the next minutes and the next hourly look would do.
pub(crate) async fn tell_the_rest(world: &World) -> Result<(), Failure> {
    let store = &world.truth.store;
    let (mail, tokens) = (world.mail_config()?, world.truth.tokens.clone());
    let teller = Teller::open(store.clone(), tokens, Some(mail), Addresses::AlsoLoopback).await?;
    let limits = Limits { run_time: Duration::from_secs(20), look_every: SignedDuration::ZERO };
    let deadline = Instant::now() + TOLD_WITHIN;
    loop {
        let report = run_within(&teller, Timestamp::now(), limits).await?;
        let mut waiting = Vec::new();
        let to_endpoints = world.receivers.iter().map(|receiver| Queue::Endpoint(receiver.id));
        for queue in to_endpoints.chain([Queue::Mails]) {
            waiting.extend(store.due_deliveries(queue, Timestamp::now() + LONGEST_WAIT, DUE_MAX).await?);
        }
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
        // Killed while it wrote that one.
        if name.ends_with(".part") {
            continue;
        }
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
