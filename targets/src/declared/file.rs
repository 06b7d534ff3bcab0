//! The keys of a target file, as written: the shape only.
//!
//! Whether the values make sense is judged in `check`. No type here may use serde's `tag`,
//! `untagged` or `flatten`: they buffer the input, and every span would be lost.

use std::collections::BTreeMap;

use fracas_checker::observation::Role;
use serde::Deserialize;
use toml::Spanned;

use super::by_word::{Ops, Promises};
use super::one_of_several::{GroupKey, Redirects};
use super::operation::Method;
use super::places::{NodeKey, NumberKey, Text};
use crate::choices::{Alone, Device, Route, StopSignal};

/// A whole target file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct File {
    pub(crate) schema: Spanned<u32>,
    pub(crate) name: Text,
    pub(crate) description: Text,
    /// What a user can choose.
    #[serde(default)]
    pub(crate) settings: BTreeMap<Text, Setting>,
    pub(crate) binary: Binary,
    pub(crate) cluster: Cluster,
    pub(crate) node: Spanned<Node>,
    pub(crate) ready: Option<Ready>,
    /// What is made once on a machine.
    pub(crate) prepare: Option<Prepare>,
    /// What is run once, in order, before the load.
    #[serde(default)]
    pub(crate) setup: Vec<Step>,
    pub(crate) status: Option<Spanned<Status>>,
    /// How the cluster removes a node, and adds it again.
    pub(crate) membership: Option<Spanned<Membership>>,
    pub(crate) client: Spanned<Client>,
    /// Not where a client program performs operations.
    pub(crate) ops: Option<Spanned<Ops>>,
    #[serde(default)]
    pub(crate) promises: Promises,
    /// What the target may be asked to endure: kinds of faults, whichever there are.
    #[serde(default)]
    pub(crate) faults: BTreeMap<Spanned<String>, bool>,
}

/// `[settings.NAME]`: a text that a user can choose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Setting {
    pub(crate) description: Text,
    pub(crate) default: Text,
    pub(crate) one_of: Option<Spanned<Vec<Text>>>,
}

/// `[binary]`: the program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Binary {
    pub(crate) path: Text,
    /// Further programs, looked up as the first one is; templates have each as `binary.NAME`.
    #[serde(default)]
    pub(crate) others: BTreeMap<Spanned<String>, Text>,
    pub(crate) version: Option<Vec<Text>>,
    /// What to install where it is missing.
    pub(crate) install: Option<Text>,
    /// The files of the machine that servers need beside it.
    #[serde(default)]
    pub(crate) needs: Vec<Text>,
}

/// `[cluster]`: how many nodes, and their ports.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Cluster {
    pub(crate) nodes: Spanned<u16>,
    pub(crate) ports: BTreeMap<String, Spanned<u16>>,
}

/// `[node]`: how one server is started and stopped.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Node {
    /// The short form of a node of one process.
    pub(crate) command: Option<Spanned<Vec<Text>>>,
    pub(crate) process: Option<Spanned<Vec<Spanned<Process>>>>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, Text>,
    pub(crate) stop: Option<Stop>,
    #[serde(default)]
    pub(crate) logs: Vec<Text>,
    #[serde(default)]
    pub(crate) files: Vec<NodeFile>,
    /// The directories in which it keeps what must survive.
    #[serde(default)]
    pub(crate) data: Vec<Text>,
    /// What it may read though it is hidden from servers.
    #[serde(default)]
    pub(crate) reads: Vec<Text>,
    #[serde(default)]
    pub(crate) devices: Vec<Device>,
    #[serde(default)]
    pub(crate) namespaces: bool,
    #[serde(default)]
    pub(crate) limits: NodeLimits,
    /// The name of its user.
    pub(crate) user: Option<Text>,
}

/// `[[node.process]]`: one of the processes of a node.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Process {
    pub(crate) name: Text,
    pub(crate) command: Spanned<Vec<Text>>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, Text>,
    pub(crate) ready: Option<Spanned<ProcessReady>>,
    /// The process that must be ready before this one is started.
    pub(crate) after: Option<Text>,
    #[serde(default)]
    pub(crate) logs: Vec<Text>,
    /// What it may be hit by alone.
    #[serde(default)]
    pub(crate) faults: Vec<Spanned<Alone>>,
}

/// `node.process.ready`: a port that it opens, or a request that it answers, once it is up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ProcessReady {
    pub(crate) tcp: Option<Text>,
    pub(crate) path: Option<Text>,
    pub(crate) status: Option<Spanned<u16>>,
    pub(crate) command: Option<Spanned<Vec<Text>>>,
    pub(crate) within: Option<Text>,
}

/// `node.limits`: what the server may use up at most.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NodeLimits {
    pub(crate) processes: Option<Spanned<u32>>,
    pub(crate) memory: Option<Text>,
    pub(crate) file: Option<Text>,
}

/// `node.stop`: the polite way to end it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Stop {
    pub(crate) signal: StopSignal,
    pub(crate) grace: Text,
}

/// `[[node.files]]`: a file that must exist before the start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NodeFile {
    pub(crate) path: Text,
    pub(crate) text: Text,
}

/// `[prepare]`: a program that fills a directory, of which every node gets a copy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Prepare {
    pub(crate) command: Spanned<Vec<Text>>,
    #[serde(default)]
    pub(crate) key: Vec<Text>,
    pub(crate) into: Option<Text>,
    pub(crate) within: Option<Text>,
}

