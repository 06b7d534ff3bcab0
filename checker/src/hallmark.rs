//! What is characteristic of an anomaly beyond its class, for recognising the same defect in
//! another run.
//!
//! A hallmark must come out alike in every run that shows the defect, so it holds no times, names,
//! values or numbers of nodes, and nothing that chance decides: not how many operations a witness
//! has, nor which of them are writes and which compare-and-sets. It proves nothing.

mod votes;

use std::collections::BTreeMap;

use crate::catalogue::{
    DOUBLE_VOTE, GENERATION_WENT_BACK, LOST_ACROSS_GENERATIONS, LOST_ELEMENT, LOST_WRITE,
    NODE_CRASHED, SPLIT_BRAIN, STALE_READ, TOKEN_REUSED, TOKEN_WENT_BACK,
};
use crate::cause::outlived;
use crate::event::{EventKind, Nanos, NodeChange, NodeId};
use crate::fault::Fault;
use crate::history::{FaultSpan, History, Operation};
use crate::leadership::evidence::{Evidence, evidence};
use crate::leadership::first_led;
use crate::lifecycle::telling;
use crate::observation::Source;
use crate::reach;
use crate::verdict::Anomaly;
use votes::{Forgot, Votes};

/// The classes in which something that was acknowledged is missed, and that do not say why. What a
/// deposed leader acknowledged is missed because it was deposed, whatever befell it later.
const MISSED: [&str; 4] = [LOST_WRITE, LOST_ELEMENT, LOST_ACROSS_GENERATIONS, STALE_READ];

/// How much of a line of a log counts.
const LINE: usize = 80;

/// Knows the hallmarks of the anomalies of one history.
#[derive(Debug)]
pub struct Hallmarks<'a> {
    history: &'a History,
    faults: Vec<FaultSpan>,
    evidence: Vec<Evidence>,
    /// The first proof of each generation that was led.
    led: BTreeMap<u64, Evidence>,
    /// When a running node took back what it had applied: it had applied more at some instant after
    /// the first time, and less at some instant before the second.
    took_back: Vec<(Nanos, Nanos)>,
}

impl<'a> Hallmarks<'a> {
    /// The hallmarks of the anomalies of `history`.
    #[must_use]
    pub fn new(history: &'a History) -> Self {
        let evidence = evidence(history);
        let led = first_led(&evidence);
        let took_back = took_back(history);
        Self { history, faults: history.faults(), evidence, led, took_back }
    }

    /// The hallmarks of one anomaly, in a fixed order.
    #[must_use]
    pub fn of(&self, anomaly: &Anomaly) -> Vec<String> {
        if anomaly.class == NODE_CRASHED {
            return self.crash(anomaly);
        }
        let answer = self.last_answer(anomaly).map(|answer| self.answer(answer));
        if let Some(marks) = self.votes(anomaly) {
            return marks;
        }
        let restart = self.restart(anomaly).or_else(|| self.lost_power(anomaly));
        let minority = self.minority_mark(anomaly);
        let more = self.lost_more(anomaly).then(|| "with what followed".to_owned());
        let all = self.lost_all(anomaly).then(|| "to the beginning".to_owned());
        let explained = restart.is_some() || minority.is_some();
        let taken = (!explained && self.overwritten(anomaly))
            .then(|| "a running node took back what it had applied".to_owned());
        let answer = answer.into_iter().flatten();
        answer.chain(restart).chain(minority).chain(more).chain(all).chain(taken).collect()
    }

    /// How a vote came to be given twice, of a double vote and of two leaders that such votes
    /// elected; none of other anomalies.
    fn votes(&self, anomaly: &Anomaly) -> Option<Vec<String>> {
        let of_witness = |seen: &&Evidence| anomaly.witness.contains(&seen.index);
        let seen = self.evidence.iter().find(of_witness)?;
        let votes = Votes::of(&self.evidence);
        let generation = seen.generation?;
        let twice = match anomaly.class.as_str() {
            DOUBLE_VOTE => votes.twice(generation, |voter| voter == seen.node)?,
            SPLIT_BRAIN if votes.are_visible() => match votes.twice(generation, |_| true) {
                Some(twice) => twice,
                // What restarted meanwhile elected nobody.
                None => return Some(self.minority_mark(anomaly).into_iter().collect()),
            },
            _ => return None,
        };
        let elected = (anomaly.class == SPLIT_BRAIN).then(|| "by votes given twice".to_owned());
        let span = (twice.first.since, twice.second.time);
        let forgot = match twice.forgot {
            Forgot::Nothing => vec!["by a running node".to_owned()],
            forgot => {
                let restart = self.down(twice.first.node, span);
                restart.into_iter().chain(forgot.words().map(str::to_owned)).collect()
            }
        };
        Some(elected.into_iter().chain(forgot).collect())
    }

    fn minority_mark(&self, anomaly: &Anomaly) -> Option<String> {
        self.minority(anomaly).then(|| "elected by a minority".to_owned())
    }

