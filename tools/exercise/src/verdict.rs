//! The verdict: what was done, what was answered, and whether anything was wrong.

use std::{collections::BTreeMap, fmt};

use crate::{check::telling::Told, faults::Fault, history::Act};

/// What came of one seed, or of several together.
#[derive(Debug, Default)]
pub struct Verdict {
    pub(crate) answers: BTreeMap<(Act, String), u64>,
    pub(crate) faults: BTreeMap<Fault, u64>,
    /// What must never be, each with its seed.
    pub violations: Vec<(u64, String)>,
    /// Seats bought by the last buyer and all others, and not given back.
    pub(crate) seats_sold: u64,
    pub(crate) bookings: u64,
    pub(crate) mails: Told,
    pub(crate) webhooks: Told,
}

impl Verdict {
    /// Adds that of another seed.
    pub fn add(&mut self, other: Self) {
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        self.violations.extend(other.violations);
        self.seats_sold += other.seats_sold;
        self.bookings += other.bookings;
        self.mails.add(other.mails);
        self.webhooks.add(other.webhooks);
    }

    /// The faults that were never done.
    #[must_use]
    pub fn unreached(&self) -> Vec<&'static str> {
        let never = |fault| !self.faults.contains_key(fault);
        Fault::ALL.iter().filter(|(fault, _)| never(fault)).map(|(_, name)| *name).collect()
    }

    fn requests(&self) -> u64 {
        self.answers.values().sum()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<44}{:>8}", "Requests", self.requests())?;
        for ((act, answer), count) in &self.answers {
            writeln!(f, "  {:<42}{count:>8}", format!("{act:?}: {answer}"))?;
        }
        writeln!(f, "{:<44}{:>8}", "Bookings ever made", self.bookings)?;
        writeln!(f, "{:<44}{:>8}", "Seats sold in the end, all there are", self.seats_sold)?;
        for (what, told) in [("Mails of these", self.mails), ("Webhooks of these", self.webhooks)] {
            writeln!(f, "{what:<44}{:>8}", told.told)?;
            writeln!(f, "{:<44}{:>8}", "  of which went again", told.again)?;
        }
        writeln!(f, "{:<44}{:>8}", "Faults done", self.faults.values().sum::<u64>())?;
        for (fault, name) in Fault::ALL {
            match self.faults.get(&fault) {
                Some(count) => writeln!(f, "  {name:<42}{count:>8}")?,
                None => writeln!(f, "  {name:<42}{:>8}", "NEVER")?,
            }
        }
        writeln!(f, "{:<44}{:>8}", "Violations", self.violations.len())
    }
}
