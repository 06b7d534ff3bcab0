//! When the server of a node was gone or stopped, and why: crashed, killed, without power, paused.
//!
//! It shows what the history recorded of servers; whether a crash is an anomaly is for a check to
//! say. Where a history says nothing of servers, what its faults did to them stands in.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::event::{EventKind, Nanos, NodeChange, NodeId};
use fracas_checker::fault::Fault;
use fracas_checker::history::{FaultSpan, History};

/// Why a server did not run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// It ended by itself, with this status or signal. Untrusted text.
    Crashed(String),
    /// A fault ended it: it was killed, or asked to end.
    Ended,
    /// A fault killed it and took what was not durable.
    NoPower,
    /// A fault stopped its processes; they went on afterwards.
    Paused,
}

impl Why {
    /// The style class, which the legend shows too.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Crashed(_) => "crash",
            Self::Ended => "kill",
            Self::NoPower => "power",
            Self::Paused => "pause",
        }
    }

    /// A sign that tells it without colour, for where there is no room for words.
    pub(crate) fn glyph(&self) -> &'static str {
        match self {
            Self::Crashed(_) => "✗",
            Self::Ended => "†",
            Self::NoPower => "↯",
            Self::Paused => "‖",
        }
    }

    /// What happened, in a word or two.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Crashed(_) => "crashed",
            Self::Ended => "ended",
            Self::NoPower => "no power",
            Self::Paused => "paused",
        }
    }

    /// Whether the process is gone, and with it all that it was.
    fn is_death(&self) -> bool {
        *self != Self::Paused
    }
}

/// A time during which a server did not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Down {
    pub(crate) from: Nanos,
    /// When it ran again; none if it never did.
    pub(crate) to: Option<Nanos>,
    pub(crate) why: Why,
    /// The fault that did it, where one did.
    pub(crate) fault: Option<u32>,
    /// Whether it was measured, or recorded by the harness itself.
    pub(crate) proven: bool,
}

impl Down {
    /// Whether it ended with a new start of the server.
    pub(crate) fn restarts(&self) -> bool {
        self.why.is_death() && self.to.is_some()
    }

    /// What of a time in which a server was seen to be something can be true: before it went down,
    /// and after it went on from where it was stopped.
    pub(crate) fn cut(&self, (from, to): (Nanos, Nanos)) -> Vec<(Nanos, Nanos)> {
        let over = self.to.unwrap_or(Nanos::MAX);
        if from >= over || to <= self.from {
            return vec![(from, to)];
        }
        let before = (from < self.from).then_some((from, self.from));
        let after = (to > over && !self.why.is_death()).then_some((over, to));
        before.into_iter().chain(after).collect()
    }
}

/// When each node was down, in order of time.
pub(crate) fn downs(history: &History, faults: &[FaultSpan]) -> BTreeMap<NodeId, Vec<Down>> {
    let mut downs = recorded(history, faults);
    let known: BTreeSet<NodeId> = downs.keys().copied().collect();
    for span in faults {
        for node in span.fault.down() {
            let told = known.contains(&node) && !span.fault.stopped().contains(&node);
            if !told {
                downs.entry(node).or_default().push(by(span, node, history.end()));
            }
        }
    }
    downs.values_mut().for_each(|all| all.sort_by_key(|down| down.from));
    downs
}

/// What a fault alone tells of a node that it stopped or killed.
fn by(span: &FaultSpan, node: NodeId, end: Nanos) -> Down {
    let (from, to) = span.effective.unwrap_or_else(|| span.window(end));
    let over = span.end.is_some() || span.effective.is_some();
    let to = over.then_some(to);
    let proven = span.effective.is_some();
    Down { from, to, why: why(&span.fault, node), fault: Some(span.id), proven }
}

fn why(fault: &Fault, node: NodeId) -> Why {
    if fault.stopped().contains(&node) {
        Why::Paused
    } else if fault.loss_of(node).is_some() {
        Why::NoPower
    } else {
        Why::Ended
    }
}

/// What the history recorded of every server.
fn recorded(history: &History, faults: &[FaultSpan]) -> BTreeMap<NodeId, Vec<Down>> {
    let mut downs: BTreeMap<NodeId, Vec<Down>> = BTreeMap::new();
    for event in history.events() {
        let EventKind::Node { node, change, .. } = &event.kind else { continue };
        let all = downs.entry(*node).or_default();
        let down = all.last_mut().filter(|last| last.to.is_none());
        match (change, down) {
            (NodeChange::Started, Some(down)) => down.to = Some(event.time),
            (NodeChange::Killed, None) => all.push(killed(*node, event.time, faults)),
            (NodeChange::Exited { process, how, .. }, None) => all.push(Down {
                from: event.time,
                to: None,
                why: Why::Crashed(match process {
                    Some(process) => format!("process {process}: {how}"),
                    None => how.clone(),
                }),
                fault: None,
                proven: true,
            }),
            // The harness ends servers when the run is over; what is gone cannot go again.
            _ => {}
        }
    }
    downs
}

