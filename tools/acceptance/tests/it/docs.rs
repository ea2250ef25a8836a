//! The page for people: that it has all of the API, and needs nothing from elsewhere.

use reqwest::Method;
use serde_json::Value;

use crate::common::TestApp;

async fn page(evently: &TestApp) -> String {
    evently.anybody().request(Method::GET, "/docs").send().await.unwrap().text().await.unwrap()
}

/// Where the page's order stands.
const JOURNEY: &str = include_str!("../../../../functions/events/build/operation.rs");

#[tokio::test]
async fn the_page_shows_every_operation_code_and_object() {
    let evently = TestApp::start().await;
    let page = page(&evently).await;
    let document: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!(r#"<article id="{name}">"#)), "{name}");
            assert!(JOURNEY.contains(&format!("\"{name}\"")), "{name} has no place in the journey");
        }
    }
    for code in document["components"]["examples"].as_object().unwrap().keys() {
        assert!(page.contains(&format!(r#"<tr id="problem-{code}">"#)), "{code}");
    }
    // No link of the page leads nowhere.
    for link in page.split("href=\"#").skip(1) {
        let target = link.split('"').next().unwrap();
        assert!(page.contains(&format!(r#"id="{target}""#)), "#{target}");
    }
}

#[tokio::test]
async fn what_leads_to_the_page_gets_there() {
    let evently = TestApp::start().await;
    let anybody = evently.anybody();
    for (path, place) in [("/problems/sold_out", "/docs#problem-sold_out"), ("/docs/", "/docs")] {
        let answer = anybody.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (308, place), "{path}");
    }
    for path in ["/problems/none", "/problems/%ff", "/problems/", "/problems/sold_out/"] {
        anybody.get(path).await.assert_problem(404, "not_found");
    }
    let refused = anybody.get("/events?limit=0").await;
    let leads = anybody.get(&refused.text("type")).await;
    assert_eq!(leads.header("location"), "/docs#problem-invalid_parameter");
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_runs_nothing() {
    let evently = TestApp::start().await;
    let answer = evently.anybody().get("/docs").await;
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
    let page = page(&evently).await;
    for elsewhere in ["<script", "<link", " src=", "url(", "@import", "href=\"http", "href=\"//", " style=\""]
    {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}
