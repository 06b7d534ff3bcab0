//! A target rendered for one cluster: commands, files, addresses, as data for the harness to act on.
//!
//! Nothing here touches the file system or starts a process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::NodeId;

use crate::asking::{Asking, Ear};
use crate::changes::Membership;
use crate::choices::{Alone, Device};
use crate::client::{Client, Manner};
use crate::cluster::{ClusterSpec, PrepareIn};
use crate::endpoint::{Endpoint, Endpoints};
use crate::logs::LogRules;
use crate::members::MemberStep;
use crate::poller::Poller;
use crate::prepare::Prepare;
use crate::probe::{Probe, ProbeBy};
use crate::protocol::{Around, Purpose};
use crate::protocols::program::{ClientPrograms, Hello, Programs, hello};
use crate::quoted::quoted;
use crate::ready::ClusterReady;
use crate::reply::ClientError;
use crate::setup::{Side, Step, StepRule};
use crate::spec::{self, Asks, LogSource, Process, ReadyBy, Serves, Spec, Stop};
use crate::status::Means;
use crate::template::{
    RenderError, SAMPLE_PROCESS, Template, Variables, variables_of_clients, variables_of_member,
    variables_of_node, variables_of_op, variables_of_prepare, variables_of_settings,
};

/// A target on a cluster.
#[derive(Debug)]
pub struct Deployment {
    /// What to do on each node.
    pub nodes: BTreeMap<NodeId, NodePlan>,
    spec: Arc<Spec>,
    endpoints: Arc<Endpoints>,
    poller: Option<Poller>,
    cluster: ClusterSpec,
}

/// How one node is prepared, started, watched and stopped.
#[derive(Debug, Clone)]
pub struct NodePlan {
    /// Its processes, at least one, in the order in which they are started.
    pub processes: Vec<ProcessPlan>,
    /// The files to write before its first start, with their text. All lie in the node's directory.
    pub files: Vec<(PathBuf, String)>,
    /// The directories in which it keeps what must survive. All lie in the node's directory.
    pub data: Vec<PathBuf>,
    /// Where it writes what it does.
    pub logs: Vec<NodeLog>,
    /// What it answers once it is up, where the target says.
    pub ready: Option<Probe>,
    /// Its ports, by name.
    pub ports: BTreeMap<String, u16>,
    /// What is added to its command where it joins a cluster that runs.
    pub join_args: Vec<String>,
    /// How to end it.
    pub stop: Stop,
    /// The directory that gets a copy of what was prepared, if anything was.
    pub prepared: Option<PathBuf>,
    /// What it may read though it is hidden from servers.
    pub reads: Vec<PathBuf>,
    /// What else it asks of the machine.
    pub asks: Asks,
}

/// One process of a node.
#[derive(Debug, Clone)]
pub struct ProcessPlan {
    /// Its name; none where the node has one process, which needs no name.
    pub name: Option<String>,
    /// The command, program first.
    pub argv: Vec<String>,
    /// What is added to its environment.
    pub env: BTreeMap<String, String>,
    /// What shows that it is ready, where the target says.
    pub ready: Option<Probe>,
    /// The place of the process that must be ready before this one is started.
    pub after: Option<usize>,
    /// The faults that may hit it alone.
    pub faults: BTreeSet<Alone>,
}

/// A log of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLog {
    /// The process that writes it, where the node has several and that is known.
    pub process: Option<String>,
    /// Where it is.
    pub file: LogFile,
}

impl NodePlan {
    /// The first of its processes, which is its server where there is but one.
    #[must_use]
    pub fn first(&self) -> &ProcessPlan {
        &self.processes[0]
    }

    /// The processes that wait for no other one, with their places: the first, and the others in order.
    ///
    /// # Panics
    /// Never: a file in which all processes wait for each other is refused.
    #[must_use]
    pub fn at_once(&self) -> ((usize, &ProcessPlan), Vec<(usize, &ProcessPlan)>) {
        let all = self.processes.iter().enumerate();
        let mut free = all.filter(|(_, process)| process.after.is_none());
        let first = free.next().expect("some process waits for no other one");
        (first, free.collect())
    }

    /// How long after the start of its node the process of this place may become ready at the latest:
    /// it and all that it waits for take their time one after the other.
    #[must_use]
    pub fn patience(&self, place: usize) -> Duration {
        let after = |place: &usize| self.processes.get(*place)?.after;
        let chain = std::iter::successors(Some(place), after).take(self.processes.len());
        let ready = chain.filter_map(|place| self.processes.get(place)?.ready.as_ref());
        ready.map(|probe| probe.within).sum()
    }

