//! The program `fracas`: from flags to a run, progress on a terminal, printing, exit codes.
//!
//! What a run is and does is the engine's; nothing here starts a server or judges.

pub mod cli;
pub mod exit;
pub mod output;
mod plans;
mod terminal;
