//! Faults as data: what they did, what was measured, and when they were in effect.
//!
//! A fault that was not proven to take effect did not happen. How a fault is brought about, and
//! which kinds there are, is the business of whoever injects them; here is only what a history says:
//! a word for the kind, the manner in words, and the effects. All figures are whole numbers in the
//! units that their names tell, so that faults can be compared.

mod directions;
mod earlier;
mod effect;
mod figures;
mod kind;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::identity::{Nanos, NodeId};
use crate::text::Text;

pub use directions::{Cut, directions};
pub use effect::{Effect, Hardship, Trouble};
pub use figures::{Clock, Link, Loss, RestartAs};
pub use kind::FaultKind;

/// One act of the nemesis, described by its effects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The name that the injector of the fault gives it. No check decides anything by this name.
    pub kind: FaultKind,
    /// In what way it was done, beyond its kind: `halves`, `step of +60 s`, `fsync fails`; empty
    /// where there is but one way.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manner: String,
    /// What it did to nodes and links. A fault without effects touches nothing that is judged.
    pub effects: Vec<Effect>,
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        /// A fault in either form.
        #[derive(Deserialize)]
        struct Written {
            kind: String,
            #[serde(default)]
            manner: String,
            effects: Option<Vec<Effect>>,
            #[serde(flatten)]
            others: serde_json::Map<String, serde_json::Value>,
        }
        let Written { kind, manner, effects, mut others } = Written::deserialize(from)?;
        let error = serde::de::Error::custom::<String>;
        if let Some(effects) = effects {
            return Ok(Self { kind: FaultKind::new(&kind).map_err(error)?, manner, effects });
        }
        if !earlier::KINDS.contains(&kind.as_str()) {
            return Err(error(format!("a fault of kind `{kind}` needs its `effects`")));
        }
        others.insert("kind".to_owned(), kind.into());
        let earlier = earlier::Earlier::deserialize(serde_json::Value::Object(others));
        let (kind, manner, effect) = earlier.map_err(|wrong| error(wrong.to_string()))?.told();
        let kind = FaultKind::new(kind).map_err(error)?;
        Ok(Self { kind, manner, effects: vec![effect] })
    }
}

