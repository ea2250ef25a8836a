//! Endpoints and deliveries in the console.

use axum::{http::StatusCode, response::IntoResponse};

use super::{Hooks, Receiver};
use crate::common::{TestApp, browser::Browser};

#[tokio::test]
async fn an_endpoint_is_made_tried_switched_and_removed_without_scripts() {
    let hooks = Hooks::start().await;
    let receiver = Receiver::that(|got| match got.path.as_str() {
        "/bad" => (StatusCode::BAD_GATEWAY, "<b>no</b>").into_response(),
        _ => "ok".into_response(),
    })
    .await;
    let mut admin = Browser::new(&hooks.evently);
    admin.sign_in_as_admin().await;
    let page = admin.get("/console/webhooks").await;
    page.says("Nobody is told what happens here yet.");

    for (url, types, said) in [
        ("http://169.254.169.254/", "", "Address must begin with https://."),
        (&*receiver.url, "booking.sung", "What it is told must be booking.confirmed"),
    ] {
        let wrong = admin.submit("/console/webhooks", &[("url", url), ("types", types)]).await;
        assert_eq!(wrong.status, 422);
        wrong.says(said);
        // What was typed is there to be mended.
        assert!(wrong.html.contains(&format!("value=\"{url}\"")), "{}", wrong.html);
    }
    let url = format!("{}/bad", receiver.url);
    let fields =
        [("url", &*url), ("types", "booking.confirmed, event.updated"), ("description", "The <till>")];
    let made = admin.submit("/console/webhooks", &fields).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let secret = made.html.split("whsec_").nth(1).unwrap().split('<').next().unwrap().to_owned();
    made.says("The &lt;till&gt; booking.confirmed, event.updated Enabled");
    assert!(!admin.get("/console/webhooks").await.html.contains("whsec_"), "it is shown once");

    let id = made.html.split("/console/webhooks/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let act = |action: &str| format!("/console/webhooks/{id}/{action}");
    let tried = admin.submit(&act("test"), &[]).await;
    admin.follow(tried).await.says("A ping is on its way");
    hooks.tell_asked().await;
    assert!(receiver.await_got(1).await[0].is_signed_by(&format!("whsec_{secret}")));
    admin.get("/console/deliveries?status=failed").await.says("ping");
    let told = admin.get("/console/deliveries").await;
    told.says("To be tried again");
    told.says("502 &lt;b&gt;no&lt;/b&gt;");
    admin.get("/console/webhooks").await.says("Fails since");

    let message = told.html.split("value=\"ping_").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("message", &*format!("ping_{message}")), ("recipient", &*format!("webhook.{id}"))];
    let again = admin.submit("/console/deliveries/replay", &fields).await;
    admin.follow(again).await.says("It is told once more.");
    let nothing = admin.submit("/console/deliveries/replay", &[("message", "a"), ("recipient", "b")]).await;
    admin.follow(nothing).await.says("It is forgotten by now.");

    for (action, said) in
        [("disable", "It is told nothing more."), ("enable", "It is told again what happens.")]
    {
        let done = admin.submit(&act(action), &[]).await;
        admin.follow(done).await.says(said);
    }
    let rotated = admin.submit(&act("rotate"), &[]).await;
    assert!(rotated.html.contains("whsec_") && !rotated.html.contains(&secret));
    let removed = admin.submit(&act("remove"), &[]).await;
    admin.follow(removed).await.says("It is removed.");
    let gone = admin.submit(&act("rotate"), &[]).await;
    admin.follow(gone).await.says("It was removed meanwhile.");
    for path in [act("sing"), "/console/webhooks/made-up/test".to_owned()] {
        assert_eq!(admin.submit(&path, &[]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn where_there_are_none_it_says_so_and_nobody_but_admins_sees_any() {
    let base = TestApp::start().await;
    let evently = base.another_with(|config| config.tables.webhooks = None).await;
    let mut admin = Browser::new(&evently);
    admin.sign_in_as_admin().await;
    admin.get("/console/webhooks").await.says("This service sends none.");
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    for path in ["/console/webhooks", "/console/deliveries"] {
        assert_eq!(ada.get(path).await.status, 403, "{path}");
    }
}
