//! What holds for every page.

use local::template::{Routes, Template};
use reqwest::Method;

use super::*;
use crate::common::TestApp;

#[tokio::test]
async fn every_page_and_every_refusal_is_a_page_that_nobody_frames_and_that_loads_nothing_from_elsewhere() {
    let evently = TestApp::start().await;
    let (event, theatre) = (evently.event(10).await, crate::seats::theatre_event(&evently).await);
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let held = hold(&mut ada, &event, "1").await;
    let id = held.leads_to().unwrap().rsplit_once('/').unwrap().1.to_owned();
    let booked = evently.event(10).await;
    let second = hold(&mut ada, &booked, "1").await;
    ada.follow(second).await;
    let mut admin = Browser::new(&evently);
    admin.sign_in_as_admin().await;
    let booking = ada.get("/shop/bookings").await.html;
    assert!(!booking.contains("<script>"), "{booking}");
    for path in
        web::PAGES.iter().copied().chain(["/shop/nowhere", "/shop/assets/nothing.css", "/shop/bookings/1"])
    {
        let id = match path {
            path if path.contains("{area}") => &theatre,
            path if path.contains("events") => &event,
            _ => &id,
        };
        let is_of_console = path.starts_with("/console");
        let mut nobody = Browser::new(&evently);
        let browser = match path {
            // Who is signed in is led on from there.
            "/shop/sign-in" | "/shop/register" => &mut nobody,
            _ if is_of_console => &mut admin,
            _ => &mut ada,
        };
        let page = browser.get(&path.replace("{id}", id).replace("{area}", "balcony")).await;
        assert!(page.status == 200 || !is_of_console, "{path}: {}", page.status);
        let csp = page.headers["content-security-policy"].to_str().unwrap();
        assert!(
            csp.starts_with("default-src 'none'; ") && csp.contains("frame-ancestors 'none'"),
            "{path}: {csp}"
        );
        assert!(!csp.contains("unsafe") && !csp.contains('*'), "{path}: {csp}");
        assert_eq!(page.headers["referrer-policy"], "same-origin", "{path}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
        for attribute in ["src=\"http", "href=\"http", "style=\"", "onclick", "<style"] {
            assert!(!page.html.contains(attribute), "{path} has {attribute}");
        }
        assert!(page.html.len() < 50 * 1024, "{path}: {} bytes", page.html.len());
    }
    let wrong_method = ada.request(Method::DELETE, "/").header("origin", format!("http://{}", ada.host));
    let refused = ada.show(wrong_method).await;
    assert_eq!((refused.status, &refused.headers["allow"]), (405, &"GET,HEAD".parse().unwrap()));
    let seen = ada.get(&format!("/shop/events/{event}/book")).await;
    assert_eq!((seen.status, &seen.headers["allow"]), (405, &"POST".parse().unwrap()));
    seen.says("This address only takes what a form sends.");
    for path in ["/shop", "/shop/sign-in", "/shop/register"] {
        assert_eq!(ada.get(path).await.leads_to(), Some("/"), "{path}");
    }
}

#[tokio::test]
async fn files_of_pages_are_kept_for_ever_under_names_that_change_with_them() {
    let evently = TestApp::start().await;
    let mut anybody = Browser::new(&evently);
    let html = anybody.get("/").await.html;
    let files: Vec<_> = html.split('"').filter(|part| part.starts_with("/shop/assets/")).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let got = anybody.get(file).await;
        assert_eq!(got.status, 200, "{file}");
        assert_eq!(got.headers["cache-control"], "public, max-age=31536000, immutable", "{file}");
    }
}

#[test]
fn the_template_sends_every_page_to_this_function_and_it_has_them_all() {
    let template = Template::embedded().unwrap();
    let routes = Routes::of(&template, |route| Some(route.function.clone())).unwrap();
    for path in web::PAGES.iter().copied().chain(["/shop", "/shop/nowhere/at/all", "/console/nowhere"]) {
        assert_eq!(routes.at(path), "web", "{path}");
    }
    let sent: Vec<_> =
        template.routes().iter().filter(|route| route.function == "web").map(|route| route.key()).collect();
    assert_eq!(sent, ["ANY /", "ANY /console", "ANY /console/{proxy+}", "ANY /shop", "ANY /shop/{proxy+}"]);
}
