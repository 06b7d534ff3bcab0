//! The table of the kinds of faults, and what follows from it: the word of a kind, one act of any
//! kind, and the very fault that an act has become.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{self, Cut, FaultKind};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Facts};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::alone::ProcessName;
use super::hit::Meant;
use super::injector::Injector;
use super::kind::{Around, Does, Entry, Given, KindOfFault, Missing};
use super::on::On;
use super::state::State;
use super::trial::Trial;
use super::victims::Victims;
use crate::means::{ClockMeans, Gear, Wanted};

/// Makes the types of all kinds out of their names and files.
macro_rules! kinds {
    ($($(#[$attribute:meta])* $kind:ident = $file:ident;)*) => {
        /// The kinds of faults, in the order in which lists show them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = concat!("`", stringify!($file), "`")] $kind,)* }

        /// What an act does, without the nodes that it does it to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Action {
            $(#[doc = concat!("`", stringify!($file), "`")] $(#[$attribute])* $kind(super::$file::$kind),)*
        }

        impl Kind {
            /// All kinds, in the order in which lists show them.
            pub const ALL: [Self; [$(stringify!($kind)),*].len()] = [$(Self::$kind),*];

            fn entry(self) -> Entry {
                match self { $(Self::$kind => super::$file::$kind::ENTRY,)* }
            }

            /// Whether it is injected without being named, where the target allows it.
            #[must_use]
            pub fn is_usual(self) -> bool {
                match self { $(Self::$kind => super::$file::$kind::UNNAMED,)* }
            }

            /// Whether it has the cluster change its members, as only a target file can say.
            #[must_use]
            pub fn is_of_members(self) -> bool {
                match self { $(Self::$kind => super::$file::$kind::OF_MEMBERS,)* }
            }

            /// The actions of this kind in the usual mix of faults.
            #[must_use]
            pub fn usual(self) -> Vec<Action> {
                match self {
                    $(Self::$kind => super::$file::$kind::usual().into_iter().map(Action::$kind).collect(),)*
                }
            }

            /// The further actions of this kind in the usual mix, which need things that the user
            /// gave.
            #[must_use]
            pub fn given(self, around: &Around<'_>) -> Vec<Action> {
                match self {
                    $(Self::$kind => {
                        super::$file::$kind::given(around).into_iter().map(Action::$kind).collect()
                    })*
                }
            }

            /// The choices that a user has within this kind, for lists: the name of each, and what
            /// it does.
            #[must_use]
            pub fn choices(self) -> Vec<(String, &'static str)> {
                match self { $(Self::$kind => super::$file::$kind::choices(),)* }
            }

            /// The mechanism that brings this kind of fault about in this lab.
            #[must_use]
            pub fn mechanism(self, facts: &Facts, wanted: &Wanted) -> String {
                match self { $(Self::$kind => super::$file::$kind::mechanism(facts, wanted),)* }
            }

            /// What this machine lacks for this kind of fault, as far as that can be told without a
            /// lab; `fracas doctor` tries it.
            #[must_use]
            pub fn lacks(self, clock: ClockMeans) -> Option<String> {
                match self { $(Self::$kind => super::$file::$kind::lacks(clock),)* }
            }
        }

        impl Action {
            /// The kind of fault that it becomes.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind,)* }
            }

            /// The same on this process alone, if that is a thing that it may be done to.
            #[must_use]
            pub fn on_process(self, process: ProcessName) -> Option<Self> {
                match self {
                    $(Self::$kind(does) => KindOfFault::on_process(does, process).map(Self::$kind),)*
                }
            }

            fn does(&self) -> &dyn Does {
                match self { $(Self::$kind(does) => does,)* }
            }
        }
    };
}

kinds! {
    Partition = partition;
    Pause = pause;
    Kill = kill;
    Power = power;
    Clock = clock;
    Slow = slow;
    #[serde(alias = "lossy")] // so the faults of older schedules name it
    Loss = loss;
    Disk = disk;
    Starve = starve;
    Restart = restart;
    Upgrade = upgrade;
    Membership = membership;
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The kinds that the usual mix is made of: a user need not name them.
    #[must_use]
    pub fn mix() -> BTreeSet<Self> {
        Self::ALL.into_iter().filter(|kind| kind.is_usual()).collect()
    }

    /// The word used on the command line, in histories and in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.entry().word
    }

    /// The name of this kind in the history.
    #[must_use]
    pub fn recorded(self) -> FaultKind {
        FaultKind::new(self.word()).expect("a test looks at every word")
    }

    /// What it does, in one line.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.entry().about
    }

    /// What is measured to prove it, in a few words.
    #[must_use]
    pub fn proven_by(self) -> &'static str {
        self.entry().proven_by
    }

    /// The keys of its acts in a schedule, besides those that all have.
    pub(crate) fn keys(self) -> &'static [&'static str] {
        self.entry().keys
    }

    /// Whether faults of this kind act on the links between nodes.
    #[must_use]
    pub fn is_between(self) -> bool {
        self.entry().between
    }

    /// What nodes or their network are given for it before they start.
    pub(crate) fn takes(self) -> Option<Gear> {
        self.entry().takes
    }

    /// The equipment that faults of these kinds need, each with the word of a kind that needs it.
    #[must_use]
    pub fn take(kinds: &BTreeSet<Self>) -> BTreeMap<Gear, &'static str> {
        kinds.iter().filter_map(|kind| Some((kind.takes()?, kind.word()))).collect()
    }

    /// The mechanisms that bring it about, the first that works, each with its name in records.
    pub(crate) fn tried_by(self) -> &'static [(&'static str, &'static str)] {
        self.entry().tried_by
    }

    /// The trials of its mechanisms, where no other kind has tried them.
    pub(crate) fn trials(self) -> &'static [Trial] {
        self.entry().trials
    }

    /// Does to one direction for a moment what it would do, if it is done to directions.
    ///
    /// # Errors
    /// What the machine refuses.
    pub(crate) fn try_out(self, agent: &dyn Agent, direction: Cut) -> Result<(), LabError> {
        self.entry().try_out.map_or(Ok(()), |tries| tries(agent, direction))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        Self::named(&word).ok_or_else(|| {
            let known = Self::ALL.map(Self::word).join(", ");
            serde::de::Error::custom(format!("unknown fault `{word}`, expected one of {known}"))
        })
    }
}

