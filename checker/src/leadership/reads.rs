//! Reads that miss what another generation had acknowledged.
//!
//! Two promises, one proof. A read served under generation *g* must not miss what a higher
//! generation acknowledged before it began (its leader was deposed and did not know), nor what a
//! lower one did (the new leader lacks what the old one had acknowledged).
//!
//! *Missed* is proven from values alone. A read R returned *v*; a write W of the same register was
//! acknowledged before R began; and every operation that may have written *v* had ended before W
//! began. Each takes effect within its interval, so *v* < W < R in every order: whatever came
//! after W, R must not return *v*. An operation of unknown end has no end, so a value that may
//! still be written proves nothing. Counter-example for less care: a write of *v* that timed out
//! may land after W, and R is right.
//!
//! So this never fires on a linearizable register, whatever the stamps say; they only tell whose
//! fault it is. Where reads are not promised to be linearizable nothing is judged. A lost value is
//! left out here if a deposed leader had acknowledged it: then `acks` tells of it.
//!
//! For each read the write that began last counts, among those of higher (lower) generations that
//! had been acknowledged: a staircase of generations against begins answers in O(log n).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::acks::late;
use super::evidence::{changed, evidence};
use super::findings::Findings;
use super::values::Values;
use crate::catalogue::{LOST_ACROSS_GENERATIONS, STALE_LEADER_READ};
use crate::cause::{self, Suspects};
use crate::event::Nanos;
use crate::history::{History, Operation};
use crate::linearizability::object::Object;
use crate::linearizability::operation_fact;
use crate::models::Register;
use crate::story::Shown;
use crate::verdict::Anomaly;
use crate::words;

/// Adds the first read of each generation that missed something of another, for each register.
pub(super) fn judge(history: &History, findings: &mut Findings) {
    if !history.header().plan.checks.iter().any(|id| id == Register::ID) {
        return;
    }
    let late: BTreeSet<u64> =
        late(history.operations()).iter().map(|late| late.operation.invoked.0).collect();
    let (mut stale, mut lost) = (Vec::new(), Vec::new());
    for values in Values::of(history).values() {
        let told = |missed: Missed<'_>| missed.anomaly(history, values);
        let (deposed, forgotten) = missed(values, &late);
        stale.extend(deposed.into_values().map(told));
        lost.extend(forgotten.into_values().map(told));
    }
    findings.add("a stale read by a deposed leader", stale, Vec::new());
    findings.add("a value lost across generations", lost, Vec::new());
}

/// A write that was acknowledged, with what counts of it.
#[derive(Clone, Copy)]
struct Write<'a> {
    operation: &'a Operation,
    ended: Nanos,
    generation: u64,
}

impl<'a> Write<'a> {
    fn of(operation: &'a Operation) -> Option<Self> {
        let (ended, stamp) = changed(operation)?;
        Some(Self { operation, ended, generation: stamp.generation()? })
    }

    fn began(&self) -> Nanos {
        self.operation.invoked.1
    }
}

/// A read and what it must not have missed.
#[derive(Clone, Copy)]
struct Missed<'a> {
    read: &'a Operation,
    generation: u64,
    write: Write<'a>,
}

/// The first of each pair of generations: that of the read, and that of the write.
type First<'a> = BTreeMap<(u64, u64), Missed<'a>>;

/// What reads missed of higher and of lower generations.
fn missed<'a>(values: &Values<'a>, late: &BTreeSet<u64>) -> (First<'a>, First<'a>) {
    let mut writes: Vec<Write<'a>> =
        values.writes.iter().filter_map(|operation| Write::of(operation)).collect();
    writes.sort_by_key(|write| write.ended);
    let mut writes = writes.into_iter().peekable();
    let (mut higher, mut lower) = (Staircase::default(), Staircase::default());
    let (mut deposed, mut forgotten) = (First::new(), First::new());
    for (read, value) in &values.reads {
        while let Some(write) = writes.next_if(|write| write.ended < read.invoked.1) {
            higher.add(write.generation, write);
            if !late.contains(&write.operation.invoked.0) {
                lower.add(Reverse(write.generation), write);
            }
        }
        let Some(generation) = read.ok().and_then(|(_, _, stamp)| stamp.generation()) else {
            continue;
        };
        let Some(replaced) = values.replaced_from(*value) else { continue };
        let add = |first: &mut First<'a>, write: Option<Write<'a>>| {
            if let Some(write) = write.filter(|write| write.began() >= replaced) {
                let missed = Missed { read, generation, write };
                first.entry((generation, write.generation)).or_insert(missed);
            }
        };
        add(&mut deposed, higher.beyond(generation));
        add(&mut forgotten, lower.beyond(Reverse(generation)));
    }
    (deposed, forgotten)
}

