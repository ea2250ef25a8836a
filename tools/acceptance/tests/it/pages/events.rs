//! What the pages say of events.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;

use super::*;
use crate::common::{TestApp, in_hours};

#[tokio::test]
async fn an_event_says_whether_it_can_be_had_and_why_not() {
    let evently = TestApp::start().await;
    let mut ada = Browser::new(&evently);
    let (soon, later) = (in_hours(24 * 10), in_hours(24 * 20));
    for (changes, says) in [
        (json!({ "sales_open_at": soon, "sales_close_at": later }), "On sale from"),
        (json!({ "base_price": 0 }), "free a place · 100 places left"),
        (json!({ "capacity": 1 }), "1 place left"),
    ] {
        let event = evently.event_with(changes).await;
        ada.get(&format!("/shop/events/{event}")).await.says(says);
    }
    let event = evently.event(1).await;
    evently.user().buy(&event, 1).await;
    let gone = ada.get(&format!("/shop/events/{event}")).await;
    gone.says("Sold out for now");
    assert_eq!(gone.field("key"), None, "nothing can be held");
    let path = format!("/admin/events/{event}");
    assert_eq!(evently.admin().patch(&path, "*", json!({ "status": "cancelled" })).await.status, 200);
    ada.get(&format!("/shop/events/{event}")).await.says("Cancelled");
    let over = evently.event_created(48, |details| {
        details.starts_at = Timestamp::now() - SignedDuration::from_hours(1);
    });
    ada.get(&format!("/shop/events/{}", over.await)).await.says("Sales are over");
    let draft = evently.event_with(json!({ "status": "draft" })).await;
    for unknown in [
        format!("/shop/events/{draft}"),
        "/shop/events/1".into(),
        format!("/shop/events/{draft}/availability"),
    ] {
        let page = ada.get(&unknown).await;
        assert_eq!(page.status, 404, "{unknown}");
        page.says("There is no such event");
    }
}

#[tokio::test]
async fn coming_events_are_found_and_paged_through() {
    let evently = TestApp::start().await;
    let mut anybody = Browser::new(&evently);
    anybody.get("/").await.says("No events are on sale yet.");
    for number in 1..=23 {
        let starts_at = format!("2031-06-{number:02}T20:00:00Z");
        evently.event_with(json!({ "name": format!("Évening {number}"), "starts_at": starts_at })).await;
    }
    let first = anybody.get("/?q=evening&utm_source=mail").await;
    assert_eq!(first.html.matches("<li class=\"card\">").count(), 20);
    let (_, rest) = first.html.split_once("rel=\"next\" href=\"").unwrap();
    let next = rest.split('"').next().unwrap().replace("&amp;", "&");
    let second = anybody.get(&next).await;
    assert_eq!(second.html.matches("<li class=\"card\">").count(), 3);
    second.says("First page");
    assert_eq!(anybody.get(&next.replace("q=evening", "q=other")).await.status, 400);

    let day = anybody.get("/?from=2031-06-05&to=2031-06-05").await;
    assert_eq!(day.html.matches("<li class=\"card\">").count(), 1);
    day.says("Évening 5");
    anybody.get("/?q=nowhere").await.says("Nothing matches.");
    let bad = anybody.get("/?from=soon&q=%22%3E%3Cscript%3E").await;
    bad.says("Write a day like 2031-06-12.");
    assert!(!bad.html.contains("\"><script>"), "{}", bad.html);
}

#[tokio::test]
async fn what_is_left_is_asked_for_again_and_answered_without_a_body_while_it_is_the_same() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let mut anybody = Browser::new(&evently);
    let path = format!("/shop/events/{event}/availability");
    let part = anybody.get(&path).await;
    part.says("10 places left");
    assert!(part.html.starts_with("<p id=\"live\""), "{}", part.html);
    let tag = part.headers["etag"].to_str().unwrap().to_owned();
    let same = anybody.show(anybody.request(Method::GET, &path).header("if-none-match", &tag)).await;
    assert_eq!((same.status, same.html.len()), (304, 0));
    evently.user().buy(&event, 1).await;
    let changed = anybody.show(anybody.request(Method::GET, &path).header("if-none-match", &tag)).await;
    changed.says("9 places left");
}
