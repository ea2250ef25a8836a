//! Which events somebody looks for by words.

use super::EventDetails;
use crate::text::searchable;

/// Words to be found in a text, in any case and order, with accents or without, each perhaps as a part of a longer word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of what somebody typed.
    pub fn of(typed: &str) -> Self {
        Self(searchable(typed).split_whitespace().map(str::to_owned).collect())
    }

    /// Whether all of them are in that text, as [`searched`] makes it.
    pub fn are_in(&self, searched: &str) -> bool {
        self.0.iter().all(|word| searched.contains(word.as_str()))
    }

    /// Whether all of them are in the event's name or venue.
    pub fn are_in_event(&self, event: &EventDetails) -> bool {
        self.are_in(&searched(&event.name, event.venue.as_deref()))
    }
}

/// What words are looked for in: the name and the venue, with a line break between, which is in no word. Behind them stands the name
/// as releases before compare it, where that is another text: they look for their words in the same list.
pub fn searched(name: &str, venue: Option<&str>) -> String {
    let (lower, mut text) = (name.to_lowercase(), searchable(name));
    let is_enough = lower == text;
    text.push('\n');
    text.push_str(&searchable(venue.unwrap_or_default()));
    if !is_enough {
        text.push('\n');
        text.push_str(&lower);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_be_found_in_any_case_and_order_with_accents_or_without() {
        let text = searched("Open Air  2027", Some("Grüner Platz, Łódź"));
        for (typed, found) in [
            ("open", true),
            ("AIR open", true),
            ("  air   2027 ", true),
            ("air\u{a0}2027\u{3000}", true),
            ("Platz air", true),
            ("GRÜN", true),
            ("gru\u{308}n", true),
            ("gruner lodz", true),
            ("Ａｉｒ", true),
            ("", true),
            ("  ", true),
            ("indoor", false),
            ("open indoor", false),
            ("openair", false),
            ("2027gruner", false),
        ] {
            assert_eq!(Words::of(typed).are_in(&text), found, "{typed}");
        }
    }

    #[test]
    fn a_release_before_finds_its_words_too() {
        assert_eq!(searched("Open Air", None), "open air\n");
        assert_eq!(searched("Jazz im Grünen", Some("Café")), "jazz im grunen\ncafe\njazz im grünen");
    }
}
