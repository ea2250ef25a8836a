//! A plan, for people and for programs.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::Value;

use crate::plan::{Difference, Kind, Plan};

/// Differences that people are shown. All are in the JSON.
const SHOWN_MAX: usize = 50;

impl Kind {
    fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Report<'a> {
    counts: BTreeMap<String, usize>,
    writes: usize,
    differences: &'a [Difference],
    remarks: &'a [String],
}

impl Plan {
    /// All of it as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::json!(Report {
            counts: self.counts(),
            writes: self.changes.len(),
            differences: &self.differences,
            remarks: &self.remarks,
        })
    }

    /// How many differences there are of each kind.
    fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for difference in &self.differences {
            *counts.entry(difference.kind.name()).or_default() += 1;
        }
        counts
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |one: &Difference| {
            let event = one.event.map_or_else(|| "all".to_owned(), |event| event.to_string());
            [
                one.kind.name(),
                event,
                one.place.clone(),
                one.field.clone(),
                one.is.clone(),
                one.should_be.clone(),
            ]
        };
        let head = ["kind", "event", "where", "field", "is", "should be"].map(str::to_owned);
        let rows: Vec<_> =
            [head].into_iter().chain(self.differences.iter().take(SHOWN_MAX).map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        if !self.differences.is_empty() {
            for row in &rows {
                let cells: Vec<_> =
                    row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
                writeln!(f, "{}", cells.join("  ").trim_end())?;
            }
        }
        if self.differences.len() > SHOWN_MAX {
            writeln!(f, "… and {} more: --json tells all", self.differences.len() - SHOWN_MAX)?;
        }
        for remark in &self.remarks {
            writeln!(f, "Note: {remark}.")?;
        }
        let counts: Vec<_> =
            self.counts().into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        match self.differences.len() {
            0 => match self.changes.len() {
                0 => write!(f, "No differences."),
                writes => write!(f, "No differences; {writes} items get a version that Redis does not know."),
            },
            all => write!(f, "{all} differences ({}), {} writes.", counts.join(", "), self.changes.len()),
        }
    }
}
