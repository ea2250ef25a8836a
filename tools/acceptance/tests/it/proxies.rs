//! Who a client is when load balancers stand before the server.

use server::{
    api,
    forwarded::TrustedProxies,
    live,
    serve::{self, Limits},
};
use tokio::net::TcpListener;

use crate::common::{TestApp, http_client, permissions};

/// The server, before which such proxies stand.
async fn behind(evently: &TestApp, proxies: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let proxies = TrustedProxies::parse(proxies).unwrap();
    let service = api::behind(proxies, live::beside(permissions::service(&evently.app)));
    tokio::spawn(serve::serve(listener, service, Limits::default(), std::future::pending()));
    url
}

async fn status(url: &str, forwarded_for: &str) -> u16 {
    let request = http_client().get(url).header("x-forwarded-for", forwarded_for);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_a_limit_each() {
    let evently = TestApp::with(|config| config.rate_limits.reads_per_minute = 1).await;
    let events = behind(&evently, "127.0.0.0/8").await + "/events";
    assert_eq!(status(&events, "192.0.2.1").await, 200);
    assert_eq!(status(&events, "192.0.2.2").await, 200);
    assert_eq!(status(&events, "192.0.2.1").await, 429);
    assert_eq!(status(&events, "198.51.100.7, 192.0.2.1").await, 429, "nobody gets more by making up a past");
}

#[tokio::test]
async fn nobody_gets_more_by_a_header_where_no_proxy_is_trusted() {
    let evently = TestApp::with(|config| config.rate_limits.reads_per_minute = 1).await;
    let events = behind(&evently, "10.0.0.0/8").await + "/events";
    assert_eq!(status(&events, "192.0.2.1").await, 200);
    assert_eq!(status(&events, "192.0.2.2").await, 429);
}

#[tokio::test]
async fn a_browser_that_came_by_tls_is_told_to_stay_with_it() {
    let evently = TestApp::start().await;
    for (proxies, said, expected) in [
        ("127.0.0.0/8", "https", Some("max-age=31536000")),
        ("127.0.0.0/8", "http", None),
        ("", "https", None),
        ("10.0.0.0/8", "https", None),
    ] {
        let url = behind(&evently, proxies).await;
        for path in ["/events", "/nothing/here", "/livez"] {
            let request = http_client().get(format!("{url}{path}")).header("x-forwarded-proto", said);
            let answer = request.send().await.unwrap();
            let header = answer.headers().get("strict-transport-security");
            assert_eq!(header.map(|value| value.to_str().unwrap()), expected, "{proxies} {said} {path}");
        }
    }
}

#[tokio::test]
async fn whether_it_lives_may_be_asked_any_number_of_times() {
    let evently = TestApp::with(|config| config.rate_limits.reads_per_minute = 1).await;
    let url = behind(&evently, "").await;
    for _ in 0..3 {
        assert_eq!(status(&format!("{url}/livez"), "192.0.2.1").await, 200);
    }
    assert_eq!(status(&format!("{url}/health"), "192.0.2.1").await, 200);
    assert_eq!(status(&format!("{url}/health"), "192.0.2.1").await, 429);
}
