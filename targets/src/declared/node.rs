//! Judging `[node]`: command, environment, files, logs, stop.

use std::time::Duration;

use fracas_checker::NodeId;

use super::file::{Node, Text};
use super::try_template::{Compiler, Scope, sample_dir};
use super::values::duration;
use crate::diagnostic::Problem;
use crate::target::{Launch, LogSource, Stop, StopSignal};
use crate::template::Template;

/// How a server is stopped whose file does not say.
const DEFAULT_STOP: Stop = Stop { signal: StopSignal::Term, grace: Duration::from_secs(5) };

/// Compiles how a server is started and stopped.
pub(super) fn launch(compiler: &mut Compiler<'_>, node: &Node) -> Result<Launch, Problem> {
    if node.command.get_ref().is_empty() {
        let label = "expected the program and its arguments";
        return Err(Problem::new(node.command.span(), "the command is empty", label));
    }
    let mut command = Vec::new();
    for part in node.command.get_ref() {
        command.push(compiler.template(part, Scope::Node)?);
    }
    let mut files = Vec::new();
    for file in &node.files {
        let path = path_of_node(compiler, &file.path)?;
        files.push((path, compiler.template(&file.text, Scope::Node)?));
    }
    let data = node.data.iter().map(|dir| path_of_node(compiler, dir)).collect::<Result<_, _>>()?;
    let env = node.env.iter();
    Ok(Launch {
        command,
        env: env
            .map(|(name, value)| Ok((name.clone(), compiler.template(value, Scope::Node)?)))
            .collect::<Result<_, _>>()?,
        files,
        data,
        logs: node.logs.iter().map(|log| log_source(compiler, log)).collect::<Result<_, _>>()?,
        stop: stop(node)?,
    })
}

fn stop(node: &Node) -> Result<Stop, Problem> {
    match &node.stop {
        Some(stop) => Ok(Stop { signal: stop.signal, grace: duration(&stop.grace)? }),
        None => Ok(DEFAULT_STOP),
    }
}

fn log_source(compiler: &mut Compiler<'_>, log: &Text) -> Result<LogSource, Problem> {
    match log.get_ref().as_str() {
        "stdout" => Ok(LogSource::Stdout),
        "stderr" => Ok(LogSource::Stderr),
        other if !other.contains('/') => {
            Err(Problem::new(log.span(), "unknown log", "expected `stdout`, `stderr` or a path")
                .did_you_mean(other, ["stdout", "stderr"]))
        }
        _ => path_of_node(compiler, log).map(LogSource::Path),
    }
}

/// All nodes share one file system, so each must keep to its own directory.
fn path_of_node(compiler: &mut Compiler<'_>, text: &Text) -> Result<Template, Problem> {
    let tried = compiler.tried(text, Scope::Node)?;
    let own = |(number, path): (u16, &String)| {
        let dir = format!("{}/", sample_dir(NodeId(number)));
        path.strip_prefix(&dir).is_some_and(|rest| !rest.split('/').any(|step| step == ".."))
    };
    if (1..).zip(&tried.samples).all(own) {
        return Ok(tried.template);
    }
    let label = "must lie in the node's own directory";
    Err(Problem::new(text.span(), "path outside of the node's directory", label)
        .help("let it start with `{{ node.dir }}/`"))
}
