//! A lane per client: every operation as a bar, or as heat cells where there are too many.
//!
//! After an indeterminate operation a worker goes on under a new process id; its lane stays the
//! same. In heat cells the worst outcome wins, so that one lost operation is never averaged away.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fracas_checker::event::{Nanos, ProcessId};
use fracas_checker::history::Operation;
use maud::{Markup, html};

use super::super::page::Page;
use super::super::svg::{Band, Bar, PLOT, Px, lane_name};
use crate::findings::Finding;
use crate::text::{PHRASE, clean, count, plural, seconds};
use crate::words::{self, Fate};

/// Up to this many operations each is a bar of its own; with more, lanes become heat cells.
const MAX_EXACT: usize = 1_500;

/// How many operations of witnesses are drawn on top.
const MAX_WITNESS: usize = 500;

/// How many lanes are drawn; further clients share the last one.
const MAX_LANES: usize = 40;

/// Into how many cells a lane is cut.
const CELLS: usize = 550;

/// The lanes of all clients, and what was reduced to draw them.
pub(super) fn band(page: &Page<'_>) -> (Band, Vec<String>) {
    let operations = page.run.history.operations();
    let lanes = Lanes::of(operations);
    let exact = operations.len() <= MAX_EXACT;
    let row = if lanes.processes.len() > 12 { 13.0 } else { 16.0 };
    let draw = Draw { page, lanes: &lanes, row };
    let band = Band {
        height: lanes.processes.len() as f64 * row,
        gutter: html! { g.clients { (draw.names()) } },
        shapes: html! {
            @if exact { @for operation in operations { (draw.bar(operation)) } }
            @else { (draw.heat()) }
            (draw.witnesses())
        },
        labels: html! {},
    };
    let mut notes = Vec::new();
    if !exact {
        notes.push(reduced(page, operations.len()));
    }
    if lanes.processes.len() == MAX_LANES {
        notes.push(format!("At most {MAX_LANES} lanes are drawn: the last one may be shared."));
    }
    (band, notes)
}

fn reduced(page: &Page<'_>, operations: usize) -> String {
    let cell = page.scale.seconds() / CELLS as f64 * 1e9;
    format!(
        "There are {} operations, too many to draw each. A cell of a client's lane stands for {} \
         and shows the worst outcome in it. Operations that are part of an anomaly are drawn \
         exactly, on top.",
        count(operations as u64),
        crate::text::duration(cell as Nanos)
    )
}

/// Which process is drawn on which lane.
struct Lanes {
    of: BTreeMap<ProcessId, usize>,
    processes: Vec<Vec<ProcessId>>,
    /// When the worker of a lane gave up on its newest operation; none while its process goes on.
    left: Vec<Option<Nanos>>,
}

impl Lanes {
    fn of(operations: &[Operation]) -> Self {
        let mut lanes = Self { of: BTreeMap::new(), processes: Vec::new(), left: Vec::new() };
        for operation in operations {
            let lane = lanes.find(operation.process, operation.invoked.1);
            let given_up = Fate::of(operation) == Fate::Info;
            let ended = operation.completed.as_ref().map(|(_, time, _)| *time);
            lanes.left[lane] = ended.filter(|_| given_up);
        }
        lanes.sorted()
    }

    /// The same lanes, in the order of their first processes.
    fn sorted(mut self) -> Self {
        self.processes.sort();
        let named = self.processes.iter().enumerate();
        self.of = named
            .flat_map(|(lane, all)| all.iter().map(move |operation| (*operation, lane)))
            .collect();
        self
    }

    fn find(&mut self, process: ProcessId, now: Nanos) -> usize {
        if let Some(lane) = self.of.get(&process) {
            return *lane;
        }
        let free = self.left.iter().position(|left| left.is_some_and(|left| left <= now));
        let lane = free.unwrap_or(self.processes.len()).min(MAX_LANES - 1);
        if lane == self.processes.len() {
            self.processes.push(Vec::new());
            self.left.push(None);
        }
        self.processes[lane].push(process);
        self.of.insert(process, lane);
        lane
    }
}

/// What all lanes are drawn with.
struct Draw<'a> {
    page: &'a Page<'a>,
    lanes: &'a Lanes,
    row: f64,
}

