//! Which events somebody looks for by words.

use super::EventDetails;

/// Words to be found in a text, in any case and order, each perhaps as a part of a longer word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of what somebody typed.
    pub fn of(typed: &str) -> Self {
        Self(typed.split_whitespace().map(str::to_lowercase).collect())
    }

    /// Whether all of them are in these texts, which are in lower case; each in whichever of them.
    pub fn are_in(&self, texts: &[&str]) -> bool {
        self.0.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
    }

    /// Whether all of them are in the event's name or venue.
    pub fn are_in_event(&self, event: &EventDetails) -> bool {
        let (name, venue) =
            (event.name.to_lowercase(), event.venue.as_deref().unwrap_or_default().to_lowercase());
        self.are_in(&[&name, &venue])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_be_found_in_any_case_and_order() {
        let texts = ["open air 2027", "grüner platz"];
        for (typed, found) in [
            ("open", true),
            ("AIR open", true),
            ("  air   2027 ", true),
            ("Platz air", true),
            ("GRÜN", true),
            ("", true),
            ("indoor", false),
            ("open indoor", false),
            ("openair", false),
        ] {
            assert_eq!(Words::of(typed).are_in(&texts), found, "{typed}");
        }
    }
}
