//! Everything that a target file declares, validated and compiled. Data only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::OpKind;
use fracas_checker::fault::FaultKind;

use crate::answer::Answer;
use crate::choices::{Alone, Device, Route, StopSignal};
use crate::logs::LogRules;
use crate::members::MemberRules;
use crate::prepare::PrepareRule;
use crate::promises::Promises;
use crate::protocol::{Speech, Times};
use crate::ready::ClusterReady;
use crate::setting::Setting;
use crate::setup::StepRule;
use crate::status::StatusRule;
use crate::template::{Fixed, RenderError, Template, Templates, Variables};

/// Everything a target file says. Shared by the target and its deployments.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) settings: BTreeMap<String, Setting>,
    pub(crate) binary: String,
    pub(crate) install: Option<String>,
    pub(crate) needs: Vec<Template>,
    /// The other programs, by name.
    pub(crate) others: BTreeMap<String, String>,
    pub(crate) version: Option<Vec<Template>>,
    pub(crate) nodes: u16,
    pub(crate) ports: BTreeMap<String, u16>,
    pub(crate) launch: Launch,
    pub(crate) setup: Vec<StepRule>,
    pub(crate) prepare: Option<PrepareRule>,
    pub(crate) node_ready: Option<NodeReady>,
    pub(crate) cluster_ready: Option<ClusterReady>,
    pub(crate) status: Option<StatusRule>,
    pub(crate) membership: Option<MemberRules>,
    pub(crate) log_rules: LogRules,
    pub(crate) client: ClientRule,
    /// What the answers to each request mean.
    pub(crate) ops: BTreeMap<OpKind, Vec<Answer>>,
    pub(crate) promises: Promises,
    pub(crate) faults: BTreeSet<FaultKind>,
    pub(crate) templates: Templates,
}

impl Spec {
    /// What templates know whatever they are about.
    pub(crate) fn fixed(&self) -> Fixed<'_> {
        Fixed { ports: &self.ports, settings: &self.settings }
    }

    /// The operations that can be asked of it.
    pub(crate) fn serves(&self) -> BTreeSet<OpKind> {
        match &self.client.program {
            Some(program) => program.serves.clone(),
            None => self.ops.keys().copied().collect(),
        }
    }

    /// The files that servers need beside their program. A text may name several, as a class path
    /// does, and `/*` at the end of a directory means all in it.
    pub(crate) fn needs(&self, variables: &Variables) -> Result<Vec<PathBuf>, RenderError> {
        let mut paths = Vec::new();
        for text in &self.needs {
            let text = self.templates.render(text, variables)?;
            let parts = text.split(':').filter(|path| !path.is_empty());
            paths.extend(parts.map(|path| PathBuf::from(path.strip_suffix("/*").unwrap_or(path))));
        }
        Ok(paths)
    }
}

/// How one node is started and stopped.
#[derive(Debug)]
pub(crate) struct Launch {
    /// Its processes, at least one, in the order in which they are started.
    pub(crate) processes: Vec<Process>,
    pub(crate) files: Vec<(Template, Template)>,
    pub(crate) data: Vec<Template>,
    pub(crate) logs: Vec<NodeLog>,
    pub(crate) stop: Stop,
    pub(crate) reads: Vec<Template>,
    pub(crate) asks: Asks,
}

/// One process of a node.
#[derive(Debug)]
pub(crate) struct Process {
    /// None where the node has one process, which needs no name.
    pub(crate) name: Option<String>,
    pub(crate) command: Vec<Template>,
    pub(crate) env: BTreeMap<String, Template>,
    pub(crate) ready: Option<ProcessReady>,
    /// The place of the process that must be ready before this one is started.
    pub(crate) after: Option<usize>,
    /// What it may be hit by alone.
    pub(crate) faults: BTreeSet<Alone>,
}

/// When a process is ready.
#[derive(Debug)]
pub(crate) struct ProcessReady {
    pub(crate) by: ReadyBy,
    /// How long after its start it must be so at the latest.
    pub(crate) within: Duration,
}

/// How it shows that a process is ready.
#[derive(Debug)]
pub(crate) enum ReadyBy {
    /// It takes connections at this address.
    Port(Template),
    /// It answers a request, with this HTTP status where the protocol has any.
    Request(Option<u16>),
}

/// A log of a node, and the process that writes it where that is known.
#[derive(Debug)]
pub(crate) struct NodeLog {
    pub(crate) process: Option<String>,
    pub(crate) source: LogSource,
    /// How a target file names it.
    pub(crate) named: String,
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
    /// The name of its user in its world; none for whatever name there is.
    pub user: Option<String>,
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

/// What a node answers once it is up.
#[derive(Debug)]
pub(crate) struct NodeReady {
    /// An HTTP status; none in a protocol without any.
    pub(crate) status: Option<u16>,
    pub(crate) within: Duration,
}

/// How a node is spoken to.
#[derive(Debug)]
pub(crate) struct ClientRule {
    /// Where and how nodes are asked; none where client programs alone know.
    pub(crate) asked: Option<Asked>,
    /// The client program that performs operations, if one does.
    pub(crate) program: Option<ProgramRule>,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) route: Route,
    /// Whether an answer that sends an operation to another node is followed.
    pub(crate) follows: bool,
}

impl ClientRule {
    /// How long an exchange may take.
    pub(crate) fn times(&self) -> Times {
        Times { connect: self.connect_timeout, whole: self.timeout }
    }
}

/// Where nodes are asked, and everything that they are asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) base: Template,
    pub(crate) speech: Arc<dyn Speech>,
}

/// What a client program says that it serves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Serves {
    /// Operations.
    pub ops: BTreeSet<OpKind>,
    /// Whether it tells of nodes' roles.
    pub status: bool,
}

/// A client program, as declared.
#[derive(Debug)]
pub(crate) struct ProgramRule {
    pub(crate) argv: Vec<Template>,
    pub(crate) parameters: BTreeMap<String, Template>,
    /// What to install where it is missing.
    pub(crate) install: Option<String>,
    /// What it serves, once it was asked.
    pub(crate) serves: BTreeSet<OpKind>,
}

/// The polite way to end a server, before it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// The signal to send.
    pub signal: StopSignal,
    /// How long it may take to end.
    pub grace: Duration,
}
