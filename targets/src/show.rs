//! Everything a deployment would do, as text for `fracas validate --show-commands`.
//!
//! Requests are shown with sample arguments; nothing is sent.

use std::fmt::Write as _;

use fracas_checker::NodeId;

use crate::deploy::{Deployment, LogFile, NodePlan};
use crate::quoted::quoted;

impl Deployment {
    /// Every rendered command, file and probe of each node, and its requests with sample arguments.
    #[must_use]
    pub fn show(&self) -> String {
        let mut out = String::new();
        for (node, plan) in &self.nodes {
            show_node(&mut out, *node, plan);
            for (name, request) in self.sample_requests(*node) {
                show_block(&mut out, name, &request);
            }
        }
        out
    }
}

fn show_node(out: &mut String, node: NodeId, plan: &NodePlan) {
    let words = plan.env.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    let words = words.chain(plan.argv.iter().map(|word| quoted(word)));
    let _ = writeln!(out, "{node}\n  command  {}", words.collect::<Vec<_>>().join(" "));
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

/// A name, and a text of several lines below it.
fn show_block(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "  {name}");
    for line in text.lines() {
        let _ = writeln!(out, "    {line}");
    }
}
