//! Likely causes, from a fixed table of rules. A cause is a hint, never a fact, and no verdict
//! rests on one.
//!
//! A rule says what must hold for it and what refutes it, and looks for both in the events. Where
//! it lacks the one or finds the other it says nothing: a wrong hint costs more than none.

mod answers;
mod elections;

use crate::event::{Nanos, NodeId};
use crate::history::{FaultSpan, History, Operation};
use crate::leadership::evidence::{Evidence, evidence};
use crate::words;
pub(crate) use answers::outlived;

/// The two operations that an anomaly is about.
#[derive(Clone, Copy)]
pub(crate) struct Suspects<'a> {
    /// The one whose answer was old.
    pub(crate) late: Option<&'a Operation>,
    /// The one that had been acknowledged before and was not seen.
    pub(crate) done: Option<&'a Operation>,
}

/// What is to be explained.
#[derive(Clone, Copy)]
enum About<'a> {
    /// An answer that misses what had been acknowledged.
    Answer(Suspects<'a>),
    /// A node that told the first, and later what contradicts it.
    Forgot(&'a Evidence, &'a Evidence),
    /// Two leaders of one generation, by their first signs.
    Elected(&'a Evidence, &'a Evidence),
    /// Leases of two holders that overlap, by their requests.
    Leases(&'a [&'a Operation]),
    /// A cluster that serves nobody at this moment.
    Silent(Nanos),
}

/// What a rule looks at.
struct Scene<'a> {
    about: About<'a>,
    history: &'a History,
    nodes: &'a [NodeId],
    faults: Vec<FaultSpan>,
    evidence: Vec<Evidence>,
}

/// The rules, the most specific first. Each has its table of cases in the tests: a history that it
/// must explain, and the nearest ones that it must not.
const RULES: [fn(&Scene<'_>) -> Option<String>; 9] = [
    answers::old_leader,
    answers::answered_alone,
    answers::acknowledged_alone,
    answers::lost_in_restart,
    answers::wrong_clock,
    elections::forgot,
    elections::voted_twice,
    elections::voter_restarted,
    elections::no_majority,
];

/// The first cause that fits.
fn guess(history: &History, about: About<'_>) -> Option<String> {
    let nodes = &history.header().nodes;
    let (faults, evidence) = (history.faults(), evidence(history));
    let scene = Scene { about, history, nodes, faults, evidence };
    RULES.iter().find_map(|rule| rule(&scene))
}

/// Why an answer misses what had been acknowledged.
pub(crate) fn likely(history: &History, suspects: Suspects<'_>) -> Option<String> {
    guess(history, About::Answer(suspects))
}

/// Why a node told `first`, and later what contradicts it.
pub(crate) fn forgot(history: &History, first: &Evidence, later: &Evidence) -> Option<String> {
    guess(history, About::Forgot(first, later))
}

/// Why one generation had two leaders.
pub(crate) fn elected_twice(
    history: &History,
    first: &Evidence,
    second: &Evidence,
) -> Option<String> {
    guess(history, About::Elected(first, second))
}

/// Why leases of two holders overlap.
pub(crate) fn overlapping(history: &History, requests: &[&Operation]) -> Option<String> {
    guess(history, About::Leases(requests))
}

/// Why a cluster serves nobody at `moment`.
pub(crate) fn silent(history: &History, moment: Nanos) -> Option<String> {
    guess(history, About::Silent(moment))
}

/// The node that served an operation: the one that says so, else the one that was asked.
fn served(operation: &Operation) -> Option<NodeId> {
    operation.ok().and_then(|(_, _, stamp)| stamp.node()).or(operation.node)
}

impl<'a> Scene<'a> {
    /// The operations that an old answer is about.
    fn suspects(&self) -> Option<Suspects<'a>> {
        match self.about {
            About::Answer(suspects) => Some(suspects),
            _ => None,
        }
    }

    /// The proven faults that took `node` down within a span of time.
    fn downs(&self, node: NodeId, span: (Nanos, Nanos)) -> impl Iterator<Item = Down<'_>> {
        let all = self.faults.iter().filter(move |span| span.fault.killed().contains(&node));
        let downs = all.filter_map(|fault| {
            let (from, _) = fault.effective?;
            Some(Down { fault, from, back: fault.end.map(|(_, time)| time) })
        });
        downs.filter(move |down| (span.0..=span.1).contains(&down.from))
    }
}

/// A node that was killed, or lost its power.
struct Down<'a> {
    fault: &'a FaultSpan,
    from: Nanos,
    /// When it had been started again, if it was.
    back: Option<Nanos>,
}

impl Down<'_> {
    /// What was done to the node, as a clause: `was killed at 5.100 s (fault 1)`.
    fn clause(&self) -> String {
        let verb = match self.fault.fault {
            crate::fault::Fault::Power { .. } => "lost its power",
            _ => "was killed",
        };
        format!("{verb} at {} (fault {})", words::at(self.from), self.fault.id)
    }

    /// What such a fault takes, as a sentence.
    fn takes(&self) -> String {
        match &self.fault.fault {
            crate::fault::Fault::Power { loss, .. } => {
                format!("A power failure takes what a server has not synced ({loss}).")
            }
            _ => "A server that is killed keeps what it has written and loses what it held in \
                  memory."
                .to_owned(),
        }
    }
}

fn covers(span: &FaultSpan, (from, to): (Nanos, Nanos)) -> bool {
    span.effective.is_some_and(|(begin, end)| begin <= from && to <= end)
}
