//! Judging `[[node.process]]`: the processes of a node, in which order they are started, and what
//! each may be hit by alone. `node.command` is a node of one process, which has no name.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use toml::Spanned;

use super::file::{Node, Process as Section, ProcessReady as ReadySection};
use super::places::Text;
use super::requests::missing;
use super::try_template::{Compiler, Scope};
use super::values::duration;
use crate::choices::Alone;
use crate::diagnostic::Problem;
use crate::spec::{Process, ProcessReady, ReadyBy};
use crate::template::Template;

/// How long after its start a process may become ready whose file does not say.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The most processes of a node.
const PROCESSES_MAX: usize = 16;

/// The longest name of a process.
const NAME_MAX: usize = 32;

/// The kinds of faults that the target allows.
type Allowed = BTreeMap<Spanned<String>, bool>;

/// Compiles the processes of a node, but for when they are ready.
pub(super) fn processes(
    compiler: &mut Compiler<'_>,
    section: &Spanned<Node>,
    allowed: &Allowed,
) -> Result<Vec<Process>, Problem> {
    let node = section.get_ref();
    match (&node.command, &node.process) {
        (Some(command), None) => {
            let (name, env) = (None, environment(compiler, &[&node.env])?);
            let (ready, after, faults) = (None, None, BTreeSet::new());
            let command = words(compiler, command)?;
            Ok(vec![Process { name, command, env, ready, after, faults }])
        }
        (None, Some(several)) => {
            let several = of_node(several)?;
            let beside = Beside { all: several, shared: &node.env, allowed };
            let compile =
                |process: &Spanned<Section>| compiled(compiler, process.get_ref(), &beside);
            several.iter().map(compile).collect()
        }
        (Some(command), Some(_)) => {
            let label = "expected either `command` or `[[node.process]]`";
            Err(Problem::new(command.span(), "the processes of a node are given twice", label))
        }
        (None, None) => Err(missing(section.span(), "command", "[\"{{ binary }}\"]")
            .help("add `command = [\"{{ binary }}\"]`, or a `[[node.process]]` for each process")),
    }
}

/// The processes as written: some, not too many, each with a name of its own, and none that waits
/// for ever.
fn of_node(several: &Spanned<Vec<Spanned<Section>>>) -> Result<&[Spanned<Section>], Problem> {
    let all = several.get_ref();
    if all.is_empty() || all.len() > PROCESSES_MAX {
        let title = format!("a node cannot have {} processes", all.len());
        let label = format!("expected 1 to {PROCESSES_MAX}");
        return Err(Problem::new(several.span(), title, label));
    }
    let mut names = BTreeSet::new();
    for process in all {
        let name = &process.get_ref().name;
        plain(name)?;
        if !names.insert(name.get_ref()) {
            let title = format!("two processes are called `{}`", name.get_ref());
            return Err(Problem::new(name.span(), title, "expected a name of its own"));
        }
    }
    all.iter().try_for_each(|process| waits_for_another(process.get_ref(), all))?;
    all.iter().try_for_each(|process| no_circle(process.get_ref(), all))?;
    Ok(all)
}

/// A name that may be a part of a file's name, and a word of a schedule.
fn plain(name: &Text) -> Result<(), Problem> {
    let word = name.get_ref();
    let fits = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter)
    };
    let begins = word.starts_with(|first: char| first.is_ascii_lowercase());
    if begins && word.len() <= NAME_MAX && word.chars().all(fits) {
        return Ok(());
    }
    let title = format!("`{word}` cannot be the name of a process");
    let label = format!(
        "expected a lower-case letter, then lower-case letters, digits, `-` and `_`, {NAME_MAX} at most"
    );
    Err(Problem::new(name.span(), title, label))
}

/// A process can wait for another one only, and only if that shows when it is ready.
fn waits_for_another(process: &Section, all: &[Spanned<Section>]) -> Result<(), Problem> {
    let Some(after) = &process.after else { return Ok(()) };
    let named = |other: &&Spanned<Section>| other.get_ref().name.get_ref() == after.get_ref();
    let Some(other) = all.iter().find(named) else {
        let names = all.iter().map(|other| other.get_ref().name.get_ref().as_str());
        let others: Vec<&str> = names.filter(|name| name != process.name.get_ref()).collect();
        let listed: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
        let label = match listed.as_slice() {
            [] => "expected no `after`: the node has no other process".to_owned(),
            listed => format!("expected one of {}", listed.join(", ")),
        };
        let title = format!("there is no process `{}`", after.get_ref());
        return Err(Problem::new(after.span(), title, label).did_you_mean(after.get_ref(), others));
    };
    if other.get_ref().ready.is_none() {
        let title = format!("nothing shows when `{}` is ready", after.get_ref());
        let label = format!("needs `ready` in the process `{}`", after.get_ref());
        return Err(Problem::new(after.span(), title, label)
            .help("add `ready = { tcp = \"{{ port.NAME }}\" }` there"));
    }
    Ok(())
}

