//! Sending, to a server that speaks SMTP: slow, down, refusing, dying.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Instant,
};

use domain::delivery::{Delivery, DeliveryStatus};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use settings::mail::MailRoute;

use super::{Mails, records_of};
use crate::local_server::free_port;

/// A real server of mail (aiosmtpd); it ends with this.
struct Smtp {
    process: Child,
    _stdin: ChildStdin,
    port: u16,
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn python() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let requirements = std::fs::read_to_string(here.join("smtp/requirements.txt")).unwrap();
    let pinned = requirements.lines().find_map(|line| line.strip_prefix("aiosmtpd==")).unwrap();
    let version = pinned.trim_end_matches([' ', '\\']);
    let python = here.join(format!("../../.tools/smtp-{version}/bin/python"));
    assert!(python.exists(), "the server of mail is missing: run `make smtp`");
    python
}

impl Smtp {
    fn start(folder: &Path, port: u16) -> Self {
        let mut command = Command::new(python());
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("smtp/server.py"))
            .arg(folder)
            .arg(port.to_string());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = process.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self {
            process,
            _stdin: stdin,
            port: line.trim().parse().expect("the server of mail prints its port"),
        }
    }
}

async fn mails_to(port: u16) -> Mails {
    Mails::with(|config, _| {
        config.route = MailRoute::Smtp(format!("smtp://127.0.0.1:{port}?tls=none").into());
    })
    .await
}

/// A server, and an Evently that sends to it. It starts once the folder is there.
async fn start() -> (Mails, Smtp) {
    let port = free_port();
    let mails = mails_to(port).await;
    let smtp = Smtp::start(mails.folder.path(), port);
    assert_eq!(smtp.port, port);
    (mails, smtp)
}

async fn tell(mails: &Mails) {
    let records = records_of(&mails.evently.app.config.tables.bookings).await;
    assert_eq!(mails.told(records).await, json!({ "batchItemFailures": [] }));
}

async fn deliveries(mails: &Mails) -> Vec<Delivery> {
    let later = Timestamp::now() + SignedDuration::from_hours(100);
    mails.evently.app.store.due_deliveries(stores::dynamodb::Queue::Mails, later, 1_000).await.unwrap()
}

/// The next try of all that waits is due.
async fn next_try(mails: &Mails) -> messages::Report {
    let store = &mails.evently.app.store;
    for waiting in deliveries(mails).await {
        let due = Delivery { due_at: Some(Timestamp::now()), ..waiting.clone() };
        store.change_delivery(&waiting, &due).await.unwrap();
    }
    mails.run().await
}

#[tokio::test]
async fn a_server_gets_the_mail_as_it_is_meant() {
    let (mails, _smtp) = start().await;
    let event = mails.evently.event_with(json!({ "name": "Öffnung 开幕" })).await;
    let user = mails.user_called("ada@example.com", Some("Ada Müller")).await;
    let booking = user.buy(&event, 1).await;
    tell(&mails).await;
    let got = &mails.mails()[0];
    assert_eq!((got.to.as_str(), got.name.as_deref()), ("ada@example.com", Some("Ada Müller")));
    assert_eq!(got.subject, "Booked: Öffnung 开幕");
    assert!(got.text.contains("Öffnung 开幕") && got.html.contains("Öffnung 开幕"), "{got:#?}");
    assert_eq!(got.id, format!("booking.confirmed.{booking}.1@evently.example"));
}

#[tokio::test]
async fn while_the_server_is_down_nothing_is_lost() {
    let port = free_port();
    let mails = mails_to(port).await;
    let event = mails.evently.event(50).await;
    for number in 0..5 {
        mails.user(&format!("user{number}@example.com")).await.buy(&event, 1).await;
    }
    tell(&mails).await;
    let down = deliveries(&mails).await;
    assert_eq!(down.len(), 5);
    assert!(down.iter().all(|delivery| delivery.status == DeliveryStatus::Failed), "{down:?}");
    // An hour of that: three more tries.
    for _ in 0..3 {
        next_try(&mails).await;
    }
    let _smtp = Smtp::start(mails.folder.path(), port);
    next_try(&mails).await;
    assert_eq!(mails.mails().len(), 5);
    assert_eq!(deliveries(&mails).await, []);
}

#[tokio::test]
async fn what_is_refused_for_now_goes_later_and_what_is_refused_for_good_ends() {
    let (mails, _smtp) = start().await;
    let event = mails.evently.event(50).await;
    for email in ["later-2-ada@example.com", "never-bob@example.com", "eve@example.com"] {
        mails.user(email).await.buy(&event, 1).await;
    }
    tell(&mails).await;
    assert_eq!(mails.mails().len(), 1, "the good one goes at once");
    let left = deliveries(&mails).await;
    let answers: Vec<_> = left.iter().map(|delivery| delivery.answer.clone().unwrap_or_default()).collect();
    assert!(answers.iter().any(|answer| answer.contains("greylisted")), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.contains("nobody is called so")), "{answers:?}");
    for _ in 0..3 {
        assert_eq!(next_try(&mails).await.mails.dead, 0);
    }
    let report = next_try(&mails).await;
    assert_eq!((report.mails.dead, mails.mails().len()), (1, 2), "{report:?}");
    assert_eq!(deliveries(&mails).await, []);
}

#[tokio::test]
async fn a_connection_that_dies_in_the_middle_is_tried_again() {
    let (mails, _smtp) = start().await;
    let event = mails.evently.event(50).await;
    mails.user("dies-1-ada@example.com").await.buy(&event, 1).await;
    mails.user("bob@example.com").await.buy(&event, 1).await;
    tell(&mails).await;
    next_try(&mails).await;
    let mut to: Vec<_> = mails.mails().into_iter().map(|mail| mail.to).collect();
    to.sort_unstable();
    assert_eq!(to, ["bob@example.com", "dies-1-ada@example.com"]);
}

#[tokio::test]
async fn a_slow_recipient_holds_up_nobody_else() {
    let (mails, _smtp) = start().await;
    let event = mails.evently.event(50).await;
    for number in 0..3 {
        mails.user(&format!("busy-{number}@example.com")).await.buy(&event, 1).await;
    }
    for number in 0..6 {
        mails.user(&format!("user{number}@example.com")).await.buy(&event, 1).await;
    }
    let started = Instant::now();
    let telling = tell(&mails);
    let others = async {
        while mails.mails().len() < 6 {
            assert!(started.elapsed().as_secs() < 12, "{} of 6", mails.mails().len());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        started.elapsed()
    };
    let (others_took, ()) = tokio::join!(others, telling);
    assert!(others_took < started.elapsed(), "those that are slow are still under way");
    let left = deliveries(&mails).await;
    assert_eq!(left.len(), 3, "given up for now");
    assert!(left.iter().all(|delivery| delivery.status == DeliveryStatus::Failed), "{left:?}");
}
