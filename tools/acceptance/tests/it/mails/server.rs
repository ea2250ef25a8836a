//! The server that people try on their laptop: its mails are files, and can be looked at.

use serde_json::json;

use super::{SOON, mails_in};
use crate::{common::PASSWORD, local_server::start_with};

#[tokio::test]
async fn a_local_server_writes_mails_and_shows_them() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("mail");
    let server = start_with(data.path(), |_| {});
    assert!(server.banner.contains("/dev/mail") && server.banner.contains("mail"), "{}", server.banner);
    let anybody = server.anybody();
    let page = async |path: &str| {
        let answer = reqwest::get(format!("http://{}{path}", server.address())).await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), policy, answer.text().await.unwrap())
    };
    assert!(page("/dev/mail").await.2.contains("None yet"));
    let account = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
    assert_eq!(anybody.post("/register", account).await.status, 201);
    let signed_in = anybody.post("/login", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let ada = server.anybody().with_token(signed_in.text("access_token"));
    let events = anybody.get("/events?limit=100").await;
    let mut on_sale = events.body["items"].as_array().unwrap().iter();
    let event = on_sale
        .find(|event| event["available"].as_u64() > Some(10) && event["sales_open_at"].is_null())
        .unwrap();
    let booking = ada.buy(event["id"].as_str().unwrap(), 1).await;
    let await_mails = async |number: usize| {
        let started = std::time::Instant::now();
        while mails_in(&folder).len() < number && started.elapsed() < SOON {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    await_mails(1).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    await_mails(2).await;
    let mails = mails_in(&folder);
    assert_eq!(mails.len(), 2, "{mails:#?}");
    let subject = format!("Booked: {}", event["name"].as_str().unwrap());
    assert!(
        mails.iter().any(|mail| mail.subject == subject && mail.text.contains(&server.address().to_string())),
        "{mails:#?}"
    );

    let (status, policy, list) = page("/dev/mail").await;
    assert!(status == 200 && list.contains(&subject) && list.contains("ada@example.com"), "{list}");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    // Whatever else came in between.
    let before = list.split(&subject).next().unwrap();
    let href = before.rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    let (status, _, shown) = page(href).await;
    assert!(status == 200 && shown.contains("sandbox") && shown.contains("booking.ics"), "{shown}");
    let (status, policy, html) = page(&format!("{href}/html")).await;
    assert!(status == 200 && html.contains("Hello Ada,"), "{html}");
    assert!(policy.starts_with("sandbox;"), "{policy}");
    for nothing in
        ["/dev/mail/nothing.eml", "/dev/mail/..%2fjwt-secret", "/dev/mail/%2e%2e%2fdynamodb.sqlite"]
    {
        assert_eq!(page(nothing).await.0, 404, "{nothing}");
    }
    // A page of somebody's whose name leads here.
    let asked = reqwest::Client::new().get(format!("http://{}/dev/mail", server.address()));
    let refused = asked.header("host", "evil.example").send().await.unwrap();
    assert_ne!(refused.status(), 200);
}

#[tokio::test]
async fn what_a_killed_server_did_not_tell_the_next_one_tells() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("mail");
    let book_one = async |server: &crate::local_server::Server, is_new: bool| {
        let anybody = server.anybody();
        let account = json!({ "email": "ada@example.com", "password": PASSWORD });
        if is_new {
            assert_eq!(anybody.post("/register", account.clone()).await.status, 201);
        }
        let token = anybody.post("/login", account).await.text("access_token");
        let events = anybody.get("/events?limit=100").await;
        let mut on_sale = events.body["items"].as_array().unwrap().iter();
        let event = on_sale
            .find(|event| event["available"].as_u64() > Some(10) && event["sales_open_at"].is_null())
            .unwrap();
        server.anybody().with_token(token).buy(event["id"].as_str().unwrap(), 1).await
    };
    let await_mails = async |number: usize| {
        let started = std::time::Instant::now();
        while mails_in(&folder).len() < number && started.elapsed() < 3 * SOON {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        mails_in(&folder)
    };
    let first = start_with(data.path(), |_| {});
    book_one(&first, true).await;
    assert_eq!(await_mails(1).await.len(), 1);
    let second = book_one(&first, false).await;
    // Killed, as soon as it is sold.
    drop(first);
    let _next = start_with(data.path(), |_| {});
    let mails = await_mails(2).await;
    assert!(mails.len() == 2 && mails.iter().any(|mail| mail.id.contains(&second)), "{mails:#?}");
}
