//! The table that people read, and the files beside it.

use std::{fs, path::Path};

use kit::{
    Failure,
    plot::{Plot, write},
};
use serde_json::json;

use crate::figures::{Figure, Samples, Target};

/// The table in Markdown, so that it can stand in `docs/figures.md` as it was printed.
pub(crate) fn markdown(figures: &[Figure]) -> String {
    let mut table =
        "| Figure | Against | Target | Median | Range | |\n| --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    let mut notes = String::new();
    for figure in figures {
        let (target, unit) = (target(figure), figure.unit);
        let median = short(figure.samples.median());
        let verdict = if figure.is_met() { "met" } else { "**missed**" };
        table += &format!(
            "| {} | {} | {target} | {median}{unit} | {} | {verdict} |\n",
            figure.name,
            figure.against,
            range(&figure.samples)
        );
        if !figure.note.is_empty() {
            notes += &format!("- {}: {}\n", figure.name, figure.note);
        }
    }
    format!("{table}\n{notes}")
}

/// Writes `bench.json`, `bench.md` and the plots.
pub(crate) fn write_all(folder: &Path, figures: &[Figure], plots: &[(String, Plot)]) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let all: Vec<_> = figures
        .iter()
        .map(|figure| json!({ "figure": figure, "median": figure.samples.median(), "met": figure.is_met() }))
        .collect();
    fs::write(folder.join("bench.json"), serde_json::to_string_pretty(&all)? + "\n")?;
    fs::write(folder.join("bench.md"), markdown(figures))?;
    for (name, plot) in plots {
        write(&folder.join(format!("{name}.svg")), std::slice::from_ref(plot))?;
    }
    Ok(())
}

fn target(figure: &Figure) -> String {
    let unit = figure.unit;
    match figure.target {
        Target::AtLeast(least) => format!("≥ {}{unit}", short(least)),
        Target::AtMost(most) => format!("≤ {}{unit}", short(most)),
        Target::Exactly(number) => format!("{}{unit}", short(number)),
    }
}

fn range(samples: &Samples) -> String {
    let (low, high) = samples.range();
    match low == high {
        true => "always".to_owned(),
        false => format!("{} – {}", short(low), short(high)),
    }
}

/// Three digits are enough for what varies by several percent.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value == value.trunc() => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
