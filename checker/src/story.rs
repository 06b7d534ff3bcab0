//! The parts that every anomaly's story has in common: facts in order of time, the faults among
//! them, and why it all cannot be.

use crate::event::{Key, Nanos, NodeId};
use crate::fault::{Cut, Fault};
use crate::history::{FaultSpan, History};
use crate::reach;
use crate::verdict::Anomaly;
use crate::words;

/// The most sentences in a story.
const SENTENCES: usize = 9;

/// The most faults told of in a story.
const FAULTS: usize = 2;

/// The most facts besides faults in a story, so that there is room for what was left out and why
/// it matters.
pub(crate) const FACTS: usize = SENTENCES - FAULTS - 2;

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
}

impl Shown {
    /// The anomaly, its story with the faults of `history` in it.
    pub(crate) fn anomaly(mut self, history: &History) -> Anomaly {
        self.witness.sort_unstable();
        self.witness.dedup();
        self.nodes.sort_unstable();
        self.nodes.dedup();
        Anomaly {
            class: self.class.to_owned(),
            headline: self.headline,
            story: tell(history, self.facts, self.window, self.because),
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

/// The facts and the faults of the window in order of time, then why they cannot all be.
pub(crate) fn tell(
    history: &History,
    mut facts: Vec<Fact>,
    window: (Nanos, Nanos),
    because: String,
) -> Vec<String> {
    let left_out = facts.len().saturating_sub(FACTS);
    facts.truncate(FACTS);
    let faults = history.faults();
    let told = reach::touching(&faults, window, history.end()).into_iter().take(FAULTS);
    facts.extend(told.map(|span| fault(span, history.end())));
    facts.sort();
    let mut story: Vec<String> = facts.into_iter().map(|(_, fact)| fact).collect();
    if left_out > 0 {
        story.push(format!("The witness holds {left_out} more."));
    }
    story.push(because);
    story
}

/// What a fault did, and when.
fn directions(pairs: &[Cut]) -> String {
    words::list(pairs.iter().map(|(from, to)| format!("{from}→{to}")))
}

fn fault(span: &FaultSpan, end: Nanos) -> Fact {
    let (from, to) = span.effective.unwrap_or_else(|| span.window(end));
    let what = match &span.fault {
        Fault::Partition { cut, .. } => format!("the network was cut: {}", directions(cut)),
        Fault::Pause { nodes } => format!("{} stood still", words::list(nodes)),
        Fault::Kill { nodes, .. } => format!("{} was down after SIGKILL", words::list(nodes)),
        Fault::Power { nodes, loss } => {
            format!("{} was down after a power failure ({loss})", words::list(nodes))
        }
        Fault::Clock { nodes, change } => {
            format!("the clock of {} was wrong ({change})", words::list(nodes))
        }
        Fault::Slow { pairs, link } => format!("packets were slow ({link}): {}", directions(pairs)),
        Fault::Lossy { pairs, link } => {
            format!("packets went astray ({link}): {}", directions(pairs))
        }
        Fault::Disk { nodes, trouble } => {
            format!("the disk of {} was in trouble ({trouble})", words::list(nodes))
        }
        Fault::Starve { nodes, scarcity } => {
            format!("{} was left with {scarcity}", words::list(nodes))
        }
    };
    let doubt = if span.is_effective() { "" } else { ", not proven" };
    let (began, ended) = (words::at(from), words::at(to));
    (from, format!("From {began} to {ended} {what} (fault {}{doubt}).", span.id))
}
