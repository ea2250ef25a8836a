//! The curves as a picture.

use std::path::Path;

use kit::Failure;
use plotters::{coord::Shift, prelude::*};

use crate::{
    curves::{Curves, RATES, RUSH_PER_SECOND, SEATS_A_SHARD},
    outcome::Outcome,
};

const SIZE: (u32, u32) = (960, 720);
const FONT: &str = "sans-serif";
const COLOURS: [RGBColor; 3] = [RGBColor(230, 130, 0), RGBColor(0, 140, 90), RGBColor(0, 80, 200)];
/// Confirms that may be retried, in percent.
const RETRIED_PERCENT_MAX: f64 = 20.0;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One of the charts. What stands along it has the same distance everywhere.
struct Chart {
    title: &'static str,
    along: &'static str,
    marks: Vec<String>,
    most: f64,
    target: f64,
    /// Where no line is.
    legend: SeriesLabelPosition,
    lines: Vec<(String, Vec<f64>)>,
}

/// Draws bookings a second and retries, by shards and by capacity, into an SVG file.
///
/// # Errors
/// When the file can't be written.
pub fn plot(curves: &Curves, file: &Path) -> Result<(), Failure> {
    let whole = SVGBackend::new(file, SIZE).into_drawing_area();
    whole.fill(&WHITE)?;
    for (chart, area) in charts(curves).iter().zip(whole.split_evenly((2, 2))) {
        draw(chart, &area)?;
    }
    whole.present()?;
    Ok(())
}

fn charts(curves: &Curves) -> [Chart; 4] {
    let bookings = |outcome: &Outcome| outcome.bookings_per_second;
    let retried = |outcome: &Outcome| outcome.retried * 100.0;
    let by_shards = |value: fn(&Outcome) -> f64| {
        let line = |index: usize| curves.by_shards.iter().map(move |(_, outcomes)| value(&outcomes[index]));
        RATES
            .iter()
            .enumerate()
            .map(|(index, rate)| (format!("{rate} come"), line(index).collect()))
            .collect()
    };
    let by_capacity = |value: fn(&Outcome) -> f64| {
        let line =
            |index: usize| curves.by_capacity.iter().map(move |(_, outcomes)| value(&outcomes[index].1));
        let rules = SEATS_A_SHARD.iter().enumerate();
        rules.map(|(index, seats)| (format!("{seats} seats a shard"), line(index).collect())).collect()
    };
    let shards: Vec<_> = curves.by_shards.iter().map(|(shards, _)| shards.to_string()).collect();
    let capacities: Vec<_> = curves.by_capacity.iter().map(|(capacity, _)| capacity.to_string()).collect();
    let sold_out = "capacity; 5,000 come a second until sold out";
    let rate = |along, marks: &[String], lines| Chart {
        title: "Bookings confirmed a second",
        along,
        marks: marks.to_vec(),
        most: RUSH_PER_SECOND * 1.1,
        target: RUSH_PER_SECOND,
        legend: SeriesLabelPosition::UpperLeft,
        lines,
    };
    let retries = |along, marks: &[String], lines| Chart {
        title: "Confirms retried, %",
        along,
        marks: marks.to_vec(),
        most: 100.0,
        target: RETRIED_PERCENT_MAX,
        legend: SeriesLabelPosition::LowerLeft,
        lines,
    };
    [
        rate("inventory shards", &shards, by_shards(bookings)),
        retries("inventory shards", &shards, by_shards(retried)),
        rate(sold_out, &capacities, by_capacity(bookings)),
        retries(sold_out, &capacities, by_capacity(retried)),
    ]
}

fn draw(chart: &Chart, area: &Area<'_>) -> Result<(), Failure> {
    let last = chart.marks.len() - 1;
    let mut plot = ChartBuilder::on(area)
        .caption(chart.title, (FONT, 18))
        .margin(10)
        .margin_right(30)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..last as f64, 0.0..chart.most)?;
    plot.configure_mesh()
        .max_light_lines(0)
        .y_label_formatter(&|value| format!("{value:.0}"))
        .x_labels(chart.marks.len())
        .x_label_formatter(&|place| chart.marks[(place.round() as usize).min(last)].clone())
        .x_desc(chart.along)
        .label_style((FONT, 12))
        .draw()?;
    let target = [(0.0, chart.target), (last as f64, chart.target)];
    plot.draw_series(DashedLineSeries::new(target, 4, 4, RED.stroke_width(1)))?;
    for ((name, values), colour) in chart.lines.iter().zip(COLOURS) {
        let points = values.iter().enumerate().map(|(place, value)| (place as f64, *value));
        plot.draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    plot.configure_series_labels()
        .position(chart.legend.clone())
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .label_font((FONT, 12))
        .draw()?;
    Ok(())
}
