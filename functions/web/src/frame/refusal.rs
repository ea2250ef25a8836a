//! What people are told when something is refused or fails: what is so, and what they can do next.

use domain::{error::Error, event::GENERAL};
use http_api::Problem;
use jiff::Timestamp;
use serde_json::Value;

use super::words::{places, plain_time};
use crate::{
    console::events,
    shop::{account, bookings, holds},
};

/// Words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) title: String,
    pub(crate) text: String,
    /// Where to go on, and what that is called.
    pub(crate) next: (&'static str, &'static str),
}

const EVENTS: (&str, &str) = ("/", "All events");
const BOOKINGS: (&str, &str) = (bookings::PATH, "My bookings");
const ACCOUNT: (&str, &str) = (account::PATH, "My account");
const CONSOLE: (&str, &str) = (events::PATH, "All events, in the console");
const HOLDS: (&str, &str) = (holds::PATH, "Places I hold");

impl Refusal {
    fn new(title: &str, text: impl Into<String>, next: (&'static str, &'static str)) -> Self {
        Self { title: title.to_owned(), text: text.into(), next }
    }

    /// Of a form that no page of ours sent.
    pub(crate) fn of_a_foreign_form() -> Self {
        let text = "It came from another site, or your browser does not say where from. Go to the page here, and try again.";
        Self::new("This form was not sent from here", text, EVENTS)
    }

    /// Of a form from before somebody signed in or out.
    pub(crate) fn of_an_old_form() -> Self {
        let text = "You signed in or out since this page was loaded. Go back, load it anew, and try again.";
        Self::new("This page is out of date", text, EVENTS)
    }

    /// Of what went wrong.
    pub(crate) fn of(error: Error) -> Self {
        Self::of_problem(&Problem::from(error).body())
    }

