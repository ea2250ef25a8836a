//! A list as CSV: all of it, page after page, to what one answer may have.

use std::time::Duration;

use accounts::tokens::Tokens;
use axum::response::Response;
use domain::{
    error::Error,
    page::{Page, PageKey},
};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::{
    FileName, Wanted,
    file::{File, FileLimits},
};
use crate::{
    cursor::to_cursor,
    problem::Problem,
    query::{PAGE_ITEMS_MAX, page_items},
};

/// What is not read by then is left to the next file, so that there is time to answer
/// ([`REQUEST_TIME_MAX`](crate::service::REQUEST_TIME_MAX)).
const EXPORT_TIME_MAX: Duration = Duration::from_secs(6);

/// Some items of a list.
#[derive(Debug)]
pub struct Part<T, P = PageKey> {
    /// In the list's order, each with the place behind it.
    pub items: Vec<(T, P)>,
    /// Where the list goes on, if it does.
    pub next: Option<P>,
}

/// A list, as it is asked for and as it is answered.
#[derive(Debug)]
pub struct List<'a, T> {
    /// What cursors are signed with.
    pub tokens: &'a Tokens,
    /// Names the list with its filters and its reader, for cursors.
    pub name: &'a str,
    /// How many items a page may have, where the client says so.
    pub limit: Option<u32>,
    /// The columns of the file. A new one comes last, because people count them.
    pub columns: &'static [&'static str],
    /// The fields of an item, as many as there are columns.
    pub row: fn(&T) -> Vec<String>,
    /// What the file is called.
    pub file_name: FileName,
}

impl<T> Part<T> {
    /// A page, each of its items as it is shown, with its place.
    pub fn of<I>(page: Page<I>, shown: impl FnMut(I) -> (T, PageKey)) -> Self {
        Self { items: page.items.into_iter().map(shown).collect(), next: page.next }
    }
}

impl Wanted {
    /// How many items are to be read at once: where all are wanted, as many as any page may have.
    pub fn items_at_once(&self, limit: Option<u32>) -> usize {
        page_items(if self.is_whole(limit) { Some(PAGE_ITEMS_MAX) } else { limit })
    }

    /// Whether the list is wanted without pages.
    pub fn is_whole(&self, limit: Option<u32>) -> bool {
        self.is_csv() && limit.is_none()
    }

    /// The answer: as JSON a page; as CSV all that there is from there on, or a page where the client says how large. `more`
    /// reads on from a place.
    pub async fn list<T, P, B, F>(
        &self,
        list: List<'_, T>,
        first: Part<T, P>,
        more: impl Fn(P) -> F,
        json: impl FnOnce(Vec<T>, Option<String>) -> B,
    ) -> Result<Response, Problem>
    where
        P: Clone + Serialize,
        B: Serialize,
        F: Future<Output = Result<Part<T, P>, Error>>,
    {
        if !self.is_csv() {
            let next = to_cursor(list.tokens, list.name, first.next)?;
            let items = first.items.into_iter().map(|(item, _)| item).collect();
            let link = next.clone();
            return Ok(self.json(&json(items, next), link.as_deref())?);
        }
        let mut file = self.file(list.columns, FileLimits::DEFAULT)?;
        let deadline = Instant::now() + EXPORT_TIME_MAX;
        let more = self.is_whole(list.limit).then_some(more);
        let next = fill(&mut file, list.row, first, more, deadline).await?;
        let next = to_cursor(list.tokens, list.name, next)?;
        Ok(self.download(file, &list.file_name, next.as_deref())?)
    }
}

/// Puts rows into the file until it is full, the list is at its end, or the time is over, and without `more` those of the
/// first part alone. Says where the list goes on, if it does.
async fn fill<T, P: Clone, F: Future<Output = Result<Part<T, P>, Error>>>(
    file: &mut File,
    row: fn(&T) -> Vec<String>,
    first: Part<T, P>,
    more: Option<impl Fn(P) -> F>,
    deadline: Instant,
) -> Result<Option<P>, Error> {
    let (mut part, mut written_to) = (first, None);
    loop {
        for (item, place) in part.items {
            if !file.add(&row(&item))? {
                debug_assert!(written_to.is_some(), "a file has room for a row");
                return Ok(written_to);
            }
            written_to = Some(place);
        }
        let (Some(next), Some(more)) = (part.next.clone(), &more) else { return Ok(part.next) };
        match timeout_at(deadline, more(next)).await {
            Ok(read) => part = read?,
            Err(_) => return Ok(part.next),
        }
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use proptest::prelude::*;

    use super::*;

    /// Numbers, the largest first; a place is the last number that was shown. Some of them are never shown.
    struct Numbers(Mutex<Vec<u32>>);

    impl Numbers {
        fn read(&self, limit: usize, after: Option<u32>) -> Part<u32, u32> {
            let all = self.0.lock();
            let rest = all.iter().rev().copied().filter(|number| after.is_none_or(|after| *number < after));
            let mut read: Vec<u32> = rest.take(limit + 1).collect();
            let has_more = read.len() > limit;
            read.truncate(limit);
            let next = read.last().copied().filter(|_| has_more);
            let shown = read.into_iter().filter(|number| number % 7 != 0);
            Part { items: shown.map(|number| (number, number)).collect(), next }
        }
    }

    fn row(number: &u32) -> Vec<String> {
        vec!["x".repeat(*number as usize % 5), number.to_string()]
    }

    fn numbers_in(file: File) -> Vec<u32> {
        let content = file.into_content();
        let mut reader = csv::Reader::from_reader(content.as_slice());
        reader.records().map(|row| row.unwrap()[1].parse().unwrap()).collect()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[test]
    fn what_is_not_read_in_time_is_left_to_the_next_file() {
        let numbers = Numbers(Mutex::new((1..=6).collect()));
        let mut file = File::new(&["a", "b"], false, FileLimits::NONE).unwrap();
        let more = Some(|_| std::future::pending());
        let filling = fill(&mut file, row, numbers.read(3, None), more, Instant::now());
        assert_eq!(runtime().block_on(filling).unwrap(), Some(4));
        assert_eq!(numbers_in(file), [6, 5, 4]);
    }

    proptest! {
        #[test]
        fn files_have_every_row_once_however_large_they_are_and_whatever_is_new(
            count in 0..120_u32,
            bytes in 0..400_usize,
            page in 1..30_usize,
            is_whole: bool,
        ) {
            let numbers = Numbers(Mutex::new((0..count).collect()));
            let runtime = runtime();
            let (mut seen, mut place, mut files) = (Vec::new(), None, 0);
            loop {
                let mut file = File::new(&["a", "b"], false, FileLimits { bytes, bytes_in_json: 500 }).unwrap();
                let more = is_whole.then_some(async |place| {
                    // Somebody books meanwhile.
                    let mut all = numbers.0.lock();
                    let next = all.last().map_or(0, |last| last + 1);
                    all.push(next);
                    drop(all);
                    Ok(numbers.read(page, Some(place)))
                });
                let deadline = Instant::now() + EXPORT_TIME_MAX;
                let first = numbers.read(page, place);
                place = runtime.block_on(fill(&mut file, row, first, more, deadline)).unwrap();
                seen.extend(numbers_in(file));
                files += 1;
                prop_assert!(files <= 2 * count + 2);
                if place.is_none() {
                    break;
                }
            }
            let expected: Vec<u32> = (0..count).rev().filter(|number| number % 7 != 0).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