/// A death by the fault that was on at that moment.
fn killed(node: NodeId, time: Nanos, faults: &[FaultSpan]) -> Down {
    let on = |span: &&FaultSpan| {
        let (begin, end) = span.window(Nanos::MAX);
        span.fault.killed().contains(&node) && (begin..=end).contains(&time)
    };
    let by = faults.iter().rev().find(on);
    Down {
        from: time,
        to: None,
        why: by.map_or(Why::Ended, |span| why(&span.fault, node)),
        fault: by.map(|span| span.id),
        proven: true,
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::event::Event;
    use fracas_checker::fault::{Effect, FaultEvent, FaultKind, Loss, RestartAs};
    use fracas_checker::history::{Header, Plan, SCHEMA};

    use super::*;

    const N1: NodeId = NodeId(1);

    /// The downs of n1 after these events, one a millisecond.
    fn downs_of(kinds: Vec<EventKind>) -> Vec<(Nanos, Option<Nanos>, Why, Option<u32>)> {
        let header = Header {
            schema: SCHEMA.to_owned(),
            run: String::new(),
            target: String::new(),
            seed: 1,
            nodes: vec![N1],
            plan: Plan::default(),
        };
        let events = (0..).zip(kinds).map(|(index, kind)| Event { index, time: index, kind });
        let history = History::new(header, events.collect()).expect("well formed");
        let all = downs(&history, &history.faults()).remove(&N1).unwrap_or_default();
        all.into_iter().map(|life| (life.from, life.to, life.why, life.fault)).collect()
    }

    fn node(change: NodeChange) -> EventKind {
        EventKind::Node { node: N1, incarnation: 1, change }
    }

    fn begin(id: u32, fault: Fault) -> EventKind {
        EventKind::Fault(FaultEvent::Begin { id, fault, mechanism: String::new() })
    }

    fn end(id: u32, effective: Option<(Nanos, Nanos)>) -> EventKind {
        EventKind::Fault(FaultEvent::End { id, effective, problems: Vec::new() })
    }

    #[test]
    fn every_death_has_its_cause() {
        let down = |loses| {
            let (kind, manner) = (FaultKind::new("any").unwrap(), String::new());
            let (nodes, returns) = (vec![N1], RestartAs::Same);
            Fault { kind, manner, effects: vec![Effect::NodeDown { nodes, returns, loses }] }
        };
        let (kill, power) = (|| down(None), || down(Some(Loss::All)));
        let exited = || {
            node(NodeChange::Exited { process: None, how: "status 74".to_owned(), log: Vec::new() })
        };
        let (started, killed) = (|| node(NodeChange::Started), || node(NodeChange::Killed));
        let crash = || Why::Crashed("status 74".to_owned());
        for (kinds, expect) in [
            // Crashed, and started again.
            (vec![started(), exited(), started()], vec![(1, Some(2), crash(), None)]),
            // Crashed for good; the end of the run does not change that.
            (vec![started(), exited(), node(NodeChange::Stopped)], vec![(1, None, crash(), None)]),
            (
                vec![started(), begin(3, kill()), killed(), started(), end(3, None)],
                vec![(2, Some(3), Why::Ended, Some(3))],
            ),
            (
                vec![started(), begin(4, power()), killed(), started(), end(4, None)],
                vec![(2, Some(3), Why::NoPower, Some(4))],
            ),
            // The end of the run is no death.
            (vec![started(), node(NodeChange::Stopped)], vec![]),
            // A history that says nothing of servers: what its fault did.
            (vec![begin(1, kill()), end(1, Some((0, 1)))], vec![(0, Some(1), Why::Ended, Some(1))]),
        ] {
            assert_eq!(downs_of(kinds), expect);
        }
    }

    #[test]
    fn nothing_is_seen_of_a_server_that_is_gone() {
        let down = |why| Down { from: 10, to: Some(20), why, fault: None, proven: true };
        for (span, gone, paused) in [
            ((0, 5), vec![(0, 5)], vec![(0, 5)]),
            ((0, 15), vec![(0, 10)], vec![(0, 10)]),
            ((12, 15), vec![], vec![]),
            ((0, 30), vec![(0, 10)], vec![(0, 10), (20, 30)]),
            ((20, 30), vec![(20, 30)], vec![(20, 30)]),
        ] {
            assert_eq!(down(Why::Ended).cut(span), gone, "{span:?}");
            assert_eq!(down(Why::Paused).cut(span), paused, "{span:?}");
        }
    }
}
