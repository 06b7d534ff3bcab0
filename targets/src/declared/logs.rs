//! Judging the logs of a node: its own, and those of each of its processes.

use toml::Spanned;

use super::file::{Node, Process};
use super::paths::path_of_node;
use super::places::Text;
use super::try_template::Compiler;
use crate::diagnostic::Problem;
use crate::spec::{LogSource, NodeLog};

/// The outputs that every process has.
const OUTPUTS: [&str; 2] = ["stdout", "stderr"];

/// All logs of a node, each once: those that it names itself, then those of its processes in order.
pub(super) fn logs(compiler: &mut Compiler<'_>, node: &Node) -> Result<Vec<NodeLog>, Problem> {
    let processes: Vec<&Process> =
        node.process.iter().flat_map(Spanned::get_ref).map(Spanned::get_ref).collect();
    let mut logs: Vec<NodeLog> = Vec::new();
    let names: Vec<&str> = processes.iter().map(|it| it.name.get_ref().as_str()).collect();
    for log in &node.logs {
        logs.push(of_node(compiler, log, &names)?);
    }
    for process in processes {
        for log in &process.logs {
            let log = of_process(compiler, log, process.name.get_ref())?;
            if logs.iter().all(|known| known.named != log.named) {
                logs.push(log);
            }
        }
    }
    Ok(logs)
}

/// A log of `node.logs`. An output is that of the one process, or is named with its process.
fn of_node(
    compiler: &mut Compiler<'_>,
    log: &Text,
    processes: &[&str],
) -> Result<NodeLog, Problem> {
    let named = log.get_ref().clone();
    if processes.is_empty() && OUTPUTS.contains(&named.as_str()) {
        return Ok(NodeLog { process: None, source: output(&named), named });
    }
    if let Some((process, stream)) = named.split_once('.')
        && processes.contains(&process)
        && OUTPUTS.contains(&stream)
    {
        let (process, source) = (Some(process.to_owned()), output(stream));
        return Ok(NodeLog { process, source, named });
    }
    if named.contains('/') {
        let source = path_of_node(compiler, log).map(LogSource::Path)?;
        return Ok(NodeLog { process: None, source, named });
    }
    let of = |process: &&str| OUTPUTS.map(|stream| format!("{process}.{stream}"));
    let known: Vec<String> = match processes {
        [] => OUTPUTS.map(str::to_owned).into(),
        several => several.iter().flat_map(of).collect(),
    };
    let shown: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    let label = match processes {
        [] => "expected `stdout`, `stderr` or a path".to_owned(),
        _ => format!("expected {} or a path: the node has processes", shown.join(", ")),
    };
    Err(Problem::new(log.span(), "unknown log", label)
        .did_you_mean(&named, known.iter().map(String::as_str)))
}

/// A log of one process, which has its own outputs.
fn of_process(compiler: &mut Compiler<'_>, log: &Text, process: &str) -> Result<NodeLog, Problem> {
    let word = log.get_ref();
    let (source, named) = if OUTPUTS.contains(&word.as_str()) {
        (output(word), format!("{process}.{word}"))
    } else if word.contains('/') {
        (path_of_node(compiler, log).map(LogSource::Path)?, word.clone())
    } else {
        let label = "expected `stdout`, `stderr` or a path";
        return Err(Problem::new(log.span(), "unknown log", label).did_you_mean(word, OUTPUTS));
    };
    Ok(NodeLog { process: Some(process.to_owned()), source, named })
}

fn output(word: &str) -> LogSource {
    if word == OUTPUTS[0] { LogSource::Stdout } else { LogSource::Stderr }
}
