//! What a kind of fault tells of itself, and what can be asked of one of its acts.
//!
//! A kind is a file that implements [`KindOfFault`] and a line in the table of [`super`]. What has
//! a default here, most kinds need not say.

use fracas_checker::fault::{Cut, Effect, RestartAs};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Facts};

use super::alone::{DeclaredProcess, ProcessName};
use super::hit::Meant;
use super::injector::Injector;
use super::on::On;
use super::state::State;
use super::trial::Trial;
use super::victims::Victims;
use crate::means::{ClockMeans, Gear, Wanted};

/// What a kind tells of itself.
pub(crate) struct Entry {
    /// The word used on the command line, in histories and in reports.
    pub(crate) word: &'static str,
    /// What it does, in one line.
    pub(crate) about: &'static str,
    /// What is measured to prove it, in a few words.
    pub(crate) proven_by: &'static str,
    /// The keys that its acts have in a schedule, besides `kind`, `whom` and `draw`.
    pub(crate) keys: &'static [&'static str],
    /// Whether it is done to what is between nodes.
    pub(crate) between: bool,
    /// What nodes or their network are given for it before they start.
    pub(crate) takes: Option<Gear>,
    /// The mechanisms that bring it about, the first that works, each with its name in records.
    pub(crate) tried_by: &'static [(&'static str, &'static str)],
    /// The trials of the mechanisms that no other kind has tried.
    pub(crate) trials: &'static [Trial],
    /// Does to one direction for a moment what it would do, if it is done to directions.
    pub(crate) try_out: Option<TryOut>,
}

/// Does something to one direction of a lab, and undoes it.
pub(crate) type TryOut = fn(&dyn Agent, Cut) -> Result<(), LabError>;

/// What is known of a cluster before its run: what decides whether an act is possible.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// How many nodes there are.
    pub nodes: u16,
    /// Whether the target has leaders to aim at.
    pub leaders: bool,
    /// The forms in which killed nodes may be started again, besides unchanged.
    pub again: &'a [RestartAs],
    /// The processes of a node that may be hit alone.
    pub processes: &'a [DeclaredProcess],
}

/// Things that a user gave and that some acts need.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The forms in which killed nodes may be started again, besides unchanged.
    pub again: &'a [RestartAs],
    /// Whether there are small disks.
    pub small_disk: bool,
}

/// A thing that an act needs and that was not given: in words, and the flag that gives it.
pub type Missing = (&'static str, &'static str);

/// One act of some kind.
pub(crate) trait Does {
    /// In what way it is done, beyond its kind: `halves`, `step of +60 s`; empty where there is but
    /// one way.
    fn manner(&self) -> String;

    /// What it is in a plan, behind the word of its kind: ` of the leader`, `: halves`.
    fn planned(&self, victims: Victims) -> String {
        format!(" of {victims}")
    }

    /// The process of its nodes that it hits alone, if it does.
    fn process(&self) -> Option<ProcessName> {
        None
    }

    /// Whether it is possible in such a cluster.
    fn fits(&self, _: &Around<'_>) -> bool {
        true
    }

    /// Whom it means in the usual mix, where leaders are known and there are more nodes than one.
    fn victims(&self, nodes: u16) -> &'static [Victims];

    /// The victims that it has in fact, if a plan says `victims`.
    fn means(&self, victims: Victims) -> Victims {
        victims
    }

    /// Why it can never have `victims`, whatever the cluster.
    fn contradiction(&self, _whom: Victims) -> Option<&'static str> {
        None
    }

    /// How long it takes to bring it about, to prove it three times and to heal it, in
    /// milliseconds: what was measured, and a little more.
    fn proof_ms(&self) -> u64;

    /// What it cannot do without and was not given.
    fn missing(&self, _: Given<'_>) -> Option<Missing> {
        None
    }

    /// What it is done to, as the cluster stands; or why it is impossible now.
    fn settle(&self, meant: Meant, state: &State) -> Result<On, String> {
        meant.nodes(state).map(On::Nodes)
    }

    /// What it does to nodes and links, for the history.
    fn effect(&self, on: &On) -> Effect;

    /// What brings it about, measures it and heals it, as the fault of this number.
    fn injector(&self, id: u32, on: &On) -> Box<dyn Injector>;
}

/// One kind of fault: its data is that of its acts.
pub(crate) trait KindOfFault: Does + Copy {
    /// What it tells of itself.
    const ENTRY: Entry;

    /// Whether it is injected without being named, where the target allows it: whether it is one of
    /// the kinds that the usual mix is made of.
    const UNNAMED: bool = true;

    /// Whether it has the cluster change its members, as only a target file can say.
    const OF_MEMBERS: bool = false;

    /// What it may do in a mix of faults.
    fn usual() -> Vec<Self>;

    /// The same act on this process alone, if that is a thing that it may be done to.
    fn on_process(self, _: ProcessName) -> Option<Self> {
        None
    }

    /// What else the usual mix may do, for what the user gave, and with processes that the target
    /// names.
    fn given(_: &Around<'_>) -> Vec<Self> {
        Vec::new()
    }

    /// What it can be told to do beyond that, for lists: each by its name, and what it is.
    fn choices() -> Vec<(String, &'static str)> {
        Vec::new()
    }

    /// By what means it is brought about in this lab.
    fn mechanism(facts: &Facts, wanted: &Wanted) -> String;

    /// What it takes that this machine does not have, as far as that can be told without a lab.
    fn lacks(_: ClockMeans) -> Option<String> {
        None
    }
}
