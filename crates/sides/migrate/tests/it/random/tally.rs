//! What became of the migrations, counted.

use std::{collections::BTreeMap, fmt};

/// So many examples of a needless refusal are shown.
const SHOWN: usize = 3;

/// The sums.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tried: usize,
    pub(crate) lanes: usize,
    /// Called expand or backfill, and not refused.
    pub(crate) safe: usize,
    /// Called safe once nothing old runs any more.
    pub(crate) contract: usize,
    pub(crate) refused: usize,
    /// Called safe, and somebody failed or waited too long.
    pub(crate) faults: Vec<String>,
    /// Reason → refused for it, although nobody felt it, nor would with more rows.
    pub(crate) needless: BTreeMap<String, Vec<String>>,
    /// It met rows that no fresh database has.
    pub(crate) ended: usize,
    /// Does not apply to a fresh database.
    pub(crate) inapplicable: usize,
    pub(crate) longest_wait_ms: i64,
}

impl Tally {
    pub(crate) fn needless(&self) -> usize {
        self.needless.values().map(Vec::len).sum()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.lanes += other.lanes;
        self.safe += other.safe;
        self.contract += other.contract;
        self.refused += other.refused;
        self.faults.extend(other.faults);
        for (reason, texts) in other.needless {
            self.needless.entry(reason).or_default().extend(texts);
        }
        self.ended += other.ended;
        self.inapplicable += other.inapplicable;
        self.longest_wait_ms = self.longest_wait_ms.max(other.longest_wait_ms);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = 100.0 * self.needless() as f64 / self.tried.max(1) as f64;
        writeln!(
            f,
            "{} migrations in {} databases: {} expand or backfill, {} contract, {} refused",
            self.tried, self.lanes, self.safe, self.contract, self.refused
        )?;
        writeln!(
            f,
            "called safe, and failed or kept others waiting longer than 250 ms: {}; longest wait for one called safe: {} ms",
            self.faults.len(),
            self.longest_wait_ms
        )?;
        writeln!(f, "refused needlessly: {} ({share:.1} % of all)", self.needless())?;
        for (reason, texts) in &self.needless {
            writeln!(f, "  {reason}: {}", texts.len())?;
            texts.iter().take(SHOWN).try_for_each(|text| writeln!(f, "    {text}"))?;
        }
        writeln!(
            f,
            "{} did not apply to a fresh database, {} met rows that such a one lacks",
            self.inapplicable, self.ended
        )?;
        self.faults.iter().try_for_each(|fault| writeln!(f, "FAULT {fault}"))
    }
}
