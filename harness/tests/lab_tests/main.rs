//! Tests of the lab that need a world of their own; see `support` for how they are run.

mod agent;
mod clock;
mod clock_programs;
mod disk;
mod disk_aging;
mod disk_faults;
mod disk_links;
mod disk_machine;
mod disk_many;
mod disk_model;
mod disk_servers;
mod doctor;
mod inside;
mod last_life;
mod network;
mod packets;
mod probe;
mod processes;
mod resources;
mod several;
mod support;
mod walls;
mod workers;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let all = [
        agent::TESTS,
        clock::TESTS,
        clock_programs::TESTS,
        disk::TESTS,
        disk_aging::TESTS,
        disk_faults::TESTS,
        disk_machine::TESTS,
        disk_links::TESTS,
        disk_many::TESTS,
        disk_model::TESTS,
        disk_servers::TESTS,
        doctor::TESTS,
        inside::TESTS,
        last_life::TESTS,
        network::TESTS,
        packets::TESTS,
        processes::TESTS,
        resources::TESTS,
        several::TESTS,
        walls::TESTS,
        workers::TESTS,
        world::TESTS,
    ];
    support::main(&all.concat())
}
