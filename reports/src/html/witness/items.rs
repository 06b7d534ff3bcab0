//! What a witness consists of, ready to be drawn.

use std::collections::BTreeMap;
use std::fmt;

use fracas_checker::event::{Event, EventKind, Nanos, NodeId, ProcessId};
use fracas_checker::history::{FaultSpan, Operation};
use fracas_checker::leadership::Reign;
use fracas_checker::leadership::evidence::led;
use fracas_checker::observation::{Grade, Observation, Role, Source};
use fracas_checker::verdict::Anomaly;

use crate::html::page::Page;
use crate::text::{brief, seconds};
use crate::words::{self, Fate};

/// How many operations and observations one drawing shows.
const MAX_ITEMS: usize = 40;

/// How much of a state or a label is drawn; the tables have more.
const LABEL: usize = 44;

/// What a lane shows, in the order of the lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// The faults of one number.
    Fault(u32),
    Node(NodeId),
    Client(ProcessId),
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(id) => write!(f, "fault {id}"),
            Self::Node(node) => write!(f, "{node}"),
            Self::Client(process) => write!(f, "process {process}"),
        }
    }
}

/// One bar of the drawing.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) lane: Lane,
    pub(super) from: Nanos,
    /// None if it may still take effect at any later time.
    pub(super) to: Option<Nanos>,
    pub(super) label: String,
    pub(super) title: String,
    pub(super) class: &'static str,
    /// Its number in the longest legal order, from 1, and the state after it.
    pub(super) placed: Option<(usize, String)>,
    /// Whether it fits at no place of that order.
    pub(super) refused: bool,
}

/// The bars of a witness, and how many of its events were left out.
pub(super) fn items(page: &Page<'_>, anomaly: &Anomaly) -> (Vec<Item>, usize) {
    let judged = Judged::of(anomaly);
    let seen = anomaly.witness.iter().filter_map(|index| page.event(*index));
    let mut items: Vec<Item> = seen.filter_map(|event| item(page, event, &judged)).collect();
    let all = items.len();
    // The operation that does not fit is among the last: the beginning is what to leave out.
    items.drain(..all.saturating_sub(MAX_ITEMS));
    if !items.is_empty() {
        items.splice(0..0, faults(page, anomaly.window).chain(reigns(page, anomaly)));
    }
    (items, all.saturating_sub(MAX_ITEMS))
}

/// What the check says of each operation, by the index of its invocation.
struct Judged<'a> {
    placed: BTreeMap<u64, (usize, &'a str)>,
    refused: Vec<u64>,
    /// The indices of the witness, in order.
    witness: Vec<u64>,
}

impl<'a> Judged<'a> {
    fn of(anomaly: &'a Anomaly) -> Self {
        let steps = anomaly.prefix.iter().enumerate();
        let mut witness = anomaly.witness.clone();
        witness.sort_unstable();
        Self {
            placed: steps.map(|(at, step)| (step.op, (at + 1, step.state.as_str()))).collect(),
            refused: anomaly.refuted.iter().map(|refutation| refutation.op).collect(),
            witness,
        }
    }
}

fn item(page: &Page<'_>, event: &Event, judged: &Judged<'_>) -> Option<Item> {
    match &event.kind {
        EventKind::Invoke { .. } => Some(operation(page.invoked_at(event.index)?, judged)),
        EventKind::Complete { .. } => {
            let whole = page.operation_of(event.index)?;
            let shown = judged.witness.binary_search(&whole.invoked.0).is_ok();
            (!shown).then(|| match led(whole) {
                Some(led) => acknowledgement(whole, led, event.time),
                None => operation(whole, judged),
            })
        }
        EventKind::Observe(seen) => Some(observation(seen, event.time)),
        _ => None,
    }
}

fn operation(operation: &Operation, judged: &Judged<'_>) -> Item {
    let fate = Fate::of(operation);
    let known = matches!(fate, Fate::Ok | Fate::Fail);
    let placed = judged.placed.get(&operation.invoked.0);
    let via = operation.node.map_or_else(String::new, |node| format!(" via {node}"));
    let request = words::operation(operation);
    let from = seconds(operation.invoked.1);
    let ended = operation.completed.as_ref().map(|(_, time, _)| *time);
    let until = ended.map_or_else(|| "never".to_owned(), seconds);
    Item {
        lane: Lane::Client(operation.process),
        from: operation.invoked.1,
        to: ended.filter(|_| known),
        label: brief(&(request.clone() + &via), LABEL),
        title: format!("{request}{via} · asked {from} · ended {until} · {}", fate.word()),
        class: fate.word(),
        placed: placed.map(|(number, state)| (*number, brief(state, LABEL))),
        refused: placed.is_none() && judged.refused.contains(&operation.invoked.0),
    }
}

