//! Figures: what was measured, against what, and whether that is enough.

use serde::Serialize;

/// Several measurements of the same.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Samples(pub(crate) Vec<f64>);

impl Samples {
    /// The middle one.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The least and the most.
    pub(crate) fn range(&self) -> (f64, f64) {
        self.0
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &one| (low.min(one), high.max(one)))
    }

    /// Each by the one of `other` that was measured beside it.
    pub(crate) fn by(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    Exactly(f64),
}

/// A row of the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// What is measured.
    pub(crate) name: String,
    /// Against what.
    pub(crate) against: String,
    pub(crate) target: Target,
    /// What it is counted in; nothing for a ratio.
    pub(crate) unit: &'static str,
    pub(crate) samples: Samples,
    /// Whether the bench fails if it is not as it should be: a count that the code alone decides.
    pub(crate) guarded: bool,
    /// What people should know to read it.
    pub(crate) note: String,
}

impl Figure {
    /// A row.
    pub(crate) fn new(
        name: impl Into<String>,
        against: impl Into<String>,
        target: Target,
        unit: &'static str,
        samples: Samples,
    ) -> Self {
        let note = String::new();
        Self { name: name.into(), against: against.into(), target, unit, samples, guarded: false, note }
    }

    /// The bench fails if it is not as it should be.
    pub(crate) fn guarded(self) -> Self {
        Self { guarded: true, ..self }
    }

    /// Adds what people should know to read it.
    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Whether there is a number, and not nothing divided by nothing.
    pub(crate) fn is_measured(&self) -> bool {
        !self.samples.0.is_empty() && self.samples.0.iter().all(|sample| sample.is_finite())
    }

    /// Why the bench fails because of it, if it does.
    pub(crate) fn failure(&self) -> Option<String> {
        match (self.is_measured(), self.guarded && !self.is_met()) {
            (false, _) => Some(format!("{}: nothing was measured", self.name)),
            (true, true) => Some(format!("{}: not as it must be", self.name)),
            (true, false) => None,
        }
    }

    /// Whether it is as it should be.
    pub(crate) fn is_met(&self) -> bool {
        let median = self.samples.median();
        match self.target {
            Target::AtLeast(least) => median >= least,
            Target::AtMost(most) => median <= most,
            Target::Exactly(number) => median == number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(target: Target, samples: &[f64]) -> Figure {
        Figure::new("it", "itself", target, "", Samples(samples.to_vec()))
    }

    #[test]
    fn the_median_decides() {
        assert!(figure(Target::AtLeast(0.5), &[0.1, 0.6, 0.7]).is_met());
        assert!(!figure(Target::AtLeast(0.5), &[0.1, 0.4, 0.9]).is_met());
        assert!(figure(Target::AtMost(4.0), &[4.0]).is_met());
        assert!(!figure(Target::Exactly(3.0), &[4.0]).is_met());
        assert!(!figure(Target::AtMost(4.0), &[]).is_met(), "nothing was measured");
    }

    #[test]
    fn a_row_without_a_number_fails_by_its_name() {
        for samples in [&[][..], &[1.0, f64::NAN], &[f64::INFINITY]] {
            let failure = figure(Target::AtLeast(0.5), samples).failure();
            assert_eq!(failure.as_deref(), Some("it: nothing was measured"), "{samples:?}");
        }
        assert_eq!(figure(Target::AtLeast(0.5), &[0.1]).failure(), None, "a missed target is only told");
        let guarded = figure(Target::AtLeast(0.5), &[0.1]).guarded();
        assert_eq!(guarded.failure().as_deref(), Some("it: not as it must be"));
    }

    #[test]
    fn each_is_compared_with_its_neighbour() {
        let ratios = Samples(vec![1.0, 4.0]).by(&Samples(vec![2.0, 4.0]));
        assert_eq!(ratios.0, [0.5, 1.0]);
        assert_eq!(ratios.range(), (0.5, 1.0));
    }
}
