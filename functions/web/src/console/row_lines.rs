//! Rows of seats as people type them: a line each, or one for several rows that are alike.
//!
//! `A 24` has the seats 1 to 24, `B 1,2,5` these, `C..K 20` are the rows C to K, and `D 20 : 1,20` says which seats are accessible. Names
//! and labels with one of `, : ..`, and labels with a space, can't be typed so: the API takes them.

use administration::{RowInput, SeatsInput};
use domain::{
    field_error::FieldError,
    row::{ROWS_MAX, SEATS_PER_ROW_MAX},
};

/// Stands before rows among other lines.
pub(crate) const ROW: char = '+';

/// A line that can't be read, and what it must be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) line: usize,
    pub(crate) must: &'static str,
}

impl Unread {
    /// In the words of a form, after the name of the field.
    pub(crate) fn said(&self) -> String {
        format!("can't be read in line {}: it must {}", self.line, self.must)
    }
}

const LIKE: &str = "be like A 24, or B 1,2,5, or C..K 20 : 1,20";
const SEATS: &str = "have 1 to 200 seats";
const MANY: &str = "not be more than 2,000 rows with those above";

/// A row, and the line that it is typed in, counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TypedRow {
    pub(crate) line: usize,
    pub(crate) row: RowInput,
}

/// Rows in lines of their own; each line may begin with a plus, as it does among areas.
pub(crate) fn rows(typed: &str) -> Result<Vec<TypedRow>, Unread> {
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(typed.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let text = text.trim();
        add_line(line, text.strip_prefix(ROW).unwrap_or(text), 0, &mut rows)?;
    }
    Ok(rows)
}

/// The rows of one line, behind those before it; so many others count with them.
pub(crate) fn add_line(
    line: usize,
    text: &str,
    others: usize,
    rows: &mut Vec<TypedRow>,
) -> Result<(), Unread> {
    let of_line = of_line(text).map_err(|must| Unread { line, must })?;
    if others + rows.len() + of_line.len() > ROWS_MAX {
        return Err(Unread { line, must: MANY });
    }
    rows.extend(of_line.into_iter().map(|row| TypedRow { line, row }));
    Ok(())
}

fn of_line(text: &str) -> Result<Vec<RowInput>, &'static str> {
    let (rows, accessible) = text.rsplit_once(':').unwrap_or((text, ""));
    // A list may have spaces behind its commas.
    let rows = rows.split(',').map(str::trim).collect::<Vec<_>>().join(",");
    let (names, seats) = rows.rsplit_once(char::is_whitespace).ok_or(LIKE)?;
    let seats = match seats.parse::<usize>() {
        Ok(count) if !(1..=SEATS_PER_ROW_MAX).contains(&count) => return Err(SEATS),
        Ok(count) => SeatsInput::Count(u32::try_from(count).unwrap_or_default()),
        // A word alone is no list: somebody may have forgotten the seats.
        Err(_) if seats.contains(',') || seats.contains("..") => SeatsInput::Labels(list(seats)?),
        Err(_) => return Err(LIKE),
    };
    let accessible = list(accessible)?;
    let names = names.trim();
    if names.contains([',', ':']) {
        return Err(LIKE);
    }
    let row = |name| RowInput { name, seats: seats.clone(), accessible: accessible.clone() };
    Ok(several(names).ok_or(LIKE)?.into_iter().map(row).collect())
}

fn list(text: &str) -> Result<Vec<String>, &'static str> {
    let mut labels = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        labels.extend(several(part).ok_or(LIKE)?);
        if labels.len() > SEATS_PER_ROW_MAX {
            return Err(SEATS);
        }
    }
    Ok(labels)
}

/// What `1..40`, `C..K` and `Box 1..4` stand for; anything else stands for itself.
fn several(text: &str) -> Option<Vec<String>> {
    let Some((first, last)) = text.split_once("..") else { return Some(vec![text.to_owned()]) };
    let (first, last) = (first.trim(), last.trim());
    let begin = first.trim_end_matches(|letter: char| letter.is_ascii_digit());
    if begin.len() < first.len() {
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| number.to_string() == text);
        let (from, to) = (number(&first[begin.len()..])?, number(last)?);
        let count = usize::try_from(to.checked_sub(from)?).ok()?;
        return (count < ROWS_MAX).then(|| (from..=to).map(|number| format!("{begin}{number}")).collect());
    }
    let from = first.chars().next_back()?;
    let to = last.chars().next().filter(|to| to.len_utf8() == last.len())?;
    let are_alike = from.is_ascii_uppercase() && to.is_ascii_uppercase()
        || from.is_ascii_lowercase() && to.is_ascii_lowercase();
    let begin = &first[..first.len() - from.len_utf8()];
    (are_alike && from <= to).then(|| (from..=to).map(|letter| format!("{begin}{letter}")).collect())
}

