//! What all pages share.

pub(crate) mod assets;
pub(crate) mod cookies;
pub(crate) mod form;
pub(crate) mod layer;
pub(crate) mod layout;
pub(crate) mod links;
pub(crate) mod origin;
pub(crate) mod parts;
pub(crate) mod refusal;
pub(crate) mod seat_map;
pub(crate) mod visitor;
pub(crate) mod words;
