//! The curves as tables on the terminal.

use std::fmt;

use crate::{
    assumptions::Partitions,
    curves::{Curves, HALLS, RATES, RUSH_PER_SECOND, SEATS_A_SHARD, SEATS_OF_AREAS},
    outcome::Outcome,
};

impl fmt::Display for Curves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rate) in RATES.iter().enumerate() {
            head(f, &format!("{rate} confirms a second, by shards"), "shards")?;
            for (shards, outcomes) in &self.by_shards {
                row(f, shards, &outcomes[index])?;
            }
        }
        for (index, seats) in SEATS_A_SHARD.iter().enumerate() {
            let title = format!("{RUSH_PER_SECOND} a second until sold out, a shard for every {seats} seats");
            head(f, &title, "seats, shards")?;
            for (capacity, outcomes) in &self.by_capacity {
                let (shards, outcome) = &outcomes[index];
                row(f, format!("{capacity}, {shards}"), outcome)?;
            }
        }
        let title = format!("{RUSH_PER_SECOND} a second until {SEATS_OF_AREAS} seats are sold out, by areas");
        head(f, &title, "areas, shards")?;
        for (areas, shards, outcome) in &self.by_areas {
            row(f, format!("{areas}, {shards}"), outcome)?;
        }
        for ((rows, of_row), outcomes) in HALLS.iter().zip(&self.by_thinking) {
            let title = format!(
                "{RUSH_PER_SECOND} a second until {rows} rows of {of_row} seats are sold out, by how long they think"
            );
            head(f, &title, "thinking, ms")?;
            for (ms, outcome) in outcomes {
                row(f, ms, outcome)?;
            }
        }
        head(f, &format!("{RUSH_PER_SECOND} a second, most shards, by window"), "window, ms")?;
        for (ms, outcome) in &self.by_window {
            row(f, ms, outcome)?;
        }
        head(f, &format!("{RUSH_PER_SECOND} a second, most shards, by partitions"), "partitions")?;
        for (partitions, outcome) in &self.by_partitions {
            match partitions {
                Partitions::Of(partitions) => row(f, partitions, outcome)?,
                Partitions::OneForEachItem => row(f, "one an item", outcome)?,
            }
        }
        Ok(())
    }
}

fn head(f: &mut fmt::Formatter<'_>, title: &str, first: &str) -> fmt::Result {
    writeln!(f, "\n{title}")?;
    let [bookings, seats, retried, given_up] = ["bookings/s", "seats/s", "retried", "given up"];
    writeln!(f, "{first:>14} {bookings:>12} {seats:>10} {retried:>9} {given_up:>9} {:>9} {:>9}", "p50", "p99")
}

fn row(f: &mut fmt::Formatter<'_>, first: impl ToString, outcome: &Outcome) -> fmt::Result {
    let Outcome { bookings_per_second, seats_per_second, retried, given_up, p50, p99 } = outcome;
    writeln!(
        f,
        "{:>14} {bookings_per_second:>12.0} {seats_per_second:>10.0} {:>7.1} % {:>7.1} % {:>6} ms {:>6} ms",
        first.to_string(),
        retried * 100.0,
        given_up * 100.0,
        p50.as_millis(),
        p99.as_millis(),
    )
}
