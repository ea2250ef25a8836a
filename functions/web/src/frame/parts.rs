//! Parts that pages are made of: fields, buttons, lists of facts, links to the next page of a list.

use domain::field_error::FieldError;
use maud::{Markup, html};

use super::{
    form::{NEXT, TOKEN, Typed, complaint},
    visitor::Glimpse,
};

/// A field of a form, with what is wrong with it beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    /// As HTML has it: `text`, `email`, `password`, `date`.
    pub(crate) kind: &'static str,
    /// What browsers may fill in, as HTML's `autocomplete` has it.
    pub(crate) autocomplete: &'static str,
    pub(crate) is_required: bool,
    /// What the field takes, for people.
    pub(crate) hint: Option<&'a str>,
}

impl Field<'_> {
    pub(crate) fn show(&self, typed: &Typed, errors: &[FieldError]) -> Markup {
        let Self { name, label, kind, autocomplete, is_required, hint } = *self;
        let wrong = complaint(errors, name);
        let value = if kind == "password" { "" } else { typed.get(name) };
        let hint_id = format!("{name}-hint");
        let error_id = format!("{name}-error");
        let described_by = [wrong.map(|_| error_id.as_str()), hint.map(|_| hint_id.as_str())];
        let described_by = described_by.into_iter().flatten().collect::<Vec<_>>().join(" ");
        html! {
            div.field {
                label for=(name) { (label) @if !is_required { span.hint { " (optional)" } } }
                input #(name) name=(name) type=(kind) value=[(!value.is_empty()).then_some(value)] autocomplete=(autocomplete)
                    required[is_required] aria-invalid=[wrong.map(|_| "true")]
                    aria-describedby=[(!described_by.is_empty()).then_some(described_by)];
                @if let Some(wrong) = wrong { p.error id=(error_id) { (label) " " (wrong) "." } }
                @if let Some(hint) = hint { p.hint id=(hint_id) { (hint) } }
            }
        }
    }
}

/// What every form carries beside its own fields.
pub(crate) fn hidden(glimpse: &Glimpse, next: Option<&str>) -> Markup {
    html! {
        @if let Some(token) = &glimpse.form_token { input type="hidden" name=(TOKEN) value=(token); }
        @if let Some(next) = next { input type="hidden" name=(NEXT) value=(next); }
    }
}

/// The button of a form that has nothing else.
pub(crate) fn button(glimpse: &Glimpse, label: &str, class: &str) -> Markup {
    html! { (hidden(glimpse, None)) button class=(class) { (label) } }
}

/// Facts, each with its name.
pub(crate) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, Markup)>) -> Markup {
    html! { dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } } }
}

/// What is wrong with a form as a whole.
pub(crate) fn form_error(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { p.notice.bad role="alert" { (text) } } }
}

/// Where a list goes on.
pub(crate) fn pager(first: Option<String>, next: Option<String>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.pager aria-label="Pages" {
                @if let Some(first) = first { a href=(first) { "First page" } }
                @if let Some(next) = next { a rel="next" href=(next) { "Next page" } }
            }
        }
    }
}
