//! Tests of the lab that need a world of their own; see `support` for how they are run.

mod doctor;
mod network;
mod processes;
mod support;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    support::main(&[doctor::TESTS, network::TESTS, processes::TESTS, world::TESTS].concat())
}
