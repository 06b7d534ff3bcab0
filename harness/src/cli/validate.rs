//! `fracas validate`: is a target file or a plan right, and what does it come to? Starts nothing but its client
//! program, which is asked what it serves.

use std::path::Path;
use std::rc::Rc;

use clap::builder::{OsStringValueParser, TypedValueParser};
use fracas_targets::{Deployment, NodePlan, Setting, Target};

use super::item::Item;
use super::planned;
use super::run::NO_PROMISES;
use super::values::{Binaries, BinaryArg, setting};
use crate::exit::Exit;
use crate::output::{complain, print, tell};
use fracas_engine::{fits, targets};

/// Arguments of `fracas validate`.
#[derive(Debug, clap::Args)]
pub(super) struct ValidateArgs {
    /// The path of a target file or of a plan, or the name of a built-in target.
    target: String,
    /// The server program to look for, instead of the one that the target names; `NAME=PATH` for another program
    /// of the target. May be given several times.
    #[arg(long, env = "FRACAS_BINARY", value_name = "[NAME=]PATH",
          value_parser = OsStringValueParser::new().map(BinaryArg::from))]
    binary: Vec<BinaryArg>,
    /// A setting of the target, instead of the value that its file gives it; may be given several
    /// times.
    #[arg(long = "set", value_parser = setting, value_name = "NAME=VALUE")]
    settings: Vec<(String, String)>,
    /// Show every command, file and request that fracas makes of it, for three nodes at most.
    #[arg(long)]
    show_commands: bool,
}

/// Says whether a file is right, and what it comes to.
pub(super) fn validate(args: &ValidateArgs) -> Exit {
    let path = Path::new(&args.target);
    if planned::is_one(path) { plan(path) } else { target(args) }
}

/// Decides a run of every row of a plan, under every profile.
fn plan(path: &Path) -> Exit {
    let told = planned::profiles(path).and_then(|profiles| {
        let all = std::iter::once(None).chain(profiles.iter().map(|name| Some(name.as_str())));
        all.map(|profile| of_plan(path, profile)).collect::<Result<String, String>>()
    });
    match told {
        Ok(told) => {
            print(&format!("{}: the plan is valid\n{told}", path.display()));
            Exit::Pass
        }
        Err(error) => {
            tell(&error);
            Exit::Usage
        }
    }
}

/// The rows of a plan under a profile, a line each.
fn of_plan(path: &Path, profile: Option<&str>) -> Result<String, String> {
    let night = planned::night_alone(path, profile)?;
    let head = profile.map_or("without a profile".to_owned(), |name| format!("profile `{name}`"));
    let mut rows: Vec<(&Item, usize)> = Vec::new();
    for item in &night.items {
        match rows.iter_mut().find(|(known, _)| Rc::ptr_eq(&known.args, &item.args)) {
            Some((_, count)) => *count += 1,
            None => rows.push((item, 1)),
        }
    }
    let line = |(first, count): (&Item, usize)| {
        let plan = first.decide()?;
        let runs = if count == 1 { "1 run".to_owned() } else { format!("{count} runs") };
        let target = plan.target.name();
        Ok(format!("  {}: {runs} of {target}, {}\n", first.name(), plan.summary()))
    };
    Ok(head + "\n" + &rows.into_iter().map(line).collect::<Result<String, String>>()?)
}

/// Parses the target and renders everything in it for a few nodes.
fn target(args: &ValidateArgs) -> Exit {
    let settings = args.settings.iter().cloned().collect();
    let named =
        Binaries::of(&args.binary).and_then(|it| Ok((it, targets::load(&args.target, settings)?)));
    let (binaries, (target, beside)) = match named {
        Ok(named) => named,
        Err(error) => {
            tell(&error);
            return Exit::Usage;
        }
    };
    let deployment = match target.deploy(&targets::example(&target)) {
        Ok(deployment) => deployment,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    if let Err(error) = fits::reachable(&target, &deployment) {
        tell(&error);
        return Exit::Usage;
    }
    print(&summary(&args.target, &target));
    let dir = beside.as_deref().unwrap_or(Path::new("."));
    if let Some(argv) = target.client_program(dir) {
        let also = if target.asks_program_for_status() { ", and tells who leads" } else { "" };
        print(&format!("its client program `{}` started and is ready{also}\n", argv.join(" ")));
    }
    target.settings().iter().for_each(|named| print(&setting_of(named)));
    print(&asked(&deployment));
    if args.show_commands {
        print(&deployment.show(dir));
    }
    warn_of_programs(&target, beside.as_deref(), &binaries);
    if target.promises().made.is_empty() {
        tell(NO_PROMISES);
    }
    for warning in [fits::doubts(&deployment), fits::doubtful_programs(&deployment, dir)].concat() {
        tell(&format!("fracas: warning: {warning}"));
    }
    Exit::Pass
}

/// What the target is good for, in one line.
fn summary(name: &str, target: &Target) -> String {
    let served: Vec<&str> = target.serves().iter().map(|kind| kind.word()).collect();
    format!("{name}: target `{}` is valid; it serves {}\n", target.name(), served.join(", "))
}

/// A setting, its value, and what else it could be.
fn setting_of((name, setting): (&String, &Setting)) -> String {
    let Setting { description, value, one_of } = setting;
    let others: Vec<String> =
        one_of.iter().filter(|other| *other != value).map(|other| format!("`{other}`")).collect();
    let or = if others.is_empty() { String::new() } else { format!(" (or {})", others.join(", ")) };
    format!("its setting `{name}` is `{value}`{or}: {description}\n")
}

/// What its servers ask of the machine beside what every server gets, a line each.
fn asked(deployment: &Deployment) -> String {
    let first = deployment.nodes.values().next();
    let asked = first.map(NodePlan::asked).unwrap_or_default();
    asked.iter().map(|question| format!("each of its servers asks {question}\n")).collect()
}

/// A file can be right on a machine that does not have the programs: that is a warning only.
fn warn_of_programs(target: &Target, beside: Option<&Path>, asked: &Binaries) {
    let server = targets::binary(target, beside, asked.server.as_deref()).err();
    let others = targets::other_binaries(target, beside, &asked.others).err();
    for error in server.into_iter().chain(others) {
        tell(&error.replacen("error:", "fracas: warning:", 1));
    }
}
