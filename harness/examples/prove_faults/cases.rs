//! Which faults are proven, in groups: one for each equipment that a cluster is started with.

use std::collections::BTreeSet;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{
    Clock, Cut, Disk, Fault, FaultKind, Link, Loss, RestartAs, Scarcity, Shape,
};
use fracas_engine::means::Wanted;

/// The node that faults are done to.
pub(crate) const VICTIM: NodeId = NodeId(1);
/// The victim's peer, where a fault is done to what is between two.
pub(crate) const PEER: NodeId = NodeId(2);
/// Two that no fault is done to.
pub(crate) const BYSTANDERS: Cut = (NodeId(3), NodeId(4));
/// All of them.
pub(crate) const NODES: [NodeId; 4] = [VICTIM, PEER, BYSTANDERS.0, BYSTANDERS.1];

/// The size of a small disk: etcd sets aside two logs of 64 MB.
const SMALL_DISK: u64 = 256 << 20;

/// What the monotonic clock is ahead by, in nanoseconds: a day.
pub(crate) const MONOTONIC: i64 = 86_400_000_000_000;
/// What the fault is called that no run has: it can only be brought about at the start.
pub(crate) const MONOTONIC_NAME: &str = "monotonic offset";

/// Faults that need the same equipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Those that need none.
    Plain,
    /// Those of wall clocks.
    Clock,
    /// Those of disks.
    Disk,
    /// That of a small disk.
    Small,
}

impl Group {
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Clock, Self::Disk, Self::Small];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Clock => "clock",
            Self::Disk => "disk",
            Self::Small => "small",
        }
    }

    /// What the nodes are given beside what the kinds of faults call for.
    pub(crate) fn wanted(self) -> Wanted {
        let small_disk = (self == Self::Small).then_some(SMALL_DISK);
        Wanted { small_disk, ..Wanted::default() }
    }

    /// The kinds of faults that the cluster is equipped for.
    pub(crate) fn kinds(self) -> BTreeSet<FaultKind> {
        self.cases().iter().map(|(_, fault)| fault.kind()).collect()
    }

    /// Its faults, with their names. Those after which a server may have given up come last.
    pub(crate) fn cases(self) -> Vec<(&'static str, Fault)> {
        match self {
            Self::Plain => [links(), processes()].concat(),
            Self::Clock => clocks(),
            Self::Disk => disks(),
            Self::Small => vec![("small disk that is full", starve(Scarcity::Disk))],
        }
    }

    /// The name of every fault of the group, for the rows of a table.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let more = (self == Self::Plain).then_some(MONOTONIC_NAME);
        self.cases().into_iter().map(|(name, _)| name).chain(more).collect()
    }
}

fn nodes() -> Vec<NodeId> {
    vec![VICTIM]
}

fn starve(scarcity: Scarcity) -> Fault {
    Fault::Starve { nodes: nodes(), scarcity }
}

fn links() -> Vec<(&'static str, Fault)> {
    let others = NODES[1..].iter();
    let cut = others.flat_map(|other| [(VICTIM, *other), (*other, VICTIM)]).collect();
    let pairs = || vec![(VICTIM, PEER), (PEER, VICTIM)];
    let slow = |link| Fault::Slow { pairs: pairs(), link };
    let lossy = |link| Fault::Lossy { pairs: pairs(), link };
    let usual = Link::default();
    vec![
        ("partition", Fault::Partition { shape: Shape::IsolateOne, cut }),
        ("delay", slow(Link { delay_us: 50_000, ..usual })),
        ("jitter", slow(Link { delay_us: 50_000, jitter_us: 25_000, ..usual })),
        ("bandwidth", slow(Link { bits_per_s: 2_000_000, ..usual })),
        ("loss", lossy(Link { loss_ppm: 200_000, ..usual })),
        ("duplication", lossy(Link { duplicate_ppm: 200_000, ..usual })),
        ("reordering", lossy(Link { delay_us: 20_000, reorder_ppm: 250_000, ..usual })),
    ]
}

fn processes() -> Vec<(&'static str, Fault)> {
    vec![
        ("pause", Fault::Pause { nodes: nodes() }),
        ("kill", Fault::Kill { nodes: nodes(), again: RestartAs::Same }),
        ("little processor time", starve(Scarcity::Cpu { percent: 20 })),
        ("little memory", starve(Scarcity::Memory { bytes: 256 << 20 })),
        ("few descriptors", starve(Scarcity::Descriptors { more: 4 })),
    ]
}

fn clocks() -> Vec<(&'static str, Fault)> {
    let wrong = |change| Fault::Clock { nodes: nodes(), change };
    vec![
        ("clock step", wrong(Clock::Step { by_ms: 60_000 })),
        ("clock drift", wrong(Clock::Drift { ppm: 100_000 })),
        ("clock strobe", wrong(Clock::Strobe { by_ms: 5_000, every_ms: 50 })),
        ("clock freeze", wrong(Clock::Freeze)),
    ]
}

fn disks() -> Vec<(&'static str, Fault)> {
    let troubled = |trouble| Fault::Disk { nodes: nodes(), trouble };
    vec![
        ("power failure", Fault::Power { nodes: nodes(), loss: Loss::All }),
        ("slow fsync", troubled(Disk::SlowFsync { by_ms: 300 })),
        ("full disk (ENOSPC)", troubled(Disk::Full)),
        ("failing reads (EIO)", troubled(Disk::ReadFails)),
        ("failing writes (EIO)", troubled(Disk::WriteFails)),
        ("failing fsync (EIO)", troubled(Disk::FsyncFails)),
    ]
}
