//! Which faults are proven, in groups: one for each equipment that a cluster is started with.

use std::collections::BTreeSet;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Clock as Change, Cut, Link, Loss};
use fracas_engine::faults::clock::Clock;
use fracas_engine::faults::disk::{Disk, Trouble};
use fracas_engine::faults::kill::Kill;
use fracas_engine::faults::loss;
use fracas_engine::faults::partition::Partition;
use fracas_engine::faults::pause::Pause;
use fracas_engine::faults::power::Power;
use fracas_engine::faults::restart::Restart;
use fracas_engine::faults::slow::Slow;
use fracas_engine::faults::starve::{Scarcity, Starve};
use fracas_engine::faults::upgrade::Upgrade;
use fracas_engine::faults::{Action, Direction, Fault, Kind, On, Shape};
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

    /// A kind of fault of which no group has a case, if there is any.
    pub(crate) fn forgotten() -> Option<Kind> {
        let cases: BTreeSet<Kind> = Self::ALL.into_iter().flat_map(Self::kinds).collect();
        // How members change is told by few targets; that is tested where it is.
        Kind::ALL.into_iter().find(|kind| !cases.contains(kind) && !kind.is_of_members())
    }

    /// The kinds of faults that the cluster is equipped for.
    pub(crate) fn kinds(self) -> BTreeSet<Kind> {
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

/// The victim suffers this.
fn suffers(does: Action) -> Fault {
    Fault { does, on: On::Nodes(vec![VICTIM]) }
}

fn starve(scarcity: Scarcity) -> Fault {
    suffers(Action::Starve(Starve { scarcity }))
}

fn links() -> Vec<(&'static str, Fault)> {
    let others = NODES[1..].iter();
    let cut = others.flat_map(|other| [(VICTIM, *other), (*other, VICTIM)]).collect();
    let cut =
        Fault { does: Action::Partition(Partition { shape: Shape::IsolateOne }), on: On::Cut(cut) };
    let ways = Direction::Both;
    let shaped = |does| Fault { does, on: On::Pairs(vec![(VICTIM, PEER), (PEER, VICTIM)]) };
    let slow = |link| shaped(Action::Slow(Slow { link, ways }));
    let lossy = |link| shaped(Action::Loss(loss::Loss { link, ways }));
    let usual = Link::default();
    vec![
        ("partition", cut),
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
        ("pause", suffers(Action::Pause(Pause::WHOLE))),
        ("kill", suffers(Action::Kill(Kill::WHOLE))),
        ("polite restart", suffers(Action::Restart(Restart {}))),
        ("upgrade", suffers(Action::Upgrade(Upgrade { back: false }))),
        ("little processor time", starve(Scarcity::Cpu { percent: 20 })),
        ("little memory", starve(Scarcity::Memory { bytes: 256 << 20 })),
        ("few descriptors", starve(Scarcity::Descriptors { more: 4 })),
    ]
}

fn clocks() -> Vec<(&'static str, Fault)> {
    let wrong = |change| suffers(Action::Clock(Clock { change }));
    vec![
        ("clock step", wrong(Change::Step { by_ms: 60_000 })),
        ("clock drift", wrong(Change::Drift { ppm: 100_000 })),
        ("clock strobe", wrong(Change::Strobe { by_ms: 5_000, every_ms: 50 })),
        ("clock freeze", wrong(Change::Freeze)),
    ]
}

fn disks() -> Vec<(&'static str, Fault)> {
    let troubled = |trouble| suffers(Action::Disk(Disk { trouble }));
    vec![
        ("power failure", suffers(Action::Power(Power { loss: Loss::All }))),
        ("slow fsync", troubled(Trouble::SlowFsync { by_ms: 300 })),
        ("full disk (ENOSPC)", troubled(Trouble::Full)),
        ("failing reads (EIO)", troubled(Trouble::ReadFails)),
        ("failing writes (EIO)", troubled(Trouble::WriteFails)),
        ("failing fsync (EIO)", troubled(Trouble::FsyncFails)),
    ]
}
