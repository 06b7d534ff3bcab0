//! The list of aims: every story of the field that the nemesis knows, as data.

use fracas_checker::fault::{Again, Clock, Disk, FaultKind, Loss, Shape};

use super::super::act::{Does, Whom};
use super::Since::{Begin, Election, Heal, Round};
use super::{Aim, Script, drawn, past_election, step};

/// A kill after which the node comes back as it was.
pub(super) const KILL: Does = Does::Kill { again: Again::Same };
const UPGRADE: Does = Does::Kill { again: Again::NextBinary };

/// A cut of this shape.
pub(super) const fn cut(shape: Shape) -> Does {
    Does::Partition { shape }
}

const fn skip(by_ms: i64) -> Does {
    Does::Clock { change: Clock::Step { by_ms } }
}

/// Every aim, in the order in which lists show them.
pub static AIMS: [Aim; 18] = [
    Aim {
        name: "vote",
        about: "restart a voter between its vote and the end of that election, while a second \
                candidate asks for the same vote",
        needs: &[FaultKind::Partition, FaultKind::Pause, FaultKind::Kill],
        mixed: false,
        script: Script::Drawn(drawn::vote),
    },
    Aim {
        name: "return",
        about: "let a deposed leader come back in the middle of its successor's reign, over and over",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        mixed: false,
        script: Script::Drawn(drawn::comeback),
    },
    Aim {
        name: "gc-pause",
        about: "the leader pauses past its own election and comes back, believing that it leads, at \
                first to its clients only",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        mixed: true,
        script: Script::Steps(&[
            // For longer than clients wait, so that they have gone on with the new leader by then.
            past_election(step(Round, 0, &[2_400], Does::Pause, Whom::Leader)),
            past_election(step(Begin(1), 50, &[3_200], cut(Shape::IsolateLeader), Whom::HitBy(1))),
        ]),
    },
    Aim {
        name: "minority-leader",
        about: "the leader is cut off with a minority that still answers clients",
        needs: &[FaultKind::Partition],
        mixed: true,
        script: Script::Steps(&[past_election(step(
            Round,
            0,
            &[500, 1_500],
            cut(Shape::Majority),
            Whom::Leader,
        ))]),
    },
    Aim {
        name: "lease-jump",
        about: "the leader is cut off and its clock jumps back, until another one has led for a while",
        needs: &[FaultKind::Clock, FaultKind::Partition],
        mixed: true,
        script: Script::Steps(&[
            past_election(step(Round, 0, &[1_500], cut(Shape::IsolateLeader), Whom::Leader)),
            step(Begin(1), 0, &[3_000], skip(-60_000), Whom::HitBy(1)),
        ]),
    },
    Aim {
        name: "stopped-clock",
        about: "the leader's clock stands still, and it is cut off for longer than it may go on leading",
        needs: &[FaultKind::Clock, FaultKind::Partition],
        mixed: true,
        script: Script::Steps(&[
            step(Round, 0, &[7_600], Does::Clock { change: Clock::Freeze }, Whom::Leader),
            step(Begin(1), 100, &[7_000], cut(Shape::IsolateLeader), Whom::HitBy(1)),
        ]),
    },
    Aim {
        name: "skew",
        about: "the clocks of leader and followers run apart, one way and the other",
        needs: &[FaultKind::Clock],
        mixed: false,
        script: Script::Steps(&[
            step(Round, 0, &[3_000], skip(30_000), Whom::Leader),
            step(Heal(1), 500, &[3_000], skip(-30_000), Whom::Leader),
            step(
                Heal(2),
                500,
                &[3_000],
                Does::Clock { change: Clock::Strobe { by_ms: 2_000, every_ms: 20 } },
                Whom::Follower,
            ),
            step(Heal(3), 500, &[3_000], skip(10_000), Whom::All),
        ]),
    },
    Aim {
        name: "power-majority",
        about: "a power failure takes a majority one by one, each before the last one is back for long",
        needs: &[FaultKind::Power],
        mixed: true,
        script: Script::Steps(&[
            step(Round, 0, &[400], Does::Power { loss: Loss::All }, Whom::Leader),
            step(Heal(1), 150, &[400], Does::Power { loss: Loss::All }, Whom::Follower),
            step(Heal(2), 150, &[400], Does::Power { loss: Loss::Pages }, Whom::Leader),
            step(Heal(3), 300, &[800], Does::Power { loss: Loss::All }, Whom::All),
        ]),
    },
    Aim {
        name: "lost-vote",
        about: "a node that is cut off stands for election until its power fails, and comes back with \
                all of its votes or not",
        needs: &[FaultKind::Partition, FaultKind::Power],
        mixed: true,
        script: Script::Steps(&[
            step(Round, 0, &[3_600], cut(Shape::IsolateLeader), Whom::Leader),
            step(Begin(1), 2_300, &[500], Does::Power { loss: Loss::All }, Whom::HitBy(1)),
        ]),
    },
    Aim {
        name: "bridge-leaders",
        about: "two sides that meet in one node only, with clients on both, until both may lead",
        needs: &[FaultKind::Partition],
        mixed: false,
        script: Script::Steps(&[past_election(step(
            Round,
            0,
            &[1_500, 3_000],
            cut(Shape::Bridge),
            Whom::Leader,
        ))]),
    },
    Aim {
        name: "election-storm",
        about: "each new leader dies as soon as it is seen to lead",
        needs: &[FaultKind::Kill],
        mixed: true,
        script: Script::Steps(&[
            step(Round, 0, &[700], KILL, Whom::Leader),
            step(Election(1), 20, &[700], KILL, Whom::Leader),
            step(Election(2), 20, &[700], KILL, Whom::Leader),
            step(Election(3), 60, &[700], KILL, Whom::Leader),
        ]),
    },
    Aim {
        name: "slow-disk",
        about: "the leader's disk takes its time until another one leads, then the leader's fails",
        needs: &[FaultKind::Disk],
        mixed: true,
        script: Script::Steps(&[
            step(
                Round,
                0,
                &[3_000],
                Does::Disk { trouble: Disk::SlowFsync { by_ms: 400 } },
                Whom::Leader,
            ),
            step(Heal(1), 500, &[1_000], Does::Disk { trouble: Disk::FsyncFails }, Whom::Leader),
        ]),
    },
    Aim {
        name: "late-answers",
        about: "the followers answer so late that the leader sends again, and as soon as they have \
                answered it is killed, so that one of them takes over; three times",
        needs: &[FaultKind::Pause, FaultKind::Kill],
        mixed: true,
        script: Script::Steps(&[
            // For as long as a leader asks three times, and goes on alone.
            step(Round, 0, &[700], Does::Pause, Whom::Followers),
            step(Heal(1), 20, &[700], KILL, Whom::Leader),
            step(Heal(2), 800, &[700], Does::Pause, Whom::Followers),
            step(Heal(3), 20, &[700], KILL, Whom::Leader),
            step(Heal(4), 800, &[700], Does::Pause, Whom::Followers),
            step(Heal(5), 20, &[700], KILL, Whom::Leader),
        ]),
    },
    Aim {
        name: "lost-sync",
        about: "fsync fails, and a while after it works again the power fails on the same node",
        needs: &[FaultKind::Disk, FaultKind::Power],
        mixed: true,
        script: Script::Steps(&[
            step(Round, 0, &[1_000], Does::Disk { trouble: Disk::FsyncFails }, Whom::Leader),
            step(Heal(1), 1_500, &[500], Does::Power { loss: Loss::All }, Whom::HitBy(1)),
        ]),
    },
    Aim {
        name: "full-disks",
        about: "the leader's disk is full, and soon those of a majority",
        needs: &[FaultKind::Disk],
        mixed: true,
        script: Script::Steps(&[
            step(Round, 0, &[1_500], Does::Disk { trouble: Disk::Full }, Whom::Leader),
            step(Heal(1), 700, &[1_500], Does::Disk { trouble: Disk::Full }, Whom::Majority),
        ]),
    },
    Aim {
        name: "rolling-restart",
        about: "one node after the other is killed and started again, and once more while it starts",
        needs: &[FaultKind::Kill],
        mixed: true,
        script: Script::Steps(&[
            step(Round, 0, &[300], KILL, Whom::Nth(1)),
            step(Heal(1), 400, &[300], KILL, Whom::Nth(2)),
            step(Heal(2), 400, &[300], KILL, Whom::Nth(3)),
            step(Heal(3), 400, &[300], KILL, Whom::One),
            step(Heal(4), 30, &[300], KILL, Whom::HitBy(4)),
        ]),
    },
    Aim {
        name: "upgrade",
        about: "one node after the other comes back with the binary of `--binary-next`",
        needs: &[FaultKind::Kill],
        mixed: true,
        script: Script::Steps(&[
            step(Round, 0, &[300], UPGRADE, Whom::Nth(1)),
            step(Heal(1), 1_500, &[300], UPGRADE, Whom::Nth(2)),
            step(Heal(2), 1_500, &[300], UPGRADE, Whom::Nth(3)),
            step(Heal(3), 1_500, &[300], KILL, Whom::Leader),
        ]),
    },
    Aim {
        name: "after-heal",
        about: "hit the old leader in the moment after the partition that deposed it is healed",
        needs: &[FaultKind::Partition, FaultKind::Pause],
        mixed: true,
        script: Script::Steps(&[
            past_election(step(Round, 0, &[400], cut(Shape::IsolateLeader), Whom::Leader)),
            step(Heal(1), 20, &[600], Does::Pause, Whom::LastLeader),
            step(Heal(2), 20, &[600], Does::Pause, Whom::Leader),
        ]),
    },
];