/// A row as it is typed.
pub(crate) fn written(row: &RowInput) -> String {
    let seats = match &row.seats {
        SeatsInput::Count(count) => count.to_string(),
        // One alone would be a number of seats.
        SeatsInput::Labels(labels) if labels.len() == 1 => format!("{},", labels.join(",")),
        SeatsInput::Labels(labels) => labels.join(","),
    };
    let accessible = match row.accessible.is_empty() {
        true => String::new(),
        false => format!(" : {}", row.accessible.join(",")),
    };
    format!("{ROW} {} {seats}{accessible}", row.name)
}

/// What is wrong with one of these rows, in the words of a form; the error's field is `rows.3.name` behind what the rows are within.
pub(crate) fn in_row(error: &FieldError, field: &str, rows: &[TypedRow]) -> Option<String> {
    let (index, part) = field.strip_prefix("rows.")?.split_once('.')?;
    let line = rows.get(index.parse::<usize>().ok()?)?.line;
    let part = match part.split('.').next()? {
        "name" => "row's name",
        "accessible" => "accessible seats",
        _ => "seats",
    };
    let said = match (part, error.code) {
        ("row's name", "duplicate") => "is there already",
        ("seats", "duplicate") => "must each be called otherwise",
        (_, "not_a_seat") => "must be seats of the row",
        _ => &error.message,
    };
    Some(format!("have something to mend in line {line}: its {part} {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, &'static str> {
        of_line(text).map(|rows| rows.iter().map(written).collect())
    }

    #[test]
    fn rows_are_typed_as_they_are_written() {
        for typed in ["A 24", "Box 1 4", "B 1,2,3,5a", "C 7,", "D 20 : 1,20", "ÄÖ 3", "A-1 5"] {
            assert_eq!(read(typed), Ok(vec![format!("+ {typed}")]), "{typed}");
        }
        let rows = rows("+ A 2\r\n\r\n B 1, 3 :1\n").unwrap();
        let lines: Vec<_> = rows.iter().map(|typed| (typed.line, written(&typed.row))).collect();
        assert_eq!(lines, [(1, "+ A 2".to_owned()), (3, "+ B 1,3 : 1".to_owned())]);
    }

    #[test]
    fn rows_that_are_alike_are_one_line() {
        assert_eq!(read("C..E 20").unwrap(), ["+ C 20", "+ D 20", "+ E 20"]);
        assert_eq!(read("9..11 2..4 : 2").unwrap(), ["+ 9 2,3,4 : 2", "+ 10 2,3,4 : 2", "+ 11 2,3,4 : 2"]);
        assert_eq!(read("Box 1..2 4").unwrap(), ["+ Box 1 4", "+ Box 2 4"]);
        assert_eq!(read("AA..AB 1"), Err(LIKE), "the end is one letter");
        assert_eq!(read("AA..B 1").unwrap(), ["+ AA 1", "+ AB 1"]);
    }

    #[test]
    fn what_is_no_row_is_told_by_its_line() {
        for typed in [
            "",
            "A",
            "24",
            "A many",
            "K..C 20",
            "a..K 2",
            "1..x 2",
            "01..03 2",
            "1..9999999 2",
            "A, B 4",
            "A : 4",
        ] {
            assert_eq!(read(typed), Err(LIKE), "{typed}");
        }
        for typed in ["A 0", "A 201", "A 1..201", "A 1..150,201..300"] {
            assert_eq!(read(typed), Err(SEATS), "{typed}");
        }
        assert_eq!(rows("A 4\nB"), Err(Unread { line: 2, must: LIKE }));
        assert_eq!(rows("1..1500 1\n2001..3500 1"), Err(Unread { line: 2, must: MANY }));
    }
}
