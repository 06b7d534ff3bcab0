//! Judges recorded histories of distributed systems: is there an order of all operations that one
//! copy would allow, had every generation one leader, did the cluster come back?
//!
//! A history goes in, a verdict comes out: *pass*, *anomaly* with a small witness and its story in
//! words, or *inconclusive* with the reason. This crate starts nothing, asks nobody and has no
//! clock, no network, no process and no environment: it reads and writes the histories it is handed.
//! It never panics and never returns an error on a valid history; a malformed one is refused by its
//! reader, with the line.
//!
//! # Start here
//!
//! Two operations on a register, and whether they can be told apart from one copy:
//!
//! ```
//! use fracas_checker::linearizability::{call::Call, is_linearizable};
//! use fracas_checker::{Budget, Op, Outcome, models::Register};
//!
//! let write = Op::Write { key: "k".into(), value: 1.into() };
//! let read = Op::Read { key: "k".into() };
//! let nothing = Outcome::Read { value: None };
//! let calls = [
//!     Call { id: 0, op: &write, outcome: Some(&Outcome::Write), start: 0, end: Some(10) },
//!     Call { id: 1, op: &read, outcome: Some(&nothing), start: 20, end: Some(30) },
//! ];
//! // The write was over when the read began, and the read did not see it.
//! assert_eq!(is_linearizable::<Register>(&calls, &Budget::unlimited_time()), Some(false));
//! ```
//!
//! A recorded history, whoever recorded it, and why it is wrong:
//!
//! ```
//! use fracas_checker::{Algorithm, Budget, formats, judge_by, objects};
//!
//! let recorded = r#"
//!     {:process 0, :type :invoke, :f :write, :value 1}
//!     {:process 0, :type :ok,     :f :write, :value 1}
//!     {:process 1, :type :invoke, :f :read,  :value nil}
//!     {:process 1, :type :ok,     :f :read,  :value nil}"#;
//! let kind = objects::named("cas-register").expect("a kind of objects");
//! let hint = formats::Hint { kind: Some(kind), ..formats::Hint::default() };
//! let history = formats::read(recorded.as_bytes(), &hint)?.history;
//! let verdict = judge_by(&history, &[kind.id], Algorithm::Auto, Budget::unlimited_time());
//! let (_check, anomaly) = verdict.anomalies().next().expect("the write is gone");
//! assert_eq!(anomaly.class, "lost-write");
//! println!("{}\n{}", anomaly.headline, anomaly.story.join("\n"));
//! # Ok::<(), formats::ReadError>(())
//! ```
//!
//! # What the words mean
//!
//! An operation takes effect at one instant of its closed interval, from its invocation to its
//! completion:
//!
//! - `ok`: inside. Operations that touch in time are concurrent.
//! - `fail`: never.
//! - `info`, or no completion: at any instant after its invocation, or never. A time-out is no
//!   failure: its write may land after later acknowledged ones, and that is no anomaly. A read that
//!   ended so says nothing and is left out.
//!
//! A history in which a process overlaps with itself, or completes what it did not ask, is
//! *malformed*: refused by the reader, never judged. Running out of a [`Budget`] is inconclusive,
//! never a verdict, and says how much was verified.
//!
//! # The way through this crate
//!
//! 1. [`op`], [`event`], [`observation`] and [`fault`] are the vocabulary: what a history is made of.
//! 2. [`formats`] reads a file into a [`history::History`], which is validated once and then trusted.
//!    Its header may carry a [`history::Plan`]: how it is to be judged.
//! 3. [`judge()`] runs the checks of the plan, [`judge_by`] those that the caller names.
//!    [`recorded`] judges what a file holds, by the model that fits ([`fit`]), and weighs what the
//!    file leaves open.
//!    - [`objects`] lists the kinds of objects: registers, sets, queues, locks, counters and more.
//!      Each has a sequential specification in [`models`]; [`linearizability`] is what they share.
//!    - [`guarantees`]: what a broken register breaks besides, and what it does not.
//!    - [`leadership`]: has every generation one leader, and was nothing lost to a deposed one?
//!    - [`liveness`]: does the cluster come back after the last heal?
//!    - [`coverage`]: was enough seen for a pass to mean something?
//! 4. [`online`] keeps up with a run and says at once when a check will refute it.
//! 5. [`verdict`] holds the answer, [`catalogue`] explains the classes of anomalies; [`untrusted`]
//!    makes what a target wrote fit to be shown.
//!
//! # How a decision is made
//!
//! Linearizability is local: every object is judged alone, in parallel. Where the history is
//! *unambiguous* (every value written once, so that a read names the write it saw) a near-linear
//! check of the kind decides, operations of unknown outcome included. Else a general search does:
//! depth-first for a witness, a frontier of configurations for a refutation, in turns under one
//! budget. What is refuted is made small, named from the catalogue, and told as a story.
//!
//! # A model of your own
//!
//! A model is a type with one method, and may bring its own operations:
//!
//! ```
//! use fracas_checker::linearizability::{call::Call, search_linearizable};
//! use fracas_checker::models::{Model, Refusal};
//! use fracas_checker::Budget;
//!
//! /// A door that opens once.
//! #[derive(Clone, PartialEq, Eq, Hash, Default)]
//! struct Door { open: bool }
//!
//! impl std::fmt::Display for Door {
//!     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
//!         f.write_str(if self.open { "is open" } else { "is shut" })
//!     }
//! }
//!
//! impl Model for Door {
//!     type Op = &'static str;
//!     type Outcome = bool;
//!
//!     fn step(&self, op: &&'static str, opened: Option<&bool>) -> Result<Self, Refusal> {
//!         // Without an answer the only thing that can have happened is what the door does.
//!         if opened.is_some_and(|opened| *opened == self.open) {
//!             return Err(Refusal(format!("here the door {self}, so `{op}` answers otherwise")));
//!         }
//!         Ok(Self { open: true })
//!     }
//! }
//!
//! let (push, yes) = ("push", true);
//! let twice = [0, 1].map(|id| Call { id, op: &push, outcome: Some(&yes), start: id, end: Some(9) });
//! assert_eq!(search_linearizable::<Door>(&twice, &Budget::unlimited_time()), Some(false));
//! ```
//!
//! To judge it like the kinds that are here (by near-linear check, with a minimal witness, a name
//! and a story) implement [`objects::Object`] for it: one file, and one line in a table.

pub mod budget;
pub mod catalogue;
mod cause;
pub mod coverage;
mod delivery;
pub mod event;
pub mod fault;
pub mod fit;
pub mod formats;
mod groups;
pub mod guarantees;
pub mod hallmark;
pub mod harness;
mod hashing;
pub mod history;
mod identity;
pub mod judge;
mod late;
pub mod leadership;
pub mod lease;
pub mod lifecycle;
pub mod linearizability;
pub mod liveness;
mod mishap;
pub mod models;
pub mod objects;
pub mod observation;
pub mod online;
pub mod op;
mod reach;
pub mod recorded;
mod story;
pub mod text;
mod timeless;
pub mod transaction;
pub mod tried;
pub mod untrusted;
pub mod value;
pub mod verdict;
mod words;

pub use budget::Budget;
pub use catalogue::explain;
pub use event::{Completion, Event, EventKind, NodeId, ProcessId};
pub use history::{Header, History, Plan};
pub use judge::{judge, judge_by};
pub use linearizability::Algorithm;
pub use op::{Key, Op, OpKind, Outcome, Value};
pub use tried::{Tried, Window};
pub use verdict::{Anomaly, CheckResult, Status, Verdict};
