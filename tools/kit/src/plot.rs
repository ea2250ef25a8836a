//! Plots: lines over a common axis, one below the other in an SVG.

use std::path::Path;

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::Failure;

const WIDTH: u32 = 760;
const HEIGHT: u32 = 280;
const NAME_HEIGHT: i32 = 14;
/// Told apart by people who see few colours, too (Okabe and Ito).
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];

/// A plot.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Above it.
    pub title: String,
    /// What goes to the right.
    pub x: String,
    /// What goes up.
    pub y: String,
    /// Whether both axes count in powers of ten.
    pub is_log: bool,
    /// What is shown.
    pub lines: Vec<Line>,
}

/// A line of a plot.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// Writes the plots into an SVG.
///
/// # Errors
/// When it can't be written.
pub fn write(file: &Path, plots: &[Plot]) -> Result<(), Failure> {
    let rows = plots.len().max(1);
    let area = SVGBackend::new(file, (WIDTH, HEIGHT * u32::try_from(rows)?)).into_drawing_area();
    area.fill(&WHITE)?;
    for (part, plot) in area.split_evenly((rows, 1)).iter().zip(plots) {
        draw(part, plot).map_err(|error| format!("{} can't be drawn: {error}", plot.title))?;
    }
    area.present().map_err(|error| format!("{} can't be written: {error}", file.display()))?;
    Ok(())
}

/// The coordinate types of linear and logarithmic axes differ, the rest is the same.
macro_rules! draw_on {
    ($chart:expr, $plot:expr) => {{
        let mut chart = $chart;
        chart
            .configure_mesh()
            .x_desc($plot.x.as_str())
            .y_desc($plot.y.as_str())
            .light_line_style(WHITE)
            .max_light_lines(1)
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&|value| short(*value))
            .y_label_formatter(&|value| short(*value))
            .draw()?;
        let ends: Vec<_> = $plot
            .lines
            .iter()
            .map(|line| line.points.last().map_or(0, |last| chart.backend_coord(last).1))
            .collect();
        for ((line, colour), down) in $plot.lines.iter().zip(COLOURS.iter().cycle()).zip(apart(&ends)) {
            let style = colour.stroke_width(2);
            chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
            if let Some(last) = line.points.last() {
                let beside = Pos::new(HPos::Left, VPos::Center);
                let text = ("sans-serif", 13).into_font().color(colour).pos(beside);
                let label = EmptyElement::at(*last) + Text::new(line.name.clone(), (6, down), text);
                chart.draw_series(std::iter::once(label))?;
            }
        }
        Ok(())
    }};
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    plot: &Plot,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let points = || plot.lines.iter().flat_map(|line| line.points.iter().copied());
    let of = |least: f64, values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, least), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (x_low, x_high) = of(1.0, &mut points().map(|(x, _)| x));
    let (y_low, y_high) = of(f64::MIN_POSITIVE, &mut points().map(|(_, y)| y));
    if !x_low.is_finite() {
        return Ok(());
    }
    let mut builder = ChartBuilder::on(area);
    builder
        .caption(&plot.title, ("sans-serif", 16))
        .margin(8)
        // The names of the lines stand there.
        .margin_right(130)
        .x_label_area_size(34)
        .y_label_area_size(58);
    if plot.is_log {
        let y = (y_low / 2.0).max(1e-3)..y_high * 2.0;
        draw_on!(builder.build_cartesian_2d((x_low..x_high).log_scale(), y.log_scale())?, plot)
    } else {
        draw_on!(builder.build_cartesian_2d(x_low..x_high.max(x_low + 1.0), 0.0..y_high * 1.1)?, plot)
    }
}

/// How far names must go down from where their lines end so that each can be read. In pixels, from top to bottom.
fn apart(ends: &[i32]) -> Vec<i32> {
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by_key(|line| ends[*line]);
    let mut down = vec![0; ends.len()];
    let mut free_from = i32::MIN;
    for line in order {
        let place = ends[line].max(free_from);
        down[line] = place - ends[line];
        free_from = place + NAME_HEIGHT;
    }
    down
}

/// A number as it stands at an axis.
fn short(value: f64) -> String {
    match value {
        value if value >= 1_000.0 => format!("{:.0},{:03.0}", (value / 1_000.0).trunc(), value % 1_000.0),
        value if value >= 10.0 || value == 0.0 => format!("{value:.0}"),
        value => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_lines_that_end_at_one_height_stand_apart() {
        assert!(apart(&[]).is_empty());
        assert_eq!(apart(&[10, 100]), [0, 0]);
        assert_eq!(apart(&[100, 98, 10, 101]), [12, 0, 0, 25]);
    }
}
