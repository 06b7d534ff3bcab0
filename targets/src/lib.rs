//! Systems under test, as data: how to launch a node, speak to it, and tell its role and generation.
//!
//! A target is a TOML file, without a line of Rust. This crate reads it, says precisely what is
//! wrong with it, renders it for a cluster, and makes clients that speak to the nodes. It starts,
//! signals and cuts nothing: the harness does.

mod answer;
mod arguments;
mod asking;
mod builtin;
mod changes;
mod choices;
mod client;
mod cluster;
mod connection;
mod content;
mod declared;
mod deploy;
mod diagnostic;
mod duration;
mod endpoint;
mod extract;
mod form;
mod known;
mod logs;
mod members;
mod nearest;
mod outcome;
mod poller;
mod prepare;
mod probe;
mod promises;
mod protocol;
mod protocols;
mod quoted;
mod ready;
mod redirect;
mod reply;
mod session;
mod setting;
mod setup;
mod show;
mod sighting;
mod spec;
mod status;
mod target;
mod template;
mod text;
mod told;

pub use asking::Ear;
pub use changes::{Answer, Concern, Membership};
pub use choices::{Alone, Device, Route, StopSignal};
pub use client::{Client, Ended};
pub use cluster::{ClusterSpec, NodeSpec, PrepareIn};
pub use deploy::{Deployment, LogFile, NodeLog, NodePlan, ProcessPlan};
pub use diagnostic::{Diagnostic, Problem, Source};
pub use duration::duration;
pub use known::{Known, KnownFault, Settings};
pub use logs::LogRules;
pub use members::MemberStep;
pub use nearest::nearest;
pub use poller::Poller;
pub use prepare::Prepare;
pub use probe::Probe;
pub use promises::{PROMISES, Promise, Promises};
pub use protocols::program::{Handle, Programs, Running};
pub use quoted::quoted;
pub use ready::{ClusterReady, agreed_leader};
pub use redirect::{Attempt, Redirect};
pub use reply::ClientError;
pub use setting::Setting;
pub use setup::{Expect, Side, Step};
pub use sighting::Sighting;
pub use spec::{Asks, Limits, Serves, Stop};
pub use target::Target;
pub use template::RenderError;
