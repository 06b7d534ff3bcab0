//! The list of aims: every story of the field that the nemesis knows, as data.

use fracas_checker::fault::{Clock, Disk, FaultKind, Link, Loss, RestartAs, Scarcity, Shape};

use super::super::act::{Action, Direction, Victims};
use super::drawn;
use super::script::Since::{Begin, Election, Heal, Round};
use super::script::{Aim, KILL, Mixed, Script, cut, or, past_election, step};

const UPGRADE: Action = Action::Kill { again: RestartAs::NextBinary };
const POWER: Action = Action::Power { loss: Loss::All };
const HUNGRY: Action = Action::Starve { scarcity: Scarcity::Cpu { percent: 20 } };
const SLOW: Action =
    Action::Slow { link: Link { delay_us: 100_000, ..PLAIN }, ways: Direction::Both };
const NARROW: Action =
    Action::Slow { link: Link { bits_per_s: 2_000_000, ..PLAIN }, ways: Direction::Both };
const LOSSY: Action =
    Action::Loss { link: Link { loss_ppm: 200_000, ..PLAIN }, ways: Direction::Both };
const TWICE: Action =
    Action::Loss { link: Link { duplicate_ppm: 200_000, ..PLAIN }, ways: Direction::Both };
const UNORDERED: Action = Action::Loss {
    link: Link { delay_us: 20_000, reorder_ppm: 250_000, ..PLAIN },
    ways: Direction::Both,
};
/// A link that nothing is done to.
const PLAIN: Link = Link {
    delay_us: 0,
    jitter_us: 0,
    loss_ppm: 0,
    duplicate_ppm: 0,
    reorder_ppm: 0,
    bits_per_s: 0,
};

const fn skip(by_ms: i64) -> Action {
    Action::Clock { change: Clock::Step { by_ms } }
}

const fn disk(trouble: Disk) -> Action {
    Action::Disk { trouble }
}

