//! Everything a deployment would do, as text for `fracas validate --show-commands`.
//!
//! Requests are shown with sample arguments; nothing is sent.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use fracas_checker::NodeId;

use crate::cluster::PrepareIn;
use crate::deploy::{Deployment, LogFile, NodePlan};
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
    let words = plan.env.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    let words = words.chain(plan.argv.iter().map(|word| quoted(word)));
    let _ = writeln!(out, "{node}\n  command  {}", words.collect::<Vec<_>>().join(" "));
    if let Some(dir) = &plan.prepared {
        let _ = writeln!(out, "  prepared {}", dir.display());
    }
    for (path, text) in &plan.files {
        show_block(out, &format!("file {}", path.display()), text);
    }
    for log in &plan.logs {
        let _ = match log {
            LogFile::Stdout => writeln!(out, "  log      stdout"),
            LogFile::Stderr => writeln!(out, "  log      stderr"),
            LogFile::Path(path) => writeln!(out, "  log      {}", path.display()),
        };
    }
    for asked in plan.asked() {
        let _ = writeln!(out, "  asks     {asked}");
    }
    if let Some(probe) = &plan.ready {
        let _ = writeln!(out, "  ready    {probe}");
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
