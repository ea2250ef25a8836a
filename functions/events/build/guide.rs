//! What holds for all operations, on one screen: `docs/api-guide.md` says it at length.

use maud::{Markup, html};

use super::page::prose;

/// The steps of a purchase.
const LIFE: [(&str, &str); 5] = [
    ("list_events", "Find an event: `available` is live."),
    (
        "sign_in",
        "Sign in, or register: both give an `access_token` for an hour, to be sent as `Authorization: Bearer …`.",
    ),
    ("hold_seats", "Hold seats, with an `Idempotency-Key`. They are yours at this price until `expires_at`."),
    (
        "confirm_reservation",
        "Confirm: the hold becomes a booking of the same id. Or give it back, or let it run out.",
    ),
    ("cancel_booking", "Cancel, while the event's `cancel_until` allows it: the seats go back on sale."),
];

const RULES: [(&str, &str); 7] = [
    (
        "Try again",
        "After a lost answer, a timeout or a 503 send the same request again, with the same key: it is done once.",
    ),
    (
        "Errors",
        "Go by the `code` of a problem; `retry_at` and `Retry-After` say when it is worth to try again.",
    ),
    (
        "Limits",
        "`RateLimit` says what is left of the requests of a minute: of a user, or of an address that is nobody's.",
    ),
    ("Lists", "Send `next_cursor` as `cursor` until it is null. `limit` is 1 to 100."),
    (
        "Changes",
        "Send the `ETag` that a change is based on as `If-Match`: nobody overwrites what they have not seen.",
    ),
    (
        "Releases",
        "Later ones add fields, codes and routes: ignore a field that is new to you, and go by the status of a code that is.",
    ),
    ("Browsers", "Pages of the origins in `CORS_ALLOW_ORIGINS` may call, and send the token themselves."),
];

pub(super) fn guide() -> Markup {
    html! {
        section id="guide" {
            h2 { "In short" }
            ol.life {
                @for (operation, step) in LIFE { li { a href={ "#" (operation) } { "➜" } " " (prose(step)) } }
            }
            table {
                tbody {
                    @for (what, rule) in RULES { tr { td { (what) } td { (prose(rule)) } } }
                }
            }
        }
    }
}
