//! What a deposed leader acknowledged, and whether it is still there.
//!
//! Once an effect was acknowledged under a generation, a lower one must not acknowledge what is
//! invoked later and then lose it. Acknowledged late but not lost is odd, not wrong: the stamp may
//! have been taken a moment before the effect. Whether it is lost is known of registers only, and
//! only where a later read shows what had been there before: every write of that value had ended
//! before the late one began, so no order puts it back. What deposed leaders answer to reads is in
//! `reads`.

use std::collections::BTreeMap;

use super::evidence::changed;
use super::findings::Findings;
use super::values::Values;
use crate::catalogue::STALE_LEADER_ACK_LOST;
use crate::event::{Key, Nanos};
use crate::history::{History, Operation};
use crate::linearizability::operation_fact;
use crate::story::Shown;
use crate::verdict::Anomaly;
use crate::words;

/// What a lower generation answered after a higher one had acknowledged an effect.
pub(super) struct Late<'a> {
    pub(super) operation: &'a Operation,
    generation: u64,
    /// The operation that the higher generation had acknowledged, and that generation.
    higher: (&'a Operation, u64),
}

/// Adds late acknowledgements, as anomalies where a write is lost.
pub(super) fn judge(history: &History, findings: &mut Findings) {
    let fates: BTreeMap<&Key, Fates<'_>> = Fates::of(history);
    let (mut anomalies, mut suspicions) = (Vec::new(), Vec::new());
    let late = late(history.operations());
    for late in late.iter().filter(|late| changed(late.operation).is_some()) {
        let write = late.operation;
        let fate = write.op.key().and_then(|key| fates.get(key)?.of_write(write));
        match fate {
            Some(Fate::Lost(shown)) => anomalies.push(anomaly(history, late, &shown)),
            Some(Fate::Seen) => suspicions.push(suspicion(late, "it was seen later")),
            None => suspicions.push(suspicion(late, "whether it survived is unknown")),
        }
    }
    findings.add("acknowledged by a deposed leader", anomalies, suspicions);
}

/// Everything that was answered late, in the order of invocation, reads included.
pub(super) fn late(operations: &[Operation]) -> Vec<Late<'_>> {
    let mut effects: Vec<(Nanos, u64, &Operation)> = operations
        .iter()
        .filter_map(|operation| {
            changed(operation)
                .and_then(|(time, stamp)| Some((time, stamp.generation()?, operation)))
        })
        .collect();
    effects.sort_by_key(|(time, ..)| *time);
    let mut effects = effects.into_iter().peekable();
    let (mut highest, mut late): (Option<(&Operation, u64)>, _) = (None, Vec::new());
    for operation in operations {
        let began = operation.invoked.1;
        while let Some((_, generation, operation)) = effects.next_if(|(time, ..)| *time < began) {
            if highest.is_none_or(|(_, known)| known < generation) {
                highest = Some((operation, generation));
            }
        }
        if let Some(generation) = operation.ok().and_then(|(_, _, stamp)| stamp.generation())
            && let Some(higher) = highest
            && generation < higher.1
        {
            late.push(Late { operation, generation, higher });
        }
    }
    late
}

/// What became of an acknowledged write.
enum Fate<'a> {
    /// A successful operation saw it.
    Seen,
    /// None ever did. A later read saw what had been there before it: the write of that, if any,
    /// and the read.
    Lost(Vec<&'a Operation>),
}

/// What is known of the values of one key.
struct Fates<'a> {
    values: Values<'a>,
    /// For each read and all after it: the one that saw the oldest value, and from when on a write
    /// has replaced that value.
    oldest: Vec<(Nanos, &'a Operation)>,
}

impl<'a> Fates<'a> {
    fn of(history: &'a History) -> BTreeMap<&'a Key, Self> {
        let look_back = |(key, values): (&'a Key, Values<'a>)| {
            let mut oldest: Vec<(Nanos, &Operation)> = Vec::new();
            for (read, value) in values.reads.iter().rev() {
                let replaced = values.replaced_from(*value).unwrap_or(Nanos::MAX);
                let known = oldest.last().copied().filter(|known| known.0 <= replaced);
                oldest.push(known.unwrap_or((replaced, *read)));
            }
            oldest.reverse();
            (key, Self { values, oldest })
        };
        Values::of(history).into_iter().map(look_back).collect()
    }

    fn of_write(&self, write: &Operation) -> Option<Fate<'a>> {
        let (ended, ..) = write.ok()?;
        if self.values.is_seen(write.writes()?) {
            return Some(Fate::Seen);
        }
        let after = self.values.reads.partition_point(|(read, _)| read.invoked.1 <= ended);
        let (replaced, read) = self.oldest.get(after)?;
        let old = read.saw().flatten().and_then(|value| self.values.writer(value));
        let shown = old.into_iter().chain([*read]).collect();
        (*replaced <= write.invoked.1).then_some(Fate::Lost(shown))
    }
}

/// When a write was acknowledged; only asked of those that were.
fn acknowledged(write: &Operation) -> Nanos {
    write.ok().map_or(write.invoked.1, |(time, ..)| time)
}

fn suspicion(late: &Late<'_>, fate: &str) -> String {
    let time = acknowledged(late.operation);
    format!(
        "`{}` was acknowledged under generation {} at {}, after generation {} had acknowledged: {fate}",
        late.operation.op,
        late.generation,
        words::at(time),
        late.higher.1
    )
}

fn anomaly(history: &History, late: &Late<'_>, shown: &[&Operation]) -> Anomaly {
    let (write, (higher, above)) = (late.operation, late.higher);
    let (time, node) = (acknowledged(write), write.ok().and_then(|(_, _, stamp)| stamp.node()));
    let by = node.map_or_else(|| "a deposed leader".to_owned(), |node| node.to_string());
    let operations: Vec<&Operation> = [higher, write].iter().chain(shown).copied().collect();
    let ends = operations.iter().filter_map(|operation| operation.ok()).map(|(time, ..)| time);
    Shown {
        class: STALE_LEADER_ACK_LOST,
        headline: format!(
            "Acknowledged by a deposed leader and lost: {by} acknowledged `{}` under generation {} \
             at {}, after generation {above} had acknowledged",
            write.op,
            late.generation,
            words::at(time)
        ),
        facts: operations
            .iter()
            .map(|operation| (operation.invoked.1, operation_fact(operation)))
            .collect(),
        because: format!(
            "Generation {above} had acknowledged before that write began, so generation {} was \
             over; the write was acknowledged all the same, and it is gone.",
            late.generation
        ),
        likely_cause: None,
        witness: operations.iter().flat_map(|operation| operation.indices()).collect(),
        key: write.op.key().cloned(),
        nodes: operations
            .iter()
            .filter_map(|operation| operation.ok()?.2.node().or(operation.node))
            .collect(),
        generation: Some(late.generation),
        window: (higher.invoked.1.min(write.invoked.1), ends.max().unwrap_or(time)),
        moment: time,
    }
    .anomaly(history)
}
