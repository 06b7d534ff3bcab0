//! Judges recorded histories of distributed systems.
//!
//! A history goes in, a verdict comes out: *pass*, *anomaly* with a witness and its story in words,
//! or *inconclusive* with the reason. This crate starts nothing, asks nobody and has no clock, no
//! network, no process and no environment: it reads and writes the histories it is handed. It never
//! panics and never returns an error on a valid history; a malformed one is refused by its reader,
//! with the line.
//!
//! ```
//! use fracas_checker::{Budget, formats::jsonl, judge};
//!
//! let file = r#"{"schema":"fracas.history/1","run":"r","target":"t","seed":1,"nodes":["n1"],"plan":{"checks":["register/linearizable"]}}
//! {"index":0,"time":10,"event":"invoke","process":0,"op":{"f":"write","key":"k","value":1}}
//! {"index":1,"time":20,"event":"complete","process":0,"completion":{"type":"ok","outcome":{"f":"write"}}}
//! {"index":2,"time":30,"event":"invoke","process":1,"op":{"f":"read","key":"k"}}
//! {"index":3,"time":40,"event":"complete","process":1,"completion":{"type":"ok","outcome":{"f":"read","value":null}}}
//! "#;
//! let (history, _torn) = jsonl::read(file.as_bytes())?;
//! let verdict = judge(&history, Budget::unlimited_time());
//! let (_check, anomaly) = verdict.anomalies().next().expect("the write is gone");
//! assert_eq!(anomaly.class, "lost-write");
//! # Ok::<(), jsonl::ReadError>(())
//! ```
//!
//! # The way through this crate
//!
//! 1. [`event`], [`observation`] and [`fault`] are the vocabulary: what a history is made of. A
//!    target and a workload meet in it, so it says nothing of how anything is done.
//! 2. [`formats`] reads lines into a [`history::History`], which is validated once and then trusted.
//!    Its header carries the [`history::Plan`]: how it is to be judged.
//! 3. [`judge()`] runs the checks of the plan, within a [`Budget`] of bytes and time that the caller
//!    measures. Running out is inconclusive, and says how much was verified.
//!    - [`linearizability`]: is there an order of all operations that one copy would allow? It asks
//!      [`models`], one per kind of object.
//!    - [`leadership`]: has every generation one leader, and was nothing lost to a deposed one?
//!    - [`liveness`]: does the cluster come back after the last heal?
//!    - [`coverage`]: was enough seen for a pass to mean something?
//! 4. [`verdict`] holds the answer, [`catalogue`] explains the classes of anomalies.
//!
//! # What the words mean
//!
//! An `ok` operation took effect at one instant of its closed interval; a `fail` never; an `info`
//! at any instant after its invocation, or never. Operations that touch in time are concurrent. A
//! time-out is therefore no failure: its write may land after later acknowledged ones, and that is
//! no anomaly.

pub mod budget;
pub mod catalogue;
mod cause;
pub mod coverage;
pub mod event;
pub mod fault;
pub mod formats;
mod hashing;
pub mod history;
pub mod judge;
pub mod leadership;
pub mod lifecycle;
pub mod linearizability;
pub mod liveness;
pub mod models;
pub mod objects;
pub mod observation;
pub mod op;
mod reach;
mod story;
pub mod transaction;
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
pub use verdict::{Anomaly, CheckResult, Status, Verdict};