impl Draw<'_> {
    fn names(&self) -> Markup {
        html! { @for (place, processes) in self.lanes.processes.iter().enumerate() {
            @let more = processes.len() - 1;
            @let title = format!("this client was, one after another, process {}", ids(processes));
            @let name = match more {
                0 => format!("process {}", processes[0]),
                _ => format!("process {} +{more}", processes[0]),
            };
            (lane_name(&name, (place as f64 + 0.5) * self.row - 1.0, &title))
        } }
    }

    fn lane(&self, operation: &Operation) -> usize {
        self.lanes.of.get(&operation.process).copied().unwrap_or(0)
    }

    fn bar(&self, operation: &Operation) -> Markup {
        self.bar_as(operation, &format!("op {}", Fate::of(operation).word()), 1.5)
    }

    fn bar_as(&self, operation: &Operation, class: &str, least: f64) -> Markup {
        let ended = operation.completed.as_ref().map_or(self.page.end, |(_, time, _)| *time);
        let (x, width) = self.page.scale.span(operation.invoked.1, ended, least);
        let y = self.lane(operation) as f64 * self.row;
        let title = describe(operation);
        Bar { x, y, width, height: self.row - 3.0, class, title: &title }.draw()
    }

    /// The operations of all witnesses, on top of everything.
    fn witnesses(&self) -> Markup {
        let anomalies = self.page.findings.iter().flat_map(Finding::all);
        let indices = anomalies.flat_map(|anomaly| &anomaly.witness).take(MAX_WITNESS);
        let drawn: BTreeMap<u64, &Operation> = indices
            .filter_map(|index| self.page.operation_of(*index))
            .map(|operation| (operation.invoked.0, operation))
            .collect();
        html! { @for operation in drawn.values() { (self.bar_as(operation, "witness", 3.0)) } }
    }

    /// A path per lane and outcome instead of a bar per operation.
    fn heat(&self) -> Markup {
        let mut cells = vec![[None; CELLS]; self.lanes.processes.len()];
        for operation in self.page.run.history.operations() {
            self.warm(&mut cells[self.lane(operation)], operation);
        }
        html! { @for (place, lane) in cells.iter().enumerate() {
            @for fate in [Fate::Ok, Fate::Fail, Fate::Info, Fate::Open] {
                @let path = self.path(lane, fate, place as f64 * self.row);
                @if !path.is_empty() { path class={ "op " (fate.word()) } d=(path) {} }
            }
        } }
    }

    fn warm(&self, lane: &mut [Option<Fate>; CELLS], operation: &Operation) {
        let fate = Some(Fate::of(operation));
        let cell = |time| ((self.page.scale.x(time) / PLOT * CELLS as f64) as usize).min(CELLS - 1);
        let ended = operation.completed.as_ref().map_or(operation.invoked.1, |(_, time, _)| *time);
        for place in &mut lane[cell(operation.invoked.1)..=cell(ended)] {
            *place = (*place).max(fate);
        }
    }

    fn path(&self, lane: &[Option<Fate>; CELLS], fate: Fate, y: f64) -> String {
        let (width, height) = (PLOT / CELLS as f64, self.row - 3.0);
        let mut path = String::new();
        let mut from = 0;
        for run in lane.chunk_by(|a, b| a == b) {
            if run[0] == Some(fate) {
                let (x, length) = (Px(from as f64 * width), Px(run.len() as f64 * width));
                write!(path, "M{x} {}h{length}v{height}h-{length}z", Px(y)).expect("a String");
            }
            from += run.len();
        }
        path
    }
}

/// How many process ids are named in a lane's title.
const MAX_IDS: usize = 20;

fn ids(processes: &[ProcessId]) -> String {
    let named: Vec<String> = processes.iter().take(MAX_IDS).map(ProcessId::to_string).collect();
    let more = processes.len().saturating_sub(MAX_IDS);
    let rest =
        if more > 0 { format!(" and {}", plural(more as u64, "more id")) } else { String::new() };
    named.join(", ") + &rest
}

/// All about an operation in one line.
fn describe(operation: &Operation) -> String {
    let mut text = format!("{} · process {}", words::operation(operation), operation.process);
    if let Some(node) = operation.node {
        text += &format!(" · {node}");
    }
    text += &format!(" · {} – ", seconds(operation.invoked.1));
    text += &match &operation.completed {
        Some((_, time, _)) => format!("{} · {}", seconds(*time), Fate::of(operation).word()),
        None => "never ended".to_owned(),
    };
    if let Some(error) = words::error(operation) {
        text += &format!(" · {}", clean(error, PHRASE));
    }
    text
}
