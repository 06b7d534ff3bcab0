//! A loaded target: what a file declares, validated and compiled, before any cluster exists.
//!
//! It deliberately starts nothing and opens no connection; [`Target::deploy`] only renders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::OpKind;
use fracas_checker::fault::FaultKind;
use serde::Deserialize;

use crate::answer::Answer;
use crate::declared;
use crate::deploy::{ClusterSpec, Deployment};
use crate::diagnostic::Diagnostic;
use crate::logs::LogRules;
use crate::poller::StatusRule;
use crate::promises::Promises;
use crate::ready::ClusterReady;
use crate::request::RequestRule;
use crate::template::{RenderError, Template, Templates, variables_of_binary};

/// A system under test.
#[derive(Debug, Clone)]
pub struct Target {
    spec: Arc<Spec>,
}

/// Everything a target file says. Shared by the target and its deployments.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) binary: String,
    pub(crate) version: Option<Vec<Template>>,
    pub(crate) nodes: u16,
    pub(crate) ports: BTreeMap<String, u16>,
    pub(crate) launch: Launch,
    pub(crate) node_ready: Option<NodeReady>,
    pub(crate) cluster_ready: Option<ClusterReady>,
    pub(crate) status: Option<StatusRule>,
    pub(crate) log_rules: LogRules,
    pub(crate) client: ClientRule,
    pub(crate) ops: BTreeMap<OpKind, OpRule>,
    pub(crate) promises: Promises,
    pub(crate) faults: BTreeSet<FaultKind>,
    pub(crate) templates: Templates,
}

/// How one server is started and stopped.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) command: Vec<Template>,
    pub(crate) env: BTreeMap<String, Template>,
    pub(crate) files: Vec<(Template, Template)>,
    pub(crate) data: Vec<Template>,
    pub(crate) logs: Vec<LogSource>,
    pub(crate) stop: Stop,
    pub(crate) reads: Vec<Template>,
    pub(crate) asks: Asks,
}

/// A device that a server may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// `/dev/fuse`: file systems of programs.
    Fuse,
}

/// What a server asks of the machine beside what every server gets, but for what it reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asks {
    /// Devices.
    pub devices: Vec<Device>,
    /// Whether it may make namespaces, and mount in them.
    pub namespaces: bool,
    /// What it may use up.
    pub limits: Limits,
}

/// What a server may use up at most; without a bound where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Processes and threads, all together.
    pub processes: Option<u64>,
    /// Memory that one process writes to, in bytes.
    pub memory: Option<u64>,
    /// The size of one file, in bytes, what it prints included.
    pub file: Option<u64>,
}

/// Where a node writes what it does.
#[derive(Debug)]
pub(crate) enum LogSource {
    Stdout,
    Stderr,
    Path(Template),
}

/// A request that a node answers once it is up.
#[derive(Debug)]
pub(crate) struct NodeReady {
    pub(crate) request: RequestRule,
    /// An HTTP status; none in a protocol without any.
    pub(crate) status: Option<u16>,
    pub(crate) within: Duration,
}

/// The protocol that a target speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// HTTP/1.1, in plain text.
    Http,
    /// RESP2, the protocol of Redis.
    Resp,
}

/// How a node is spoken to.
#[derive(Debug, Clone)]
pub(crate) struct ClientRule {
    pub(crate) base: Template,
    pub(crate) speech: Speech,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) route: Route,
}

/// One request and what its answers mean.
#[derive(Debug)]
pub(crate) struct OpRule {
    pub(crate) request: RequestRule,
    pub(crate) answers: Vec<Answer>,
}

/// Which node a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Its own, whatever that node's role.
    Any,
    /// The node last seen leading; its own while none was seen.
    Leader,
    /// Some clients ask the node last seen leading, all others their own.
    Mixed,
}

/// The polite way to end a server, before it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// The signal to send.
    pub signal: StopSignal,
    /// How long it may take to end.
    pub grace: Duration,
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

impl Target {
    /// Loads a target from the text of its file; `origin` is the file's path as shown to the user.
    ///
    /// # Errors
    /// If anything in it is not valid: every key, every template, pointer and pattern is looked at.
    pub fn parse(origin: &str, text: &str) -> Result<Self, Diagnostic> {
        declared::load(origin, text).map(|spec| Self { spec: Arc::new(spec) })
    }

    /// Its name, used in the names of run directories.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// One line about it.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.spec.description
    }

    /// How many nodes a cluster has unless the user says otherwise.
    #[must_use]
    pub fn default_nodes(&self) -> u16 {
        self.spec.nodes
    }

    /// The program: a name to look up in `PATH`, or a path relative to the target's file.
    #[must_use]
    pub fn binary_path(&self) -> &str {
        &self.spec.binary
    }

    /// The operations it has requests for.
    #[must_use]
    pub fn serves(&self) -> BTreeSet<OpKind> {
        self.spec.ops.keys().copied().collect()
    }

    /// What it promises.
    #[must_use]
    pub fn promises(&self) -> &Promises {
        &self.spec.promises
    }

    /// The faults it may be asked to endure.
    #[must_use]
    pub fn allowed_faults(&self) -> BTreeSet<FaultKind> {
        self.spec.faults.clone()
    }

    /// The command whose first line of output names the version; none if the file has no such
    /// command.
    #[must_use]
    pub fn version_command(&self, binary: &Path) -> Option<Vec<String>> {
        let variables = variables_of_binary(binary);
        let render = |part| {
            let rendered = self.spec.templates.render(part, &variables);
            rendered.expect("it was rendered with another path when the target was loaded")
        };
        Some(self.spec.version.as_ref()?.iter().map(render).collect())
    }

    /// Whether there is any way to see who leads.
    #[must_use]
    pub fn has_leaders(&self) -> bool {
        self.spec.status.is_some()
    }

    /// Renders all commands, files and addresses for one cluster.
    ///
    /// # Errors
    /// If a template cannot be rendered, though it could be with sample nodes.
    pub fn deploy(&self, cluster: &ClusterSpec) -> Result<Deployment, RenderError> {
        Deployment::render(Arc::clone(&self.spec), cluster)
    }
}
