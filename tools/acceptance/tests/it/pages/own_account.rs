//! Forms, and what people do with their account.

use super::*;
use crate::common::{PASSWORD, TestApp};

#[tokio::test]
async fn forms_say_beside_each_field_what_is_wrong_and_keep_what_was_typed_but_no_password() {
    let evently = TestApp::start().await;
    let mut ada = Browser::new(&evently);
    let refused = ada
        .submit("/shop/register", &[("email", "ada <at> example"), ("password", "short"), ("name", "\u{1}")])
        .await;
    assert_eq!(refused.status, 422);
    refused.says("Email must be");
    refused.says("Password must have");
    refused.says("Name must");
    assert!(refused.html.contains("value=\"ada &lt;at&gt; example\""), "{}", refused.html);
    assert!(!refused.html.contains("short"), "a password came back");
    assert_eq!(refused.html.matches("aria-invalid=\"true\"").count(), 3);

    ada.register("ada@example.com").await;
    let taken = Browser::new(&evently)
        .submit("/shop/register", &[("email", "ada@example.com"), ("password", "another password")])
        .await;
    assert_eq!(taken.status, 422);
    taken.says("This address has an account.");
    let wrong = Browser::new(&evently)
        .submit("/shop/sign-in", &[("email", "ada@example.com"), ("password", "wrong")])
        .await;
    assert_eq!(wrong.status, 422);
    wrong.says("The email address or the password is wrong.");
    let empty = Browser::new(&evently).submit("/shop/sign-in", &[]).await;
    empty.says("Email is missing.");

    ada.get("/shop/account").await;
    let wrong = ada
        .submit("/shop/account/password", &[("current_password", PASSWORD), ("new_password", "password")])
        .await;
    assert_eq!(wrong.status, 422);
    wrong.says("New password must");
    let wrong = ada
        .submit(
            "/shop/account/password",
            &[("current_password", "no"), ("new_password", "four quiet bicycles")],
        )
        .await;
    wrong.says("The password is wrong.");
    let event = evently.event(10).await;
    for quantity in ["0", "51", "-1", "two", ""] {
        let page = ada.get(&format!("/shop/events/{event}")).await;
        let fields = [("quantity", quantity), ("key", &page.field("key").unwrap())];
        let refused = ada.submit(&format!("/shop/events/{event}/book"), &fields).await;
        ada.follow(refused).await.says("Choose how many places you want.");
    }
}

#[tokio::test]
async fn an_account_is_renamed_and_erased() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    ada.get("/shop/account").await;
    let renamed = ada.submit("/shop/account/name", &[("name", "Ada & Co")]).await;
    let page = ada.follow(renamed).await;
    assert!(page.html.contains("value=\"Ada &amp; Co\""), "{}", page.html);
    let unnamed = ada.submit("/shop/account/name", &[("name", "")]).await;
    assert!(!ada.follow(unnamed).await.html.contains("Ada &amp; Co"));

    hold(&mut ada, &event, "1").await;
    ada.get("/shop/account").await;
    let refused = ada.submit("/shop/account/erase", &[("password", PASSWORD)]).await;
    refused.says("You still have places.");
    let holds = ada.get("/shop/holds").await;
    let (_, rest) = holds.html.split_once("href=\"/shop/holds/").unwrap();
    let one = rest.split('"').next().unwrap();
    ada.get(&format!("/shop/holds/{one}")).await;
    ada.submit(&format!("/shop/holds/{one}/release"), &[]).await;
    ada.get("/shop/account").await;
    ada.submit("/shop/account/erase", &[("password", "wrong")]).await.says("The password is wrong.");
    let erased = ada.submit("/shop/account/erase", &[("password", PASSWORD)]).await;
    assert_eq!(erased.leads_to(), Some("/"));
    let wrong = Browser::new(&evently)
        .submit("/shop/sign-in", &[("email", "ada@example.com"), ("password", PASSWORD)])
        .await;
    assert_eq!(wrong.status, 422);
}
