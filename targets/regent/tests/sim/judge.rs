//! What must hold of a run, and what was found not to.

use std::collections::BTreeMap;

use fracas_regent::core::{Core, Millis, Status};
use fracas_regent::messages::{Entry, Generation, Index, NodeId};

use super::ELECTION_MS;
use super::claims::{self, Request};
use super::history::{Operation, contradiction};
use super::users::{Kind, Use};
use super::uses;

/// How long a leader may claim to lead that is cut off: two election timeouts, and what it may take
/// to notice.
const MAX_ALONE_MS: Millis = 2 * ELECTION_MS + 500;

/// A property that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Broken {
    /// At most one node leads a generation.
    OneLeader,
    /// A node's generation never goes back.
    GenerationGrows,
    /// Clients see one register per key.
    Linearizable,
    /// What is committed at an index is the same everywhere and for ever. Not seen from outside.
    LogsAgree,
    /// Once all is healed, a leader serves and all nodes catch up.
    Recovers,
    /// A leader that is cut off from the majority does not claim to lead for long.
    StepsDown,
    /// A node ends only if it is killed, or its disk fails; and then it can be started again.
    StaysUp,
    /// A later grant of a lock has a higher token.
    TokensGrow,
    /// A lock has one holder at a time, as far as holders can know.
    OneHolder,
    /// What a lock guards takes no lower token than one it took.
    GuardHolds,
    /// Every kind of object is what it is said to be, as far as its users see.
    Object(Kind),
    /// Users are told what the log says. Not seen from outside.
    AsLogged,
}

impl Broken {
    /// Whether it can be seen by asking the nodes and reading their lines.
    pub(crate) fn is_visible(self) -> bool {
        ![Self::LogsAgree, Self::AsLogged].contains(&self)
    }
}

/// Collects the first breach of every property.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    pub(crate) found: BTreeMap<Broken, String>,
    leaders: BTreeMap<Generation, NodeId>,
    generations: BTreeMap<NodeId, Generation>,
    committed: Vec<Entry>,
    checked: BTreeMap<NodeId, Index>,
    /// Since when a leader has been cut off.
    alone: BTreeMap<NodeId, Millis>,
}

impl Judge {
    pub(crate) fn broken(&mut self, breach: Broken, detail: String) {
        self.found.entry(breach).or_insert(detail);
    }

    /// A node was asked for its status.
    pub(crate) fn polled(&mut self, status: &Status) {
        self.generation(&status.node, status.generation);
        if status.role == "leader" {
            self.leads(&status.node, status.generation);
        }
    }

    /// A node was asked while it was cut off from the majority, or was not.
    pub(crate) fn led_alone(&mut self, status: &Status, alone: bool, now: Millis) {
        if !alone || status.role != "leader" || status.full {
            self.alone.remove(&status.node);
            return;
        }
        let since = *self.alone.entry(status.node.clone()).or_insert(now);
        if now - since > MAX_ALONE_MS {
            let detail = format!("{} leads alone from {since} to {now}", status.node);
            self.broken(Broken::StepsDown, detail);
        }
    }

    /// The node was stopped, and its time begins anew.
    pub(crate) fn resumed(&mut self, node: &str) {
        self.alone.remove(node);
    }

    /// A node wrote a line.
    pub(crate) fn line(&mut self, line: &str) {
        let field = |name: &str| {
            line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        };
        let node = field("node").expect("every line names its node").to_owned();
        let generation = field("generation").and_then(|text| text.parse().ok());
        let generation = generation.expect("every line names a generation");
        self.generation(&node, generation);
        if line.starts_with("won election ") {
            self.leads(&node, generation);
        }
    }

    fn generation(&mut self, node: &NodeId, generation: Generation) {
        let highest = self.generations.entry(node.clone()).or_default();
        if generation < *highest {
            let detail = format!("{node} went from {highest} to {generation}");
            return self.broken(Broken::GenerationGrows, detail);
        }
        *highest = generation;
    }

    fn leads(&mut self, node: &NodeId, generation: Generation) {
        let leader = self.leaders.entry(generation).or_insert_with(|| node.clone());
        if leader != node {
            let detail = format!("{leader} and {node} lead generation {generation}");
            self.broken(Broken::OneLeader, detail);
        }
    }

    /// Compares what a node holds committed with what any node ever held committed.
    pub(crate) fn inspect(&mut self, core: &Core) {
        let status = core.status();
        let checked = self.checked.entry(status.node.clone()).or_default();
        let from = (*checked).min(status.commit) + 1;
        *checked = status.commit;
        for index in from..=status.commit {
            let entry = core.log().get(index).expect("committed entries are in the log").clone();
            let place = usize::try_from(index - 1).expect("short logs");
            match self.committed.get(place) {
                Some(known) if *known != entry => {
                    let detail = format!("{} at {index}: {entry:?} for {known:?}", status.node);
                    return self.broken(Broken::LogsAgree, detail);
                }
                Some(_) => {}
                None => self.committed.push(entry),
            }
        }
    }

    /// The node has lost its memory, and starts to commit from the beginning.
    pub(crate) fn restarted(&mut self, node: &NodeId) {
        self.checked.remove(node);
        self.alone.remove(node);
    }

    /// Judges what the clients saw.
    pub(crate) fn clients(&mut self, operations: &[Operation]) {
        let mut keys: BTreeMap<&str, Vec<Operation>> = BTreeMap::new();
        for operation in operations {
            keys.entry(&operation.key).or_default().push(operation.clone());
        }
        for (key, operations) in keys {
            if let Some(why) = contradiction(&operations) {
                self.broken(Broken::Linearizable, format!("{key}: {why}"));
            }
        }
    }

    /// Judges what the holders of locks saw.
    pub(crate) fn holders(&mut self, requests: &[Request]) {
        for (breach, detail) in claims::breaches(requests) {
            self.broken(breach, detail);
        }
    }

    /// Judges what the users of objects saw.
    pub(crate) fn users(&mut self, uses: &[Use]) {
        for (kind, detail) in uses::breaches(uses) {
            self.broken(Broken::Object(kind), detail);
        }
        if let Some(detail) = uses::not_as_logged(uses, &self.committed) {
            self.broken(Broken::AsLogged, detail);
        }
    }
}
