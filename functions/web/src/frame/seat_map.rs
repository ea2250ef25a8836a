//! A map of an area's seats, as SVG that the page's style sheet colours. Seats of one look are one path, in which a run of neighbours
//! is one line: a pattern of dashes makes seats of it again. So a hall of 20,000 seats takes some kilobytes. `seats.js` draws
//! likewise what changes while somebody looks.

use std::fmt::Write as _;

use maud::{Markup, html};

/// From one seat to the next, in the drawing's own units. A seat is one less, which is a gap.
const SEAT: usize = 4;
/// From one row to the next.
const ROW: usize = 6;
/// Pixels of a unit at most: what a small hall is drawn with.
const SCALE_MAX: f64 = 4.0;
/// Pixels of the whole drawing at most. A narrower page makes it smaller.
const WIDTH_MAX: f64 = 928.0;
const HEIGHT_MAX: f64 = 560.0;
/// How many times as high as wide a map is at most: seats of many short rows become wider.
const HIGH_MAX: usize = 2;

/// What a seat looks like. Each look has its shape, not just its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nobody can have it right now. All seats are drawn so at first, what else they are above it.
    Taken,
    Free,
    /// It is chosen.
    Yours,
    /// It is new, and not there yet.
    New,
    OutOfSale,
    /// For people who need it, whatever else it is.
    Accessible,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Taken => "seats-taken",
            Self::Free => "seats-free",
            Self::Yours => "seats-yours",
            Self::New => "seats-new",
            Self::OutOfSale => "seats-out",
            Self::Accessible => "seats-accessible",
        }
    }

    /// Whether a seat is a dot, and not a dash.
    fn is_dot(self) -> bool {
        matches!(self, Self::OutOfSale | Self::Accessible)
    }
}

/// The rows of a map, by how many seats they have: the front one first, all of them in the middle.
pub(crate) struct SeatMap {
    rows: Vec<usize>,
    widest: usize,
}

impl SeatMap {
    pub(crate) fn of(rows: impl IntoIterator<Item = usize>) -> Self {
        let rows: Vec<usize> = rows.into_iter().collect();
        let widest = rows.iter().copied().max().unwrap_or_default();
        Self { rows, widest }
    }

    /// All seats that have that look, by their row and their place in it.
    pub(crate) fn seats(&self, look: Look, has: impl Fn(usize, usize) -> bool) -> Markup {
        html! { path class=(look.class()) d=(self.path(look, has)) {} }
    }

    fn path(&self, look: Look, has: impl Fn(usize, usize) -> bool) -> String {
        let mut path = String::new();
        for (row, &seats) in self.rows.iter().enumerate() {
            let left = (self.widest - seats) * SEAT / 2;
            // Where the last line of this row ended.
            let (mut pen, mut seat) = (None, 0);
            while seat < seats {
                let run = match look.is_dot() {
                    true => usize::from(has(row, seat)),
                    false => (seat..seats).take_while(|seat| has(row, *seat)).count(),
                };
                if run == 0 {
                    seat += 1;
                    continue;
                }
                let x = left + seat * SEAT;
                let (x, length) = if look.is_dot() { (x + 1, 1) } else { (x, run * SEAT - 1) };
                let moved = match pen {
                    None => write!(path, "M{x} {}", row * ROW + ROW / 2),
                    Some(pen) => write!(path, "m{} 0", x - pen),
                };
                // Writing to a text can't fail.
                let _ = moved.and_then(|()| write!(path, "h{length}"));
                (pen, seat) = (Some(x + length), seat + run);
            }
        }
        path
    }

    /// Rows from that one on, so many, that lead somewhere. It is for the mouse: a list beside the map has the same links.
    pub(crate) fn link(&self, first: usize, rows: usize, href: &str, name: &str, is_current: bool) -> Markup {
        html! {
            a href=(href) tabindex="-1" class=[is_current.then_some("current")] {
                title { (name) }
                rect width=(self.widest * SEAT) y=(first * ROW) height=(rows * ROW) {}
            }
        }
    }

