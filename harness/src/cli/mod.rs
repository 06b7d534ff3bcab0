//! The command line: parse, dispatch, exit code. What a command does is in its own file.

mod aftermath;
mod carry_out;
mod check;
mod chosen;
mod clean;
mod client_test;
mod closing;
mod completions;
mod convert;
mod diff;
mod ending;
mod explain;
mod from_spec;
mod index;
mod init;
mod item;
mod list;
mod origins;
mod planned;
mod ran;
mod repetition;
mod replay;
mod report;
mod run;
mod run_args;
mod series;
mod side_by_side;
mod told;
mod validate;
mod values;
mod words;

use std::collections::BTreeMap;
use std::io::{self};

use clap::{CommandFactory, Parser, Subcommand};
use fracas_engine::spec::Origin;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::exit::Exit;
use crate::output::be_quiet;

/// A chaos test harness for clusters: it starts real servers, injects faults and measures that they
/// took effect, records what clients asked and saw, and judges the record.
#[derive(Debug, Parser)]
#[command(name = "fracas", version, max_term_width = 100, after_help = EXITS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Write more diagnostics to stderr; give it twice for all of them.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Write only warnings and errors to stderr.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Format of the diagnostics on stderr.
    #[arg(long, global = true, value_enum, default_value = "text")]
    log_format: LogFormat,
    /// As `--log-format json`: the name that Jepsen has for it.
    #[arg(long, global = true, hide = true)]
    logging_json: bool,
    /// When diagnostics are coloured.
    #[arg(long, global = true, value_enum, default_value = "auto")]
    color: Color,
}

/// Format of diagnostics.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    /// Lines for people to read.
    Text,
    /// One JSON object per line.
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Color {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a cluster, let clients ask it, inject faults, judge what happened, and write reports.
    Run(Box<run_args::RunArgs>),
    /// Judge recorded histories: of fracas, Jepsen, Knossos, Elle, Porcupine or Maelstrom.
    Check(check::CheckArgs),
    /// Carry out a run again, with the faults that happened, and tell how often its anomaly comes back.
    Replay(replay::ReplayArgs),
    /// Explain an anomaly, with its smallest example.
    Explain(explain::ExplainArgs),
    /// Write a history in another format.
    Convert(convert::ConvertArgs),
    /// Judge a stored run again and write its reports again.
    Report(report::ReportArgs),
    /// Hold two runs against each other: findings, numbers, and what was decided differently.
    Diff(diff::DiffArgs),
    /// Put the runs of many shards and nights together into one page: what is new, fixed, flaky.
    Index(index::IndexArgs),
    /// List targets, workloads, faults, checks, models, formats, anomalies or runs.
    List(list::ListArgs),
    /// Show which faults this machine can inject, and how to make the others available.
    Doctor(list::DoctorArgs),
    /// Check a target file, and show the commands and requests that fracas makes of it; starts nothing
    /// but its client program, which is asked what it serves.
    Validate(validate::ValidateArgs),
    /// Write a target file to begin with, and a client program where one is asked for.
    Init(init::InitArgs),
    /// Ask every operation once, and show what is said in both directions: to debug a target file or a
    /// client program.
    ClientTest(client_test::ClientTestArgs),
    /// Clean up after crashed runs.
    Clean(clean::CleanArgs),
    /// Write the completions of a shell to stdout.
    Completions(completions::CompletionsArgs),
    /// Write the manual pages, into a directory or that of `fracas` alone to stdout.
    Man(completions::ManArgs),
}

const EXITS: &str = "Exit codes: 0 pass · 1 anomaly · 2 inconclusive · 3 the target failed before the test began · \
4 this machine cannot do what was asked · 64 wrong usage or configuration · 70 a failure of fracas · \
130/143 interrupted";

/// Parses the command line and carries it out.
#[must_use]
pub fn main() -> Exit {
    let (mut cli, matches): (Cli, _) = match words::parse(&[]) {
        Ok(read) => read,
        Err(error) => {
            let _ = error.print(); // a closed pipe is not an error
            return if error.use_stderr() { Exit::Usage } else { Exit::Pass };
        }
    };
    if cli.quiet {
        be_quiet();
    }
    log(&cli);
    if let (Command::Run(args), Some(("run", matches))) = (&mut cli.command, matches.subcommand()) {
        args.origins = origins::of(matches, &BTreeMap::new());
        args.given = origins::given(matches);
    }
    match cli.command {
        Command::Run(args) => series::run(&args, &with_plan),
        Command::Check(args) => check::check(&args),
        Command::Report(args) => report::report(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Index(args) => index::index(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Explain(args) => explain::explained(&args),
        Command::Convert(args) => convert::convert(&args),
        Command::List(args) => list::list(&args),
        Command::Doctor(args) => list::doctor(&args),
        Command::Validate(args) => validate::validate(&args),
        Command::Init(args) => init::init(&args),
        Command::ClientTest(args) => client_test::client_test(&args),
        Command::Clean(args) => clean::clean(&args),
        Command::Completions(args) => completions::completions(&args, Cli::command()),
        Command::Man(args) => completions::man(&args, Cli::command()),
    }
}

/// The arguments of `fracas run` that was called, with those words of a plan that the user did not say;
/// `planned` tells where each came from.
fn with_plan(
    words: &[String],
    planned: &BTreeMap<String, Origin>,
) -> Result<run_args::RunArgs, clap::Error> {
    let (cli, matches): (Cli, _) = words::parse(words)?;
    match (cli.command, matches.subcommand()) {
        (Command::Run(mut args), Some(("run", matches))) => {
            args.origins = origins::of(matches, planned);
            Ok(*args)
        }
        _ => Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand)),
    }
}

/// Diagnostics go to stderr, as many as asked for.
fn log(cli: &Cli) {
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => LevelFilter::WARN,
        (_, 0) => LevelFilter::WARN,
        (_, 1) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ansi = match cli.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            io::IsTerminal::is_terminal(&io::stderr())
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::env::var("TERM").is_ok_and(|term| term != "dumb")
        }
    };
    let filter = Targets::new().with_target("fracas", level).with_default(LevelFilter::WARN);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(ansi)
        .log_internal_errors(false); // it would panic where stderr is closed
    let registry = tracing_subscriber::registry().with(filter);
    let format = if cli.logging_json { LogFormat::Json } else { cli.log_format };
    let set = match format {
        LogFormat::Text => registry.with(layer.with_target(false)).try_init(),
        LogFormat::Json => registry.with(layer.json()).try_init(),
    };
    drop(set); // fails only if a subscriber is set already, which then does the work
}
