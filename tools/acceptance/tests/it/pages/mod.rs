//! The pages, as a browser without scripts uses them. What people see is looked at by `tools/browser`.

mod buying;
mod console;
mod events;
mod every_page;
mod halls;
mod own_account;
mod seats;
mod sessions;

use crate::common::browser::{Browser, Page};

/// Holds places of an event by its page; answers with the page of the hold.
async fn hold(browser: &mut Browser, event: &str, quantity: &str) -> Page {
    let page = browser.get(&format!("/shop/events/{event}")).await;
    let key = page.field("key").unwrap();
    browser.submit(&format!("/shop/events/{event}/book"), &[("quantity", quantity), ("key", &key)]).await
}

fn available(page: &Page) -> String {
    page.text()
        .split(" left")
        .next()
        .unwrap()
        .rsplit_once(' ')
        .unwrap()
        .0
        .rsplit_once(' ')
        .unwrap()
        .1
        .to_owned()
}
