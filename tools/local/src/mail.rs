//! `/dev/mail`: the mails that the local server wrote, as people would see them. Nothing but this server has it, and it answers on
//! this machine alone, as all of this server does.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use mail_parser::{Message, MessageParser};
use maud::{DOCTYPE, Markup, html};

/// Where mails are shown.
pub const PATH: &str = "/dev/mail";
/// Of more, the newest.
const SHOWN_MAX: usize = 200;
/// What is in a mail may do nothing here but have colours.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'";
const OWN_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'";
const STYLE: &str = ":root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; \
                     padding: 0 1em } table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3em 1em .3em \
                     0; vertical-align: top } iframe { width: 100%; height: 34em; border: 1px solid #8888 } pre { white-space: \
                     pre-wrap; border: 1px solid #8888; padding: 1em } a, pre { overflow-wrap: anywhere }";

type Folder = Arc<PathBuf>;

/// The service, and beside it the mails of that folder.
pub fn beside(service: Router, folder: Option<PathBuf>) -> Router {
    let Some(folder) = folder else { return service };
    Router::new()
        .route(PATH, get(list))
        .route("/dev/mail/{file}", get(show))
        .route("/dev/mail/{file}/html", get(show_html))
        .with_state(Arc::new(folder))
        .fallback_service(service)
}

async fn list(State(folder): State<Folder>) -> Response {
    let mut files = Vec::new();
    // No folder, no mail yet.
    if let Ok(mut entries) = tokio::fs::read_dir(folder.as_path()).await {
        while let Ok(Some(entry)) = entries.next_entry().await {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.extend(is_mail(&name).then_some(name));
        }
    }
    // Their names begin with the time.
    files.sort_unstable_by(|one, other| other.cmp(one));
    let all = files.len();
    files.truncate(SHOWN_MAX);
    let mut rows = Vec::new();
    for file in files {
        let Some(bytes) = read(&folder, &file).await else { continue };
        let Some(mail) = MessageParser::default().parse(&bytes) else { continue };
        rows.push(html! {
            tr {
                td { (date(&mail)) }
                td { (to(&mail)) }
                td { a href=(format!("{PATH}/{file}")) { (mail.subject().unwrap_or("(no subject)")) } }
            }
        });
    }
    page(
        "Mails",
        html! {
            h1 { "Mails" }
            p { "What this server would have sent, the newest first: files in " code { (folder.display()) } "." }
            @if rows.is_empty() { p { "None yet. Book something." } }
            @else { table { tr { th { "When" } th { "To" } th { "Subject" } } @for row in &rows { (row) } } }
            @if all > SHOWN_MAX { p { "And " (all - SHOWN_MAX) " older ones." } }
        },
    )
}

async fn show(State(folder): State<Folder>, Path(file): Path<String>) -> Response {
    let Some(bytes) = read(&folder, &file).await else { return none() };
    let Some(mail) = MessageParser::default().parse(&bytes) else { return none() };
    let subject = mail.subject().unwrap_or("(no subject)");
    page(
        subject,
        html! {
            p { a href=(PATH) { "All mails" } }
            h1 { (subject) }
            table {
                tr { th { "To" } td { (to(&mail)) } }
                tr { th { "From" } td { (addresses(mail.from())) } }
                tr { th { "When" } td { (date(&mail)) } }
            }
            h2 { "In HTML" }
            iframe title="The mail in HTML" sandbox src=(format!("{PATH}/{file}/html")) {}
            @for url in links(&mail) { p { a href=(url) rel="noreferrer" { (url) } } }
            h2 { "In text" }
            pre { (mail.body_text(0).unwrap_or_default()) }
            @for part in mail.attachments() {
                h2 { (mail_parser::MimeHeaders::attachment_name(part).unwrap_or("attached")) }
                pre { (part.text_contents().unwrap_or("not text")) }
            }
        },
    )
}

async fn show_html(State(folder): State<Folder>, Path(file): Path<String>) -> Response {
    let Some(bytes) = read(&folder, &file).await else { return none() };
    let Some(mail) = MessageParser::default().parse(&bytes) else { return none() };
    with_policy(Html(mail.body_html(0).unwrap_or_default().into_owned()).into_response(), POLICY)
}

/// A mail's file, by its name alone: no path leads out of the folder.
async fn read(folder: &Folder, file: &str) -> Option<Vec<u8>> {
    if !is_mail(file) {
        return None;
    }
    tokio::fs::read(folder.join(file)).await.ok()
}

fn is_mail(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    name.ends_with(".eml") && !name.starts_with('.') && name.chars().all(is_plain)
}

/// Where it leads: the frame around it lets nobody follow a link.
fn links(mail: &Message<'_>) -> Vec<String> {
    let text = mail.body_text(0).unwrap_or_default();
    let is_link = |word: &&str| word.starts_with("http://") || word.starts_with("https://");
    text.split_whitespace().filter(is_link).map(str::to_owned).collect()
}

fn date(mail: &Message<'_>) -> String {
    mail.date().map(|date| date.to_rfc3339()).unwrap_or_default()
}

fn to(mail: &Message<'_>) -> String {
    addresses(mail.to())
}

fn addresses(of: Option<&mail_parser::Address<'_>>) -> String {
    let Some(of) = of else { return String::new() };
    let all = of.iter().map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (_, address) => address.unwrap_or_default().to_owned(),
    });
    all.collect::<Vec<_>>().join(", ")
}

fn page(title: &str, main: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (STYLE) }
            }
            body { main { (main) } }
        }
    };
    with_policy(Html(page.into_string()).into_response(), OWN_POLICY)
}

fn none() -> Response {
    let mut answer =
        page("No such mail", html! { h1 { "No such mail" } p { a href=(PATH) { "All mails" } } });
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

fn with_policy(mut answer: Response, policy: &'static str) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mails_are_shown_and_nothing_outside_of_the_folder() {
        assert!(is_mail("20310612T180000.000Z-booking.confirmed.0190.1.eml"));
        for name in [
            "",
            ".eml",
            "../x.eml",
            "a/b.eml",
            "a\\b.eml",
            "x.eml.part",
            "jwt-secret",
            "%2e%2e.eml",
            "a\0.eml",
        ] {
            assert!(!is_mail(name), "{name}");
        }
    }
}