impl Fault {
    /// Of each effect what `of` tells, in one list, each once.
    fn all<'a, T: PartialEq + Copy + 'a>(&'a self, of: impl Fn(&'a Effect) -> &'a [T]) -> Vec<T> {
        let mut all = Vec::new();
        for effect in self.effects.iter().flat_map(of) {
            if !all.contains(effect) {
                all.push(*effect);
            }
        }
        all
    }

    /// The nodes that are stopped or gone while it lasts, or are no members.
    #[must_use]
    pub fn down(&self) -> Vec<NodeId> {
        self.all(|effect| match effect {
            Effect::NodeDown { nodes, .. }
            | Effect::NodeStopped { nodes }
            | Effect::NodeRemoved { nodes, .. } => nodes,
            _ => &[],
        })
    }

    /// The nodes that are no members while it lasts.
    #[must_use]
    pub fn removed(&self) -> Vec<NodeId> {
        self.all(|effect| match effect {
            Effect::NodeRemoved { nodes, .. } => nodes,
            _ => &[],
        })
    }

    /// The nodes that have forgotten everything when it is healed.
    #[must_use]
    pub fn forgetful(&self) -> Vec<NodeId> {
        self.all(|effect| match effect {
            Effect::NodeRemoved { nodes, forget: true } => nodes,
            _ => &[],
        })
    }

    /// The nodes that stand still while it lasts, and go on afterwards.
    #[must_use]
    pub fn stopped(&self) -> Vec<NodeId> {
        self.all(|effect| match effect {
            Effect::NodeStopped { nodes } => nodes,
            _ => &[],
        })
    }

    /// The nodes whose processes are gone, and are started again when it is healed.
    #[must_use]
    pub fn killed(&self) -> Vec<NodeId> {
        self.all(|effect| match effect {
            Effect::NodeDown { nodes, .. } => nodes,
            _ => &[],
        })
    }

    /// The nodes of which one process is stopped or gone while it lasts, and no other. Such a node
    /// may serve or not, lead or not: it is not down, and nothing is to be expected of it.
    #[must_use]
    pub fn down_in_part(&self) -> Vec<NodeId> {
        self.all(|effect| match effect {
            Effect::ProcessDown { nodes, .. } | Effect::ProcessStopped { nodes, .. } => nodes,
            _ => &[],
        })
    }

    /// The nodes of which one process is gone, and is started again when it is healed.
    #[must_use]
    pub fn killed_in_part(&self) -> Vec<NodeId> {
        self.all(|effect| match effect {
            Effect::ProcessDown { nodes, .. } => nodes,
            _ => &[],
        })
    }

    /// The process of `node` that stands still by itself while it lasts.
    #[must_use]
    pub fn stopped_process(&self, node: NodeId) -> Option<&Text> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::ProcessStopped { nodes, process } if nodes.contains(&node) => Some(process),
            _ => None,
        })
    }

    /// What `node` lost of what it had not made durable; none if it lost nothing of it.
    #[must_use]
    pub fn loss_of(&self, node: NodeId) -> Option<Loss> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::NodeDown { nodes, loses, .. } if nodes.contains(&node) => *loses,
            _ => None,
        })
    }

    /// The nodes whose wall clocks are wrong.
    #[must_use]
    pub fn wrong_clocks(&self) -> Vec<NodeId> {
        self.all(|effect| match effect {
            Effect::ClockWrong { nodes, .. } => nodes,
            _ => &[],
        })
    }

    /// The directions in which nothing passes while it lasts.
    #[must_use]
    pub fn cut(&self) -> Vec<Cut> {
        self.all(|effect| match effect {
            Effect::LinkCut { pairs } => pairs,
            _ => &[],
        })
    }

    /// The directions that it touches: those that are cut, slow or lossy.
    #[must_use]
    pub fn pairs(&self) -> Vec<Cut> {
        self.all(Effect::pairs)
    }

    /// The nodes that the fault acts on; none where it acts on the links between nodes.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeId> {
        self.all(Effect::nodes)
    }

    /// Whether the fault acts on one of `nodes`, or on a link from or to one of them.
    #[must_use]
    pub fn touches(&self, nodes: &[NodeId]) -> bool {
        self.nodes().iter().any(|node| nodes.contains(node))
            || self.pairs().iter().any(|(from, to)| nodes.contains(from) || nodes.contains(to))
    }

    /// What `node` lacks or is refused.
    pub fn troubles_of(&self, node: NodeId) -> impl Iterator<Item = Trouble> {
        self.effects.iter().filter_map(move |effect| match effect {
            Effect::Hardship { nodes, of } if nodes.contains(&node) => Some(*of),
            _ => None,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.pairs().into_iter().map(|(from, to)| format!("{from}→{to}"));
        let of: Vec<String> = self.nodes().iter().map(NodeId::to_string).chain(pairs).collect();
        let (kind, manner, of) = (&self.kind, self.manner.as_str(), of.join(", "));
        match (manner, of.as_str()) {
            ("", "") => write!(f, "{kind}"),
            (_, "") => write!(f, "{kind} ({manner})"),
            ("", _) => write!(f, "{kind} {of}"),
            _ => write!(f, "{kind} ({manner}): {of}"),
        }
    }
}

/// One thing that was measured to prove a fault, and whether it was as it had to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured: `probe n1→n3`, `threads of n2 stopped`.
    pub what: String,
    /// What came out: `no answer, 12 packets dropped`, `9 of 9`.
    pub result: String,
    /// Whether the result is what the fault must bring about.
    pub holds: bool,
}

/// When in a fault's life a measurement was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Just after it was brought about.
    Injected,
    /// Just before it is healed: it still held.
    Held,
    /// Just after it was healed: it is gone.
    Healed,
}

/// What happened to a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum FaultEvent {
    /// The harness begins to bring it about.
    Begin {
        /// Its number in this run, from 1.
        id: u32,
        /// What is brought about.
        fault: Fault,
        /// By what means: `nft-bridge`, `iptables`, `sigstop`, `sigkill`.
        mechanism: String,
    },
    /// It was measured.
    Proof {
        /// Its number.
        id: u32,
        /// When in its life.
        stage: Stage,
        /// When measuring began. Where it is told, it follows from the proofs whether the fault was
        /// in effect, and from when to when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Nanos>,
        /// What was measured. Proven if there is at least one and all hold.
        measurements: Vec<Measurement>,
    },
    /// A planned fault was not carried out.
    Missed {
        /// Its number in the plan, from 1.
        act: u32,
        /// What was planned: `kill the leader`.
        what: String,
        /// Why it was not carried out.
        why: String,
    },
    /// It has been healed.
    End {
        /// Its number.
        id: u32,
        /// From when to when it was certainly in effect, as whoever measured it says; not needed
        /// where proofs tell since when they were measured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effective: Option<(Nanos, Nanos)>,
        /// What the harness failed to do; empty if all is well.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        problems: Vec<String>,
    },
}
