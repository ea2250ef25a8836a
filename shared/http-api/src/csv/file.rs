//! A file of CSV (RFC 4180) as it grows, row by row, to what one answer may have.

use domain::error::Error;

/// What Excel takes for the sign of UTF-8: without it, it reads letters other than English ones wrong.
pub(crate) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What a writer keeps before it hands it on: as much as most rows have.
const ROW_BYTES: usize = 1_024;

/// How large a file may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileLimits {
    pub(super) bytes: usize,
    /// Lambda hands on an answer as a text of JSON, and takes 6 MB of it, with all that is around the file. Quotes and line breaks
    /// take two bytes there, so a file with many of them must be smaller.
    pub(super) bytes_in_json: usize,
}

impl FileLimits {
    /// For what is never large.
    pub(super) const NONE: Self = Self { bytes: usize::MAX, bytes_in_json: usize::MAX };
    /// The usual ones.
    pub(super) const DEFAULT: Self = Self { bytes: 5_000_000, bytes_in_json: 6_000_000 };
}

/// A header and rows below it.
#[derive(Debug)]
pub(super) struct File {
    content: Vec<u8>,
    bytes_in_json: usize,
    limits: FileLimits,
    has_rows: bool,
}

impl File {
    /// A file without rows yet.
    pub(super) fn new(columns: &[&str], byte_order_mark: bool, limits: FileLimits) -> Result<Self, Error> {
        let content = if byte_order_mark { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
        let mut file = Self { bytes_in_json: content.len(), content, limits, has_rows: false };
        file.write(columns)?;
        Ok(file)
    }

    /// Adds a row, which has a field for each column; false if there is no room for it. There is always room for one.
    pub(super) fn add(&mut self, row: &[String]) -> Result<bool, Error> {
        let (bytes, bytes_in_json) = (self.content.len(), self.bytes_in_json);
        self.write(row)?;
        let fits = self.content.len() <= self.limits.bytes && self.bytes_in_json <= self.limits.bytes_in_json;
        if self.has_rows && !fits {
            self.content.truncate(bytes);
            self.bytes_in_json = bytes_in_json;
            return Ok(false);
        }
        self.has_rows = true;
        Ok(true)
    }

    /// All that was written.
    pub(super) fn into_content(self) -> Vec<u8> {
        self.content
    }

    fn write<F: AsRef<[u8]>>(&mut self, row: &[F]) -> Result<(), Error> {
        let before = self.content.len();
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .buffer_capacity(ROW_BYTES)
            .from_writer(&mut self.content);
        let written = writer.write_record(row).and_then(|()| Ok(writer.flush()?));
        drop(writer);
        written.map_err(|error| Error::Internal(Box::new(error)))?;
        self.bytes_in_json += self.content[before..].iter().map(bytes_in_json).sum::<usize>();
        Ok(())
    }
}

/// What a byte takes in a text of JSON.
fn bytes_in_json(byte: &u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | b'\x08' | b'\x0c' => 2,
        ..b' ' => 6,
        _ => 1,
    }
}

/// A text that a spreadsheet must not take for a formula and run (OWASP, "CSV Injection"): an apostrophe makes it plain.
pub fn text(text: impl Into<String>) -> String {
    const STARTS_OF_FORMULAS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let text = text.into();
    if text.starts_with(STARTS_OF_FORMULAS) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(text(formula), format!("'{formula}"));
        }
        for plain in ["", "Concert", "1-1", "'=1", " =1"] {
            assert_eq!(text(plain), plain);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let fields = ["plain", "with, comma", "with \"quotes\"", "two\r\nlines", "", "'=1"];
        let mut file = File::new(&fields, false, FileLimits::NONE).unwrap();
        for _ in 0..2 {
            assert!(file.add(&fields.map(str::to_owned)).unwrap());
        }
        let written = file.into_content();
        assert!(written.ends_with(b"\r\n"));
        let mut read = csv::Reader::from_reader(written.as_slice());
        assert_eq!(read.headers().unwrap().iter().collect::<Vec<_>>(), fields);
        for row in read.records() {
            assert_eq!(row.unwrap().iter().collect::<Vec<_>>(), fields);
        }
    }

    #[test]
    fn a_file_without_rows_has_its_header_and_its_mark() {
        let columns = ["a", "b"];
        assert_eq!(File::new(&columns, false, FileLimits::NONE).unwrap().into_content(), b"a,b\r\n");
        assert_eq!(
            File::new(&columns, true, FileLimits::NONE).unwrap().into_content(),
            b"\xef\xbb\xbfa,b\r\n"
        );
    }

    #[test]
    fn a_row_that_is_too_large_for_any_file_has_one_of_its_own() {
        let mut file = File::new(&["a"], false, FileLimits { bytes: 4, bytes_in_json: 4 }).unwrap();
        assert!(file.add(&["much".to_owned()]).unwrap());
        assert!(!file.add(&["more".to_owned()]).unwrap());
        assert_eq!(file.into_content(), b"a\r\nmuch\r\n");
    }

    proptest! {
        #[test]
        fn a_file_keeps_to_both_limits_and_ends_with_a_row(
            rows in prop::collection::vec(prop::collection::vec("[ -~\\r\\n\\t\\x00é\\p{any}]{0,12}", 2), 1..20),
            bytes in 0..200_usize,
            bytes_in_json in 0..200_usize,
        ) {
            let mut file = File::new(&["one", "two"], true, FileLimits { bytes, bytes_in_json }).unwrap();
            let fitted = rows.iter().take_while(|row| file.add(row).unwrap()).count();
            let counted = file.bytes_in_json;
            let written = String::from_utf8(file.into_content()).unwrap();
            let in_json = serde_json::to_string(&written).unwrap().len() - 2;
            prop_assert_eq!(in_json, counted);
            prop_assert!(fitted == 1 || (written.len() <= bytes && in_json <= bytes_in_json));
            let mut whole = File::new(&["one", "two"], true, FileLimits::NONE).unwrap();
            for row in &rows[..fitted] {
                whole.add(row).unwrap();
            }
            prop_assert_eq!(written.as_bytes(), whole.into_content());
        }
    }
}