    /// Whether a node forgot every generation, not the last ones alone.
    fn lost_all(&self, anomaly: &Anomaly) -> bool {
        let told = anomaly.witness.iter().filter_map(|index| {
            match &self.history.events().get(usize::try_from(*index).ok()?)?.kind {
                EventKind::Observe(seen) => seen.generation,
                _ => None,
            }
        });
        anomaly.class == GENERATION_WENT_BACK && told.min() == Some(0)
    }

    /// Whether a running node took back what it had applied, between the acknowledgement of what is
    /// missed and the answer that misses it.
    fn overwritten(&self, anomaly: &Anomaly) -> bool {
        let mut ends: Vec<Nanos> = self.answered(anomaly).map(|(time, _)| time).collect();
        ends.sort_unstable();
        let [.., done, late] = ends[..] else { return false };
        let within = |(from, to): &(Nanos, Nanos)| *from <= late && done <= *to;
        MISSED.contains(&anomaly.class.as_str()) && self.took_back.iter().any(within)
    }

    /// How a server ended, and the line of its log that tells best why, without its numbers.
    fn crash(&self, anomaly: &Anomaly) -> Vec<String> {
        let ended = anomaly.witness.iter().find_map(|index| {
            match &self.history.events().get(usize::try_from(*index).ok()?)?.kind {
                EventKind::Node { change: NodeChange::Exited { process, how, log }, .. } => {
                    Some((process, how, log))
                }
                _ => None,
            }
        });
        let Some((process, how, log)) = ended else { return Vec::new() };
        let line = telling(log).map(|line| without_numbers(line));
        let process = process.as_ref().map(ToString::to_string);
        std::iter::once(how.clone()).chain(line).chain(process).collect()
    }

    /// The operations of the witness that were answered, and when.
    fn answered(&self, anomaly: &Anomaly) -> impl Iterator<Item = (Nanos, &'a Operation)> {
        let operations = self.history.operations();
        anomaly.witness.iter().filter_map(|index| {
            let place =
                operations.binary_search_by_key(index, |operation| operation.invoked.0).ok()?;
            let operation = operations.get(place)?;
            Some((operation.ok()?.0, operation))
        })
    }

    /// The operation of the witness that was answered last.
    fn last_answer(&self, anomaly: &Anomaly) -> Option<&'a Operation> {
        let last =
            self.answered(anomaly).max_by_key(|(time, operation)| (*time, operation.invoked.0));
        last.map(|(_, operation)| operation)
    }

    /// What the last answer tells of its generation, and whether the node that was asked gave it.
    fn answer(&self, operation: &Operation) -> Vec<String> {
        let Some((_, _, stamp)) = operation.ok() else { return Vec::new() };
        let began = operation.invoked.1;
        let highest = self.led.iter().rfind(|(_, first)| first.time < began);
        let old = stamp.generation().zip(highest).is_some_and(|(named, (known, _))| named < *known);
        let other = stamp.node().zip(operation.node).is_some_and(|(named, asked)| named != asked);
        let told = [(old, "of an old generation"), (other, "through another node")];
        told.iter().filter(|(holds, _)| *holds).map(|(_, name)| (*name).to_owned()).collect()
    }

    /// Whether the witness names a generation whose leader was elected while it was cut off from a
    /// majority.
    fn minority(&self, anomaly: &Anomaly) -> bool {
        let stamps =
            self.answered(anomaly).filter_map(|(_, operation)| operation.ok()?.2.generation());
        let told = anomaly.witness.iter().filter_map(|index| {
            match &self.history.events().get(usize::try_from(*index).ok()?)?.kind {
                EventKind::Observe(seen) => seen.generation,
                _ => None,
            }
        });
        stamps
            .chain(told)
            .filter_map(|generation| self.led.get(&generation))
            .any(|led| self.elected_alone(led))
    }

    /// Whether a leader was cut off from a majority from its last proof that it did not lead yet to
    /// the first one that it leads.
    fn elected_alone(&self, first: &Evidence) -> bool {
        let before = |seen: &&Evidence| {
            seen.node == first.node
                && seen.grade.proves()
                && seen.time <= first.since
                && seen.generation != first.generation
        };
        let last = self.evidence.iter().filter(before).max_by_key(|seen| seen.time);
        let nodes = &self.history.header().nodes;
        last.is_some_and(|last| {
            let span = last.since..=first.time;
            reach::cut_off(nodes, &self.faults, first.node, &span).is_some()
        })
    }

    /// Whether a token was given again, and nothing that its node acknowledged after the first grant
    /// was seen after the second: not the token alone was lost.
    fn lost_more(&self, anomaly: &Anomaly) -> bool {
        if ![TOKEN_REUSED, TOKEN_WENT_BACK].contains(&anomaly.class.as_str()) {
            return false;
        }
        let mut grants: Vec<_> = self.answered(anomaly).collect();
        grants.sort_by_key(|(time, operation)| (*time, operation.invoked.0));
        let (Some((_, first)), Some((_, second))) = (grants.first(), grants.last()) else {
            return false;
        };
        let node = first.ok().and_then(|(_, _, stamp)| stamp.node()).or(first.node);
        node.is_some_and(|node| !outlived(self.history, first, node, second.invoked.1))
    }

    /// A power failure of the node that acknowledged what is lost, before the last answer, unless
    /// what it acknowledged last outlived it.
    fn lost_power(&self, anomaly: &Anomaly) -> Option<String> {
        if !MISSED.contains(&anomaly.class.as_str()) {
            return None;
        }
        let last = self.last_answer(anomaly)?;
        let others =
            self.answered(anomaly).filter(|(_, operation)| operation.invoked != last.invoked);
        let (acknowledged, done) =
            others.max_by_key(|(time, operation)| (*time, operation.invoked.0))?;
        let node = done.ok().and_then(|(_, _, stamp)| stamp.node()).or(done.node)?;
        let until = last.ok()?.0;
        let failed = |span: &&FaultSpan| {
            span.fault.loss_of(node).is_some()
                && span.effective.is_some_and(|(from, _)| (acknowledged..=until).contains(&from))
        };
        let span = self.faults.iter().find(failed)?;
        let (down, _) = span.effective?;
        (!outlived(self.history, done, node, down)).then(|| across(&span.fault, node))
    }

    /// The fault that restarted a node between two things that it told itself.
    fn restart(&self, anomaly: &Anomaly) -> Option<String> {
        let mut told: BTreeMap<NodeId, (u64, u64)> = BTreeMap::new();
        for index in &anomaly.witness {
            let event = self.history.events().get(usize::try_from(*index).ok()?)?;
            if let EventKind::Observe(seen) = &event.kind
                && seen.source != Source::Ack
            {
                let span = told.entry(seen.node).or_insert((seen.since, event.time));
                *span = (span.0.min(seen.since), span.1.max(event.time));
            }
        }
        let down = |(node, span): (&NodeId, &(Nanos, Nanos))| self.down(*node, *span);
        told.iter().filter(|(_, (from, to))| from < to).find_map(down)
    }

    /// The fault that took `node` down last within a span of time.
    fn down(&self, node: NodeId, (from, to): (Nanos, Nanos)) -> Option<String> {
        let killed = |span: &&FaultSpan| {
            let begin = span.effective.map_or(span.begin.1, |(begin, _)| begin);
            span.fault.killed().contains(&node) && (from..=to).contains(&begin)
        };
        self.faults.iter().rfind(killed).map(|span| across(&span.fault, node))
    }
}

