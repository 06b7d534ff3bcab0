//! Likely causes, from a fixed table of rules. A cause is a hint, never a fact, and no verdict
//! rests on one.

use crate::event::{Nanos, NodeId};
use crate::fault::Fault;
use crate::history::{FaultSpan, History, Operation};
use crate::leadership::evidence::{Evidence, evidence};
use crate::reach;
use crate::words;

/// The two operations that an anomaly is about.
#[derive(Clone, Copy)]
pub(crate) struct Suspects<'a> {
    /// The one whose answer was old.
    pub(crate) late: Option<&'a Operation>,
    /// The one that had been acknowledged before and was not seen.
    pub(crate) done: Option<&'a Operation>,
}

/// What a rule looks at.
struct Scene<'a> {
    suspects: Suspects<'a>,
    nodes: &'a [NodeId],
    faults: Vec<FaultSpan>,
    evidence: Vec<Evidence>,
}

/// The rules, the most specific first.
const RULES: [fn(&Scene<'_>) -> Option<String>; 3] =
    [deposed_leader, acknowledged_alone, restarted];

/// The first cause that fits.
pub(crate) fn likely(history: &History, suspects: Suspects<'_>) -> Option<String> {
    let scene = Scene {
        suspects,
        nodes: &history.header().nodes,
        faults: history.faults(),
        evidence: evidence(history),
    };
    RULES.iter().find_map(|rule| rule(&scene))
}

/// The node that served an operation: the one that says so, else the one that was asked.
fn served(operation: &Operation) -> Option<NodeId> {
    operation.ok().and_then(|(_, _, stamp)| stamp.node).or(operation.node)
}

/// The old answer came from a node that still took itself for leader while another led a higher
/// generation.
fn deposed_leader(scene: &Scene<'_>) -> Option<String> {
    let late = scene.suspects.late?;
    let (end, ..) = late.ok()?;
    let node = served(late)?;
    let own = |seen: &&Evidence| seen.node == node && seen.grade.proves() && seen.since <= end;
    let old = scene.evidence.iter().rfind(own)?.proves_leading()?;
    let newer = scene.evidence.iter().find(|seen| {
        seen.node != node
            && seen.time <= late.invoked.1
            && seen.proves_leading().is_some_and(|generation| generation > old)
    })?;
    let (leader, generation) = (newer.node, newer.proves_leading()?);
    Some(format!(
        "{node} still took itself for the leader of generation {old}, while {leader} had led \
         generation {generation} since {} at the latest. An old leader that answers without asking \
         a quorum gives answers of this shape.",
        words::at(newer.time)
    ))
}

/// The operation that was lost had been acknowledged by a node cut from the majority.
fn acknowledged_alone(scene: &Scene<'_>) -> Option<String> {
    let done = scene.suspects.done?;
    let (end, ..) = done.ok()?;
    let node = served(done)?;
    let active = |span: &&FaultSpan| covers(span, end);
    let faults: Vec<&FaultSpan> = scene.faults.iter().filter(active).collect();
    let cut = faults.iter().find(|span| matches!(span.fault, Fault::Partition { .. }))?;
    let all: Vec<&Fault> = faults.iter().map(|span| &span.fault).collect();
    let majority = reach::majority(scene.nodes, &all)?;
    if majority.contains(&node) {
        return None;
    }
    Some(format!(
        "{node} acknowledged it at {} while it was cut from the majority {} (fault {}). An \
         acknowledgement without a quorum is lost when the others go on.",
        words::at(end),
        words::list(&majority),
        cut.id
    ))
}

/// A node that had acknowledged the operation, or gave the old answer, was killed in between.
fn restarted(scene: &Scene<'_>) -> Option<String> {
    let (done, late) = (scene.suspects.done?, scene.suspects.late?);
    let (from, to) = (done.ok()?.0, late.ok()?.0);
    let nodes = [served(done), served(late)];
    let kill =
        nodes.into_iter().flatten().find_map(|node| killed(&scene.faults, node, (from, to)))?;
    Some(format!(
        "{} was killed at {} (fault {}), after the acknowledgement and before the answer. What was \
         not yet on its disk is lost by a restart.",
        words::list(kill.fault.down()),
        words::at(kill.begin.1),
        kill.id
    ))
}

/// The kill that hit `node` within a span of time.
fn killed(faults: &[FaultSpan], node: NodeId, (from, to): (Nanos, Nanos)) -> Option<&FaultSpan> {
    faults
        .iter()
        .find(|span| (from..=to).contains(&span.begin.1) && span.fault.killed().contains(&node))
}

/// The likely cause of a node that forgot: it was killed in between.
pub(crate) fn forgot(history: &History, node: NodeId, span: (Nanos, Nanos)) -> Option<String> {
    let faults = history.faults();
    let kill = killed(&faults, node, span)?;
    Some(format!(
        "{node} was killed at {} (fault {}), in between. A generation or vote that is not on the \
         disk before it is used is forgotten by a restart.",
        words::at(kill.begin.1),
        kill.id
    ))
}

/// Votes are asked for this long before the first sign of a leader, at most.
const ELECTION: Nanos = 2_000_000_000;

/// The likely cause of two leaders that were elected in `elected`: a node was killed meanwhile, and
/// gave its vote twice.
pub(crate) fn voter_forgot(history: &History, elected: (Nanos, Nanos)) -> Option<String> {
    let span = elected.0.saturating_sub(ELECTION)..=elected.1;
    let faults = history.faults();
    let kill =
        faults.iter().rfind(|one| !one.fault.killed().is_empty() && span.contains(&one.begin.1))?;
    Some(format!(
        "{} was killed at {} (fault {}), about the time of these elections. A generation or vote \
         that is not on the disk before it is used is forgotten by a restart, and given twice.",
        words::list(kill.fault.down()),
        words::at(kill.begin.1),
        kill.id
    ))
}

fn covers(span: &FaultSpan, time: Nanos) -> bool {
    span.effective.is_some_and(|(from, to)| (from..=to).contains(&time))
}
