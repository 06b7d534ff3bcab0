//! Counts, rates and latencies of a history's operations.
//!
//! These are for the reader only; whether there was enough traffic is a check's business.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use fracas_checker::event::Nanos;
use fracas_checker::history::{History, Operation};

use crate::words::{self, Fate};

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

fn latency(operation: &Operation) -> Option<Nanos> {
    let (_, ended, _) = operation.completed.as_ref()?;
    Some(ended.saturating_sub(operation.invoked.1))
}

/// Operations that did not succeed, by what they were answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// Whether they certainly did not take effect, or nobody knows.
    pub(crate) fate: Fate,
    /// What the first of them was answered. Untrusted text.
    pub(crate) error: String,
    pub(crate) count: u64,
}

/// Why operations did not succeed, the most frequent reason first. Errors that differ in numbers only
/// are one reason.
pub(crate) fn reasons(operations: &[Operation]) -> Vec<Reason> {
    let mut reasons: BTreeMap<(Fate, String), Reason> = BTreeMap::new();
    for operation in operations {
        let Some(error) = words::error(operation) else { continue };
        let fate = Fate::of(operation);
        let reason = reasons.entry((fate, without_numbers(error)));
        reason.and_modify(|known| known.count += 1).or_insert_with(|| Reason {
            fate,
            error: error.to_owned(),
            count: 1,
        });
    }
    let mut sorted: Vec<Reason> = reasons.into_values().collect();
    sorted.sort_by_key(|reason| (Reverse(reason.count), reason.fate));
    sorted
}

/// How much of an error is compared.
const COMPARED: usize = 200;

/// The beginning of a text with every run of digits as one mark.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for char in text.chars().take(COMPARED) {
        match char {
            _ if !char.is_ascii_digit() => plain.push(char),
            _ if !plain.ends_with('#') => plain.push('#'),
            _ => {}
        }
    }
    plain
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

    #[test]
    fn any_length_is_cut_into_few_steps() {
        for end in [0, 1, 1_000_000_000, 300_000_000_000, u64::MAX] {
            assert!(end / step(end) <= MAX_BUCKETS, "{end}");
        }
    }
}
