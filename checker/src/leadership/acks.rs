//! What a deposed leader acknowledged, and whether it is still there.
//!
//! Once an operation was acknowledged under a generation, a lower one must not acknowledge what is
//! invoked later and then lose it. Acknowledged late but not lost is odd, not wrong. Reads of a
//! deposed leader are judged by linearizability, not here.

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use crate::catalogue::STALE_LEADER_ACK_LOST;
use crate::event::{Key, Nanos, OpKind, Value};
use crate::history::{History, Operation};
use crate::linearizability::operation_fact;
use crate::story::Shown;
use crate::verdict::Anomaly;
use crate::words;

/// A write that a lower generation acknowledged after a higher one had acknowledged something.
struct Late<'a> {
    write: &'a Operation,
    generation: u64,
    /// The operation that the higher generation had acknowledged, and that generation.
    higher: (&'a Operation, u64),
}

/// Adds late acknowledgements, as anomalies where the write is lost.
pub(super) fn judge(history: &History, found: &mut Found) {
    let fates: BTreeMap<&Key, Fates<'_>> = Fates::of(history);
    let (mut anomalies, mut suspicions) = (Vec::new(), Vec::new());
    for late in late(history.operations()) {
        let fate = late.write.op.key().and_then(|key| fates.get(key)?.of_write(late.write));
        match fate {
            Some(Fate::Lost(read)) => anomalies.push(anomaly(history, &late, read)),
            Some(Fate::Seen) => suspicions.push(suspicion(&late, "it was seen later")),
            None => suspicions.push(suspicion(&late, "whether it survived is unknown")),
        }
    }
    found.add("acknowledged by a deposed leader", anomalies, suspicions);
}

/// Every late write, in the order of invocation.
fn late(operations: &[Operation]) -> Vec<Late<'_>> {
    let stamped = |operation: &'_ Operation| operation.ok()?.2.generation;
    let mut ended: Vec<&Operation> =
        operations.iter().filter(|operation| stamped(operation).is_some()).collect();
    ended.sort_by_key(|operation| operation.ok().map(|(time, ..)| time));
    let mut ended = ended.into_iter().peekable();
    let (mut highest, mut late): (Option<(&Operation, u64)>, _) = (None, Vec::new());
    for write in operations {
        let began = write.invoked.1;
        while let Some(one) = ended.next_if(|one| one.ok().is_some_and(|(time, ..)| time < began)) {
            if let Some(generation) = stamped(one)
                && highest.is_none_or(|(_, known)| known < generation)
            {
                highest = Some((one, generation));
            }
        }
        if let (Some(generation), Some(higher), Some(_)) = (stamped(write), highest, write.writes())
            && generation < higher.1
        {
            late.push(Late { write, generation, higher });
        }
    }
    late
}

/// What became of an acknowledged write.
enum Fate<'a> {
    /// A successful operation saw it.
    Seen,
    /// None ever did, and this later read saw what had been there before it.
    Lost(&'a Operation),
}

/// What is known of the values of one key.
#[derive(Default)]
struct Fates<'a> {
    /// Values that a successful operation saw.
    seen: BTreeSet<&'a Value>,
    /// When the last write of each value had ended; the end of time if that is unknown.
    written: BTreeMap<&'a Value, Nanos>,
    /// Successful reads by their invocation, with the value.
    reads: Vec<(&'a Operation, Option<&'a Value>)>,
    /// For each read and all after it: the one that saw the oldest value, with its age.
    oldest: Vec<(Nanos, &'a Operation)>,
}

impl<'a> Fates<'a> {
    fn of(history: &'a History) -> BTreeMap<&'a Key, Self> {
        let mut keys: BTreeMap<&Key, Self> = BTreeMap::new();
        for operation in history.operations().iter().filter(|operation| !operation.failed()) {
            if let Some(key) = operation.op.key() {
                keys.entry(key).or_default().add(operation);
            }
        }
        keys.values_mut().for_each(Self::look_back);
        keys
    }

    fn add(&mut self, operation: &'a Operation) {
        let ok = operation.ok();
        if let Some(value) = operation.writes() {
            let ended = ok.map_or(Nanos::MAX, |(time, ..)| time);
            let last = self.written.entry(value).or_default();
            *last = (*last).max(ended);
        }
        if let Some(value) = operation.saw() {
            self.seen.extend(value);
            if operation.op.kind() == OpKind::Read {
                self.reads.push((operation, value));
            }
        }
    }

    /// Walks the reads backwards, so that the oldest value seen from each on is known.
    fn look_back(&mut self) {
        for (read, value) in self.reads.iter().rev() {
            let written = match value {
                Some(value) => self.written.get(value).copied().unwrap_or(Nanos::MAX),
                None => 0,
            };
            let oldest = match self.oldest.last() {
                Some(oldest) if oldest.0 <= written => *oldest,
                _ => (written, *read),
            };
            self.oldest.push(oldest);
        }
        self.oldest.reverse();
    }

    fn of_write(&self, write: &Operation) -> Option<Fate<'a>> {
        let (ended, ..) = write.ok()?;
        if self.seen.contains(write.writes()?) {
            return Some(Fate::Seen);
        }
        let after = self.reads.partition_point(|(read, _)| read.invoked.1 <= ended);
        let (written, read) = self.oldest.get(after)?;
        (*written < write.invoked.1).then_some(Fate::Lost(read))
    }
}

/// When a write was acknowledged; only asked of those that were.
fn acknowledged(write: &Operation) -> Nanos {
    write.ok().map_or(write.invoked.1, |(time, ..)| time)
}

fn suspicion(late: &Late<'_>, fate: &str) -> String {
    let time = acknowledged(late.write);
    format!(
        "`{}` was acknowledged under generation {} at {}, after generation {} had acknowledged: {fate}",
        late.write.op,
        late.generation,
        words::at(time),
        late.higher.1
    )
}

fn anomaly(history: &History, late: &Late<'_>, read: &Operation) -> Anomaly {
    let (write, (higher, above)) = (late.write, late.higher);
    let (time, node) = (acknowledged(write), write.ok().and_then(|(_, _, stamp)| stamp.node));
    let by = node.map_or_else(|| "a deposed leader".to_owned(), |node| node.to_string());
    let operations = [higher, write, read];
    Shown {
        class: STALE_LEADER_ACK_LOST,
        headline: format!(
            "Acknowledged by a deposed leader and lost: {by} acknowledged `{}` under generation {} \
             at {}, after generation {above} had acknowledged",
            write.op,
            late.generation,
            words::at(time)
        ),
        facts: operations.iter().map(|one| (one.invoked.1, operation_fact(one))).collect(),
        because: format!(
            "Generation {above} had acknowledged before that write began, so generation {} was \
             over; the write was acknowledged all the same, and it is gone.",
            late.generation
        ),
        likely_cause: None,
        witness: operations.iter().flat_map(|one| one.indices()).collect(),
        key: write.op.key().cloned(),
        nodes: operations.iter().filter_map(|one| one.ok()?.2.node.or(one.node)).collect(),
        generation: Some(late.generation),
        window: (higher.invoked.1, read.ok().map_or(time, |(time, ..)| time)),
    }
    .anomaly(history)
}