/// Every aim, in the order in which lists show them.
pub static AIMS: [Aim; 25] = [
    Aim {
        name: "absent-leader",
        about: "the leader is paused until another node is elected, and goes on while it is cut \
                off; its clock stands still for longer than its lease, and its power fails before \
                it is reconnected; meanwhile another node's disk is full, and the new leader's \
                clock jumps ahead",
        needs: &[
            FaultKind::Partition,
            FaultKind::Pause,
            FaultKind::Power,
            FaultKind::Clock,
            FaultKind::Disk,
        ],
        mixed: Mixed::Core,
        script: Script::Steps(&[
            // For about as long as clients wait, so that they have gone on with the new leader.
            past_election(step(Round, 0, &[1_700], Action::Pause, Victims::Leader)),
            past_election(step(
                Begin(1),
                50,
                &[7_800],
                cut(Shape::IsolateLeader),
                Victims::HitBy(1),
            )),
            step(Heal(1), 0, &[5_500], Action::Clock { change: Clock::Freeze }, Victims::HitBy(1)),
            step(Heal(1), 1_800, &[1_000], disk(Disk::Full), Victims::Follower),
            step(Heal(4), 600, &[1_200], skip(60_000), Victims::Leader),
            step(Heal(3), 30, &[400], POWER, Victims::HitBy(1)),
        ]),
    },
    Aim {
        name: "rack",
        about: "fsync fails on the leader for a while; later every node is cut off from all \
                others, then all lose power and start together, twice",
        needs: &[FaultKind::Partition, FaultKind::Power, FaultKind::Disk],
        mixed: Mixed::Core,
        script: Script::Steps(&[
            step(Round, 0, &[700], disk(Disk::FsyncFails), Victims::Leader),
            step(Heal(1), 500, &[1_800], cut(Shape::Scatter), Victims::One),
            step(Begin(2), 1_300, &[700], POWER, Victims::All),
            step(Heal(3), 900, &[1_800], cut(Shape::Scatter), Victims::One),
            step(Begin(4), 1_300, &[700], POWER, Victims::All),
        ]),
    },
    Aim {
        name: "blackout",
        about: "every node is cut off from all others, then all lose power and start together",
        needs: &[FaultKind::Partition, FaultKind::Power],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[1_800, 3_000], cut(Shape::Scatter), Victims::One),
            step(Begin(1), 1_300, &[700, 1_200], POWER, Victims::All),
        ]),
    },
    Aim {
        name: "missed-writes",
        about: "as many followers as the cluster can do without are cut off together and miss \
                writes; when they are reconnected the leader is paused, so that one of them may \
                lead, and goes on again",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        mixed: Mixed::Core,
        script: Script::Steps(&[
            step(Round, 0, &[1_400, 1_600], cut(Shape::Majority), Victims::Follower),
            past_election(step(Heal(1), 30, &[1_800], Action::Pause, Victims::Leader)),
        ]),
    },
    Aim {
        name: "clock-ahead",
        about: "the leader's clock jumps a minute ahead, and back again",
        needs: &[FaultKind::Clock],
        mixed: Mixed::Later,
        script: Script::Steps(&[step(Round, 0, &[1_200], skip(60_000), Victims::Leader)]),
    },
    Aim {
        name: "rough-day",
        about: "one node's links are slow, those of the leader lose packets, and another node gets too \
                little processor time",
        needs: &[FaultKind::Slow, FaultKind::Loss, FaultKind::Starve],
        mixed: Mixed::First,
        script: Script::Steps(&[
            or(step(Round, 0, &[2_000], SLOW, Victims::Follower), &[NARROW]),
            or(step(Begin(1), 0, &[1_600], LOSSY, Victims::Leader), &[TWICE, UNORDERED]),
            step(Begin(2), 0, &[900], HUNGRY, Victims::Follower),
        ]),
    },
    Aim {
        name: "one-by-one",
        about: "every node is cut off, one after the other",
        needs: &[FaultKind::Partition],
        mixed: Mixed::FirstWithoutLeaders,
        script: Script::Each(step(Round, 0, &[1_200], cut(Shape::IsolateOne), Victims::One), 300),
    },
    Aim {
        name: "vote",
        about: "a voter is restarted between its vote and the end of that election, while a \
                second candidate asks for the same vote",
        needs: &[FaultKind::Partition, FaultKind::Pause, FaultKind::Kill],
        mixed: Mixed::Never,
        script: Script::Drawn(drawn::vote),
    },
    Aim {
        name: "return",
        about: "a deposed leader is reconnected while its successor leads, again and again",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        mixed: Mixed::Never,
        script: Script::Drawn(drawn::comeback),
    },
    Aim {
        name: "gc-pause",
        about: "the leader is paused until another node is elected, and goes on still believing \
                that it leads; at first only its clients can reach it",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            // For longer than clients wait, so that they have gone on with the new leader by then.
            past_election(step(Round, 0, &[2_400], Action::Pause, Victims::Leader)),
            past_election(step(
                Begin(1),
                50,
                &[3_200],
                cut(Shape::IsolateLeader),
                Victims::HitBy(1),
            )),
        ]),
    },
    Aim {
        name: "minority-leader",
        about: "the leader is cut off with a minority that still answers clients",
        needs: &[FaultKind::Partition],
        mixed: Mixed::Later,
        script: Script::Steps(&[past_election(step(
            Round,
            0,
            &[500, 1_500],
            cut(Shape::Majority),
            Victims::Leader,
        ))]),
    },
    Aim {
        name: "lease-jump",
        about: "the leader is cut off and its clock jumps back, until another one has led for a while",
        needs: &[FaultKind::Clock, FaultKind::Partition],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            past_election(step(Round, 0, &[1_500], cut(Shape::IsolateLeader), Victims::Leader)),
            step(Begin(1), 0, &[3_000], skip(-60_000), Victims::HitBy(1)),
        ]),
    },
    Aim {
        name: "stopped-clock",
        about: "the leader's clock stands still, and it is cut off for longer than it may go on leading",
        needs: &[FaultKind::Clock, FaultKind::Partition],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[7_600], Action::Clock { change: Clock::Freeze }, Victims::Leader),
            step(Begin(1), 100, &[7_000], cut(Shape::IsolateLeader), Victims::HitBy(1)),
        ]),
    },
    Aim {
        name: "skew",
        about: "the clocks of leader and followers run apart, one way and the other",
        needs: &[FaultKind::Clock],
        mixed: Mixed::Never,
        script: Script::Steps(&[
            step(Round, 0, &[3_000], skip(30_000), Victims::Leader),
            step(Heal(1), 500, &[3_000], skip(-30_000), Victims::Leader),
            step(
                Heal(2),
                500,
                &[3_000],
                Action::Clock { change: Clock::Strobe { by_ms: 2_000, every_ms: 20 } },
                Victims::Follower,
            ),
            step(Heal(3), 500, &[3_000], skip(10_000), Victims::All),
        ]),
    },
    Aim {
        name: "power-majority",
        about: "power failures hit a majority one after the other, each soon after the node \
                before it has started again",
        needs: &[FaultKind::Power],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[400], POWER, Victims::Leader),
            step(Heal(1), 150, &[400], POWER, Victims::Follower),
            step(Heal(2), 150, &[400], Action::Power { loss: Loss::Pages }, Victims::Leader),
            step(Heal(3), 300, &[800], POWER, Victims::All),
        ]),
    },
    Aim {
        name: "lost-vote",
        about: "a node that is cut off stands for election until its power fails, and starts \
                again with or without its last unsynced writes",
        needs: &[FaultKind::Partition, FaultKind::Power],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[3_600], cut(Shape::IsolateLeader), Victims::Leader),
            step(Begin(1), 2_300, &[500], POWER, Victims::HitBy(1)),
        ]),
    },
    Aim {
        name: "bridge-leaders",
        about: "two sides share one node only, with clients on both, until each side may have a \
                leader",
        needs: &[FaultKind::Partition],
        mixed: Mixed::Never,
        script: Script::Steps(&[past_election(step(
            Round,
            0,
            &[1_500, 3_000],
            cut(Shape::Bridge),
            Victims::Leader,
        ))]),
    },
    Aim {
        name: "election-storm",
        about: "each new leader is killed as soon as it is seen to lead",
        needs: &[FaultKind::Kill],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[700], KILL, Victims::Leader),
            step(Election(1), 20, &[700], KILL, Victims::Leader),
            step(Election(2), 20, &[700], KILL, Victims::Leader),
            step(Election(3), 60, &[700], KILL, Victims::Leader),
        ]),
    },
    Aim {
        name: "slow-disk",
        about: "fsync is slow on the leader until another node leads; then fsync fails on the \
                leader",
        needs: &[FaultKind::Disk],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[3_000], disk(Disk::SlowFsync { by_ms: 400 }), Victims::Leader),
            step(Heal(1), 500, &[1_000], disk(Disk::FsyncFails), Victims::Leader),
        ]),
    },
    Aim {
        name: "late-answers",
        about: "the followers are paused so long that the leader sends again; soon after they \
                have answered the leader is killed, so that one of them takes over",
        needs: &[FaultKind::Pause, FaultKind::Kill],
        mixed: Mixed::First,
        script: Script::Steps(&[
            // For as long as a leader asks three times, and goes on alone.
            step(Round, 0, &[700], Action::Pause, Victims::Followers),
            step(Heal(1), 200, &[500], KILL, Victims::Leader),
        ]),
    },
    Aim {
        name: "lost-sync",
        about: "fsync fails, and a while after it works again the power fails on the same node",
        needs: &[FaultKind::Disk, FaultKind::Power],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[900], disk(Disk::FsyncFails), Victims::Leader),
            step(Heal(1), 900, &[400], POWER, Victims::HitBy(1)),
        ]),
    },
    Aim {
        name: "full-disks",
        about: "the leader's disk is full, and soon after it the disks of a majority",
        needs: &[FaultKind::Disk],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[1_500], disk(Disk::Full), Victims::Leader),
            step(Heal(1), 700, &[1_500], disk(Disk::Full), Victims::Majority),
        ]),
    },
    Aim {
        name: "rolling-restart",
        about: "one node after the other is killed and started again, and killed once more while \
                it starts",
        needs: &[FaultKind::Kill],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[300], KILL, Victims::Nth(1)),
            step(Heal(1), 400, &[300], KILL, Victims::Nth(2)),
            step(Heal(2), 400, &[300], KILL, Victims::Nth(3)),
            step(Heal(3), 400, &[300], KILL, Victims::One),
            step(Heal(4), 30, &[300], KILL, Victims::HitBy(4)),
        ]),
    },
    Aim {
        name: "upgrade",
        about: "one node after the other comes back with the binary of `--binary-next`",
        needs: &[FaultKind::Kill],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            step(Round, 0, &[300], UPGRADE, Victims::Nth(1)),
            step(Heal(1), 1_500, &[300], UPGRADE, Victims::Nth(2)),
            step(Heal(2), 1_500, &[300], UPGRADE, Victims::Nth(3)),
            step(Heal(3), 1_500, &[300], KILL, Victims::Leader),
        ]),
    },
    Aim {
        name: "after-heal",
        about: "hit the old leader in the moment after the partition that deposed it is healed",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        mixed: Mixed::Later,
        script: Script::Steps(&[
            past_election(step(Round, 0, &[400], cut(Shape::IsolateLeader), Victims::Leader)),
            step(Heal(1), 20, &[600], Action::Pause, Victims::LastLeader),
            step(Heal(2), 20, &[600], Action::Pause, Victims::Leader),
        ]),
    },
];