    /// Of the problem that the API answers.
    pub(crate) fn of_problem(problem: &Value) -> Self {
        let number = |member: &str| problem[member].as_u64().and_then(|number| u32::try_from(number).ok());
        let text = |member: &str| problem[member].as_str().unwrap_or_default().to_owned();
        let at = |member: &str| {
            problem[member].as_str().and_then(|at| at.parse::<Timestamp>().ok()).map(plain_time)
        };
        let from = |member: &str| at(member).map_or_else(|| "later".to_owned(), |at| format!("from {at}"));
        match problem["code"].as_str().unwrap_or_default() {
            "sold_out" => match number("available").unwrap_or_default() {
                0 => Self::new(
                    "Sold out",
                    "All places are sold. Some may come back when others cancel.",
                    EVENTS,
                ),
                left => Self::new(
                    "Not so many are left",
                    format!("Only {} left: choose fewer.", are(left)),
                    EVENTS,
                ),
            },
            "all_held" => {
                let left = match number("available").unwrap_or_default() {
                    0 => "Others hold the last places right now".to_owned(),
                    left => format!("Only {} free right now, others hold the rest", are(left)),
                };
                let text = format!("{left}. Some may come back {}: try again then.", from("retry_at"));
                Self::new("All places are held", text, EVENTS)
            }
            "seats_taken" => Self::new(
                "These seats are taken",
                format!("Somebody else has {} or holds them right now. Choose others.", seats(problem)),
                EVENTS,
            ),
            "seats_in_use" => Self::new(
                "Some seats are sold or held",
                format!(
                    "Somebody has {}: they can be taken out of sale once nobody has them.",
                    seats(problem)
                ),
                CONSOLE,
            ),
            "not_together" => Self::new(
                "Not so many side by side",
                match number("largest").unwrap_or_default() {
                    0 => "So many seats are free, but not as you want them. Choose fewer.".to_owned(),
                    largest => format!("At most {} free side by side. Choose fewer.", are(largest)),
                },
                EVENTS,
            ),
            "unknown_seats" => Self::new(
                "There are no such seats",
                format!("Nobody knows {}. Choose again.", seats(problem)),
                EVENTS,
            ),
            "unknown_area" => Self::new(
                "This area is not on sale any more",
                "What you chose is not offered any more. Choose again.",
                EVENTS,
            ),
            "area_required" => Self::new("Which area?", "Choose an area first.", EVENTS),
            "unknown_rate" => Self::new(
                "These prices have changed",
                "What you chose is not offered any more. Choose again.",
                EVENTS,
            ),
            "validation_failed" if let Some(most) = most_places(problem) => Self::new(
                "So many are not possible at once",
                format!("You can hold {} at once: choose fewer.", places(most)),
                EVENTS,
            ),
            "validation_failed" if has_error(problem, "rates", "more_than") => Self::new(
                "More places than seats",
                "You want more places at other prices than you ticked seats. Tick more seats, or choose fewer.",
                EVENTS,
            ),
            "not_on_sale" => Self::new("Not on sale", "This event sells no places right now.", EVENTS),
            "max_per_user_reached" => match number("left").unwrap_or_default() {
                0 => Self::new(
                    "You have as many as one person may",
                    "You hold or booked as many places of this event as one person may have.",
                    BOOKINGS,
                ),
                left => Self::new(
                    "So many are not allowed for one person",
                    format!("You can have {} more of this event.", places(left)),
                    HOLDS,
                ),
            },
            "network_limit" => Self::new(
                "Too many places for one network",
                format!(
                    "Others in your network have many places of this event. Try again {}.",
                    from("retry_at")
                ),
                EVENTS,
            ),
            "held_too_long" => Self::new(
                "Please wait",
                format!(
                    "You held places of this event again and again without keeping them. You can try again {}.",
                    from("retry_at")
                ),
                EVENTS,
            ),
            "reservation_expired" => {
                Self::new("Your time ran out", "These places went back on sale. Choose again.", EVENTS)
            }
            "reservation_released" => Self::new(
                "You gave these places back",
                "They are on sale again. Choose again if you like.",
                EVENTS,
            ),
            "reservation_not_found" => Self::new(
                "There is nothing held here",
                "It is not yours, or it ended a while ago. What you booked is among your bookings.",
                BOOKINGS,
            ),
            "booking_not_found" => {
                Self::new("There is no such booking", "It may belong to another account.", BOOKINGS)
            }
            "event_not_found" => Self::new(
                "There is no such event",
                "It may have been taken down, or the address is wrong.",
                EVENTS,
            ),
            "area_not_found" => Self::new(
                "There is no such area",
                "The event has none of that name whose seats have names, or has it no more.",
                EVENTS,
            ),
            "already_confirmed" => {
                Self::new("These places are booked", "To give them back, cancel the booking.", BOOKINGS)
            }
            "payment_required" => {
                Self::new("These places are yours to pay for", "Look at your bookings.", BOOKINGS)
            }
            "not_confirmed" => Self::new(
                "This booking is not final yet",
                "So it can't be cancelled. Look at your bookings.",
                BOOKINGS,
            ),
            "confirm_under_way" => {
                Self::new("These places are being booked", "Look at your bookings in a moment.", BOOKINGS)
            }
            "email_not_verified" => Self::new(
                "Verify your address first",
                "Follow the link in the mail that we sent you. In your account you can ask for another one.",
                ACCOUNT,
            ),
            "no_mail" => Self::new("No mail", "This service sends no mail.", EVENTS),
            "event_started" => Self::new(
                "Too late to cancel",
                "The event has started, so bookings stay as they are.",
                BOOKINGS,
            ),
            "cancel_closed" => {
                let until = at("cancel_until").map_or_else(String::new, |at| format!(" until {at}"));
                Self::new(
                    "Too late to cancel",
                    format!("Bookings of this event could be cancelled{until}."),
                    BOOKINGS,
                )
            }
            "invalid_credentials" => Self::new(
                "That is not right",
                "The email address or the password is wrong. Check both, and try again.",
                EVENTS,
            ),
            "email_taken" => Self::new(
                "This address has an account",
                "Sign in with it; or use another address.",
                (crate::shop::sign_in::PATH, "Sign in"),
            ),
            "password_is_a_setting" => Self::new(
                "This account is a setting",
                "Whoever runs this service changes the admin's password and account in its settings.",
                EVENTS,
            ),
            "account_not_found" => {
                Self::new("There is no account", "It may have been erased a moment ago.", EVENTS)
            }
            "still_open" => Self::new(
                "You still have places",
                "Give back what you hold and cancel what you booked, or wait until the events are over.",
                BOOKINGS,
            ),
            "too_many_attempts" => Self::new(
                "Too many wrong passwords",
                "For safety, the next try has to wait a little. Wait for a minute, then try again.",
                EVENTS,
            ),
            "too_many_registrations" => Self::new(
                "Too many new accounts",
                "Many accounts were made from your network within an hour. Try again later.",
                EVENTS,
            ),
            "rate_limited" => Self::new(
                "A little slower, please",
                "That was a lot at once. Wait for a minute, then try again.",
                EVENTS,
            ),
            "idempotency_key_reused" => Self::new(
                "This page is out of date",
                "It was used for something else before. Go to the event's page anew, and choose again.",
                EVENTS,
            ),
            "try_again" => Self::new(
                "We could not tell in time",
                "Whether it worked is not known yet. Try again: nothing happens twice.",
                EVENTS,
            ),
            "internal_error" => Self::new(
                "Something went wrong on our side",
                "We are told of it. Please try again later.",
                EVENTS,
            ),
            "forbidden" => Self::new(
                "This is for admins",
                "You are signed in with an account that may not see this. Sign out, and sign in as an admin.",
                EVENTS,
            ),
            "not_audited" => Self::new(
                "Nothing is written down here",
                "This service runs without a table for what admins do.",
                CONSOLE,
            ),
            "capacity_below_sold" => Self::new(
                "So few places are not possible",
                format!(
                    "{} sold or held{}, so there must be as many at least.",
                    are(number("lowest_capacity").unwrap_or_default()),
                    match text("area").as_str() {
                        "" | GENERAL => String::new(),
                        area => format!(" in the area {area}"),
                    }
                ),
                CONSOLE,
            ),
            "area_has_bookings" => Self::new(
                "Places of an area were sold or are held",
                format!(
                    "{} sold or held in {}, so this area must stay, with its id.",
                    are(number("places").unwrap_or_default()),
                    text("area")
                ),
                CONSOLE,
            ),
            "areas_required" => Self::new(
                "The event has areas",
                "Say the places and the price of each of them, not of the whole event.",
                CONSOLE,
            ),
            "event_cancelled" => Self::new(
                "The event was cancelled",
                "Its bookings were cancelled with it, so it can't take place after all. Make a new one.",
                CONSOLE,
            ),
            "event_not_draft" => Self::new(
                "Only a draft can be deleted",
                "Make the event a draft first, or cancel it.",
                CONSOLE,
            ),
            "event_has_bookings" => Self::new(
                "Places of it were sold or are held",
                "So it must stay: whoever has them must find their event. It can be cancelled.",
                CONSOLE,
            ),
            "stale_version" => Self::new(
                "Somebody changed this event meanwhile",
                "Look at what it is now, and try again.",
                CONSOLE,
            ),
            "malformed_body" => Self::new("This can't be read", "Go back, and send the form again.", EVENTS),
            "body_too_large" => Self::new("This is too long", "Go back, and write less.", EVENTS),
            "not_found" => Self::new("There is no such page", "The address may be mistyped.", EVENTS),
            "method_not_allowed" => Self::new(
                "There is nothing to see here",
                "This address only takes what a form sends.",
                EVENTS,
            ),
            "invalid_cursor" => {
                Self::new("This page of the list is gone", "Start with the first page again.", EVENTS)
            }
            _ => Self::new(&text("title"), text("detail"), EVENTS),
        }
    }