impl Action {
    /// The way in which it is done, beyond its kind; empty where there is but one way.
    #[must_use]
    pub fn manner(&self) -> String {
        self.does().manner()
    }

    /// Its name in a plan, with `victims`: `kill of the leader`.
    #[must_use]
    pub fn planned(&self, victims: Victims) -> String {
        format!("{}{}", self.kind(), self.does().planned(victims))
    }

    /// Whether it is possible in such a cluster.
    #[must_use]
    pub fn fits(&self, around: &Around<'_>) -> bool {
        self.does().fits(around) && (around.nodes > 1 || !self.kind().is_between())
    }

    /// Its possible victims in the usual mix, where leaders are known.
    #[must_use]
    pub fn victims(&self, nodes: u16) -> &'static [Victims] {
        if nodes == 1 { &[Victims::One] } else { self.does().victims(nodes) }
    }

    /// The victims that it has in fact, if a plan says `victims`.
    #[must_use]
    pub fn means(&self, victims: Victims) -> Victims {
        self.does().means(victims)
    }

    /// Why it can never have `victims`, whatever the cluster.
    #[must_use]
    pub fn contradiction(&self, victims: Victims) -> Option<&'static str> {
        self.does().contradiction(victims)
    }

    /// How long it takes to bring it about, to prove it three times and to heal it, in
    /// milliseconds.
    #[must_use]
    pub fn proof_ms(&self) -> u64 {
        self.does().proof_ms()
    }

    /// The process that it hits alone, if it does.
    #[must_use]
    pub fn process(&self) -> Option<ProcessName> {
        self.does().process()
    }

    /// A thing that the action needs and that was not given.
    #[must_use]
    pub fn missing(&self, given: Given<'_>) -> Option<Missing> {
        self.does().missing(given)
    }
}

/// The very fault that an act has become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Fault {
    /// What is done.
    pub does: Action,
    /// The nodes or links that it is done to.
    pub on: On,
}

/// A fault as schedules have it.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(flatten)]
    does: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nodes: Option<Vec<NodeId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<Vec<Cut>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pairs: Option<Vec<Cut>>,
}

impl TryFrom<Written> for Fault {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { does, nodes, cut, pairs } = written;
        let on = nodes.map(On::Nodes).or(cut.map(On::Cut)).or(pairs.map(On::Pairs));
        let on = on.ok_or("a fault has neither `nodes`, nor `cut`, nor `pairs`")?;
        Ok(Self { does, on })
    }
}

impl From<Fault> for Written {
    fn from(Fault { does, on }: Fault) -> Self {
        let mut written = Self { does, nodes: None, cut: None, pairs: None };
        match on {
            On::Nodes(nodes) => written.nodes = Some(nodes),
            On::Cut(cut) => written.cut = Some(cut),
            On::Pairs(pairs) => written.pairs = Some(pairs),
        }
        written
    }
}

