//! What people call themselves and their events stays harmless and readable, and so do their addresses.

use serde_json::json;

use super::{Mails, records_of};

async fn mail_to(mails: &Mails, email: &str, name: Option<&str>, event: serde_json::Value) -> super::Mail {
    let before = mails.mails().len();
    let event = mails.evently.event_with(event).await;
    let user = mails.user_called(email, name).await;
    user.buy(&event, 1).await;
    mails.told(records_of(&mails.evently.app.config.tables.bookings).await).await;
    let all = mails.mails();
    assert_eq!(all.len(), before + 1, "{all:#?}");
    // Files of one moment may stand in any order.
    let id = user.user_id.unwrap();
    assert!(!id.to_string().is_empty());
    all.into_iter().find(|mail| mail.name.as_deref() == name || mail.to == email).unwrap()
}

#[tokio::test]
async fn no_name_becomes_a_header_or_a_tag() {
    let mails = Mails::start().await;
    let name = "Eve\" <eve@evil.example>, \"x";
    let event = json!({ "name": "<img src=x onerror=alert(1)> & Co.", "venue": "=?utf-8?q?Subject?=" });
    let mail = mail_to(&mails, "eve@example.com", Some(name), event).await;
    assert_eq!((mail.to.as_str(), mail.name.as_deref()), ("eve@example.com", Some(name)));
    assert_eq!(mail.subject, "Booked: <img src=x onerror=alert(1)> & Co.");
    assert!(!mail.html.contains("<img") && mail.html.contains("&lt;img"), "{}", mail.html);
    assert!(mail.text.contains("=?utf-8?q?Subject?="), "{}", mail.text);
    let headers: Vec<_> = mail.headers.lines().filter(|line| !line.starts_with([' ', '\t'])).collect();
    for name in
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    {
        let found = headers
            .iter()
            .filter(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
        assert_eq!(found.count(), 1, "{name}: {headers:#?}");
    }
    assert_eq!(headers.len(), 8, "{headers:#?}");
}

#[tokio::test]
async fn addresses_and_names_of_all_the_world_are_written_to() {
    let mails = Mails::start().await;
    for (email, name, to) in [
        ("ada@bücher.example", Some("Ádá Łovelace"), "ada@xn--bcher-kva.example"),
        ("layla@example.com", Some("ليلى"), "layla@example.com"),
        ("a+b.c@example.co.uk", None, "a+b.c@example.co.uk"),
    ] {
        let before = mails.mails();
        let event = mails.evently.event(10).await;
        let user = mails.user_called(email, name).await;
        user.buy(&event, 1).await;
        mails.told(records_of(&mails.evently.app.config.tables.bookings).await).await;
        let mail = mails.mails().into_iter().find(|mail| !before.contains(mail)).unwrap();
        assert_eq!((mail.to.as_str(), mail.name.as_deref()), (to, name));
        let greeting = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
        assert!(mail.text.starts_with(&greeting) && mail.html.contains(&greeting), "{}", mail.text);
    }
}
