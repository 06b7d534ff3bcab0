//! `fracas client-test`: every operation once, with what is said in both directions.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use clap::builder::{OsStringValueParser, TypedValueParser};
use fracas_checker::event::{Completion, NodeId};
use fracas_engine::plan::RunPlan;
use fracas_engine::run::{Audience, Heard};
use fracas_engine::targets;
use fracas_engine::text::plain;
use fracas_targets::Sighting;

use super::carry_out;
use super::run::decide;
use super::run_args::RunArgs;
use super::values::{BinaryArg, setting};
use crate::exit::Exit;
use crate::output::{CacheDir, print, tell};

/// So many different texts are shown of a cluster that is not ready.
const FORMS_MAX: usize = 20;

/// Arguments of `fracas client-test`.
#[derive(Debug, clap::Args)]
pub(super) struct ClientTestArgs {
    /// The path of a target file, or the name of a built-in target.
    target: String,
    /// The server program, instead of the one that the target names; `NAME=PATH` for another program
    /// of the target. May be given several times.
    #[arg(long, env = "FRACAS_BINARY", value_name = "[NAME=]PATH",
          value_parser = OsStringValueParser::new().map(BinaryArg::from))]
    binary: Vec<BinaryArg>,
    /// A setting of the target, instead of the value that its file gives it; may be given several
    /// times.
    #[arg(long = "set", value_parser = setting, value_name = "NAME=VALUE")]
    settings: Vec<(String, String)>,
    /// An argument for every server; may be given more than once.
    #[arg(long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    extra_args: Vec<String>,
    #[command(flatten)]
    cache: CacheDir,
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

/// One node, or as many as the target has where steps are taken before the load; no faults, no load.
fn plan(args: &ClientTestArgs, out: PathBuf) -> Result<RunPlan, String> {
    let words = ["fracas", "--faults=none", "--time=0s", "--no-check", &args.target];
    let mut run = Rehearsal::try_parse_from(words).map_err(|error| error.to_string())?.run;
    run.nodes = (!has_setup(args)?).then_some(1);
    run.binary.clone_from(&args.binary);
    run.settings.clone_from(&args.settings);
    run.extra_args.clone_from(&args.extra_args);
    run.out.out = out;
    run.cache = args.cache.clone();
    decide(&run, &args.target, 1)
}

/// Whether steps are taken before the load: they may need all nodes.
fn has_setup(args: &ClientTestArgs) -> Result<bool, String> {
    let settings = args.settings.iter().cloned().collect();
    targets::find(&args.target, settings).map(|target| targets::has_setup(&target))
}

/// Prints what is heard.
fn audience() -> Audience {
    let waiting = Mutex::new(Some(Waiting::default()));
    Arc::new(move |heard: Heard<'_>| {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_told = match (&heard, &mut *waiting) {
            (Heard::Said(text) | Heard::Answered(text), Some(waiting)) => waiting.is_new(text),
            _ => true,
        };
        if is_told {
            told(&heard);
        }
        if matches!(heard, Heard::Ready) {
            *waiting = None;
        }
    })
}

/// What was heard while the cluster was not ready: it is asked the same over and over.
#[derive(Default)]
struct Waiting(BTreeSet<String>);

impl Waiting {
    /// Whether such a text is heard for the first time: others differ in their numbers only.
    fn is_new(&mut self, text: &str) -> bool {
        let form: String = text.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        self.0.len() < FORMS_MAX && self.0.insert(form)
    }
}

/// Prints one thing that is heard.
fn told(heard: &Heard<'_>) {
    match heard {
        Heard::Ready => {}
        Heard::Asked(op) => print(&format!("\n{op}\n")),
        Heard::Said(text) => print(&marked('→', text)),
        Heard::Answered(text) => print(&marked('←', text)),
        Heard::Ended(completion) => print(&format!("  {}\n", ended(completion))),
        Heard::Status(node, told) => print(&status(*node, told)),
    }
}

/// What a node said of who leads, and what it was taken for.
fn status(node: NodeId, told: &Result<(String, Vec<Sighting>), String>) -> String {
    let mut text = format!("\nstatus of {node}\n");
    match told {
        Ok((answer, sightings)) => {
            text.push_str(&marked('←', answer));
            sightings
                .iter()
                .for_each(|sighting| text.push_str(&format!("  {}\n", sighted(sighting))));
            if sightings.is_empty() {
                text.push_str("  tells nothing: no role, no generation and no leader\n");
            }
        }
        Err(why) => text.push_str(&format!("  no answer: {}\n", plain(why))),
    }
    text
}

/// What was taken from a status, in words.
fn sighted(sighting: &Sighting) -> String {
    let parts = [
        sighting.role.map(|role| format!("role {}", format!("{role:?}").to_lowercase())),
        sighting.generation.map(|generation| format!("generation {generation}")),
        sighting.leader.map(|leader| format!("follows {leader}")),
        sighting.applied.map(|index| format!("applied {index}")),
        sighting.voted.map(|node| format!("voted for {node}")),
        sighting.group.as_ref().map(|group| format!("group {}", plain(group))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A cluster that is not ready is asked the same many times a second.
    #[test]
    fn what_is_said_over_and_over_is_shown_once() {
        let mut waiting = Waiting::default();
        let heard = [
            ("{\"open\":0,\"node\":\"n1\"}", true),
            ("{\"refused\":0,\"why\":\"connection refused\"}", true),
            ("{\"open\":0,\"node\":\"n1\"}", false),
            ("{\"opened\":0}", true),
            ("{\"id\":1,\"op\":\"read\",\"key\":\"k0\"}", true),
            ("{\"id\":2,\"op\":\"read\",\"key\":\"k0\"}", false),
            ("{\"id\":2,\"fail\":\"no leader\"}", true),
            ("{\"id\":3,\"fail\":\"no leader\"}", false),
        ];
        for (text, is_new) in heard {
            assert_eq!(waiting.is_new(text), is_new, "{text}");
        }
        let letters = ('a'..='z').map(String::from);
        assert!(letters.filter(|text| waiting.is_new(text)).count() < FORMS_MAX);
    }
}
