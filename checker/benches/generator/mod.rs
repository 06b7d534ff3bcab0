//! Histories of any size, for measuring and for tests: legal by construction, the same for a seed.
//!
//! A few clients ask a correct server, each one operation after the other. Every operation takes
//! effect at one instant between its invocation and its end; one whose end is unknown takes effect
//! then, later, or never, and its client goes on under a new process. About as many operations are
//! open at any time as there are clients. One wrong answer can be planted near the end.
//!
//! Nothing here judges anything, and nothing is read from files, clocks or the system's generator.
//! Include it with `#[path]`; it belongs to no public API.

mod clients;
mod dice;
mod objects;

use std::io::{self, Write};

use fracas_checker::formats::jsonl;
use fracas_checker::history::{Plan, SCHEMA};
use fracas_checker::{Event, Header, History, NodeId};

pub(crate) use objects::Kind;

/// How a history is drawn. The same shape gives the same history, everywhere and for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// What kind of object is asked.
    pub(crate) kind: Kind,
    /// How many operations are asked.
    pub(crate) operations: usize,
    /// How many clients ask, each one operation after the other.
    pub(crate) clients: usize,
    /// Of a thousand operations that may change something, how many end with an unknown outcome.
    pub(crate) indeterminate: u32,
    /// Among how many objects of the kind the operations are spread evenly.
    pub(crate) keys: usize,
    /// How many different values are written; none: each is written once.
    pub(crate) values: Option<u32>,
    /// What a compare-and-set says that does not succeed.
    pub(crate) refusal: Refusal,
    /// Whether one answer among the last twentieth is wrong: a stale read, or what comes next to it
    /// for the kind. With few values it may be that no answer is certainly wrong; then none is
    /// planted, as [`Drawn::planted`] tells.
    pub(crate) planted: bool,
    /// Where all chance comes from.
    pub(crate) seed: u64,
}

/// What a compare-and-set says that does not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The value that it found.
    Found,
    /// That the value was another.
    Differs,
    /// Nothing: it failed.
    Failed,
}

impl Shape {
    /// One object, values that are written once, every outcome known, nothing wrong.
    pub(crate) fn new(kind: Kind, operations: usize, clients: usize) -> Self {
        Self {
            kind,
            operations,
            clients,
            indeterminate: 0,
            keys: 1,
            values: None,
            refusal: Refusal::Found,
            planted: false,
            seed: 1,
        }
    }

    /// Draws the history.
    pub(crate) fn draw(&self) -> Drawn {
        clients::draw(self)
    }

    /// Draws the history, validated, to be judged by `checks`.
    pub(crate) fn history(&self, checks: &[&str]) -> History {
        self.history_of(self.draw(), checks)
    }

    /// What was drawn of this shape, validated, to be judged by `checks`.
    pub(crate) fn history_of(&self, drawn: Drawn, checks: &[&str]) -> History {
        History::new(self.header(checks), drawn.events).expect("a correct recorder")
    }

    /// Writes the history as our own JSON lines, to be judged by `checks`.
    pub(crate) fn write(&self, checks: &[&str], mut out: impl Write) -> io::Result<()> {
        writeln!(out, "{}", jsonl::header_line(&self.header(checks)))?;
        self.draw()
            .events
            .iter()
            .try_for_each(|event| writeln!(out, "{}", jsonl::event_line(event)))
    }

    fn header(&self, checks: &[&str]) -> Header {
        Header {
            schema: SCHEMA.to_owned(),
            run: "generated".to_owned(),
            target: "generated".to_owned(),
            seed: self.seed,
            nodes: vec![NodeId(1)],
            plan: Plan {
                checks: checks.iter().map(|id| (*id).to_owned()).collect(),
                ..Plan::default()
            },
        }
    }
}

/// A history as it was drawn.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// Every event, in order; a valid history.
    pub(crate) events: Vec<Event>,
    /// The index of the completion that holds the wrong answer, if one was planted.
    pub(crate) planted: Option<u64>,
}