/// A restart of `node` by a fault, between what was promised and what breaks it.
fn across(fault: &Fault, node: NodeId) -> String {
    match fault.loss_of(node) {
        Some(_) => "across a power failure".to_owned(),
        None => format!("across a {}", fault.kind),
    }
}

/// When a node had applied less of its log than before, in one life.
fn took_back(history: &History) -> Vec<(Nanos, Nanos)> {
    let mut highest: BTreeMap<(NodeId, u32), (u64, Nanos, Nanos)> = BTreeMap::new();
    let mut spans = Vec::new();
    for event in history.others() {
        let EventKind::Observe(seen) = &event.kind else { continue };
        let Some(applied) = seen.applied else { continue };
        let (now, life) = ((applied, seen.since, event.time), (seen.node, seen.incarnation));
        let before = *highest.entry(life).or_insert(now);
        let back = applied < before.0 && before.2 < seen.since;
        spans.extend(back.then_some((before.1, event.time)));
        if back || before.0 <= applied {
            highest.insert(life, now);
        }
    }
    spans
}

/// A line without what differs from run to run: numbers, the directories of paths, colours.
fn without_numbers(line: &str) -> String {
    let mut plain = String::new();
    for word in line.split_whitespace() {
        let word = word.rsplit('/').next().unwrap_or(word);
        let hex = word.trim_matches(|char: char| !char.is_ascii_alphanumeric());
        let is_hex = hex.len() >= 8 && hex.chars().all(|char| char.is_ascii_hexdigit());
        let mut last = ' ';
        let shown: String = word
            .chars()
            .map(|char| if char.is_ascii_digit() { '#' } else { char })
            .filter(|char| {
                let again = *char == '#' && last == '#';
                last = *char;
                !char.is_control() && !again
            })
            .collect();
        let separator = if plain.is_empty() { "" } else { " " };
        plain = plain + separator + if is_hex { "#" } else { &shown };
    }
    plain.chars().take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_no_part_of_a_line() {
        for (line, expect) in [
            ("2026-11-20T02:00:07Z ERROR no space left", "#-#-#T#:#:#Z ERROR no space left"),
            ("n3: term 17, peer 10.0.4.2:9000", "n#: term #, peer #.#.#.#:#"),
            ("open /tmp/runs/1/nodes/n2/wal: EIO", "open wal: EIO"),
            ("at 0x7f3a99 id deadbeef01", "at #x#f#a# id #"),
            (
                "thread 'main' panicked at src/disk.rs:10:5:",
                "thread 'main' panicked at disk.rs:#:#:",
            ),
        ] {
            assert_eq!(without_numbers(line), expect);
        }
    }
}
