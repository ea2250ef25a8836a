//! The pages that links lead to: forms, whatever comes to them.

use serde_json::json;

use super::ADA;
use crate::{
    common::{TestApp, browser::Browser},
    mails::Mails,
};

#[tokio::test]
async fn the_pages_take_nothing_for_html_and_answer_programs_as_the_api_does() {
    let mails = Mails::start().await;
    let mut browser = Browser::new(&mails.evently);
    for path in ["/verify-email", "/password/reset"] {
        let none = browser.get(path).await;
        assert!(none.status == 410, "{path}: {}", none.html);
        let page = browser.get(&format!("{path}?token=%22%3E%3Cscript%3E&utm_source=mail")).await;
        assert!(page.status == 410 && !page.html.contains("<script"), "{path}: {}", page.html);
        assert!(page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        let empty = browser.submit(path, &[]).await;
        assert_eq!(empty.status, 410, "{path}: {}", empty.html);
        mails.evently.anybody().post(path, json!({})).await.assert_problem(422, "validation_failed");
    }
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let request = browser.request(reqwest::Method::POST, "/password/forgot").header(name, value);
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body("email=a%40example.com");
        let foreign = browser.show(request).await;
        assert!(foreign.status == 403 && foreign.html.contains("not sent from here"), "{}", foreign.html);
    }
    let asked = browser.get("/password/forgot").await;
    assert!(asked.status == 200 && asked.html.contains("type=\"email\""), "{}", asked.html);
    let wrong = browser.submit("/password/forgot", &[("email", "no address")]).await;
    assert!(wrong.status == 422 && wrong.html.contains("role=\"alert\""), "{}", wrong.html);
    let sent = browser.submit("/password/forgot", &[("email", ADA)]).await;
    assert!(sent.status == 202 && sent.html.contains("Look into your mail"), "{}", sent.html);
}

#[tokio::test]
async fn a_form_that_is_one_too_many_is_answered_by_a_page() {
    let evently = TestApp::with(|config| config.rate_limits.auth_per_minute = 1).await;
    let mut browser = Browser::new(&evently);
    assert_eq!(browser.submit("/password/forgot", &[("email", ADA)]).await.status, 202);
    for path in ["/password/forgot", "/password/reset", "/verify-email"] {
        let refused = browser.submit(path, &[("email", ADA)]).await;
        assert!(
            refused.status == 429 && refused.html.contains("A little slower"),
            "{path}: {}",
            refused.html
        );
        assert!(refused.headers.contains_key("ratelimit"), "{path}");
    }
    evently
        .anybody()
        .post("/password/forgot", json!({ "email": ADA }))
        .await
        .assert_problem(429, "rate_limited");
}
