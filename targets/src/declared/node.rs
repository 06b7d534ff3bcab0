//! Judging `[node]`: files, data, stop, and what it asks of the machine. Its processes and its logs
//! are judged in files of their own.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;

use super::file::{Node, NodeLimits};
use super::paths::path_of_node;
use super::places::Text;
use super::try_template::{Compiler, Scope};
use super::values::{bytes, duration};
use super::{logs, process};
use crate::choices::StopSignal;
use crate::diagnostic::Problem;
use crate::spec::{Asks, Launch, Limits, Stop};
use crate::template::Template;

/// How a server is stopped whose file does not say.
const DEFAULT_STOP: Stop = Stop { signal: StopSignal::Term, grace: Duration::from_secs(5) };

/// Compiles how a node is started and stopped; when its processes are ready is compiled later.
pub(super) fn launch(
    compiler: &mut Compiler<'_>,
    section: &Spanned<Node>,
    allowed: &BTreeMap<Spanned<String>, bool>,
) -> Result<Launch, Problem> {
    let node = section.get_ref();
    let processes = process::processes(compiler, section, allowed)?;
    let mut files = Vec::new();
    for file in &node.files {
        let path = path_of_node(compiler, &file.path)?;
        files.push((path, compiler.template(&file.text, Scope::Node)?));
    }
    let data = node.data.iter().map(|dir| path_of_node(compiler, dir)).collect::<Result<_, _>>()?;
    Ok(Launch {
        processes,
        files,
        data,
        logs: logs::logs(compiler, node)?,
        stop: stop(node)?,
        reads: node.reads.iter().map(|path| readable(compiler, path)).collect::<Result<_, _>>()?,
        asks: Asks {
            devices: node.devices.clone(),
            namespaces: node.namespaces,
            limits: limits(&node.limits)?,
            user: node.user.as_ref().map(user).transpose()?,
        },
    })
}

/// The name of a user, as every machine allows it. It must not be that of the one who may do everything:
/// programs that look it up would take themselves for that one.
fn user(text: &Text) -> Result<String, Problem> {
    const LONGEST: usize = 31;
    const ROOT: &str = "root";
    let name = text.get_ref();
    let fits = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-".contains(letter)
    };
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    if begins && name.len() <= LONGEST && name.chars().all(fits) && name != ROOT {
        return Ok(name.clone());
    }
    if name == ROOT {
        let label = "expected another name: no server may do everything, whatever it is called";
        return Err(Problem::new(text.span(), "no server is `root`", label));
    }
    let title = format!("`{name}` cannot be the name of a user");
    let label = "expected a lower-case letter or `_`, then lower-case letters, digits, `_` and `-`, 31 at \
                 most together";
    Err(Problem::new(text.span(), title, label))
}

/// A path of the machine that servers may read.
fn readable(compiler: &mut Compiler<'_>, text: &Text) -> Result<Template, Problem> {
    let tried = compiler.tried(text, Scope::Node)?;
    if tried.samples.iter().all(|path| is_narrow(path)) {
        return Ok(tried.template);
    }
    let label = "expected the absolute path of a file or directory, without `..`";
    Err(Problem::new(text.span(), "not a path that servers can be shown", label).help(
        "name what the server reads in a directory that is hidden from it, such as `/tmp/it`; each \
         server has a `/proc`, `/sys` and `/dev` of its own",
    ))
}

/// Whether a path is absolute, and less than what each server has of its own.
pub(super) fn is_narrow(path: &str) -> bool {
    let plain = path.trim_end_matches('/');
    path.starts_with('/')
        && !["", "/proc", "/sys", "/dev"].contains(&plain)
        && !path.split('/').any(|step| step == "..")
}

/// What the server may use up.
fn limits(limits: &NodeLimits) -> Result<Limits, Problem> {
    let some = |count: &Spanned<u32>| match *count.get_ref() {
        0 => Err(Problem::new(count.span(), "a server needs a process", "expected at least 1")),
        count => Ok(count.into()),
    };
    Ok(Limits {
        processes: limits.processes.as_ref().map(some).transpose()?,
        memory: limits.memory.as_ref().map(bytes).transpose()?,
        file: limits.file.as_ref().map(bytes).transpose()?,
    })
}

fn stop(node: &Node) -> Result<Stop, Problem> {
    match &node.stop {
        Some(stop) => Ok(Stop { signal: stop.signal, grace: duration(&stop.grace)? }),
        None => Ok(DEFAULT_STOP),
    }
}
