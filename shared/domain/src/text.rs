//! Text that people write: how it is compared, and what no text has.
//!
//! Two ways to compare are enough. Where two spellings must not be two things, as with an address of mail, they are [`folded`]. Where
//! somebody looks for something, accents do not matter either: they are [`searchable`].

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};

/// Whether a line of text, like a name, is without control characters (Unicode's category Cc): programs that show, print or
/// export it take them for commands, or for its end.
pub fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Whether a text of several lines is without control characters other than line breaks and tabs.
pub fn is_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// Whether there is anything to be seen of a text: not only spaces, control characters, and such as join or direct others.
pub fn is_visible(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !c.is_control() && !is_ignorable(c) && !is_blank(c))
}

/// Characters of an id that an admin gives, of a rate or an area, at most.
pub const SHORT_ID_CHARS_MAX: usize = 32;

/// Whether that can be an id that an admin gives.
pub fn is_short_id(text: &str) -> bool {
    let is_of_ids = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=SHORT_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_of_ids)
}

/// The same for texts that differ in case, in how their characters are put together, or in what nobody sees: Unicode's
/// `NFKC_Casefold` (The Unicode Standard, section 5.18.4).
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    composed(&case_folded(&decomposed(text).filter(|c| !is_ignorable(*c)).collect::<String>()))
}

/// The same for texts that differ in accents, too. What is searched, and what somebody looks for, are both made so.
pub fn searchable(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut plain = String::with_capacity(text.len());
    for c in decomposed(text).filter(|c| !is_ignorable(*c) && !is_accent(*c)) {
        match without_stroke(c) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(c),
        }
    }
    composed(&case_folded(&plain))
}

/// Whether a character is a part of a word: a letter, a digit, or a mark that belongs to one, without which many scripts can't be
/// read.
pub fn is_of_word(c: char) -> bool {
    let is_mark = || GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c));
    c.is_alphanumeric() || (!c.is_ascii() && !is_ignorable(c) && is_mark())
}

/// The same text with each character in one piece, where there is one for it (NFC).
pub fn in_one_piece(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

fn decomposed(text: &str) -> impl Iterator<Item = char> {
    DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(text.chars())
}

fn case_folded(text: &str) -> String {
    CaseMapper::new().fold_string(text).into_owned()
}

fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned()
}

fn is_ignorable(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// A pattern of Braille without dots, and the marks of annotations: nothing is seen of these, either.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{fff9}'..='\u{fffb}')
}

/// Combining marks that people leave out when they type: accents, and the points of Hebrew and Arabic. Not the signs of other
/// scripts, without which a word is another one.
fn is_accent(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}'
            | '\u{591}'..='\u{5bd}'
            | '\u{5bf}'..='\u{5c7}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Latin letters that Unicode does not take apart, though people do.
fn without_stroke(c: char) -> Option<&'static str> {
    Some(match c {
        'Đ' | 'đ' | 'Ð' | 'ð' => "d",
        'Ħ' | 'ħ' => "h",
        'ı' => "i",
        'Ł' | 'ł' => "l",
        'Ø' | 'ø' => "o",
        'Ŧ' | 'ŧ' => "t",
        'Æ' | 'æ' => "ae",
        'Œ' | 'œ' => "oe",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_a_short_plain_word() {
        for id in ["full", "up-to-14", "0", &"x".repeat(32)] {
            assert!(is_short_id(id), "{id}");
        }
        for id in ["", "Child", "a b", "a_b", "é", &"x".repeat(33)] {
            assert!(!is_short_id(id), "{id}");
        }
    }

    #[test]
    fn a_line_has_no_control_characters() {
        for text in ["", "Open Air 2031", "Ärger im Zoo", "音楽祭", "👩‍👩‍👧", "مهرجان"]
        {
            assert!(is_line(text) && is_text(text), "{text}");
        }
        for control in (0..=0x1f).chain(0x7f..=0x9f).filter_map(char::from_u32) {
            let text = format!("Open{control}Air");
            assert!(!is_line(&text), "{control:?}");
            assert_eq!(is_text(&text), "\t\n\r".contains(control), "{control:?}");
        }
    }

    #[test]
    fn words_have_letters_digits_and_their_marks() {
        for word in ["Air2031", "Müller", "Mu\u{308}ller", "音楽祭", "हिन्दी", "ภาษาไทย", "مهرجان"]
        {
            assert!(word.chars().all(is_of_word), "{word}");
        }
        for c in " -_./\\:*?\"<>|%;'\r\n\0\u{202e}\u{200b}\u{feff}\u{fe0f}\u{ff0f}👩".chars() {
            assert!(!is_of_word(c), "{c:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_not_visible() {
        for text in [
            "",
            " ",
            "\u{a0}\u{2003}\u{3000}",
            "\0\0",
            "\t\n",
            "\u{200b}",
            "\u{200c}\u{200d}",
            "\u{2060}\u{feff}",
            "\u{ad}",
            "\u{202e}\u{2066}",
            "\u{3164}",
            "\u{115f}\u{1160}",
            "\u{fe0f}",
            "\u{e0041}",
            "\u{2800}",
            "\u{180e}",
        ] {
            assert!(!is_visible(text), "{text:?}");
        }
        for text in ["a", ".", "\u{200b}x", "👩‍👩‍👧", "音", "é", "e\u{301}", "٣"] {
            assert!(is_visible(text), "{text:?}");
        }
    }

    #[test]
    fn spellings_of_one_word_are_folded_alike() {
        for (one, other) in [
            ("ADA", "ada"),
            ("Ａｄａ", "ada"),
            ("é", "e\u{301}"),
            ("Å", "\u{212b}"),
            ("STRASSE", "straße"),
            ("STRAẞE", "strasse"),
            ("ΟΔΟΣ", "οδος"),
            ("ﬁn", "FIN"),
            ("a\u{200b}d\u{ad}a", "ada"),
            ("\u{212a}elvin", "kelvin"),
            ("ᾳ", "ΑΙ"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        for (one, other) in [("e", "é"), ("か", "が"), ("o", "ø"), ("i", "ı")] {
            assert_ne!(folded(one), folded(other), "{one}");
        }
    }

    #[test]
    fn who_searches_may_leave_out_accents() {
        for (text, expected) in [
            ("Café Müller", "cafe muller"),
            ("Cafe\u{301}", "cafe"),
            ("ŁÓDŹ", "lodz"),
            ("Smørrebrød", "smorrebrod"),
            ("İstanbul Işık", "istanbul isik"),
            ("Straße", "strasse"),
            ("Ĳsselmeer", "ijsselmeer"),
            ("Encyclopædia", "encyclopaedia"),
            ("Ёлка", "елка"),
            ("ΆΛΦΑ", "αλφα"),
            ("مَرْحَبًا", "مرحبا"),
            ("שָׁלוֹם", "שלום"),
            ("が", "が"),
            ("각", "각"),
        ] {
            assert_eq!(searchable(text), expected, "{text}");
        }
        assert_ne!(searchable("か"), searchable("が"), "another sound, not an accent");
        assert!(!searchable("각").contains(&searchable("가")), "another syllable");
    }

    proptest! {
        #[test]
        fn folding_again_changes_nothing(text: String, latin in "[a-zA-ZÀ-žﬀ-ﬆΆ-ώ\u{300}-\u{36f}]{0,12}") {
            for text in [text, latin] {
                prop_assert_eq!(folded(&folded(&text)), folded(&text));
                prop_assert_eq!(searchable(&searchable(&text)), searchable(&text));
                prop_assert_eq!(searchable(&text.to_lowercase()), searchable(&text));
            }
        }
    }
}
