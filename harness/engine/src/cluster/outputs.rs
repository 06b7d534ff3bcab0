//! The outputs of nodes: logs, stdout and stderr, by their names below the directory of the node. The
//! agent reads them. The incarnation that wrote a line follows from the offset of the line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fracas_checker::event::NodeId;
use fracas_targets::LogFile;

use super::{Cluster, NodeLog};
use crate::equipment::name;
use fracas_lab::LabError;
use fracas_lab::agent::{LogOrder, Order};
use fracas_lab::logs::Begin;

/// The files with the standard output and the standard error of a process: of one that has a name
/// they begin with it.
fn streams(process: Option<&str>) -> [PathBuf; 2] {
    ["stdout", "stderr"].map(|stream| match process {
        None => stream.into(),
        Some(process) => format!("{process}.{stream}").into(),
    })
}

impl Cluster {
    /// The log files of a node that the target names.
    #[must_use]
    pub fn logs(&self, node: NodeId) -> Vec<NodeLog> {
        let logs = self.deployments.first.nodes[&node].logs.iter();
        logs.zip(0..).map(|(log, place)| NodeLog { name: self.file(node, log), place }).collect()
    }

    /// The name of a log below the directory of its node.
    fn file(&self, node: NodeId, log: &fracas_targets::NodeLog) -> PathBuf {
        let [stdout, stderr] = streams(log.process.as_deref());
        match &log.file {
            LogFile::Stdout => stdout,
            LogFile::Stderr => stderr,
            LogFile::Path(path) => name(&self.facts, node, path),
        }
    }

    /// The names of all outputs of a node: its logs, and stdout and stderr of each process, whether the
    /// target calls them logs or not.
    #[must_use]
    pub fn outputs(&self, node: NodeId) -> BTreeSet<PathBuf> {
        let processes = &self.deployments.first.nodes[&node].processes;
        let own = processes.iter().flat_map(|process| streams(process.name.as_deref()));
        self.logs(node).into_iter().map(|log| log.name).chain(own).collect()
    }

    /// Those that one process writes, and those of which it is not known who does; all of a node that
    /// has but one.
    pub(super) fn outputs_of(&self, node: NodeId, process: Option<&str>) -> BTreeSet<PathBuf> {
        let Some(process) = process else { return self.outputs(node) };
        let logs = self.deployments.first.nodes[&node].logs.iter();
        let own = |log: &&fracas_targets::NodeLog| {
            log.process.as_deref().is_none_or(|writer| writer == process)
        };
        let logs = logs.filter(own).map(|log| self.file(node, log));
        logs.chain(streams(Some(process))).collect()
    }

    /// Which files the outputs of a node are now, and their sizes.
    pub(super) fn begins(&self, node: NodeId) -> Result<BTreeMap<PathBuf, Begin>, LabError> {
        let begin = |log: PathBuf| {
            let begin = self.ask(&Order::Log(node, log.clone(), LogOrder::About))?;
            Ok((log, begin))
        };
        self.outputs(node).into_iter().map(begin).collect()
    }

    /// The last lines of an output of a node from the byte `from` on, at most `count`; none if the
    /// output cannot be read.
    #[must_use]
    pub fn last_lines(&self, node: NodeId, log: &Path, from: u64, count: usize) -> Vec<String> {
        let order = Order::Log(node, log.to_owned(), LogOrder::End { from, count });
        self.ask(&order).unwrap_or_else(|error| {
            tracing::warn!("failed to {error}");
            Vec::new()
        })
    }

    /// Which incarnation of a node wrote the byte at `offset` of its output `log`, from 1.
    #[must_use]
    pub fn incarnation_at(&self, node: NodeId, log: &Path, offset: u64) -> u32 {
        let server = self.server(node);
        let earlier =
            server.begins.iter().filter(|begin| begin.get(log).is_none_or(|at| at.size <= offset));
        u32::try_from(earlier.count()).unwrap_or(u32::MAX)
    }

    /// A log was cut, or another file is in its place: lines of earlier incarnations are in no file that
    /// is read from now on.
    pub fn log_began_anew(&self, node: NodeId, log: &Path, now: Begin) {
        let mut server = self.server(node);
        let begins = server.begins.iter_mut().filter_map(|begin| begin.get_mut(log));
        begins.for_each(|begin| *begin = begin.after(now));
    }
}
