//! Reports over all events, kept for a moment, together with the *generation* of sales that they are about: a counter
//! that goes up with everything that changes what a report would say (`sold.lua`, `change.lua`). A report of another generation than the present one is
//! not used, so a kept report is exact, unless a bump was lost; then it is as old as it is kept at most.

use std::time::Duration;

use super::Redis;
use domain::error::Error;

/// How long a report is kept.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// What Redis knows before a report is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSeen {
    /// The present generation of sales. It must be read before what the report is made from.
    pub generation: u64,
    /// The report of this generation, if it is kept.
    pub report: Option<String>,
}

impl Redis {
    /// The present generation of sales.
    pub async fn sales_generation(&self) -> Result<u64, Error> {
        let mut get = redis::cmd("GET");
        get.arg(self.keys.sales_generation());
        Ok(number(self.ask(&get).await?))
    }

    /// The present generation of sales, and the report of that name if it is of this generation.
    pub async fn report_seen(&self, name: &str) -> Result<ReportSeen, Error> {
        let mut get = redis::cmd("MGET");
        get.arg(self.keys.sales_generation()).arg(self.keys.report(name));
        let (generation, kept) = self.ask::<(Option<String>, Option<String>)>(&get).await?;
        let generation = number(generation);
        let report = kept.and_then(|kept| {
            let (of, report) = kept.split_once(' ')?;
            (of.parse() == Ok(generation)).then(|| report.to_owned())
        });
        Ok(ReportSeen { generation, report })
    }

    /// Keeps a report for a moment. `generation` is what was seen before the report was made.
    pub async fn keep_report(&self, name: &str, generation: u64, report: &str) -> Result<(), Error> {
        let mut set = redis::cmd("SET");
        set.arg(self.keys.report(name)).arg(format!("{generation} {report}"));
        set.arg("EX").arg(KEPT_FOR.as_secs());
        self.ask::<redis::Value>(&set).await.map(|_| ())
    }
}

/// A generation as it is kept. What is none is like none.
fn number(kept: Option<String>) -> u64 {
    kept.and_then(|kept| kept.parse().ok()).unwrap_or(0)
}
