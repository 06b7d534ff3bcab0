//! Faults as histories had them before they told of effects: each kind with data of its own.
//!
//! They are read as what they did. Nothing writes them any more, so this list is closed.

use serde::Deserialize;

use super::directions::Cut;
use super::effect::{Effect, Trouble};
use super::figures::{Clock, Link, Loss, RestartAs};
use crate::identity::NodeId;

/// The words of their kinds.
pub(super) const KINDS: [&str; 9] =
    ["partition", "pause", "kill", "power", "clock", "slow", "lossy", "disk", "starve"];

/// A fault of a kind that such histories know.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Earlier {
    Partition {
        shape: Shape,
        cut: Vec<Cut>,
    },
    Pause {
        nodes: Vec<NodeId>,
    },
    Kill {
        nodes: Vec<NodeId>,
        #[serde(default)]
        again: RestartAs,
    },
    Power {
        nodes: Vec<NodeId>,
        loss: Loss,
    },
    Clock {
        nodes: Vec<NodeId>,
        change: Clock,
    },
    Slow {
        pairs: Vec<Cut>,
        link: Link,
    },
    Lossy {
        pairs: Vec<Cut>,
        link: Link,
    },
    Disk {
        nodes: Vec<NodeId>,
        trouble: Disk,
    },
    Starve {
        nodes: Vec<NodeId>,
        scarcity: Scarcity,
    },
}

/// How a partition was drawn.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    Halves,
    Majority,
    IsolateOne,
    IsolateLeader,
    MajoritiesRing,
    Bridge,
    OneWay,
    Scatter,
}

/// What a disk did.
#[derive(Debug, Deserialize)]
#[serde(tag = "does", rename_all = "kebab-case")]
pub(super) enum Disk {
    FsyncFails,
    WriteFails,
    ReadFails,
    Full,
    SlowFsync { by_ms: u64 },
}

/// What a node had too little of.
#[derive(Debug, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub(super) enum Scarcity {
    Cpu { percent: u32 },
    Memory { bytes: u64 },
    Descriptors { more: u64 },
    Disk,
}

impl Earlier {
    /// The word of its kind, its manner in words, and what it did.
    pub(super) fn told(self) -> (&'static str, String, Effect) {
        match self {
            Self::Partition { shape, cut } => {
                ("partition", shape.word().to_owned(), Effect::LinkCut { pairs: cut })
            }
            Self::Pause { nodes } => ("pause", String::new(), Effect::NodeStopped { nodes }),
            Self::Kill { nodes, again } => {
                ("kill", again.to_string(), Effect::NodeDown { nodes, returns: again, loses: None })
            }
            Self::Power { nodes, loss } => {
                let (returns, loses) = (RestartAs::Same, Some(loss));
                ("power", loss.to_string(), Effect::NodeDown { nodes, returns, loses })
            }
            Self::Clock { nodes, change } => {
                ("clock", change.to_string(), Effect::ClockWrong { nodes, change })
            }
            Self::Slow { pairs, link } => {
                ("slow", link.to_string(), Effect::LinkDegraded { pairs, link })
            }
            Self::Lossy { pairs, link } => {
                ("loss", link.to_string(), Effect::LinkDegraded { pairs, link })
            }
            Self::Disk { nodes, trouble } => {
                let (manner, of) = trouble.told();
                ("disk", manner, Effect::Hardship { nodes, of })
            }
            Self::Starve { nodes, scarcity } => {
                let (manner, of) = scarcity.told();
                ("starve", manner, Effect::Hardship { nodes, of })
            }
        }
    }
}

impl Shape {
    fn word(&self) -> &'static str {
        match self {
            Self::Halves => "halves",
            Self::Majority => "majority",
            Self::IsolateOne => "isolate-one",
            Self::IsolateLeader => "isolate-leader",
            Self::MajoritiesRing => "majorities-ring",
            Self::Bridge => "bridge",
            Self::OneWay => "one-way",
            Self::Scatter => "scatter",
        }
    }
}

impl Disk {
    /// What it did, in words and as an effect.
    fn told(&self) -> (String, Trouble) {
        match self {
            Self::FsyncFails => ("fsync fails".to_owned(), Trouble::DiskErrors),
            Self::WriteFails => ("writing fails".to_owned(), Trouble::DiskErrors),
            Self::ReadFails => ("reading fails".to_owned(), Trouble::DiskErrors),
            Self::Full => ("full".to_owned(), Trouble::DiskFull),
            Self::SlowFsync { by_ms } => (format!("fsync takes {by_ms} ms"), Trouble::DiskSlow),
        }
    }
}

