//! The program `fracas`.

use std::process::ExitCode;

use fracas::exit::Exit;
use fracas::{cli, output};
use fracas_engine::{doctor, targets};
use fracas_lab::{disk, node_main};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let first = words.next();
    let mut argument = || words.next().unwrap_or_default().to_string_lossy().into_owned();
    match first.as_deref().and_then(|word| word.to_str()) {
        Some("__node") => ExitCode::from(node_main()),
        Some("__disk") => ExitCode::from(disk::disk_main()),
        Some(targets::TRIAL_ARGUMENT) => match targets::trial_main(&argument(), &argument()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                output::tell(&error);
                ExitCode::FAILURE
            }
        },
        Some(doctor::PROBE_ARGUMENT) => ExitCode::from(doctor::probe_main(&argument())),
        _ => {
            let ended = std::panic::catch_unwind(cli::main);
            ExitCode::from(ended.unwrap_or(Exit::Internal).code()) // a panic is a bug of ours
        }
    }
}
