//! What is to be explained, and what the rules look at.

use crate::fault::Loss;
use crate::history::{FaultSpan, History, Operation};
use crate::identity::{Nanos, NodeId};
use crate::leadership::evidence::Evidence;
use crate::words;

/// The two operations that an anomaly is about.
#[derive(Debug, Clone, Copy)]
pub struct Suspects<'a> {
    /// The one whose answer was old.
    pub(crate) late: Option<&'a Operation>,
    /// The one that had been acknowledged before and was not seen.
    pub(crate) done: Option<&'a Operation>,
}

/// What is to be explained.
#[derive(Clone, Copy)]
pub(super) enum About<'a> {
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
pub(super) struct Context<'a> {
    pub(super) about: About<'a>,
    pub(super) history: &'a History,
    pub(super) nodes: &'a [NodeId],
    pub(super) faults: Vec<FaultSpan>,
    pub(super) evidence: Vec<Evidence>,
}

impl<'a> Context<'a> {
    /// The operations that an old answer is about.
    pub(super) fn suspects(&self) -> Option<Suspects<'a>> {
        match self.about {
            About::Answer(suspects) => Some(suspects),
            _ => None,
        }
    }

    /// The proven faults that took `node` down within a span of time.
    pub(super) fn downs(
        &self,
        node: NodeId,
        span: (Nanos, Nanos),
    ) -> impl Iterator<Item = Down<'_>> {
        let all = self.faults.iter().filter(move |span| span.fault.killed().contains(&node));
        let downs = all.filter_map(move |fault| {
            let (from, _) = fault.effective?;
            let (back, loss) = (fault.end.map(|(_, time)| time), fault.fault.loss_of(node));
            Some(Down { fault, loss, from, back })
        });
        downs.filter(move |down| (span.0..=span.1).contains(&down.from))
    }
}

/// The node that served an operation: the one that says so, else the one that was asked.
pub(super) fn served(operation: &Operation) -> Option<NodeId> {
    operation.ok().and_then(|(_, _, stamp)| stamp.node()).or(operation.node)
}

pub(super) fn covers(span: &FaultSpan, (from, to): (Nanos, Nanos)) -> bool {
    span.effective.is_some_and(|(begin, end)| begin <= from && to <= end)
}

/// A node that was killed, or lost its power.
pub(super) struct Down<'a> {
    pub(super) fault: &'a FaultSpan,
    /// What it lost of what it had not made durable, if anything.
    loss: Option<Loss>,
    pub(super) from: Nanos,
    /// When it had been started again, if it was.
    pub(super) back: Option<Nanos>,
}

impl Down<'_> {
    /// What was done to the node, as a clause: `was killed at 5.100 s (fault 1)`.
    pub(super) fn clause(&self) -> String {
        let verb = if self.loss.is_some() { "lost its power" } else { "was killed" };
        format!("{verb} at {} (fault {})", words::at(self.from), self.fault.id)
    }

    /// What such a fault takes, as a sentence.
    pub(super) fn takes(&self) -> String {
        match self.loss {
            Some(loss) => format!("A power failure takes what a server has not synced ({loss})."),
            None => "A server that is killed keeps what it has written and loses what it held in \
                  memory."
                .to_owned(),
        }
    }
}
