//! Which problems a route answers with, as codes that the compiler knows.
//!
//! utoipa keeps a route's answers by status, and the later one of a status replaces the earlier. So that no code gets lost, a
//! problem is kept by its code at first; `complete.rs` puts those of a status together.

use std::collections::BTreeMap;

use utoipa::openapi::{RefOr, Response};

use crate::Code;

/// Answers as utoipa keeps them: by status, or by code.
pub type Answers = BTreeMap<String, RefOr<Response>>;

/// Declares problems that routes answer with, each with a sentence where the code does not say it all, for the `responses` of
/// `#[utoipa::path]`. Of one code, the sentence that comes last there counts: so name what routes share first.
///
/// ```text
/// http_api::problems! { LookProblems:
///     ReservationNotFound: "there is none, or it is another user's",
///     ReservationExpired | ReservationReleased: "known for a day",
/// }
/// ```
#[macro_export]
macro_rules! problems {
    ($(#[$doc:meta])* $visibility:vis $name:ident: $($($code:ident)|+ $(: $sentence:literal)?),+ $(,)?) => {
        $(#[$doc])*
        $visibility enum $name {}

        impl $crate::routes::utoipa::IntoResponses for $name {
            fn responses() -> $crate::openapi::Answers {
                $crate::openapi::answers(&[
                    $((&[$($crate::Code::$code),+], concat!($($sentence)?))),+
                ])
            }
        }
    };
}

/// The answers with these codes, each by its code.
#[doc(hidden)]
pub fn answers(problems: &[(&[Code], &str)]) -> Answers {
    let by_code = problems.iter().flat_map(|(codes, sentence)| {
        codes.iter().map(|code| (code.as_str().to_owned(), RefOr::T(Response::new(*sentence))))
    });
    by_code.collect()
}

/// Takes away what is kept by code: the codes with their sentences.
pub(super) fn take(answers: &mut Answers) -> BTreeMap<Code, String> {
    let mut taken = BTreeMap::new();
    for code in Code::ALL {
        if let Some(RefOr::T(answer)) = answers.remove(code.as_str()) {
            taken.insert(*code, answer.description);
        }
    }
    taken
}

/// The codes with their sentences as prose, after what is said already: `` `code`: sentence; `code`, `code`: sentence. ``
pub(super) fn prose(before: &str, problems: &[(Code, String)]) -> String {
    let alike = problems.chunk_by(|(_, one), (_, next)| one == next && !one.is_empty());
    let parts = alike.filter_map(|alike| {
        let (_, sentence) = alike.first()?;
        let codes: Vec<_> = alike.iter().map(|(code, _)| format!("`{}`", code.as_str())).collect();
        let codes = codes.join(", ");
        Some(if sentence.is_empty() { codes } else { format!("{codes}: {sentence}") })
    });
    let before = Some(before.to_owned()).filter(|before| !before.is_empty());
    let mut text = String::new();
    for part in before.into_iter().chain(parts) {
        let part = part.trim_end_matches('.');
        let has_stops = part.contains(". ") || part.contains("; ");
        text += part;
        text += if has_stops { ". " } else { "; " };
    }
    text.trim_end_matches(['.', ';', ' ']).to_owned() + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(before: &str, problems: &[(Code, &str)]) -> String {
        let problems: Vec<_> = problems.iter().map(|(code, text)| (*code, (*text).to_owned())).collect();
        prose(before, &problems)
    }

    #[test]
    fn each_code_is_said_with_its_sentence() {
        let problems = [(Code::MalformedJson, ""), (Code::MalformedBody, "it broke off")];
        assert_eq!(said("", &problems), "`malformed_json`; `malformed_body`: it broke off.");
        assert_eq!(said("", &[(Code::Forbidden, "")]), "`forbidden`.");
        let said = said("The store is out of reach.", &[(Code::TryAgain, "it took too long")]);
        assert_eq!(said, "The store is out of reach; `try_again`: it took too long.");
    }

    #[test]
    fn codes_of_one_sentence_stand_together() {
        let lost = "data was lost";
        let problems = [(Code::SoldOut, lost), (Code::AllHeld, lost), (Code::NotOnSale, "")];
        assert_eq!(said("", &problems), "`sold_out`, `all_held`: data was lost; `not_on_sale`.");
    }

    #[test]
    fn what_has_stops_of_its_own_ends_with_a_full_stop() {
        let problems = [(Code::RateLimited, "too many; wait"), (Code::TooManyAttempts, "")];
        assert_eq!(said("", &problems), "`rate_limited`: too many; wait. `too_many_attempts`.");
    }
}
