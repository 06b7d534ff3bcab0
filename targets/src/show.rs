//! Everything a deployment would do, as text for `fracas validate --show-commands`.
//!
//! Requests are shown with sample arguments; nothing is sent.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use fracas_checker::NodeId;

use crate::cluster::PrepareIn;
use crate::deploy::{Deployment, LogFile, NodeLog, NodePlan, ProcessPlan};
use crate::quoted::quoted;
use crate::setup::Step;

impl Deployment {
    /// Every rendered command, file and probe of each node, its requests with sample arguments, and
    /// the steps before the load; the target file is in `dir`.
    #[must_use]
    pub fn show(&self, dir: &Path) -> String {
        let mut out = String::new();
        show_prepare(&mut out, self, dir);
        for (node, plan) in &self.nodes {
            show_node(&mut out, *node, plan);
            for (name, request) in self.sample_requests(*node) {
                show_block(&mut out, name, &request);
            }
        }
        match self.setup(dir) {
            Ok(steps) => {
                for (number, step) in (1..).zip(&steps) {
                    show_step(&mut out, number, step);
                }
            }
            Err(error) => show_block(&mut out, "setup", &error.to_string()),
        }
        out
    }
}

fn show_node(out: &mut String, node: NodeId, plan: &NodePlan) {
    let _ = writeln!(out, "{node}");
    for process in &plan.processes {
        show_process(out, plan, process);
    }
    if let Some(dir) = &plan.prepared {
        let _ = writeln!(out, "  prepared {}", dir.display());
    }
    for (path, text) in &plan.files {
        show_block(out, &format!("file {}", path.display()), text);
    }
    for NodeLog { process, file } in &plan.logs {
        let of = process.as_ref().map(|process| format!(" of {process}")).unwrap_or_default();
        let _ = match file {
            LogFile::Stdout => writeln!(out, "  log      stdout{of}"),
            LogFile::Stderr => writeln!(out, "  log      stderr{of}"),
            LogFile::Path(path) => writeln!(out, "  log      {}{of}", path.display()),
        };
    }
    for asked in plan.asked() {
        let _ = writeln!(out, "  asks     {asked}");
    }
    if let Some(probe) = &plan.ready {
        let _ = writeln!(out, "  ready    {probe}");
    }
}

/// How a process is started; of a node of several its name, what it waits for, and what shows that it
/// is ready.
fn show_process(out: &mut String, plan: &NodePlan, process: &ProcessPlan) {
    let words = process.env.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    let words = words.chain(process.argv.iter().map(|word| quoted(word)));
    let command = words.collect::<Vec<_>>().join(" ");
    let Some(name) = &process.name else {
        let _ = writeln!(out, "  command  {command}");
        return;
    };
    let waits = process.after.and_then(|place| plan.processes.get(place)?.name.as_ref());
    let waits = waits.map(|other| format!(", when {other} is ready")).unwrap_or_default();
    let _ = writeln!(out, "  process {name}{waits}\n    command  {command}");
    if let Some(probe) = &process.ready {
        let _ = writeln!(out, "    ready    {probe}");
    }
    if !process.faults.is_empty() {
        let alone: Vec<&str> = process.faults.iter().map(|fault| fault.word()).collect();
        let _ = writeln!(out, "    alone    {}", alone.join(", "));
    }
}

fn show_prepare(out: &mut String, deployment: &Deployment, target: &Path) {
    let (dir, version) = (Path::new("/prepared"), Some("(what the server says of its version)"));
    let _ = match deployment.prepare(&PrepareIn { target, dir, version }) {
        Ok(None) => return,
        Ok(Some(prepare)) => {
            let keys = prepare.key.iter().map(|text| format!("  key      {text}\n"));
            let keys: String = keys.collect();
            write!(
                out,
                "prepare, once on a machine\n  command  {}\n{keys}  expects  status 0, within {:?}\n",
                prepare.command(),
                prepare.within
            )
        }
        Err(error) => writeln!(out, "prepare\n    {error}"),
    };
}

fn show_step(out: &mut String, number: u32, step: &Step) {
    let Step { on, expect, within, again_for, .. } = step;
    let _ = writeln!(out, "setup {number}, on {on}\n  command  {}", step.command());
    let again = match *again_for {
        Duration::ZERO => String::new(),
        time => format!(", tried again for {time:?}"),
    };
    let _ = writeln!(out, "  expects  {expect}, within {within:?}{again}");
}

/// A name, and a text of several lines below it.
fn show_block(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "  {name}");
    for line in text.lines() {
        let _ = writeln!(out, "    {line}");
    }
}