    /// What it asks of the machine beside what every server gets, an item each, as the target file
    /// says it.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let reads = self.reads.iter().map(|path| format!("to read `{}`", path.display()));
        let devices = self.asks.devices.iter().map(|device| match device {
            Device::Fuse => "the device `/dev/fuse`".to_owned(),
        });
        let namespaces = self.asks.namespaces.then(|| "to make namespaces".to_owned());
        let user = self.asks.user.iter().map(|user| format!("to be the user `{user}`"));
        reads.chain(devices).chain(namespaces).chain(user).collect()
    }
}

/// Where a log is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogFile {
    /// What it writes to standard output.
    Stdout,
    /// What it writes to standard error.
    Stderr,
    /// A file in the node's directory.
    Path(PathBuf),
}

impl Deployment {
    pub(crate) fn render(spec: Arc<Spec>, cluster: &ClusterSpec) -> Result<Self, RenderError> {
        let mut nodes = BTreeMap::new();
        let mut endpoints = Endpoints::new();
        let fixed = spec.fixed();
        for node in &cluster.nodes {
            let variables = variables_of_node(cluster, node, fixed);
            let renderer = Renderer { spec: &spec, variables: &variables };
            let base = spec.client.asked.as_ref().map(|asked| renderer.text(&asked.base));
            let base = base.transpose()?.unwrap_or_default();
            nodes.insert(node.id, renderer.plan(&base, &cluster.extra_args)?);
            endpoints.insert(node.id, Endpoint { base, variables });
        }
        let endpoints = Arc::new(endpoints);
        let poller = Poller::new(&spec, &endpoints)?;
        Ok(Self { nodes, spec, endpoints, poller, cluster: cluster.clone() })
    }

    /// What performs operations. Every call makes one with its own connections.
    ///
    /// # Errors
    /// If it cannot be set up, or if a client program performs operations.
    pub fn client(&self) -> Result<Client, ClientError> {
        self.client_heard_by(None)
    }

    /// The same; somebody hears every request and answer.
    ///
    /// # Errors
    /// As [`Self::client`].
    pub fn client_heard_by(&self, ear: Option<Ear>) -> Result<Client, ClientError> {
        let Some(asked) = self.spec.client.asked.as_ref().filter(|_| !self.has_program()) else {
            return Err(ClientError("a client program has to be started for it".to_owned()));
        };
        let (spec, endpoints) = (Arc::clone(&self.spec), Arc::clone(&self.endpoints));
        let opener = Asking::new(spec, endpoints, asked)?.heard_by(ear);
        Ok(Client::new(Box::new(opener), self.manner()))
    }

    /// Whether a client program performs the operations.
    #[must_use]
    pub fn has_program(&self) -> bool {
        self.spec.client.program.is_some()
    }

    /// What performs operations by client programs, where they do.
    #[must_use]
    pub fn client_of(&self, programs: Arc<dyn Programs>) -> Client {
        Client::new(Box::new(ClientPrograms::new(programs, self.hello())), self.manner())
    }

