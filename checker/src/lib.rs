//! Judges recorded histories of distributed systems.
//!
//! A history goes in, a verdict comes out. This crate starts nothing, asks nobody and has no
//! clock: it reads and writes the histories it is handed.

pub mod budget;
pub mod event;
pub mod fault;
pub mod observation;
pub mod verdict;

pub use budget::Budget;
pub use event::{Completion, Event, EventKind, NodeId, Op, OpKind, Outcome, ProcessId};
pub use verdict::{Anomaly, CheckResult, Status, Verdict};