/// An operation of which only the answer matters: it shows who led.
fn acknowledgement(operation: &Operation, led: (u64, NodeId), time: Nanos) -> Item {
    let (generation, node) = led;
    let request = words::operation(operation);
    Item {
        lane: Lane::Node(node),
        from: operation.invoked.1,
        to: Some(time),
        label: format!("leader of {generation} – {}", grade(Grade::Effect)),
        title: format!(
            "{node} acknowledged as leader of {generation}: {request} · {}",
            seconds(time)
        ),
        class: "claim",
        placed: None,
        refused: false,
    }
}

fn observation(seen: &Observation, time: Nanos) -> Item {
    let role = match seen.role {
        Some(Role::Leader) => "leader",
        Some(Role::Follower) => "follower",
        Some(Role::Candidate) => "candidate",
        None => "seen",
    };
    let of = seen.generation.map_or_else(String::new, |number| format!(" of {number}"));
    let evidence = format!("{} by {}", grade(seen.grade), source(seen.source));
    Item {
        lane: Lane::Node(seen.node),
        from: seen.since.min(time),
        to: Some(time),
        label: format!("{role}{of} – {}", grade(seen.grade)),
        title: format!("{}: {role}{of} · {evidence} · at {}", seen.node, seconds(time)),
        class: if seen.role == Some(Role::Leader) { "claim" } else { "seen" },
        placed: None,
        refused: false,
    }
}

/// The whole reigns of the generation concerned, by all that was seen of them.
fn reigns(page: &Page<'_>, anomaly: &Anomaly) -> impl Iterator<Item = Item> {
    let concerned = |reign: &&Reign| {
        Some(reign.generation) == anomaly.generation && anomaly.nodes.contains(&reign.node)
    };
    let reigns = page.reigns.iter().filter(concerned).take(MAX_ITEMS);
    reigns.map(|reign| Item {
        lane: Lane::Node(reign.node),
        from: reign.first,
        to: Some(reign.last),
        label: String::new(),
        title: format!(
            "{} led generation {}: {} – {}",
            reign.node,
            reign.generation,
            seconds(reign.first),
            seconds(reign.last)
        ),
        class: "reign",
        placed: None,
        refused: false,
    })
}

/// The faults that were on while it happened.
fn faults(page: &Page<'_>, (from, to): (Nanos, Nanos)) -> impl Iterator<Item = Item> {
    let meets = move |span: &&FaultSpan| {
        let (begin, end) = span.effective.unwrap_or_else(|| span.window(page.end));
        begin <= to && end >= from
    };
    page.drawn_faults().filter(meets).take(MAX_FAULT_LANES).map(move |span| {
        let (begin, end) = span.effective.unwrap_or_else(|| span.window(page.end));
        let proven = if span.effective.is_some() { "" } else { " – not proven" };
        let effect = format!("{}: {}{proven}", span.fault.kind, words::befell(&span.fault));
        Item {
            lane: Lane::Fault(span.id),
            from: begin.max(from),
            to: Some(end.min(to)),
            title: format!("{effect} · {} – {}", seconds(begin), seconds(end)),
            label: brief(&effect, LABEL),
            class: words::class(&span.fault),
            placed: None,
            refused: false,
        }
    })
}

/// How many faults are shown above a witness.
const MAX_FAULT_LANES: usize = 4;

/// The word of a grade of evidence.
pub(in crate::html) fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Hearsay => "hearsay",
        Grade::Claim => "claim",
        Grade::Record => "record",
        Grade::Effect => "effect",
    }
}

/// The word of a source of evidence.
pub(in crate::html) fn source(source: Source) -> &'static str {
    match source {
        Source::Poll => "poll",
        Source::Log => "log",
        Source::Ack => "acknowledgement",
    }
}
