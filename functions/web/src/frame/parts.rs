//! Parts that pages are made of: fields, buttons, lists of facts, links to the next page of a list.

use domain::field_error::FieldError;
use maud::{Markup, html};

use super::{
    form::{NEXT, TOKEN, Typed, complaint},
    visitor::Glimpse,
};

/// A field of a form, with what is wrong with it beside it. It must be filled in unless it is [optional](Field::optional).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    name: &'static str,
    label: &'static str,
    /// As HTML has it: `text`, `email`, `password`, `date`; and `textarea`, which is an element of its own.
    kind: &'static str,
    /// What browsers may fill in, as HTML's `autocomplete` has it.
    autocomplete: &'static str,
    is_required: bool,
    /// Whether another field decides if it is needed: then it is not called optional.
    depends: bool,
    is_fixed: bool,
    /// What the field takes, for people.
    hint: Option<&'static str>,
    /// As HTML has it: how fine a number or a time may be.
    step: Option<&'static str>,
}

impl Field {
    pub(crate) const fn new(name: &'static str, label: &'static str, kind: &'static str) -> Self {
        Self {
            name,
            label,
            kind,
            autocomplete: "off",
            is_required: true,
            depends: false,
            is_fixed: false,
            hint: None,
            step: None,
        }
    }

    pub(crate) const fn filled_with(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    pub(crate) const fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    /// Another field decides whether it must be filled in; its hint says so.
    pub(crate) const fn depending(self) -> Self {
        Self { is_required: false, depends: true, ..self }
    }

    /// It is shown, and sent, and can't be changed.
    pub(crate) const fn fixed(self) -> Self {
        Self { is_fixed: true, ..self }
    }

    pub(crate) const fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(crate) const fn step(self, step: &'static str) -> Self {
        Self { step: Some(step), ..self }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn label(&self) -> &'static str {
        self.label
    }

    pub(crate) fn show(&self, typed: &Typed, errors: &[FieldError]) -> Markup {
        let Self { name, label, kind, autocomplete, is_required, depends, is_fixed, hint, step } = *self;
        let wrong = complaint(errors, name);
        let value = if kind == "password" { "" } else { typed.get(name) };
        let hint_id = format!("{name}-hint");
        let error_id = format!("{name}-error");
        let described_by = [wrong.map(|_| error_id.as_str()), hint.map(|_| hint_id.as_str())];
        let described_by = described_by.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let described_by = (!described_by.is_empty()).then_some(described_by);
        let invalid = wrong.map(|_| "true");
        html! {
            div.field {
                label for=(name) { (label) @if !is_required && !depends { span.hint { " (optional)" } } }
                @if kind == "textarea" {
                    textarea #(name) name=(name) rows="6" required[is_required] readonly[is_fixed]
                        aria-invalid=[invalid] aria-describedby=[described_by] { "\n" (value) }
                } @else {
                    input #(name) name=(name) type=(kind) value=[(!value.is_empty()).then_some(value)] autocomplete=(autocomplete)
                        step=[step] required[is_required] readonly[is_fixed] aria-invalid=[invalid] aria-describedby=[described_by];
                }
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

/// Text with its lines and paragraphs.
pub(crate) fn paragraphs(text: &str) -> Markup {
    html! { @for paragraph in text.split("\n\n") { p { @for line in paragraph.lines() { (line) br; } } } }
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