impl Scarcity {
    /// What it was, in words and as an effect.
    fn told(&self) -> (String, Trouble) {
        match self {
            Self::Cpu { percent } => (format!("{percent} % of a processor"), Trouble::NoProcessor),
            Self::Memory { bytes } => {
                (format!("{} KiB more of memory", bytes / 1024), Trouble::NoMemory)
            }
            Self::Descriptors { more } => {
                (format!("{more} more descriptors"), Trouble::NoDescriptors)
            }
            Self::Disk => ("no more room on its disk".to_owned(), Trouble::DiskFull),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::Fault;

    #[test]
    fn faults_of_earlier_histories_are_read_as_what_they_did() {
        for (earlier, now) in [
            (
                r#"{"kind":"partition","shape":"isolate-leader","cut":[["n1","n2"],["n2","n1"]]}"#,
                r#"{"kind":"partition","manner":"isolate-leader",
                    "effects":[{"effect":"link-cut","pairs":[["n1","n2"],["n2","n1"]]}]}"#,
            ),
            (
                r#"{"kind":"pause","nodes":["n2"]}"#,
                r#"{"kind":"pause","effects":[{"effect":"node-stopped","nodes":["n2"]}]}"#,
            ),
            (
                r#"{"kind":"kill","nodes":["n3"]}"#,
                r#"{"kind":"kill","effects":[{"effect":"node-down","nodes":["n3"]}]}"#,
            ),
            (
                r#"{"kind":"kill","nodes":["n3"],"again":"next-binary"}"#,
                r#"{"kind":"kill","manner":"comes back with the next binary",
                    "effects":[{"effect":"node-down","nodes":["n3"],"returns":"next-binary"}]}"#,
            ),
            (
                r#"{"kind":"power","nodes":["n3"],"loss":"all"}"#,
                r#"{"kind":"power","manner":"all that was not synced is lost",
                    "effects":[{"effect":"node-down","nodes":["n3"],"loses":"all"}]}"#,
            ),
            (
                r#"{"kind":"clock","nodes":["n1"],"change":{"does":"step","by_ms":-60000}}"#,
                r#"{"kind":"clock","manner":"step of -60 s","effects":[{"effect":"clock-wrong",
                    "nodes":["n1"],"change":{"does":"step","by_ms":-60000}}]}"#,
            ),
            (
                r#"{"kind":"slow","pairs":[["n1","n2"]],"link":{"delay_us":100000}}"#,
                r#"{"kind":"slow","manner":"100 ms late","effects":[{"effect":"link-degraded",
                    "pairs":[["n1","n2"]],"link":{"delay_us":100000}}]}"#,
            ),
            (
                r#"{"kind":"lossy","pairs":[["n1","n2"]],"link":{"loss_ppm":200000}}"#,
                r#"{"kind":"loss","manner":"20 % lost","effects":[{"effect":"link-degraded",
                    "pairs":[["n1","n2"]],"link":{"loss_ppm":200000}}]}"#,
            ),
            (
                r#"{"kind":"disk","nodes":["n1"],"trouble":{"does":"slow-fsync","by_ms":300}}"#,
                r#"{"kind":"disk","manner":"fsync takes 300 ms",
                    "effects":[{"effect":"hardship","nodes":["n1"],"of":"disk-slow"}]}"#,
            ),
            (
                r#"{"kind":"disk","nodes":["n1"],"trouble":{"does":"full"}}"#,
                r#"{"kind":"disk","manner":"full",
                    "effects":[{"effect":"hardship","nodes":["n1"],"of":"disk-full"}]}"#,
            ),
            (
                r#"{"kind":"starve","nodes":["n1"],"scarcity":{"of":"memory","bytes":2048}}"#,
                r#"{"kind":"starve","manner":"2 KiB more of memory",
                    "effects":[{"effect":"hardship","nodes":["n1"],"of":"no-memory"}]}"#,
            ),
            (
                r#"{"kind":"starve","nodes":["n1"],"scarcity":{"of":"cpu","percent":20}}"#,
                r#"{"kind":"starve","manner":"20 % of a processor",
                    "effects":[{"effect":"hardship","nodes":["n1"],"of":"no-processor"}]}"#,
            ),
        ] {
            let read = |text| serde_json::from_str::<Fault>(text).unwrap();
            assert_eq!(read(earlier), read(now), "{earlier}");
            let again = serde_json::to_string(&read(earlier)).unwrap();
            assert_eq!(read(&again), read(now), "it is written as it is now");
        }
    }

    #[test]
    fn what_is_of_neither_form_is_told() {
        for (text, expect) in [
            (
                r#"{"kind":"corrupt-file","nodes":["n1"]}"#,
                "a fault of kind `corrupt-file` needs its `effects`",
            ),
            (r#"{"kind":"pause"}"#, "missing field `nodes`"),
            (r#"{"kind":"X","effects":[]}"#, "expected a word"),
            (
                r#"{"kind":"x","effects":[{"effect":"node-gone","nodes":[]}]}"#,
                "unknown variant `node-gone`",
            ),
            (r#"{"effects":[]}"#, "missing field `kind`"),
            (r#"{"kind":"x","effects":[{"effect":"node-down","node":"n1"}]}"#, "`node`"),
        ] {
            let error = serde_json::from_str::<Fault>(text).unwrap_err().to_string();
            assert!(error.contains(expect), "{text}: {error}");
        }
        assert!(serde_json::from_str::<Fault>(r#"{"kind":"x","effects":[]}"#).is_ok());
    }
}