/// Fails if a process waits for itself, through whichever others.
fn no_circle(process: &Section, all: &[Spanned<Section>]) -> Result<(), Problem> {
    let of =
        |name: &str| all.iter().map(Spanned::get_ref).find(|other| other.name.get_ref() == name);
    let (own, mut path) = (process.name.get_ref(), vec![process.name.get_ref().as_str()]);
    let mut next = process.after.as_ref();
    while let Some(after) = next.filter(|_| path.len() <= all.len()) {
        if after.get_ref() == own {
            let last = path.pop().unwrap_or_default();
            let through: Vec<String> = path.iter().skip(1).map(|it| format!("`{it}`")).collect();
            let title = match through.as_slice() {
                _ if last == own => format!("`{own}` waits for itself"),
                [] => format!("`{own}` and `{last}` wait for each other"),
                through => {
                    format!("`{own}` waits for itself, by {} and `{last}`", through.join(", "))
                }
            };
            let place = process.after.as_ref().map_or(0..0, Spanned::span);
            let label = "expected a process that can be started before this one";
            return Err(Problem::new(place, title, label));
        }
        path.push(after.get_ref());
        next = of(after.get_ref()).and_then(|other| other.after.as_ref());
    }
    Ok(())
}

/// What a process is held against.
struct Beside<'a> {
    /// All processes of the node.
    all: &'a [Spanned<Section>],
    /// The environment that they share.
    shared: &'a BTreeMap<String, Text>,
    allowed: &'a Allowed,
}

fn compiled(
    compiler: &mut Compiler<'_>,
    process: &Section,
    Beside { all, shared, allowed }: &Beside<'_>,
) -> Result<Process, Problem> {
    let place = |after: &Text| {
        all.iter().position(|other| other.get_ref().name.get_ref() == after.get_ref())
    };
    Ok(Process {
        name: Some(process.name.get_ref().clone()),
        command: words(compiler, &process.command)?,
        env: environment(compiler, &[shared, &process.env])?,
        ready: None,
        after: process.after.as_ref().and_then(place),
        faults: process
            .faults
            .iter()
            .map(|fault| alone(fault, allowed))
            .collect::<Result<_, _>>()?,
    })
}

/// A kind of fault that may hit one process must be one that may hit the node.
fn alone(fault: &Spanned<Alone>, allowed: &Allowed) -> Result<Alone, Problem> {
    let word = fault.get_ref().word();
    if allowed.iter().any(|(kind, wanted)| kind.get_ref() == word && *wanted) {
        return Ok(*fault.get_ref());
    }
    let title = format!("the target does not allow the fault `{word}`");
    Err(Problem::new(fault.span(), title, format!("needs `{word} = true` in `[faults]`")))
}

/// The program and its arguments.
fn words(
    compiler: &mut Compiler<'_>,
    command: &Spanned<Vec<Text>>,
) -> Result<Vec<Template>, Problem> {
    if command.get_ref().is_empty() {
        let label = "expected the program and its arguments";
        return Err(Problem::new(command.span(), "the command is empty", label));
    }
    command.get_ref().iter().map(|word| compiler.template(word, Scope::Node)).collect()
}

/// What is added to an environment; the later ones win.
fn environment(
    compiler: &mut Compiler<'_>,
    all: &[&BTreeMap<String, Text>],
) -> Result<BTreeMap<String, Template>, Problem> {
    let all = all.iter().flat_map(|env| env.iter());
    all.map(|(name, text)| Ok((name.clone(), compiler.template(text, Scope::Node)?))).collect()
}

/// Compiles when a process is ready, if by a port; none if by a request in the protocol of the
/// target.
pub(super) fn by_port(
    compiler: &mut Compiler<'_>,
    ready: &Spanned<ReadySection>,
) -> Result<Option<ProcessReady>, Problem> {
    let section = ready.get_ref();
    let asked = section.path.is_some() || section.command.is_some();
    let Some(port) = &section.tcp else {
        if asked {
            return Ok(None);
        }
        let title = "nothing shows when the process is ready";
        return Err(Problem::new(ready.span(), title, "expected `tcp`, `path` or `command`")
            .help("write it like `{ tcp = \"{{ port.client }}\" }`"));
    };
    if asked || section.status.is_some() {
        let title = "a process shows that it is ready in two ways";
        return Err(Problem::new(port.span(), title, "expected `tcp`, `path` or `command`"));
    }
    let tried = compiler.tried(port, Scope::Node)?;
    if let Some(wrong) = tried.samples.iter().find(|port| port.parse::<u16>().is_err()) {
        let title = format!("`{wrong}` is not a port");
        return Err(Problem::new(port.span(), title, "expected a number from 1 to 65535")
            .help("write it like `{{ port.client }}`"));
    }
    let address = format!("{{{{ node.ip }}}}:{}", port.get_ref());
    let address = compiler.template(&Spanned::new(port.span(), address), Scope::Node)?;
    Ok(Some(ProcessReady { by: ReadyBy::Port(address), within: within(section)? }))
}

/// How long after its start a process must be ready.
pub(super) fn within(ready: &ReadySection) -> Result<Duration, Problem> {
    ready.within.as_ref().map_or(Ok(READY_WITHIN), duration)
}
