//! The engine of fracas: carries out a decided run. It starts a cluster, drives clients, breaks
//! the cluster, records what was seen, and hands the history to the checker.
//!
//! `run` tells the story; `nemesis` is pure. The engine prints nothing: it tells a listener how a
//! run goes on (`progress`), and returns what came of it. It never judges.

pub mod actor;
mod begun;
pub mod caller;
pub mod client_programs;
pub mod clients;
pub mod cluster;
pub mod collected;
pub mod deploying;
pub mod doctor;
pub mod enough;
pub mod equipment;
pub mod faults;
pub mod fits;
mod given_back;
pub mod guard;
pub mod heartbeat;
pub mod interrupt;
pub mod judging;
pub mod logs;
pub mod means;
pub mod nemesis;
pub mod observer;
pub mod plan;
pub mod powerless;
pub mod preflight;
mod preparation;
mod programs;
pub mod progress;
pub mod proven;
pub mod pulse;
pub mod record;
pub mod recorder;
mod refusal;
pub mod replay;
pub mod retention;
pub mod run;
pub mod signals;
pub mod spec;
pub mod start_error;
pub mod store;
pub mod targets;
pub mod text;
pub mod view;
mod watching;