/// `[[setup]]`: a program that is run once, when all nodes are ready.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Step {
    pub(crate) on: Text,
    pub(crate) command: Spanned<Vec<Text>>,
    pub(crate) expect: Option<Spanned<StepExpect>>,
    pub(crate) within: Option<Text>,
    pub(crate) again_for: Option<Text>,
}

/// `setup.expect`: how a program must end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StepExpect {
    pub(crate) exit: Option<Spanned<u16>>,
    /// A pattern of its output.
    pub(crate) text: Option<Text>,
}

/// `[ready]`: when a start is over.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Ready {
    pub(crate) node: Option<Spanned<NodeReady>>,
    pub(crate) cluster: Option<ClusterReady>,
}

/// `ready.node`: a request that one node must answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NodeReady {
    pub(crate) path: Option<Text>,
    pub(crate) status: Option<Spanned<u16>>,
    /// In place of both, where the target speaks RESP.
    pub(crate) command: Option<Spanned<Vec<Text>>>,
    pub(crate) within: Text,
}

/// `ready.cluster`: what all nodes together must have come to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ClusterReady {
    pub(crate) leader: Spanned<LeaderReady>,
    pub(crate) within: Text,
}

/// When a cluster has a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LeaderReady {
    /// One node leads, and a majority does not contradict it.
    MajorityAgrees,
}

/// `[status]`: who leads, and in which generation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Status {
    pub(crate) path: Option<Text>,
    pub(crate) method: Option<Spanned<Method>>,
    pub(crate) json: Option<Text>,
    /// In place of these: a command where the target speaks RESP, else a program that is run where
    /// the node is.
    pub(crate) command: Option<Spanned<Vec<Text>>>,
    /// In place of these: a program that is run where the node is, whatever the target speaks.
    pub(crate) exec: Option<Spanned<Vec<Text>>>,
    /// In place of these: the client program tells it.
    pub(crate) program: Option<Spanned<bool>>,
    /// In place of these: a text that is sent, and answered by a text.
    pub(crate) tcp: Option<Spanned<StatusTcp>>,
    /// The group of nodes that it tells of, where a node is in several.
    pub(crate) group: Option<Spanned<GroupKey>>,
    /// Where the answer has a list that tells of one group after the other.
    pub(crate) each: Option<Text>,
    pub(crate) every: Text,
    pub(crate) atomic: bool,
    /// May be left out where the client program tells it.
    pub(crate) role: Option<Spanned<RoleKey>>,
    pub(crate) generation: Option<NumberKey>,
    pub(crate) leader: Option<NodeKey>,
    pub(crate) applied: Option<NumberKey>,
    pub(crate) voted: Option<NodeKey>,
    #[serde(default)]
    pub(crate) log: Vec<StatusLog>,
}

/// `[membership]`: how the cluster removes a node, and adds it again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Membership {
    pub(crate) list: Option<Spanned<Member>>,
    pub(crate) listed: Option<Spanned<MemberList>>,
    pub(crate) remove: Spanned<Member>,
    pub(crate) add: Spanned<Member>,
    /// What is added to the command line of a server that joins.
    #[serde(default)]
    pub(crate) args: Vec<Text>,
    /// Whether the directories of a node are emptied before it joins.
    #[serde(default)]
    pub(crate) forget: bool,
    pub(crate) within: Option<Text>,
}

/// `membership.remove` and its like: a request to another node, or a program that is run there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Member {
    pub(crate) path: Option<Text>,
    pub(crate) method: Option<Spanned<Method>>,
    pub(crate) json: Option<Text>,
    /// In place of these, where the target does not speak HTTP.
    pub(crate) command: Option<Spanned<Vec<Text>>>,
    /// In place of these: a program.
    pub(crate) exec: Option<Spanned<Vec<Text>>>,
    pub(crate) status: Option<Spanned<u16>>,
    pub(crate) text: Option<Text>,
}

/// `membership.listed`: where the members are in the answer to `membership.list`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MemberList {
    pub(crate) at: Text,
    pub(crate) node: Text,
    pub(crate) is: Text,
    pub(crate) id: Option<Text>,
}

/// `status.tcp`: what is sent, and to which port.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StatusTcp {
    pub(crate) port: Text,
    pub(crate) send: Text,
}

/// `status.role`: a word, or two places that are equal on the leader.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RoleKey {
    pub(crate) json: Option<Text>,
    pub(crate) regex: Option<Text>,
    pub(crate) map: Option<BTreeMap<String, Role>>,
    pub(crate) equals: Option<[Text; 2]>,
}

/// `[[status.log]]`: a log line that tells of role, vote and generation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StatusLog {
    pub(crate) file: Text,
    pub(crate) regex: Text,
    pub(crate) role: Option<Role>,
    #[serde(default = "yes")]
    pub(crate) atomic: bool,
}

fn yes() -> bool {
    true
}

/// `[client]`: how a node is spoken to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Client {
    pub(crate) base: Option<Text>,
    /// A client program and its arguments.
    pub(crate) program: Option<Spanned<Vec<Text>>>,
    /// What to install where the client program is missing.
    pub(crate) install: Option<Text>,
    /// What it is handed over.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Text>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Text>,
    pub(crate) connect_timeout: Option<Text>,
    pub(crate) timeout: Text,
    pub(crate) route: Option<Spanned<Route>>,
    pub(crate) redirects: Option<Spanned<Redirects>>,
}