/// Of all writes so far, those that no other beats in both generation and begin: begins fall as
/// generations rise.
struct Staircase<'a, G>(BTreeMap<G, Write<'a>>);

impl<G> Default for Staircase<'_, G> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'a, G: Ord + Copy> Staircase<'a, G> {
    fn add(&mut self, generation: G, write: Write<'a>) {
        let mut above = self.0.range(generation..);
        if above.next().is_some_and(|(_, best)| best.began() >= write.began()) {
            return;
        }
        while let Some((beaten, _)) = self
            .0
            .range(..=generation)
            .next_back()
            .filter(|(_, best)| best.began() <= write.began())
        {
            let beaten = *beaten;
            self.0.remove(&beaten);
        }
        self.0.insert(generation, write);
    }

    /// The write that began last, of those beyond `generation`.
    fn beyond(&self, generation: G) -> Option<Write<'a>> {
        let mut beyond = self.0.range((Bound::Excluded(generation), Bound::Unbounded));
        beyond.next().map(|(_, write)| *write)
    }
}

impl Missed<'_> {
    fn anomaly(&self, history: &History, values: &Values<'_>) -> Anomaly {
        let Self { read, generation, write } = self;
        let deposed = *generation < write.generation;
        let value = read.saw().flatten();
        let old = value.and_then(|value| values.writer(value));
        let operations: Vec<&Operation> = old.into_iter().chain([write.operation, read]).collect();
        let suspects = Suspects { late: Some(read), done: Some(write.operation) };
        Shown {
            class: if deposed { STALE_LEADER_READ } else { LOST_ACROSS_GENERATIONS },
            headline: if deposed { self.stale(history) } else { self.lost(values) },
            facts: operations
                .iter()
                .map(|operation| (operation.invoked.1, operation_fact(operation)))
                .collect(),
            because: format!(
                "`{}` had been acknowledged under generation {} before that read began, and \
                 nothing brought the old state back: generation {generation} must not answer with \
                 what was there before.",
                write.operation.op, write.generation
            ),
            likely_cause: cause::likely(history, suspects),
            witness: operations.iter().flat_map(|operation| operation.indices()).collect(),
            key: read.op.key().cloned(),
            nodes: operations
                .iter()
                .filter_map(|operation| operation.ok()?.2.node().or(operation.node))
                .collect(),
            generation: Some(*generation),
            window: (write.began(), ended(read)),
            moment: ended(read),
        }
        .anomaly(history)
    }

    /// Who answered with what, as in `n1 answered `read k` with 1 under generation 4`.
    fn answer(&self) -> String {
        let stamp = self.read.ok().and_then(|(_, _, stamp)| stamp.node());
        let node = self.read.node.or(stamp).map_or("a node".to_owned(), |node| node.to_string());
        let value = self.read.saw().flatten();
        let value = value.map_or("nothing".to_owned(), ToString::to_string);
        let (op, generation) = (&self.read.op, self.generation);
        let at = words::at(ended(self.read));
        format!("{node} answered `{op}` with {value} under generation {generation} at {at}")
    }

    /// Who answers a read need not lead: it is called a leader only if it is proven to have led.
    fn stale(&self, history: &History) -> String {
        let Write { operation, generation, ended } = self.write;
        let node = self.read.ok().and_then(|(_, _, stamp)| stamp.node());
        let led = evidence(history)
            .iter()
            .any(|seen| Some(seen.node) == node && seen.proves_leading() == Some(self.generation));
        let by = if led { "by a deposed leader" } else { "under an old generation" };
        format!(
            "Stale read {by}: {}, though generation {generation} had acknowledged \
             `{}` at {}",
            self.answer(),
            operation.op,
            words::at(ended)
        )
    }

    fn lost(&self, values: &Values<'_>) -> String {
        let Write { operation, generation, ended } = self.write;
        let seen = operation.writes().is_some_and(|value| values.is_seen(value));
        format!(
            "Lost across generations: {}, though generation {generation} had acknowledged `{}` at \
             {}, {}",
            self.answer(),
            operation.op,
            words::at(ended),
            if seen { "which others saw" } else { "which nobody ever saw" }
        )
    }
}

/// When a successful read ended.
fn ended(read: &Operation) -> Nanos {
    read.ok().map_or(read.invoked.1, |(time, ..)| time)
}
