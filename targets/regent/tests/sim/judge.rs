//! What must hold of a run, and what was found not to.

use std::collections::BTreeMap;

use fracas_regent::core::{Core, Status};
use fracas_regent::messages::{Entry, Generation, Index, NodeId};

use super::history::{Operation, contradiction};

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
}

impl Broken {
    /// Whether it can be seen by asking the nodes and reading their lines.
    pub(crate) fn is_visible(self) -> bool {
        self != Self::LogsAgree
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
}

impl Judge {
    pub(crate) fn broken(&mut self, what: Broken, detail: String) {
        self.found.entry(what).or_insert(detail);
    }

    /// A node was asked for its status.
    pub(crate) fn polled(&mut self, status: &Status) {
        self.generation(&status.node, status.generation);
        if status.role == "leader" {
            self.leads(&status.node, status.generation);
        }
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
}