impl Fault {
    /// The fault that `does` becomes with these victims; `draw` settles what is left to chance.
    ///
    /// # Errors
    /// Why it is impossible now.
    pub fn of(
        does: Action,
        (victims, draw): (Victims, u64),
        state: &State,
    ) -> Result<Self, String> {
        if let Some(why) = does.contradiction(victims) {
            return Err(why.to_owned());
        }
        let on = does.does().settle(Meant { kind: does.kind().word(), victims, draw }, state)?;
        Ok(Self { does, on })
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.does.kind()
    }

    /// The nodes that the fault acts on; none where it acts on the links between nodes.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        self.on.nodes()
    }

    /// The directions that it is done to.
    #[must_use]
    pub fn pairs(&self) -> &[Cut] {
        self.on.pairs()
    }

    /// The nodes that it hits hardest.
    #[must_use]
    pub fn hardest_hit(&self) -> Vec<NodeId> {
        self.on.hardest_hit()
    }

    /// The fault as the history records it.
    #[must_use]
    pub fn recorded(&self) -> fault::Fault {
        let effects = vec![self.does.does().effect(&self.on)];
        fault::Fault { kind: self.kind().recorded(), manner: self.does.manner(), effects }
    }

    /// The injector that brings this fault about, measures it and heals it, under this number.
    #[must_use]
    pub fn injector(&self, id: u32) -> Box<dyn Injector> {
        self.does.does().injector(id, &self.on)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recorded().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_written_by_the_word_of_its_kind_and_with_its_keys() {
        for does in Kind::ALL.into_iter().flat_map(Kind::usual) {
            let json = serde_json::to_value(does).unwrap();
            assert_eq!(json["kind"], does.kind().word());
            assert_eq!(serde_json::from_value::<Action>(json.clone()).unwrap(), does);
            let keys = json.as_object().unwrap().keys();
            let unknown: Vec<&String> = keys
                .filter(|key| *key != "kind" && !does.kind().keys().contains(&key.as_str()))
                .collect();
            assert!(unknown.is_empty(), "{does:?}: {unknown:?}");
        }
        assert!(Kind::ALL.iter().all(|kind| kind.recorded().word() == kind.word()));
        assert_eq!(Kind::named("partiton"), None);
        let error = serde_json::from_str::<Kind>("\"partiton\"").unwrap_err().to_string();
        assert!(error.contains("expected one of partition, pause"), "{error}");
    }

    /// As they stand in the schedules of earlier runs.
    #[test]
    fn faults_of_earlier_schedules_are_read() {
        for (text, kind, hit) in [
            (r#"{"kind":"pause","nodes":["n4"]}"#, Kind::Pause, "n4"),
            (r#"{"kind":"kill","nodes":["n1"],"again":"next-binary"}"#, Kind::Kill, "n1"),
            (r#"{"kind":"power","nodes":["n2"],"loss":"pages"}"#, Kind::Power, "n2"),
            (
                r#"{"kind":"partition","shape":"halves","cut":[["n1","n2"],["n2","n1"]]}"#,
                Kind::Partition,
                "n1, n2",
            ),
            (
                r#"{"kind":"lossy","pairs":[["n3","n2"]],"link":{"loss_ppm":200000}}"#,
                Kind::Loss,
                "n2, n3",
            ),
            (
                r#"{"kind":"slow","pairs":[["n3","n2"]],"link":{"delay_us":9}}"#,
                Kind::Slow,
                "n2, n3",
            ),
            (
                r#"{"kind":"disk","nodes":["n1"],"trouble":{"does":"slow-fsync","by_ms":5}}"#,
                Kind::Disk,
                "n1",
            ),
        ] {
            let fault: Fault = serde_json::from_str(text).unwrap();
            assert_eq!(fault.kind(), kind);
            let named: Vec<String> = fault.hardest_hit().iter().map(NodeId::to_string).collect();
            assert_eq!(named.join(", "), hit);
            let again = serde_json::to_string(&fault).unwrap();
            assert_eq!(serde_json::from_str::<Fault>(&again).unwrap(), fault);
        }
        let none = serde_json::from_str::<Fault>(r#"{"kind":"pause"}"#).unwrap_err();
        assert!(none.to_string().contains("`nodes`"), "{none}");
    }

    #[test]
    fn every_mechanism_is_tried_once_and_every_kind_by_some() {
        let all: Vec<&str> =
            Kind::ALL.iter().flat_map(|kind| kind.trials()).map(|trial| trial.mechanism).collect();
        assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "{all:?}");
        for kind in Kind::ALL {
            assert!(!kind.tried_by().is_empty(), "{kind}");
            assert!(kind.tried_by().iter().all(|(mechanism, _)| all.contains(mechanism)), "{kind}");
        }
        let replaced = Kind::ALL.iter().flat_map(|kind| kind.trials());
        assert!(
            replaced.filter_map(|trial| trial.instead).all(|mechanism| all.contains(&mechanism))
        );
    }
}
