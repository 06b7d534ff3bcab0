//! Counts, rates and latencies of a history's operations.
//!
//! These are for the reader only; whether there was enough traffic is a check's business.

use std::collections::BTreeMap;

use fracas_checker::Completion;
use fracas_checker::event::Nanos;
use fracas_checker::history::{History, Operation};

use crate::text::{PHRASE, clean};
use crate::words::Fate;

/// How many operations ended how, and how long the successful ones took.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) invoked: u64,
    pub(crate) ok: u64,
    pub(crate) fail: u64,
    pub(crate) info: u64,
    pub(crate) open: u64,
    latencies: Vec<Nanos>,
}

impl Tally {
    pub(crate) fn of<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> Self {
        let mut tally = Self::default();
        for operation in operations {
            tally.count(operation);
        }
        tally.latencies.sort_unstable();
        tally
    }

    fn count(&mut self, operation: &Operation) {
        self.invoked += 1;
        match Fate::of(operation) {
            Fate::Ok => {
                self.ok += 1;
                self.latencies.extend(latency(operation));
            }
            Fate::Fail => self.fail += 1,
            Fate::Info => self.info += 1,
            Fate::Open => self.open += 1,
        }
    }

    /// Which part of all operations succeeded; none without operations.
    pub(crate) fn availability(&self) -> Option<f64> {
        (self.invoked > 0).then(|| self.ok as f64 / self.invoked as f64)
    }

    /// The latency that the fraction `q` of the successful operations did not exceed.
    pub(crate) fn quantile(&self, q: f64) -> Option<Nanos> {
        let rank = (self.latencies.len() as f64 * q).ceil() as usize;
        self.latencies.get(rank.max(1) - 1).copied()
    }
}

/// How many reasons of refusals are told apart; the rarest are told together.
const REASONS: usize = 20;

/// What the rarest reasons are told as.
const OTHERS: &str = "other reasons";

/// How often each reason was given for a refusal, the most frequent first.
pub(crate) fn refusals(operations: &[Operation]) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for operation in operations {
        if let Some((_, _, Completion::Fail { error })) = &operation.completed {
            *counts.entry(error).or_default() += 1;
        }
    }
    let mut counts: Vec<(String, u64)> =
        counts.into_iter().map(|(reason, count)| (clean(reason, PHRASE), count)).collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let others: u64 = counts.iter().skip(REASONS).map(|(_, count)| count).sum();
    counts.truncate(REASONS);
    counts.extend((others > 0).then(|| (OTHERS.to_owned(), others)));
    counts
}

fn latency(operation: &Operation) -> Option<Nanos> {
    let (_, ended, _) = operation.completed.as_ref()?;
    Some(ended.saturating_sub(operation.invoked.1))
}

/// The operations that ended within one step of time.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) from: Nanos,
    pub(crate) tally: Tally,
}

/// The run cut into equal steps.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) step: Nanos,
    pub(crate) buckets: Vec<Bucket>,
}

/// The steps that a run may be cut into, in milliseconds: people read these at a glance.
const STEPS_MS: [u64; 12] =
    [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000];

/// How many steps a run is cut into at most, as long as [`STEPS_MS`] reaches.
const MAX_BUCKETS: u64 = 150;

impl Series {
    /// Cuts a history into steps. Operations count where they ended.
    pub(crate) fn of(history: &History) -> Self {
        let end = history.end();
        let step = step(end);
        let mut parts: Vec<Vec<&Operation>> = vec![Vec::new(); (end / step + 1) as usize];
        for operation in history.operations() {
            if let Some((_, ended, _)) = operation.completed {
                parts[(ended / step) as usize].push(operation);
            }
        }
        let bucket = |(place, part): (usize, Vec<&Operation>)| Bucket {
            from: place as u64 * step,
            tally: Tally::of(part),
        };
        Self { step, buckets: parts.into_iter().enumerate().map(bucket).collect() }
    }
}

/// The shortest step that cuts `end` into few enough parts, and never more than twice as many.
fn step(end: Nanos) -> Nanos {
    STEPS_MS
        .iter()
        .map(|millis| millis * 1_000_000)
        .find(|step| end / step < MAX_BUCKETS)
        .unwrap_or(end / MAX_BUCKETS + 1)
}

#[cfg(test)]
mod tests {
    use fracas_checker::{Op, ProcessId};

    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let tally = Tally { latencies: (1..=100).collect(), ..Tally::default() };
        assert_eq!(tally.quantile(0.5), Some(50));
        assert_eq!(tally.quantile(0.99), Some(99));
        assert_eq!(tally.quantile(1.0), Some(100));
        assert_eq!(tally.quantile(0.0), Some(1));
        assert_eq!(Tally::default().quantile(0.5), None);
    }

    fn refused(error: &str) -> Operation {
        Operation {
            process: ProcessId(1),
            node: None,
            op: Op::Read { key: "k".into() },
            invoked: (0, 0),
            completed: Some((1, 1, Completion::Fail { error: error.to_owned() })),
        }
    }

    #[test]
    fn refusals_are_counted_by_their_reason_and_the_rarest_together() {
        let few = ["not leader", "held", "not leader"].map(refused);
        assert_eq!(refusals(&few), [("not leader".to_owned(), 2), ("held".to_owned(), 1)]);
        let many: Vec<Operation> =
            (0..REASONS + 3).map(|number| refused(&format!("error {number}"))).collect();
        let told = refusals(&many);
        assert_eq!(told.len(), REASONS + 1);
        assert_eq!(told.last(), Some(&(OTHERS.to_owned(), 3)));
        assert_eq!(told.iter().map(|(_, count)| count).sum::<u64>(), many.len() as u64);
    }

    #[test]
    fn any_length_is_cut_into_few_steps() {
        for end in [0, 1, 1_000_000_000, 300_000_000_000, u64::MAX] {
            assert!(end / step(end) <= MAX_BUCKETS, "{end}");
        }
    }
}