    /// Starts one client program, and asks what it serves.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub async fn asked_program(&self, programs: Arc<dyn Programs>) -> Result<Serves, String> {
        ClientPrograms::new(programs, self.hello()).serves().await
    }

    fn hello(&self) -> Hello {
        let variables = variables_of_settings(&self.spec.settings);
        let render = |(name, text): (&String, &Template)| {
            let rendered = self.spec.templates.render(text, &variables);
            (name.clone(), rendered.expect("it was rendered when the target was loaded"))
        };
        let program = self.spec.client.program.as_ref();
        let parameters = program.into_iter().flat_map(|it| it.parameters.iter().map(render));
        hello(
            &self.cluster.nodes,
            &self.spec.ports,
            self.spec.client.timeout,
            &parameters.collect(),
        )
    }

    fn manner(&self) -> Manner {
        let (timeout, route) = (self.spec.client.timeout, self.spec.client.route);
        Manner { timeout, route, serves: self.spec.serves() }
    }

    /// Where clients find a node: the beginning of every address.
    #[must_use]
    pub fn base(&self, node: NodeId) -> Option<&str> {
        let endpoint = self.endpoints.get(&node).filter(|endpoint| !endpoint.base.is_empty());
        endpoint.map(|endpoint| endpoint.base.as_str())
    }

    /// What asks nodes for their role, if the target has a status request. All calls share its
    /// connections.
    #[must_use]
    pub fn poller(&self) -> Option<Poller> {
        self.poller.clone()
    }

    /// The same; `client` is asked where client programs tell of nodes.
    #[must_use]
    pub fn poller_by(&self, client: &Client) -> Option<Poller> {
        match &self.spec.status.as_ref()?.means {
            Means::Program => {
                Some(Poller::through_programs(&self.spec, &self.endpoints, client.status()?))
            }
            _ => self.poller(),
        }
    }

    /// How its members change, where the target says.
    #[must_use]
    pub fn membership(&self) -> Option<Membership> {
        Membership::of(&self.spec, &self.endpoints)
    }

    /// What log lines tell.
    #[must_use]
    pub fn log_rules(&self) -> &LogRules {
        &self.spec.log_rules
    }

    /// What the whole cluster must have come to before clients start, where the target says.
    #[must_use]
    pub fn cluster_ready(&self) -> Option<&ClusterReady> {
        self.spec.cluster_ready.as_ref()
    }

    /// What is prepared once on this machine, if anything is.
    ///
    /// # Errors
    /// If a template cannot be rendered, though it could be with samples.
    pub fn prepare(&self, around: &PrepareIn<'_>) -> Result<Option<Prepare>, RenderError> {
        let Some(rule) = &self.spec.prepare else { return Ok(None) };
        let variables = variables_of_prepare(&self.cluster, self.spec.fixed(), around);
        let texts = |texts: &[Template]| -> Result<Vec<String>, RenderError> {
            texts.iter().map(|text| self.spec.templates.render(text, &variables)).collect()
        };
        let (argv, key) = (texts(&rule.command)?, texts(&rule.key)?);
        Ok(Some(Prepare { argv, key, within: rule.within }))
    }

    /// The directory of a node.
    #[must_use]
    pub fn dir(&self, node: NodeId) -> Option<&Path> {
        self.cluster.nodes.iter().find(|known| known.id == node).map(|node| node.dir.as_path())
    }

    /// What is run once the nodes are ready, in order; the target file is in `dir`.
    ///
    /// # Errors
    /// If a template cannot be rendered, though it could be with sample nodes.
    pub fn setup(&self, dir: &Path) -> Result<Vec<Step>, RenderError> {
        let of_clients = variables_of_clients(&self.cluster, self.spec.fixed(), dir);
        let step = |rule: &StepRule| {
            let variables = match rule.on {
                Side::Clients => &of_clients,
                Side::Node(node) => {
                    let known = self.endpoints.get(&node).map(|endpoint| &endpoint.variables);
                    known.ok_or(RenderError::NoNode(node, self.nodes.len()))?
                }
            };
            let words = rule.command.iter();
            let words = words.map(|word| self.spec.templates.render(word, variables));
            Ok(Step {
                on: rule.on,
                argv: words.collect::<Result<_, RenderError>>()?,
                expect: rule.expect.clone(),
                within: rule.within,
                again_for: rule.again_for,
            })
        };
        self.spec.setup.iter().map(step).collect()
    }

    /// The status request and one of each operation with sample arguments, for people.
    pub(crate) fn sample_requests(&self, node: NodeId) -> Vec<(&'static str, String)> {
        let Some(Endpoint { base, variables }) = self.endpoints.get(&node) else {
            return Vec::new();
        };
        let aside = self.status_aside(variables);
        let Some(asked) = &self.spec.client.asked else { return aside.into_iter().collect() };
        let show = |purpose, variables: &Variables| {
            let around =
                Around { templates: &self.spec.templates, base, variables, followed: None };
            let request = asked.speech.request(purpose, &around)?;
            Some(request.map_or_else(|error| error.to_string(), |request| request.to_string()))
        };
        let status = show(Purpose::Status, variables).map(|shown| ("status", shown));
        let ops = self.spec.ops.keys().filter_map(|kind| {
            let id = format!("{SAMPLE_PROCESS}-0");
            let variables = variables_of_op(variables, SAMPLE_PROCESS, id, &kind.sample());
            Some((kind.word(), show(Purpose::Op(*kind), &variables)?))
        });
        let members = MemberStep::ALL.into_iter().filter_map(|step| {
            let variables = variables_of_member(variables, variables, "8e9e05c52164694d");
            Some((step.shown(), show(Purpose::Member(step), &variables)?))
        });
        aside.into_iter().chain(status).chain(members).chain(ops).collect()
    }

    /// How a node is asked for its status, where that is no request in the protocol of the target.
    fn status_aside(&self, variables: &Variables) -> Option<(&'static str, String)> {
        let text = |template| {
            let rendered = self.spec.templates.render(template, variables);
            rendered.unwrap_or_else(|error| error.to_string())
        };
        let shown = match &self.spec.status.as_ref()?.means {
            Means::Request => return None,
            Means::Program => "{\"status\":\"…\"} to the client program".to_owned(),
            Means::Text(address, sent) => format!("{} to {}", quoted(sent), text(address)),
            Means::Command(words) => {
                let words: Vec<String> = words.iter().map(|word| quoted(&text(word))).collect();
                format!("{}, where the node is", words.join(" "))
            }
        };
        Some(("status", shown))
    }
}

