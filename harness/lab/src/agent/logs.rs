//! Orders about logs of servers. The agent keeps the position in each log, so that the caller needs
//! no path and no descriptor in common with the server.
//!
//! Files are read in the thread of the caller: a thread that may only read files can give these orders.
//! During the reading only that log is locked: not the processes of the node, not its disks, and no
//! other log.

use std::path::{Component, Path};

use fracas_checker::NodeId;

use super::local::LocalAgent;
use super::order::LogOrder;
use super::report::Report;
use crate::error::{Doing, LabError};
use crate::logs::{Begin, last_words};

impl LocalAgent {
    /// Carries out an order about a log of a node.
    pub(super) fn log(
        &self,
        node: NodeId,
        name: &Path,
        order: LogOrder,
    ) -> Result<Report, LabError> {
        let logs = &self.node(node)?.logs;
        let doing = || format!("read the log `{}` of node {node}", name.display());
        if !is_below(name) {
            let text = format!("{}: expected a name below the node's directory", doing());
            return Err(LabError::Asked(text));
        }
        let path = self.path(node, name);
        Ok(match order {
            LogOrder::Next => Report::Log(logs.next(path).doing(doing)?),
            LogOrder::Leave => Report::Log(logs.leave(&path)),
            LogOrder::About => Report::LogFile(Begin::of(&path)),
            LogOrder::End { from, count } => Report::LastLines(last_words::of(&path, from, count)),
        })
    }
}

/// Whether a name stays below the directory of its node.
fn is_below(name: &Path) -> bool {
    let plain = |step| matches!(step, Component::Normal(_) | Component::CurDir);
    name.file_name().is_some() && name.components().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_have_names_below_the_directory_of_their_node() {
        for name in ["stdout", "logs/a b", "./log", "logs//log", "...", "a/./b"] {
            assert!(is_below(Path::new(name)), "{name}");
        }
        for name in ["", ".", "/", "/var/log/log", "..", "../n2/log", "logs/../../n2/log"] {
            assert!(!is_below(Path::new(name)), "{name}");
        }
    }
}
