//! The program `fracas`.

use std::process::ExitCode;

use fracas::{doctor, lab};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("__node") => ExitCode::from(lab::node_main()),
        Some(doctor::PROBE_ARGUMENT) => {
            ExitCode::from(doctor::probe_main(&words.next().unwrap_or_default()))
        }
        Some("doctor") => {
            println!("{}", doctor::examine());
            ExitCode::SUCCESS
        }
        _ => ExitCode::from(64),
    }
}