/// Renders what concerns one node.
struct Renderer<'a> {
    spec: &'a Spec,
    variables: &'a Variables,
}

impl Renderer<'_> {
    fn text(&self, template: &Template) -> Result<String, RenderError> {
        self.spec.templates.render(template, self.variables)
    }

    fn plan(&self, base: &str, extra_args: &[String]) -> Result<NodePlan, RenderError> {
        let launch = &self.spec.launch;
        let processes = launch.processes.iter().enumerate().map(|(place, process)| {
            let more = if place == 0 { extra_args } else { &[] };
            self.process((place, process), base, more)
        });
        let files = launch.files.iter();
        Ok(NodePlan {
            processes: processes.collect::<Result<_, RenderError>>()?,
            files: files
                .map(|(path, text)| Ok((self.text(path)?.into(), self.text(text)?)))
                .collect::<Result<_, RenderError>>()?,
            data: launch
                .data
                .iter()
                .map(|dir| Ok(self.text(dir)?.into()))
                .collect::<Result<_, RenderError>>()?,
            logs: launch
                .logs
                .iter()
                .map(|log| self.log(log))
                .collect::<Result<_, RenderError>>()?,
            ready: self.probe(base)?,
            ports: self.spec.ports.clone(),
            join_args: self
                .spec
                .membership
                .iter()
                .flat_map(|rule| &rule.args)
                .map(|argument| self.text(argument))
                .collect::<Result<_, RenderError>>()?,
            stop: launch.stop,
            prepared: match &self.spec.prepare {
                Some(prepare) => Some(self.text(&prepare.into)?.into()),
                None => None,
            },
            reads: self.reads()?,
            asks: launch.asks.clone(),
        })
    }

    /// What the server may read though it is hidden from servers.
    fn reads(&self) -> Result<Vec<PathBuf>, RenderError> {
        let mut paths = self.spec.needs(self.variables)?;
        for path in &self.spec.launch.reads {
            paths.push(self.text(path)?.into());
        }
        Ok(paths)
    }

    fn process(
        &self,
        (place, process): (usize, &Process),
        base: &str,
        extra_args: &[String],
    ) -> Result<ProcessPlan, RenderError> {
        let argv = process.command.iter().map(|part| self.text(part));
        let argv = argv.chain(extra_args.iter().map(|argument| Ok(argument.clone())));
        let env = process.env.iter().map(|(name, value)| Ok((name.clone(), self.text(value)?)));
        Ok(ProcessPlan {
            name: process.name.clone(),
            argv: argv.collect::<Result<_, RenderError>>()?,
            env: env.collect::<Result<_, RenderError>>()?,
            ready: self.process_probe((place, process), base)?,
            after: process.after,
            faults: process.faults.clone(),
        })
    }

    fn process_probe(
        &self,
        (place, process): (usize, &Process),
        base: &str,
    ) -> Result<Option<Probe>, RenderError> {
        let Some(ready) = &process.ready else { return Ok(None) };
        let within = ready.within;
        Ok(match &ready.by {
            ReadyBy::Port(address) => {
                Some(Probe { by: ProbeBy::Port(self.text(address)?), status: None, within })
            }
            ReadyBy::Request(status) => {
                let request = self.request(Purpose::Process(place), base)?;
                request.map(|request| Probe { by: request, status: *status, within })
            }
        })
    }

    fn request(&self, purpose: Purpose, base: &str) -> Result<Option<ProbeBy>, RenderError> {
        let Some(asked) = &self.spec.client.asked else { return Ok(None) };
        let (templates, variables) = (&self.spec.templates, self.variables);
        let around = Around { templates, base, variables, followed: None };
        let request = asked.speech.request(purpose, &around).transpose()?;
        Ok(request.map(ProbeBy::Request))
    }

    fn log(&self, log: &spec::NodeLog) -> Result<NodeLog, RenderError> {
        let file = match &log.source {
            LogSource::Stdout => LogFile::Stdout,
            LogSource::Stderr => LogFile::Stderr,
            LogSource::Path(path) => LogFile::Path(self.text(path)?.into()),
        };
        Ok(NodeLog { process: log.process.clone(), file })
    }

    fn probe(&self, base: &str) -> Result<Option<Probe>, RenderError> {
        let Some(ready) = &self.spec.node_ready else { return Ok(None) };
        let request = self.request(Purpose::Ready, base)?;
        Ok(request.map(|by| Probe { by, status: ready.status, within: ready.within }))
    }
}
