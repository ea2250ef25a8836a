//! Pages of a list, whatever it lists.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// A part of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next: Option<PageKey>,
}

/// Where a list goes on: the key of the last item shown, kept by the client as a signed cursor.
pub type PageKey = HashMap<String, PageKeyPart>;

/// One attribute of a [`PageKey`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageKeyPart {
    /// Text.
    S(String),
    /// A number.
    N(String),
}
