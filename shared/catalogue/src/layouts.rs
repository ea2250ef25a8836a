//! The layouts of events: what rows their numbered areas have.

use std::sync::Arc;

use super::Catalogue;
use domain::{error::Error, event::Event, row::Layout};

/// The layout of an event's numbered areas. What a part of it says never changes, so a process remembers it.
pub async fn layout(catalogue: &Catalogue, event: &Event) -> Result<Arc<Layout>, Error> {
    // Most events have none, and must not take the place of one that has.
    if event.layout_parts == 0 {
        return Ok(Arc::default());
    }
    if let Some((parts, layout)) = catalogue.layouts.get(&event.id)
        && parts == event.layout_parts
    {
        return Ok(layout);
    }
    let layout = Arc::new(catalogue.store.layout(event).await?);
    catalogue.layouts.insert(event.id, (event.layout_parts, Arc::clone(&layout)));
    Ok(layout)
}
