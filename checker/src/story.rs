//! The parts that every anomaly's story has in common: facts in order of time, the faults among
//! them, and why it all cannot be.

use crate::event::{Key, Nanos, NodeId};
use crate::fault::{self, Cut, Effect, Fault, Trouble};
use crate::history::{FaultSpan, History};
use crate::reach;
use crate::verdict::Anomaly;
use crate::words;

/// The most sentences in a story.
const SENTENCES: usize = 9;

/// The most faults that get a sentence of their own.
const FAULTS: usize = 3;

/// The most faults that the line about all others names.
const OTHERS: usize = 6;

/// A fault that ended no longer ago than this may still matter.
const JUST: Nanos = 3_000_000_000;

/// A fact and when it began.
pub(crate) type Fact = (Nanos, String);

/// What an anomaly about nodes is made of.
pub(crate) struct Shown {
    pub(crate) class: &'static str,
    pub(crate) headline: String,
    /// The most important first: what does not fit is left out from the end.
    pub(crate) facts: Vec<Fact>,
    pub(crate) because: String,
    pub(crate) likely_cause: Option<String>,
    pub(crate) witness: Vec<u64>,
    pub(crate) key: Option<Key>,
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) generation: Option<u64>,
    pub(crate) window: (Nanos, Nanos),
    /// The moment at which the promise was broken: the second vote, the answer to the stale read.
    pub(crate) moment: Nanos,
}

/// Where and when a promise was broken: what decides which faults matter to the story.
#[derive(Clone, Copy)]
pub(crate) struct Incident<'a> {
    /// The nodes involved; none where it is the whole cluster.
    pub(crate) nodes: &'a [NodeId],
    pub(crate) moment: Nanos,
    pub(crate) window: (Nanos, Nanos),
}

impl Shown {
    /// The anomaly, its story with the faults of `history` in it.
    pub(crate) fn anomaly(mut self, history: &History) -> Anomaly {
        self.witness.sort_unstable();
        self.witness.dedup();
        self.nodes.sort_unstable();
        self.nodes.dedup();
        let incident = Incident { nodes: &self.nodes, moment: self.moment, window: self.window };
        let story = tell(history, self.facts, incident, self.because);
        Anomaly {
            class: self.class.to_owned(),
            headline: self.headline,
            story,
            likely_cause: self.likely_cause,
            refuted: Vec::new(),
            witness: self.witness,
            prefix: Vec::new(),
            key: self.key,
            nodes: self.nodes,
            generation: self.generation,
            window: self.window,
            guarantees: Vec::new(),
        }
    }
}

/// The facts and the faults that matter in order of time, the other faults in one line, then why
/// it all cannot be. Facts that find no room are counted.
pub(crate) fn tell(
    history: &History,
    mut facts: Vec<Fact>,
    incident: Incident<'_>,
    because: String,
) -> Vec<String> {
    let (faults, end) = (history.faults(), history.end());
    let mut told = relevant(&faults, incident, end);
    told.truncate(FAULTS);
    let others = others(&faults, &told, incident, end);
    let room = SENTENCES - 1 - told.len() - usize::from(others.is_some());
    let left_out = facts.len().checked_sub(room).filter(|more| *more > 0).map(|more| more + 1);
    facts.truncate(facts.len() - left_out.unwrap_or(0));
    facts.extend(told.iter().map(|span| fault(span, end)));
    facts.sort();
    let mut story: Vec<String> = facts.into_iter().map(|(_, fact)| fact).collect();
    story.extend(left_out.map(|left_out| format!("The witness holds {left_out} more.")));
    story.extend(others);
    story.push(because);
    story
}

/// The faults that matter, the nearest first: those in effect at the moment on the nodes involved,
/// the one that began last first; then those in effect elsewhere; then those on the nodes involved
/// that had just ended.
fn relevant<'a>(faults: &'a [FaultSpan], incident: Incident<'_>, end: Nanos) -> Vec<&'a FaultSpan> {
    let place = |span: &&FaultSpan| {
        let (from, to) = effect(span, end);
        let involved = incident.nodes.is_empty() || span.fault.touches(incident.nodes);
        let on = (from..=to).contains(&incident.moment);
        let just = to < incident.moment && incident.moment - to <= JUST;
        match (on, involved) {
            (true, true) => Some((0, incident.moment - from)),
            (true, false) => Some((1, incident.moment - from)),
            (false, true) if just => Some((2, incident.moment - to)),
            _ => None,
        }
    };
    let mut all: Vec<_> = faults.iter().filter_map(|span| Some((place(&span)?, span))).collect();
    all.sort_by_key(|(place, span)| (*place, span.id));
    all.into_iter().map(|(_, span)| span).collect()
}

/// The faults of the window that have no sentence of their own, in one line.
fn others(
    faults: &[FaultSpan],
    told: &[&FaultSpan],
    incident: Incident<'_>,
    end: Nanos,
) -> Option<String> {
    let mut all = reach::touching(faults, incident.window, end);
    all.retain(|span| told.iter().all(|told| told.id != span.id));
    let named = all.iter().take(OTHERS).map(|span| {
        let (from, to) = effect(span, end);
        let doubt = if span.is_effective() { "" } else { ", not proven" };
        let (fault, from, to) = (named(&span.fault), words::at(from), words::at(to));
        format!("fault {} ({fault}, {from} to {to}{doubt})", span.id)
    });
    let more = all.len().checked_sub(OTHERS).filter(|more| *more > 0);
    let named = named.chain(more.map(|more| format!("{more} more")));
    (!all.is_empty()).then(|| format!("Other faults of that time: {}.", words::list(named)))
}

