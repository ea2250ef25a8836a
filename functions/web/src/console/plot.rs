//! Plots, as SVG that the page's style sheet colours. They grow with the page: what is written stands beside the drawing, not in
//! it, so that it can be read at any width. What a plot shows, a table says too.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::frame::words::grouped;

/// The drawing's height, in its own units.
const HEIGHT: f64 = 100.0;
/// The drawing's width where it does not follow from what is drawn.
const WIDTH: f64 = 1_000.0;
/// What a column takes, the gap beside it included.
const COLUMN: f64 = 10.0;

/// What a plot is of.
#[derive(Clone, Copy)]
pub(crate) struct Plot<'a> {
    /// Its name in the page.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    /// What stands below its left and its right end.
    pub(crate) ends: [&'a str; 2],
    /// How the scale's numbers are said.
    pub(crate) said: &'a dyn Fn(u64) -> String,
}

impl Plot<'_> {
    /// A column for each number, with what it is of.
    pub(crate) fn columns(&self, values: &[(String, u64)], table: &Markup) -> Markup {
        let top = top_of(values.iter().map(|(_, value)| *value).max().unwrap_or(0));
        let width = COLUMN * float(values.len() as u64);
        let columns = values.iter().enumerate().map(|(at, (label, value))| {
            let height = HEIGHT * float(*value) / float(top);
            html! {
                rect.column x=(rounded(COLUMN * float(at as u64) + 1.0)) width=(COLUMN - 2.0) y=(rounded(HEIGHT - height)) height=(rounded(height)) {
                    title { (label) ": " ((self.said)(*value)) }
                }
            }
        });
        self.figure(top, width, &html! { @for column in columns { (column) } }, table)
    }

    /// A number that stays until it changes: from each time on it is that one, the last until the end.
    pub(crate) fn steps(&self, changes: &[(Timestamp, u64)], end: Timestamp, table: &Markup) -> Markup {
        let top = top_of(changes.iter().map(|(_, value)| *value).max().unwrap_or(0));
        let begin = changes.first().map_or(end, |(at, _)| *at);
        let long = (end.as_millisecond() - begin.as_millisecond()).max(1);
        let x = |at: Timestamp| {
            let past = (at.as_millisecond() - begin.as_millisecond()).clamp(0, long);
            rounded(WIDTH * float(past.unsigned_abs()) / float(long.unsigned_abs()))
        };
        let y = |value: u64| rounded(HEIGHT - HEIGHT * float(value) / float(top));
        let mut path = String::new();
        for (at, value) in changes {
            let (x, y) = (x(*at), y(*value));
            path.push_str(&if path.is_empty() { format!("M{x} {y}") } else { format!("H{x}V{y}") });
        }
        if !path.is_empty() {
            path.push_str(&format!("H{WIDTH}"));
        }
        self.figure(top, WIDTH, &html! { path.line d=(path) {} }, table)
    }

    fn figure(&self, top: u64, width: f64, drawing: &Markup, table: &Markup) -> Markup {
        let title_id = format!("{}-title", self.id);
        let middle = top.is_multiple_of(2).then_some(top / 2);
        let (half, height) = (rounded(HEIGHT / 2.0), rounded(HEIGHT));
        html! {
            figure.plot #(self.id) {
                figcaption #(title_id) { (self.title) }
                div.drawing {
                    div.scale aria-hidden="true" {
                        span { ((self.said)(top)) }
                        span { @if let Some(middle) = middle { ((self.said)(middle)) } }
                        span { ((self.said)(0)) }
                    }
                    svg viewBox=(format!("0 0 {} {height}", rounded(width))) preserveAspectRatio="none" role="img" aria-labelledby=(title_id) {
                        path.grid d=(format!("M0 0H{width}M0 {half}H{width}M0 {height}H{width}")) {}
                        (drawing)
                    }
                }
                div.ends aria-hidden="true" { @for end in self.ends { span { (end) } } }
                details { summary { "As a table" } (table) }
            }
        }
    }
}

/// A part of a whole, and another beside it, as a bar in a line of a table that has the numbers, too.
pub(crate) fn bar(part: u64, beside: u64, whole: u64) -> Markup {
    let share = |part: u64| if whole == 0 { 0.0 } else { (WIDTH * float(part) / float(whole)).min(WIDTH) };
    let (first, second) = (share(part), share(beside));
    html! {
        svg.bar viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" aria-hidden="true" {
            rect.whole width=(WIDTH) height=(HEIGHT) {}
            rect.column width=(rounded(first)) height=(HEIGHT) {}
            rect.beside x=(rounded(first)) width=(rounded(second.min(WIDTH - first))) height=(HEIGHT) {}
        }
    }
}

/// Where the scale ends: 1, 2 or 5 times a power of ten, nothing above it and not much below.
fn top_of(most: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for top in [1, 2, 5].map(|times| power.saturating_mul(times)) {
            if top >= most {
                return top;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// As SVG writes a length: with two digits after the point at most.
fn rounded(length: f64) -> String {
    let written = format!("{length:.2}");
    written.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "a drawing is not that fine")]
fn float(number: u64) -> f64 {
    number as f64
}

/// A number, as scales say it.
pub(crate) fn plain(number: u64) -> String {
    grouped(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> Plot<'static> {
        Plot { id: "sales", title: "Sales", ends: ["then", "now"], said: &plain }
    }

    #[test]
    fn a_scale_ends_where_people_would_end_it() {
        for (most, top) in
            [(0, 1), (1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, 100), (1_001, 2_000)]
        {
            assert_eq!(top_of(most), top, "{most}");
        }
        assert_eq!(top_of(u64::MAX), u64::MAX);
    }

    #[test]
    fn columns_are_as_high_as_their_numbers() {
        let values = [("Mon".to_owned(), 5), ("Tue".to_owned(), 0), ("<Wed>".to_owned(), 10)];
        let html = plot().columns(&values, &html! {}).into_string();
        assert!(html.contains("viewBox=\"0 0 30 100\""), "{html}");
        assert!(html.contains("x=\"1\" width=\"8\" y=\"50\" height=\"50\""), "{html}");
        assert!(html.contains("x=\"11\" width=\"8\" y=\"100\" height=\"0\""), "{html}");
        assert!(html.contains("<title>&lt;Wed&gt;: 10</title>"), "{html}");
    }

    #[test]
    fn nothing_at_all_is_drawn_as_nothing() {
        let html = plot().columns(&[], &html! {}).into_string();
        assert!(!html.contains("<rect"), "{html}");
        let html = plot().steps(&[], Timestamp::UNIX_EPOCH, &html! {}).into_string();
        assert!(!html.contains("NaN"), "{html}");
        assert!(!bar(0, 0, 0).into_string().contains("NaN"));
    }

    #[test]
    fn a_step_lasts_until_the_next() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let html = plot().steps(&[(at(0), 50), (at(50), 100)], at(100), &html! {}).into_string();
        assert!(html.contains("d=\"M0 50H500V0H1000\""), "{html}");
    }
}
