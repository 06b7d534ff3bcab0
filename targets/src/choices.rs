//! Words that a target file chooses from.

use serde::Deserialize;

/// A device that a server may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// `/dev/fuse`: file systems of programs.
    Fuse,
}

/// A fault that may hit one process of a node alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alone {
    /// It stands still for a while.
    Pause,
    /// It is killed, and started again.
    Kill,
}

impl Alone {
    /// The word of the kind of fault.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Kill => "kill",
        }
    }
}

/// Which node a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Its own, whatever that node's role.
    Node,
    /// Any node, drawn anew for each operation, as behind a load balancer.
    Any,
    /// The node last seen leading; its own while none was seen.
    Leader,
    /// Some clients ask the node last seen leading, all others their own.
    Mixed,
}

impl Route {
    /// Whether clients must be told who leads.
    pub(crate) fn needs_status(self) -> bool {
        matches!(self, Self::Leader | Self::Mixed)
    }
}

/// A signal that asks a process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StopSignal {
    /// SIGTERM.
    Term,
    /// SIGINT.
    Int,
    /// SIGQUIT.
    Quit,
    /// SIGHUP.
    Hup,
    /// SIGKILL: it is not asked.
    Kill,
}