    /// The map with these seats and links. Without a name it says nothing to those who do not see it: what it shows then stands
    /// beside it.
    pub(crate) fn show(&self, name: Option<&str>, drawing: &Markup) -> Markup {
        let (width, height) = (self.widest * SEAT, self.rows.len() * ROW);
        let stretch = height.div_ceil((width * HIGH_MAX).max(1)).max(1);
        let wide = width * stretch;
        let scale = SCALE_MAX.min(WIDTH_MAX / float(wide)).min(HEIGHT_MAX / float(height));
        let pixels = |units: usize| format!("{:.0}", (float(units) * scale).max(1.0));
        html! {
            svg.seat-map viewBox=(format!("0 0 {wide} {height}")) width=(pixels(wide)) height=(pixels(height))
                role=[name.map(|_| "img")] aria-label=[name] aria-hidden=[name.is_none().then_some("true")] {
                g transform=[(stretch > 1).then(|| format!("scale({stretch} 1)"))] { (drawing) }
            }
        }
    }
}

/// A map with what stands around it: where its front is, and what its looks mean.
pub(crate) fn figure(map: &Markup, looks: &[(Look, &str)]) -> Markup {
    html! {
        figure.hall {
            p.front aria-hidden="true" { "Front" }
            (map)
            figcaption {
                ul.legend {
                    @for (look, means) in looks {
                        li {
                            svg.key viewBox="0 0 5 6" width="20" height="24" aria-hidden="true" {
                                @if *look == Look::Accessible { path class=(Look::Free.class()) d="M1 3h3" {} }
                                path class=(look.class()) d=(if look.is_dot() { "M2 3h1" } else { "M1 3h3" }) {}
                            }
                            (means)
                        }
                    }
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a drawing is not that fine")]
fn float(units: usize) -> f64 {
    units.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_seats_are_lines_and_rows_stand_in_the_middle() {
        let hall = SeatMap::of([4, 2]);
        assert_eq!(hall.path(Look::Taken, |_, _| true), "M0 3h15M4 9h7");
        let free = ["1011", "01"].map(str::as_bytes);
        assert_eq!(hall.path(Look::Free, |row, seat| free[row][seat] == b'1'), "M0 3h3m5 0h7M8 9h3");
        assert_eq!(hall.path(Look::Accessible, |row, seat| row == 0 && seat < 2), "M1 3h1m3 0h1");
        assert_eq!(hall.path(Look::Yours, |_, _| false), "");
    }

    #[test]
    fn a_map_has_the_size_that_it_is_shown_in_and_is_never_a_thread() {
        let size = |rows: usize, seats: usize| {
            let shown = SeatMap::of(vec![seats; rows]).show(None, &html! {}).into_string();
            let of = |name: &str| {
                let (_, rest) = shown.split_once(&format!(" {name}=\"")).unwrap();
                rest.split_once('"').unwrap().0.to_owned()
            };
            (of("viewBox"), of("width"), of("height"))
        };
        let as_texts = |(view, width, height): (&str, &str, &str)| (view.into(), width.into(), height.into());
        assert_eq!(size(3, 10), as_texts(("0 0 40 18", "160", "72")));
        assert_eq!(size(100, 200), as_texts(("0 0 800 600", "747", "560")));
        assert_eq!(size(2_000, 50), as_texts(("0 0 6000 12000", "280", "560")));
        assert_eq!(size(2_000, 1), as_texts(("0 0 6000 12000", "280", "560")));
    }

    #[test]
    fn twenty_thousand_seats_in_fragments_are_some_kilobytes() {
        // Whether a seat is free is as good as thrown by a coin.
        let is_free = |row: usize, seat: usize| {
            (row * 200 + seat).wrapping_mul(0x9E37_79B9).count_ones().is_multiple_of(2)
        };
        let hall = SeatMap::of([200; 100]);
        let path = hall.path(Look::Free, is_free);
        let runs = path.matches('h').count();
        assert!(runs > 4_000 && path.len() < 45_000, "{runs} runs, {} bytes", path.len());
        assert!(hall.path(Look::Taken, |_, _| true).len() < 2_000);
    }

    #[test]
    fn a_map_of_no_seats_is_no_failure() {
        assert!(SeatMap::of([]).show(Some("Nothing"), &html! {}).into_string().contains("role=\"img\""));
    }
}
