//! Systems under test, as data: how to launch a node, speak to it, and tell its role and generation.
//!
//! A target is a TOML file, without a line of Rust. This crate reads it, says precisely what is
//! wrong with it, renders it for a cluster, and makes clients that speak to the nodes. It starts,
//! signals and cuts nothing: the harness does.

mod answer;
mod arguments;
mod builtin;
mod client;
mod content;
mod declared;
mod deploy;
mod diagnostic;
mod duration;
mod extract;
mod http;
mod logs;
mod nearest;
mod outcome;
mod poller;
mod promises;
mod ready;
mod request;
mod resp;
mod show;
mod sighting;
mod target;
mod template;
mod text;
mod wire;

pub use client::Client;
pub use deploy::{ClusterSpec, Deployment, LogFile, NodePlan, NodeSpec};
pub use diagnostic::Diagnostic;
pub use duration::duration;
pub use http::ClientError;
pub use logs::LogRules;
pub use nearest::nearest;
pub use poller::Poller;
pub use promises::{PROMISES, Promise, Promises};
pub use ready::{ClusterReady, Probe, agreed_leader};
pub use show::quoted;
pub use sighting::Sighting;
pub use target::{Asks, Device, Limits, Route, Stop, StopSignal, Target};
pub use template::RenderError;
