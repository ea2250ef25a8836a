//! From event to event.

use domain::{error::Error, event::Event, page::PageKey};
use futures::{StreamExt, stream};
use stores::dynamodb::{EventsFilter, Store, place_of};

use crate::Budget;

/// Which events to go to, and how.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    /// Where the events are.
    pub store: &'a Store,
    /// Which of them.
    pub filter: EventsFilter,
    /// Events read at a time. The place is kept after each such page.
    pub page_events: usize,
    /// Events that something is done for at the same time.
    pub at_once: usize,
}

/// Goes from event to event, in the order of their start, from a place on. `one` does something for an event; `each` hears of
/// it, in the same order. `keep` keeps the place after each page; the end is no place. Answers whether it came to the end
/// before the budget was over: then also the last event of a page that was begun is looked at, and the place is that of the
/// first one that was not.
///
/// # Errors
/// When a page could not be read, or the place not kept.
pub async fn walk<T, F, K>(
    Walk { store, filter, page_events, at_once }: Walk<'_>,
    mut place: Option<PageKey>,
    budget: Budget,
    one: impl Fn(Event) -> F,
    mut each: impl FnMut(T),
    keep: impl Fn(Option<PageKey>) -> K,
) -> Result<bool, Error>
where
    F: Future<Output = T>,
    K: Future<Output = Result<(), Error>>,
{
    // However late it is, a run gets somewhere.
    let mut is_first = true;
    loop {
        let page = store.events_by_start(&filter, page_events, place.clone()).await?;
        let begin = |event: Event| {
            let (place, is_first) = (place_of(&event), std::mem::take(&mut is_first));
            let (one, event) = (&one, event);
            async move {
                // Asked when it is begun, which may be long after the page was read.
                if budget.is_over() && !is_first { None } else { Some((place, one(event).await)) }
            }
        };
        let mut done = stream::iter(page.items).map(begin).buffered(at_once.max(1));
        let mut is_whole = true;
        while let Some(next) = done.next().await {
            match next {
                Some((passed, outcome)) if is_whole => {
                    place = Some(passed);
                    each(outcome);
                }
                // Behind one that was left out: done, and done once more by the next run.
                Some((_, outcome)) => each(outcome),
                None => is_whole = false,
            }
        }
        drop(done);
        if is_whole {
            place = page.next;
        }
        keep(place.clone()).await?;
        if is_whole && place.is_none() {
            return Ok(true);
        }
        if !is_whole || budget.is_over() {
            return Ok(false);
        }
    }
}