/// A fault in a few words: `kill of n1 and n3`, `partition, halves`.
fn named(fault: &Fault) -> String {
    let of = match fault.nodes() {
        nodes if nodes.is_empty() => String::new(),
        nodes => format!(" of {}", words::list(nodes)),
    };
    let comma = if fault.manner.is_empty() { "" } else { ", " };
    format!("{}{of}{comma}{}", fault.kind, fault.manner)
}

/// From when to when a fault was in effect, by proof or else by what the harness asked for.
pub(crate) fn effect(span: &FaultSpan, end: Nanos) -> (Nanos, Nanos) {
    span.effective.unwrap_or_else(|| span.window(end))
}

/// The directions that a fault touched, in a sentence.
fn directions(pairs: &[Cut]) -> String {
    words::list(fault::directions(pairs))
}

/// `n1 was`, `n1 and n2 were`.
fn were(nodes: &[NodeId]) -> String {
    format!("{} {}", words::list(nodes), if nodes.len() == 1 { "was" } else { "were" })
}

/// The kind of fault of which the sentence says more than its word.
const KILL: &str = "kill";

/// What one effect of a fault did, as a clause; the manner of the fault says more of some of it.
fn done(effect: &Effect, fault: &Fault) -> String {
    let manner = match fault.manner.as_str() {
        "" => String::new(),
        manner => format!(" ({manner})"),
    };
    match effect {
        Effect::LinkCut { pairs } => format!("the network was cut: {}", directions(pairs)),
        Effect::NodeStopped { nodes } => format!("{} stood still", words::list(nodes)),
        Effect::NodeRemoved { nodes, .. } => format!("{} no member of the cluster", were(nodes)),
        Effect::NodeDown { nodes, loses: Some(loss), .. } => {
            format!("{} down after a power failure ({loss})", were(nodes))
        }
        Effect::NodeDown { nodes, .. } => match fault.kind.word() {
            KILL => format!("{} down after a kill", were(nodes)),
            // Servers may have been asked to end.
            other => format!("{} down ({other})", were(nodes)),
        },
        Effect::ProcessStopped { nodes, process } => {
            format!("the process `{process}` of {} stood still, and no other", words::list(nodes))
        }
        Effect::ProcessDown { nodes, process } => {
            let of = words::list(nodes);
            format!("the process `{process}` of {of} was down after a {}, and no other", fault.kind)
        }
        Effect::ClockWrong { nodes, change } => {
            format!("the clock of {} was wrong ({change})", words::list(nodes))
        }
        Effect::LinkDegraded { pairs, link } => {
            let nature = if link.is_lossy() { "lost, doubled or out of order" } else { "slow" };
            format!("packets were {nature}{manner}: {}", directions(pairs))
        }
        Effect::Hardship { nodes, of } => {
            let of_nodes = words::list(nodes);
            match of {
                Trouble::DiskErrors => format!("the disk of {of_nodes} failed{manner}"),
                Trouble::DiskFull => format!("the disk of {of_nodes} was full"),
                Trouble::DiskSlow => format!("the disk of {of_nodes} was slow{manner}"),
                Trouble::NoMemory => format!("{} short of memory{manner}", were(nodes)),
                Trouble::NoProcessor => {
                    format!("{} short of processor time{manner}", were(nodes))
                }
                Trouble::NoDescriptors => format!("{} short of descriptors{manner}", were(nodes)),
            }
        }
    }
}

/// What a fault did, and when.
fn fault(span: &FaultSpan, end: Nanos) -> Fact {
    let (from, to) = effect(span, end);
    let all: Vec<String> =
        span.fault.effects.iter().map(|effect| done(effect, &span.fault)).collect();
    let act = if all.is_empty() {
        format!("{} was in effect", named(&span.fault))
    } else {
        words::list(all)
    };
    let doubt = if span.is_effective() { "" } else { ", not proven" };
    let until = match (span.effective, span.end) {
        (None, None) => "on".to_owned(),
        _ => format!("to {}", words::at(to)),
    };
    (from, format!("From {} {until} {act} (fault {}{doubt}).", words::at(from), span.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{FaultKind, RestartAs};

    #[test]
    fn a_node_of_which_one_process_stands_still_is_not_told_to_stand_still() {
        let (nodes, process) = (vec![NodeId(1)], "agent".into());
        let stopped = Effect::ProcessStopped { nodes, process };
        let (kind, manner) = (FaultKind::new("pause").unwrap(), "`agent` alone".to_owned());
        let fault = Fault { kind, manner, effects: vec![stopped.clone()] };
        let told = "the process `agent` of n1 stood still, and no other";
        assert_eq!(done(&stopped, &fault), told);
        assert_eq!(named(&fault), "pause of n1, `agent` alone");
        assert!(fault.down().is_empty() && fault.stopped().is_empty());
        assert_eq!(fault.down_in_part(), [NodeId(1)]);
        assert!(fault.touches(&[NodeId(1)]));
    }

    #[test]
    fn only_a_kill_is_told_as_a_kill() {
        for (kind, told) in
            [("kill", "n1 was down after a kill"), ("restart", "n1 was down (restart)")]
        {
            let nodes = vec![NodeId(1)];
            let down = Effect::NodeDown { nodes, returns: RestartAs::Same, loses: None };
            let kind = FaultKind::new(kind).unwrap();
            let fault = Fault { kind, manner: String::new(), effects: vec![down.clone()] };
            assert_eq!(done(&down, &fault), told);
        }
    }
}
