//! Reading the command line, and what is said of a word that it does not know: the nearest one, or
//! the one that means the same.
//!
//! Users bring words from other tools. The flag that is spelt most alike is often not the one that
//! was meant: `--junit` is not `--quiet`.

use std::ffi::{OsStr, OsString};

use clap::builder::{Resettable, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, Parser};
use fracas_targets::{Target, nearest};

/// Flags of this program, and what other tools or other people call them.
const FLAGS: [(&str, &[&str]); 20] = [
    ("time", &["timeout", "length", "seconds", "run-time", "runtime", "max-time"]),
    ("check-time", &["timeout", "time", "time-limit"]),
    ("clients", &["users", "threads", "workers", "parallel", "connections", "processes"]),
    ("repeat", &["runs", "iterations", "count", "times", "trials"]),
    ("faults", &["nemesis", "chaos", "inject", "failures"]),
    ("fault-every", &["interval", "nemesis-interval", "period", "every"]),
    ("out", &["output", "output-dir", "dir", "store", "results"]),
    ("nodes", &["node-count", "servers", "replicas", "size", "cluster-size"]),
    ("rate", &["qps", "rps", "throughput", "ops", "ops-per-second"]),
    ("binary", &["bin", "server", "exe", "executable", "program"]),
    ("arg", &["args", "extra-arg", "extra-args", "server-arg"]),
    ("set", &["setting", "settings", "option", "parameter", "define", "variable"]),
    ("keys", &["registers", "key-count", "objects"]),
    ("seed", &["random-seed", "rng", "rng-seed"]),
    ("aim", &["scenario", "story"]),
    ("schedule", &["replay", "faults-file"]),
    ("until-fail", &["fail-fast", "exit-first", "stop-on-failure", "max-failures"]),
    ("color", &["colour", "no-color", "no-colour"]),
    ("verbose", &["debug", "trace"]),
    ("quiet", &["silent"]),
];

/// Words for which there is no flag, and what does the same.
const OTHERWISE: [(&[&str], &str); 3] = [
    (
        &["junit", "html", "report", "reports", "markdown"],
        "every run writes `report.html`, `junit.xml`, `results.json` and `summary.md` into its own \
         directory below `--out`; `fracas report RUN` writes them again",
    ),
    (&["json"], "`--format json` writes the result as JSON to stdout"),
    (&["bug"], "a bug of the reference cluster is planted with `--arg=--bug=NAME`"),
];

/// Formats that can be written, by what they are also called.
const TO: [(&str, &[&str]); 2] = [
    ("fracas", &["json", "jsonl", "native", "history"]),
    ("jepsen-edn", &["edn", "clojure", "knossos", "elle"]),
];

/// Commands of other tools, and what they are called here.
const COMMANDS: [(&str, &[&str]); 6] = [
    ("fracas run", &["test", "start", "test-all", "exec"]),
    ("fracas check", &["analyze", "analyse", "verify", "judge"]),
    ("fracas validate", &["lint", "inspect"]),
    ("fracas replay", &["rerun", "reproduce"]),
    ("fracas list", &["ls"]),
    ("fracas report", &["show", "render"]),
];

/// Reads the command line, with these words after it. A variable that is set but empty counts as
/// unset.
pub(super) fn parse<C: Parser>(more: &[String]) -> Result<(C, ArgMatches), clap::Error> {
    let words: Vec<OsString> = std::env::args_os().chain(more.iter().map(OsString::from)).collect();
    let command = prepared(C::command(), words.iter().any(|word| is_negative(word)));
    let matches = command.clone().try_get_matches_from(words);
    let read = matches.and_then(|matches| Ok((C::from_arg_matches(&matches)?, matches)));
    read.map_err(|error| explained(error, &command))
}

/// `-5s` is a value that is wrong, and no flag that is unknown.
fn is_negative(word: &OsStr) -> bool {
    matches!(word.as_encoded_bytes(), [b'-', digit, ..] if digit.is_ascii_digit())
}

/// The command with what depends on its caller. Where a negative number is among the words, it is
/// read as a value: what was expected is then told by the flag that it was given to.
fn prepared(command: Command, negative: bool) -> Command {
    let command = command.mut_args(|arg| {
        let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|text| text.is_empty());
        let arg =
            if arg.get_env().is_some_and(is_empty) { arg.env(Resettable::Reset) } else { arg };
        let takes_value = arg.get_action().takes_values() && !arg.is_positional();
        if negative && takes_value { arg.allow_hyphen_values(true) } else { arg }
    });
    command.mut_subcommands(|command| prepared(command, negative))
}

/// The error, with what was most likely meant.
fn explained(mut error: clap::Error, command: &Command) -> clap::Error {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => word.clone(),
        _ => String::new(),
    };
    let help = match error.kind() {
        ErrorKind::UnknownArgument => flag(&word(ContextKind::InvalidArg), asked(command)),
        ErrorKind::InvalidSubcommand => verb(&word(ContextKind::InvalidSubcommand)),
        ErrorKind::InvalidValue
            if word(ContextKind::InvalidArg).starts_with("--to ")
                && error.get(ContextKind::SuggestedValue).is_none() =>
        {
            Some(written(&word(ContextKind::InvalidValue)))
        }
        _ => return error,
    };
    let near = nearest(&word(ContextKind::InvalidArg), [word(ContextKind::SuggestedArg).as_str()])
        .is_some();
    if help.is_some() || !near {
        error.remove(ContextKind::SuggestedArg);
    }
    if help.is_some() || error.kind() == ErrorKind::UnknownArgument {
        let help = help.into_iter().map(StyledStr::from).collect();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(help));
    }
    error
}

/// The subcommand that was named, if one was.
fn asked(command: &Command) -> &Command {
    let words = std::env::args_os().skip(1);
    words.filter_map(|word| command.find_subcommand(word)).next().unwrap_or(command)
}

/// What to say of an unknown flag of a command.
fn flag(word: &str, command: &Command) -> Option<String> {
    let word = word.split('=').next()?.trim_start_matches('-');
    if let Some((_, help)) = OTHERWISE.iter().find(|(words, _)| words.contains(&word)) {
        return Some((*help).to_owned());
    }
    let has = |flag: &str| command.get_arguments().any(|arg| arg.get_long() == Some(flag));
    let global = |flag: &str| ["color", "verbose", "quiet"].contains(&flag);
    let meant =
        FLAGS.iter().find(|(flag, words)| words.contains(&word) && (has(flag) || global(flag)));
    meant.map(|(flag, _)| format!("did you mean `--{flag}`?"))
}

/// What to say of a format that cannot be written.
fn written(word: &str) -> String {
    match TO.iter().find(|(_, words)| words.contains(&word)) {
        Some((format, _)) => format!("did you mean `{format}`?"),
        None => {
            "`fracas` is written as lines of JSON, `jepsen-edn` as the operation maps of Jepsen"
                .to_owned()
        }
    }
}

/// What to say of an unknown command.
fn verb(word: &str) -> Option<String> {
    if word.ends_with(".toml") || Target::builtin_text(word).is_some() {
        return Some(format!("a target is run with `fracas run {word}`"));
    }
    if [".jsonl", ".edn", ".json"].iter().any(|ending| word.ends_with(ending)) {
        return Some(format!("a history is judged with `fracas check {word}`"));
    }
    let meant = COMMANDS.iter().find(|(_, words)| words.contains(&word));
    meant.map(|(command, _)| format!("did you mean `{command}`?"))
}
