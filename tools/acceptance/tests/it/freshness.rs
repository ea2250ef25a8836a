//! What caches show: everything that anybody can read, through a private cache that keeps to RFC 9111, as a browser's.
//! It must never show for longer than it was told to what has changed meanwhile.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use domain::event::Pricing;
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy};
use jiff::{SignedDuration, Timestamp};
use lambda_http::http::{Request, Response, request};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Session, TestApp, concert};

/// `max-age` and `stale-while-revalidate` of what is live, and a second more.
const TOO_OLD: Duration = Duration::from_secs(7);

/// A browser with its cache. Its time is its own, so that nobody need wait.
struct Browser {
    reader: Session,
    encoding: &'static str,
    kept: HashMap<String, (CachePolicy, Vec<u8>)>,
    now: SystemTime,
}

/// Where what is shown came from.
#[derive(Debug, PartialEq, Eq)]
enum From {
    Cache,
    CacheAsServerSaid,
    Server,
}

impl Browser {
    fn new(reader: Session, encoding: &'static str) -> Self {
        Self { reader, encoding, kept: HashMap::new(), now: SystemTime::now() }
    }

    /// Looks at a page; answers with its body as it is encoded.
    async fn look(&mut self, path: &str) -> (From, Vec<u8>) {
        let asked = Request::get(path).header("accept-encoding", self.encoding).body(()).unwrap();
        let asked = asked.into_parts().0;
        let Some((policy, body)) = self.kept.remove(path) else {
            let (response, body) = self.send(path, &asked).await;
            let options = CacheOptions { shared: false, ..CacheOptions::default() };
            let policy = CachePolicy::new_options(&asked, &response, self.now, options);
            assert!(policy.is_storable(), "{path}: {response:?}");
            self.kept.insert(path.to_owned(), (policy, body.clone()));
            return (From::Server, body);
        };
        let (from, policy, body) = match policy.before_request(&asked, self.now) {
            BeforeRequest::Fresh(_) => (From::Cache, policy, body),
            BeforeRequest::Stale { request, matches } => {
                assert!(matches && request.headers.contains_key("if-none-match"), "{path}: {request:?}");
                let (response, new) = self.send(path, &request).await;
                match policy.after_response(&request, &response, self.now) {
                    AfterResponse::NotModified(policy, _) => (From::CacheAsServerSaid, policy, body),
                    AfterResponse::Modified(policy, _) => (From::Server, policy, new),
                }
            }
        };
        self.kept.insert(path.to_owned(), (policy, body.clone()));
        (from, body)
    }

    async fn send(&self, path: &str, asked: &request::Parts) -> (Response<()>, Vec<u8>) {
        let request = self.reader.request(Method::GET, path).headers(asked.headers.clone());
        let answer = request.send().await.unwrap();
        let mut response = Response::new(());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        // It is not of this browser's time.
        response.headers_mut().remove("date");
        (response, answer.bytes().await.unwrap().to_vec())
    }
}

/// Looks at everything a while after something has changed, or not.
async fn look_later(browsers: &mut [Browser], paths: &[String], what: &str, has_changed: bool) {
    for browser in browsers {
        browser.now += TOO_OLD;
        for path in paths {
            let mut without_cache = Browser::new(browser.reader.clone(), browser.encoding);
            let (_, present) = without_cache.look(path).await;
            let (from, shown) = browser.look(path).await;
            let (what, encoding) = (format!("{what}: {path}"), browser.encoding);
            assert!(shown == present, "{what} shows what was before, {encoding}, {from:?}");
            let expected = if has_changed { From::Server } else { From::CacheAsServerSaid };
            assert_eq!(from, expected, "{what}, {encoding}");
            assert_eq!(browser.look(path).await.0, From::Cache, "{what}, {encoding}: at once again");
        }
    }
}

#[tokio::test]
async fn no_cache_shows_for_longer_than_it_may_what_has_changed() {
    let evently = TestApp::start().await;
    // On sale for ten days and hardly sold, so that demand pricing makes it cheaper.
    let event = evently
        .event_created(240, |details| {
            details.description = Some("long enough to be compressed ".repeat(80));
            details.starts_at = Timestamp::now() + SignedDuration::from_hours(240);
            details.pricing = Some(Pricing::default());
        })
        .await;
    let (user, admin) = (evently.user(), evently.admin());
    let paths = [
        "/events".to_owned(),
        "/events?q=concert&limit=1".to_owned(),
        "/events/popular".to_owned(),
        format!("/events/{event}"),
    ];
    let mut browsers = ["identity", "gzip"].map(|encoding| Browser::new(evently.anybody(), encoding));
    for browser in &mut browsers {
        for path in &paths {
            assert_eq!(browser.look(path).await.0, From::Server);
        }
    }
    let browsers = &mut browsers;
    look_later(browsers, &paths, "nothing", false).await;
    let held = user.hold(&event, 2).await;
    look_later(browsers, &paths, "a hold", true).await;
    assert_eq!(user.delete(&format!("/reservations/{held}")).await.status, 204);
    look_later(browsers, &paths, "a release", true).await;
    let booking = user.buy(&event, 3).await;
    look_later(browsers, &paths, "a booking", true).await;
    look_later(browsers, &paths, "nothing after a booking", false).await;
    assert_eq!(user.cancel(&booking).await.status, 200);
    look_later(browsers, &paths, "a cancel", true).await;
    let priced = ::pricing::run(&evently.app, Timestamp::now()).await.unwrap();
    assert_eq!(priced.prices_lowered, 1);
    look_later(browsers, &paths, "a new price", true).await;
    let renamed = concert(json!({ "name": "Concert, renamed", "description": "also long ".repeat(300) }));
    assert_eq!(admin.put(&format!("/admin/events/{event}"), "*", renamed).await.status, 200);
    look_later(browsers, &paths, "an admin's change", true).await;
    look_later(browsers, &paths, "nothing at last", false).await;
}

#[tokio::test]
async fn what_changes_with_a_deployment_only_is_asked_for_again_after_five_minutes() {
    let evently = TestApp::start().await;
    let mut browser = Browser::new(evently.anybody(), "gzip");
    for path in ["/openapi.json", "/docs"] {
        assert_eq!(browser.look(path).await.0, From::Server, "{path}");
        browser.now += Duration::from_secs(299);
        assert_eq!(browser.look(path).await.0, From::Cache, "{path}");
        browser.now += Duration::from_secs(2);
        assert_eq!(browser.look(path).await.0, From::CacheAsServerSaid, "{path}");
    }
}

#[tokio::test]
async fn a_tag_is_the_same_in_every_process_and_release() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let other = evently.another(&crate::common::Calls::default()).await;
    for path in ["/events".to_owned(), format!("/events/{event}"), "/openapi.json".into()] {
        let (here, there) = (evently.anybody().get(&path).await, other.anybody().get(&path).await);
        assert_eq!(here.header("etag"), there.header("etag"), "{path}");
    }
    // Nothing is upcoming here: a tag that every release so far has given.
    let empty = TestApp::start().await.anybody().get("/events").await;
    assert_eq!(empty.body, json!({ "items": Value::Array(vec![]), "next_cursor": null }));
    assert_eq!(empty.header("etag"), "W/\"4c2c0745ee5ea2a6\"");
}
