//! The orchestrator of fracas: starts a cluster, drives clients, breaks it, records what was seen,
//! and hands the history to the checker.
//!
//! `run` tells the story; `lab` is the only module that touches the operating system's inner
//! workings; `nemesis` is pure. This crate never judges and never writes a report itself.

pub mod actor;
mod begun;
pub mod cli;
pub mod clients;
pub mod cluster;
pub mod deploying;
pub mod doctor;
pub mod durable;
pub mod enough;
pub mod equipment;
pub mod exit;
pub mod fits;
pub mod guard;
pub mod heartbeat;
pub mod interrupt;
pub mod judging;
pub mod last_words;
pub mod logs;
pub mod nemesis;
pub mod observer;
pub mod plan;
pub mod powerless;
pub mod preflight;
pub mod progress;
pub mod record;
pub mod recorder;
pub mod run;
pub mod store;
pub mod tail;
pub mod targets;
pub mod text;
pub mod view;
