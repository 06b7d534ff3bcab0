//! Proves every fault on every built-in server, as root and as an ordinary user, and writes the
//! table `docs/proven-faults.md`.
//!
//! Each server is started in a lab, as a run starts it, and clients write to it. A fault is brought
//! about, measured and mended by the very code that a run uses. What it costs those who are not
//! meant is measured just before it and while it lasts. Nothing is judged here but the faults.
//!
//! Systems of other runtimes are tried as root, each in a run of `fracas` with a schedule of all faults.
//!
//! Ends with 1 if a fault is not proven that `fracas doctor` says is available. Given the names of
//! servers, it proves only those, and writes nothing.

mod bench;
mod by_message;
mod cases;
#[path = "../reproduce/fetch.rs"]
mod fetch;
mod page;
#[path = "../reproduce/program.rs"]
mod program;
mod row;
mod runtimes;
mod ways;

use std::process::ExitCode;

use fracas_engine::doctor;
use fracas_lab::Isolation;

use bench::Bench;
use cases::Group;
use runtimes::SYSTEMS;
use ways::{Room, Way};

/// Where the table goes.
const TABLE: &str = "docs/proven-faults.md";

/// The servers that are tried in every way, by the names of their targets.
const SERVERS: [&str; 3] = ["regent", "etcd", "redis"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["__node", ..] => fracas_lab::node_main().into(),
        ["__disk", ..] => fracas_lab::disk::disk_main().into(),
        [doctor::PROBE_ARGUMENT, isolation] => doctor::probe_main(isolation).into(),
        [ways::DOCTOR] => ways::examine(),
        [ways::PROVE, server, group] => prove(server, group),
        [] => all(&[&SERVERS[..], &SYSTEMS.map(|system| system.name)].concat(), true),
        _ => all(&words, false),
    }
}

/// Proves all, in processes of their own, and shows what came of it.
fn all(named: &[&str], write: bool) -> ExitCode {
    match everything(named) {
        Ok(blocks) => {
            let failed = blocks.iter().flat_map(|block| &block.rows);
            let failed = failed.filter(|row| row.verdict.is_failed()).count();
            let page = page::page(&blocks);
            println!("{page}");
            if write && let Err(error) = std::fs::write(TABLE, page) {
                eprintln!("prove-faults: failed to write `{TABLE}`: {error}");
                return ExitCode::FAILURE;
            }
            eprintln!("prove-faults: {failed} faults failed their proof");
            ExitCode::from(u8::from(failed > 0))
        }
        Err(error) => {
            eprintln!("prove-faults: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Those of the named servers that are tried in every way, and then those of other runtimes.
fn everything(named: &[&str]) -> Result<Vec<page::Block>, String> {
    if let Some(kind) = Group::forgotten() {
        return Err(format!("no case proves faults of the kind `{}`", kind.word()));
    }
    let known: Vec<&str> = SERVERS.into_iter().chain(SYSTEMS.map(|system| system.name)).collect();
    if let Some(stranger) = named.iter().find(|name| !known.contains(name)) {
        return Err(format!("there is no `{stranger}`: expected one of {}", known.join(", ")));
    }
    let is_named = |name: &&str| named.contains(name);
    let servers: Vec<&str> = SERVERS.into_iter().filter(is_named).collect();
    let room = Room::open()?;
    let mut blocks = Vec::new();
    for way in Way::all() {
        let doctor = way.doctor(&room)?;
        for server in &servers {
            let mut rows = Vec::new();
            for group in Group::ALL {
                eprintln!("prove-faults: {server}, {}, {}", way.name(), group.word());
                rows.extend(way.prove(&room, (server, group), &doctor)?);
            }
            blocks.push(page::Block { server: (*server).to_owned(), way: way.name(), rows });
        }
    }
    if nix::unistd::geteuid().is_root() {
        let systems = SYSTEMS.iter().filter(|system| is_named(&system.name));
        blocks.extend(systems.map(|system| {
            eprintln!("prove-faults: {}", system.title());
            system.prove()
        }));
    }
    Ok(blocks)
}

/// Proves one group of faults on one server, in a world of its own; prints a line for each.
fn prove(server: &str, group: &str) -> ExitCode {
    let Some(group) = Group::ALL.into_iter().find(|known| known.word() == group) else {
        eprintln!("no group is called `{group}`");
        return ExitCode::FAILURE;
    };
    let entered = fracas_lab::enter(Isolation::Auto, |_| match Bench::start(server, group) {
        Ok(mut bench) => {
            bench.prove_all(group);
            0
        }
        Err(error) => {
            eprintln!("{error}");
            1
        }
    });
    entered.map_or_else(
        |error| {
            eprintln!("failed to {error}");
            ExitCode::FAILURE
        },
        ExitCode::from,
    )
}
