//! `fracas client-test`: every operation once, with what is said in both directions.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use fracas_checker::event::Completion;
use fracas_engine::plan::RunPlan;
use fracas_engine::run::{Audience, Heard};
use fracas_engine::text::plain;

use super::carry_out;
use super::run::decide;
use super::run_args::RunArgs;
use crate::exit::Exit;
use crate::output::{print, tell};

/// Arguments of `fracas client-test`.
#[derive(Debug, clap::Args)]
pub(super) struct ClientTestArgs {
    /// The path of a target file, or the name of a built-in target.
    target: String,
    /// The server program, instead of the one that the target names.
    #[arg(long, env = "FRACAS_BINARY", value_name = "PATH")]
    binary: Option<PathBuf>,
    /// An argument for every server; may be given more than once.
    #[arg(long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    extra_args: Vec<String>,
}

/// A run with nothing but its arguments.
#[derive(Debug, Parser)]
struct Rehearsal {
    #[command(flatten)]
    run: RunArgs,
}

/// Starts a cluster of one node without faults, and asks every operation once.
pub(super) fn client_test(args: &ClientTestArgs) -> Exit {
    let scratch = Scratch(std::env::temp_dir().join(format!("fracas-{}", std::process::id())));
    match plan(args, scratch.0.clone()) {
        Ok(plan) => carry_out::rehearse(&plan, &audience()),
        Err(error) => {
            tell(&error);
            Exit::Usage
        }
    }
}

/// A directory that is removed when nobody needs it any more.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        match std::fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tell(&format!("fracas: failed to remove `{}`: {error}", self.0.display()));
            }
            _ => {}
        }
    }
}

/// One node, no faults, no load.
fn plan(args: &ClientTestArgs, out: PathBuf) -> Result<RunPlan, String> {
    let words = ["fracas", "--nodes=1", "--faults=none", "--time=0s", "--no-check", &args.target];
    let mut run = Rehearsal::try_parse_from(words).map_err(|error| error.to_string())?.run;
    run.binary.clone_from(&args.binary);
    run.extra_args.clone_from(&args.extra_args);
    run.out.out = out;
    decide(&run, &args.target, 1)
}

/// Prints what is heard.
fn audience() -> Audience {
    Arc::new(|heard: Heard<'_>| match heard {
        Heard::Asked(op) => print(&format!("\n{op}\n")),
        Heard::Said(text) => print(&marked('→', text)),
        Heard::Answered(text) => print(&marked('←', text)),
        Heard::Ended(completion) => print(&format!("  {}\n", ended(completion))),
    })
}

fn marked(mark: char, text: &str) -> String {
    let mut lines = text.lines();
    let first = format!("  {mark} {}\n", plain(lines.next().unwrap_or_default()));
    lines.fold(first, |text, line| text + &format!("    {}\n", plain(line)))
}

/// How an operation ended, in words.
fn ended(completion: &Completion) -> String {
    match completion {
        Completion::Ok { outcome, .. } => match outcome.details() {
            Some(told) => format!("ok: {}", plain(&told)),
            None => "ok".to_owned(),
        },
        Completion::Fail { error } => format!("fail: {}", plain(error)),
        Completion::Info { error } => format!("info (nobody knows): {}", plain(error)),
    }
}