    /// In one sentence, or two.
    pub(crate) fn said(&self) -> String {
        format!("{}. {}", self.title, self.text)
    }
}

/// Characters of the names of seats that are said at most: a notice has to fit into a cookie.
const SEATS_CHARS_MAX: usize = 300;

/// What the seats are called that it is about.
fn seats(problem: &Value) -> String {
    let names = problem["seats"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let names: Vec<&str> = names.collect();
    let mut chars = 0;
    let fits = |name: &&&str| {
        chars += name.chars().count() + 2;
        chars <= SEATS_CHARS_MAX
    };
    let fitting = names.iter().take_while(fits).count();
    let said = names[..fitting].join(", ");
    match names.len() - fitting {
        0 => said,
        more => format!("{said} and {more} more"),
    }
}

/// Whether that is wrong with that field.
fn has_error(problem: &Value, field: &str, code: &str) -> bool {
    let mut errors = problem["errors"].as_array().into_iter().flatten();
    errors.any(|error| error["field"] == field && error["code"] == code)
}

/// How many places may be held at once, if that is what was wrong.
fn most_places(problem: &Value) -> Option<u32> {
    let errors = problem["errors"].as_array()?;
    let error =
        errors.iter().find(|error| error["field"] == "quantity" && error["code"] == "out_of_range")?;
    error["params"]["max"].as_u64()?.try_into().ok()
}

fn are(number: u32) -> String {
    format!("{} {}", places(number), if number == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use http_api::Code;

    use super::*;

    /// Those that no page can meet: what they are about is not on pages, or a page never sends it.
    const OF_NO_PAGE: [&str; 15] = [
        "idempotency_key_required",
        "invalid_parameter",
        "malformed_json",
        "unauthorized",
        "body_too_slow",
        "unsupported_media_type",
        "host_not_served",
        "validation_failed",
        "if_match_required",
        // A page of another function says it.
        "token_ended",
        "no_webhooks",
        "webhook_not_found",
        "too_many_webhooks",
        "delivery_not_found",
        "not_replayable",
    ];

    #[test]
    fn every_problem_that_a_page_can_meet_has_words_of_its_own() {
        for code in Code::ALL.iter().filter(|code| !OF_NO_PAGE.contains(&code.as_str())) {
            let problem = Problem::new(*code);
            let refusal = Refusal::of_problem(&problem.body());
            assert!(!refusal.text.is_empty(), "{code:?} has no words");
        }
    }

    #[test]
    fn many_seats_are_told_in_a_sentence_that_a_notice_can_hold() {
        let taken =
            |names: Vec<String>| Refusal::of(Error::SeatsTaken { seats: names, area: "hall".into() }).said();
        assert!(taken(vec!["A-1".into(), "A-2".into()]).contains("has A-1, A-2 or"));
        let said = taken(vec!["Balcony, left-12345678".into(); 50]);
        assert!(said.len() < 500 && said.contains(" and 38 more or"), "{said}");
        assert!(!taken(Vec::new()).is_empty());
    }

    #[test]
    fn what_is_left_and_when_to_come_back_are_said() {
        let at: Timestamp = "2031-06-02T18:05:00Z".parse().unwrap();
        let said = |error| Refusal::of(error).said();
        assert!(
            said(Error::SoldOut { available: 1, area: "general".into() }).contains("Only 1 place is left")
        );
        assert!(
            said(Error::SoldOut { available: 3, area: "general".into() }).contains("Only 3 places are left")
        );
        assert!(
            said(Error::AllHeld { available: 0, retry_at: at, area: "general".into() })
                .contains("from Mon 2 Jun 2031, 18:05 UTC")
        );
        assert!(said(Error::TooManyForUser { most: 4, left: 2 }).contains("2 places more"));
        assert!(said(Error::CancelClosed { since: at }).contains("until Mon 2 Jun 2031, 18:05 UTC"));
        assert!(said(Error::HeldTooLong { retry_at: at }).contains("from Mon 2 Jun"));
    }
}
