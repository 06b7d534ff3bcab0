//! The program `fracas`.

use std::process::ExitCode;

use fracas::exit::Exit;
use fracas::{cli, doctor, targets};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let first = words.next();
    match first.as_deref().and_then(|word| word.to_str()) {
        Some("__node") => ExitCode::from(fracas_lab::node_main()),
        Some("__disk") => ExitCode::from(fracas_lab::disk::disk_main()),
        Some(targets::TRIAL_ARGUMENT) => {
            let name = words.next().unwrap_or_default();
            ExitCode::from(targets::trial_main(&name.to_string_lossy()))
        }
        Some(doctor::PROBE_ARGUMENT) => {
            let what = words.next().unwrap_or_default();
            ExitCode::from(doctor::probe_main(&what.to_string_lossy()))
        }
        _ => {
            let ended = std::panic::catch_unwind(cli::main);
            ExitCode::from(ended.unwrap_or(Exit::Internal).code()) // a panic is a bug of ours
        }
    }
}
