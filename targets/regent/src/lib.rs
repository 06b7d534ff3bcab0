//! The reference cluster of fracas: objects of many kinds on a replicated log with a generation
//! clock, served over HTTP, and bugs that can be planted in it. It is what fracas must never flag, and, with a bug planted,
//! what it must.
//!
//! Deliberately missing: changes of membership, snapshots, a vote before the vote. Runs last
//! minutes and logs fit in memory.

mod cli;
mod http;
mod job;
mod peers;
mod server;

pub mod bugs;
pub mod core;
pub mod disk;
pub mod identity;
pub mod log;
pub mod messages;
pub mod objects;
pub mod store;

pub use job::Settings;
pub use server::{ServeError, serve};

/// The program `regent`.
#[must_use]
pub fn main() -> std::process::ExitCode {
    cli::main()
}
