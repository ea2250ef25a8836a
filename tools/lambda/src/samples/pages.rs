//! `web`: the pages.

use kit::Failure;
use serde_json::json;

use super::{Case, get, post, request};
use crate::{
    payload::Request,
    world::{DRAFT, GRACE, PASSWORD, QUIET, SOLD_OUT},
};

const HTML: &str = "text/html; charset=utf-8";

pub(super) fn cases() -> Result<Vec<Case>, Failure> {
    Ok(vec![
        get("/")?.answers_status("home", 200).with("content-type", HTML),
        get("/?q=silent+film&from=2031-01-01")?.answers_status("search", 200).with("content-type", HTML),
        get("/?cursor=made-up")?.answers_status("home-bad-cursor", 400).with("content-type", HTML),
        request("HEAD", "/")?.answers("home-head", 200, json!("")),
        get("/shop")?.answers_status("shop", 308).with("location", "/"),
        get(&format!("/shop/events/{QUIET}"))?.answers_status("event", 200).with("content-type", HTML),
        get(&format!("/shop/events/{SOLD_OUT}"))?.answers_status("event-sold-out", 200),
        get(&format!("/shop/events/{DRAFT}"))?.answers_status("event-draft", 404).with("content-type", HTML),
        get(&format!("/shop/events/{QUIET}/availability"))?.answers_status("availability", 200),
        // The cookie alone signs a browser in to pages: a token leads to the sign-in like none.
        get("/shop/bookings")?
            .by(GRACE)?
            .answers_status("bookings-without-session", 303)
            .with("location", "/shop/sign-in?next=%2Fshop%2Fbookings"),
        get("/console")?
            .answers_status("console-without-session", 303)
            .with("location", "/shop/sign-in?next=%2Fconsole"),
        get("/console/nowhere")?.answers_status("nothing-in-the-console", 404).with("content-type", HTML),
        get("/shop/sign-in")?.answers_status("sign-in-form", 200).with("content-type", HTML),
        sign_in(PASSWORD)?.of_own_page().answers_status("sign-in", 303).with("location", "/"),
        sign_in("wrong+horse")?.of_own_page().answers_status("sign-in-wrong", 422).with("content-type", HTML),
        sign_in(PASSWORD)?
            .with("origin", "https://evil.example")
            .answers_status("sign-in-from-elsewhere", 403)
            .with("content-type", HTML),
        request("DELETE", "/")?.of_own_page().answers_status("home-wrong-method", 405),
        get("/shop/nowhere")?.answers_status("nothing-there", 404).with("content-type", HTML),
    ])
}

fn sign_in(password: &str) -> Result<Request, Failure> {
    let form = format!("email={}&password={}", GRACE.email.replace('@', "%40"), password.replace(' ', "+"));
    Ok(post("/shop/sign-in")?.text("application/x-www-form-urlencoded", &form))
}

impl Request {
    /// As a browser sends a form of the same host.
    fn of_own_page(self) -> Self {
        self.with("sec-fetch-site", "same-origin")
    }
}
