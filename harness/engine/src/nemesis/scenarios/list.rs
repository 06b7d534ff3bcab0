//! The list of scenarios: every story of the field that the nemesis knows, as data.

use fracas_checker::fault::{Clock as Change, Link, Loss, RestartAs};

use super::drawn;
use super::scenario::Since::{Begin, Election, Heal, Round};
use super::scenario::{Acts, KILL, Mixed, Scenario, cut, or, past_election, step};
use crate::faults::clock::Clock;
use crate::faults::disk::{Disk, Trouble};
use crate::faults::kill::Kill;
use crate::faults::loss;
use crate::faults::membership::Membership;
use crate::faults::pause::Pause;
use crate::faults::power::Power;
use crate::faults::slow::Slow;
use crate::faults::starve::{Scarcity, Starve};
use crate::faults::upgrade::Upgrade;
use crate::faults::{Action, Direction, Kind, ProcessName, Shape, Victims};

const PAUSE: Action = Action::Pause(Pause::WHOLE);
const KILL_ONE: Action =
    Action::Kill(Kill { process: Some(ProcessName::ANY), ..Kill::back(RestartAs::Same) });
const PAUSE_ONE: Action = Action::Pause(Pause { process: Some(ProcessName::ANY) });
const MEMBER: Action = Action::Membership(Membership {});
const REPLACE: Action = Action::Upgrade(Upgrade { back: false });
const REPLACE_BACK: Action = Action::Upgrade(Upgrade { back: true });
const UPGRADE: Action = Action::Kill(Kill::back(RestartAs::NextBinary));
const POWER: Action = Action::Power(Power { loss: Loss::All });
const HUNGRY: Action = Action::Starve(Starve { scarcity: Scarcity::Cpu { percent: 20 } });
const SLOW: Action = slow(Link { delay_us: 100_000, ..PLAIN });
const NARROW: Action = slow(Link { bits_per_s: 2_000_000, ..PLAIN });
const LOSSY: Action = lossy(Link { loss_ppm: 200_000, ..PLAIN });
const TWICE: Action = lossy(Link { duplicate_ppm: 200_000, ..PLAIN });
const UNORDERED: Action = lossy(Link { delay_us: 20_000, reorder_ppm: 250_000, ..PLAIN });
/// A link that nothing is done to.
const PLAIN: Link = Link {
    delay_us: 0,
    jitter_us: 0,
    loss_ppm: 0,
    duplicate_ppm: 0,
    reorder_ppm: 0,
    bits_per_s: 0,
};

const fn slow(link: Link) -> Action {
    Action::Slow(Slow { link, ways: Direction::Both })
}

const fn lossy(link: Link) -> Action {
    Action::Loss(loss::Loss { link, ways: Direction::Both })
}

const fn clock(change: Change) -> Action {
    Action::Clock(Clock { change })
}

const fn skip(by_ms: i64) -> Action {
    clock(Change::Step { by_ms })
}

const fn disk(trouble: Trouble) -> Action {
    Action::Disk(Disk { trouble })
}

/// Every scenario, in the order in which lists show them.
pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "absent-leader",
        about: "the leader is paused until another node is elected, and goes on while it is cut \
                off; its clock stands still for longer than its lease, and its power fails before \
                it is reconnected; meanwhile another node's disk is full, and the new leader's \
                clock jumps ahead",
        needs: &[Kind::Partition, Kind::Pause, Kind::Power, Kind::Clock, Kind::Disk],
        mixed: Mixed::Core,
        acts: Acts::Steps(&[
            // For about as long as clients wait, so that they have gone on with the new leader.
            past_election(step(Round, 0, &[1_700], PAUSE, Victims::Leader)),
            past_election(step(
                Begin(1),
                50,
                &[7_800],
                cut(Shape::IsolateLeader),
                Victims::HitBy(1),
            )),
            step(Heal(1), 0, &[5_500], clock(Change::Freeze), Victims::HitBy(1)),
            step(Heal(1), 1_800, &[1_000], disk(Trouble::Full), Victims::Follower),
            step(Heal(4), 600, &[1_200], skip(60_000), Victims::Leader),
            step(Heal(3), 30, &[400], POWER, Victims::HitBy(1)),
        ]),
    },
    Scenario {
        name: "rack",
        about: "fsync fails on the leader for a while; later every node is cut off from all \
                others, then all lose power and start together, twice",
        needs: &[Kind::Partition, Kind::Power, Kind::Disk],
        mixed: Mixed::Core,
        acts: Acts::Steps(&[
            step(Round, 0, &[700], disk(Trouble::FsyncFails), Victims::Leader),
            step(Heal(1), 500, &[1_800], cut(Shape::Scatter), Victims::One),
            step(Begin(2), 1_300, &[700], POWER, Victims::All),
            step(Heal(3), 900, &[1_800], cut(Shape::Scatter), Victims::One),
            step(Begin(4), 1_300, &[700], POWER, Victims::All),
        ]),
    },
    Scenario {
        name: "blackout",
        about: "every node is cut off from all others, then all lose power and start together",
        needs: &[Kind::Partition, Kind::Power],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[1_800, 3_000], cut(Shape::Scatter), Victims::One),
            step(Begin(1), 1_300, &[700, 1_200], POWER, Victims::All),
        ]),
    },
    Scenario {
        name: "missed-writes",
        about: "as many followers as the cluster can do without are cut off together and miss \
                writes; when they are reconnected the leader is paused, so that one of them may \
                lead, and goes on again",
        needs: &[Kind::Partition, Kind::Pause],
        mixed: Mixed::Core,
        acts: Acts::Steps(&[
            step(Round, 0, &[1_400, 1_600], cut(Shape::Majority), Victims::Follower),
            past_election(step(Heal(1), 30, &[1_800], PAUSE, Victims::Leader)),
        ]),
    },
    Scenario {
        name: "clock-ahead",
        about: "the leader's clock jumps a minute ahead, and back again",
        needs: &[Kind::Clock],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[step(Round, 0, &[1_200], skip(60_000), Victims::Leader)]),
    },
    Scenario {
        name: "rough-day",
        about: "one node's links are slow, those of the leader lose packets, and another node gets too \
                little processor time",
        needs: &[Kind::Slow, Kind::Loss, Kind::Starve],
        mixed: Mixed::First,
        acts: Acts::Steps(&[
            or(step(Round, 0, &[2_000], SLOW, Victims::Follower), &[NARROW]),
            or(step(Begin(1), 0, &[1_600], LOSSY, Victims::Leader), &[TWICE, UNORDERED]),
            step(Begin(2), 0, &[900], HUNGRY, Victims::Follower),
        ]),
    },
    Scenario {
        name: "one-by-one",
        about: "every node is cut off, one after the other",
        needs: &[Kind::Partition],
        mixed: Mixed::FirstWithoutLeaders,
        acts: Acts::Each(step(Round, 0, &[1_200], cut(Shape::IsolateOne), Victims::One), 300),
    },
    Scenario {
        name: "vote",
        about: "a voter is restarted between its vote and the end of that election, while a \
                second candidate asks for the same vote",
        needs: &[Kind::Partition, Kind::Pause, Kind::Kill],
        mixed: Mixed::Never,
        acts: Acts::Drawn(drawn::VOTE),
    },
    Scenario {
        name: "return",
        about: "a deposed leader is reconnected while its successor leads, again and again",
        needs: &[Kind::Partition, Kind::Pause],
        mixed: Mixed::Never,
        acts: Acts::Drawn(drawn::COMEBACK),
    },
    Scenario {
        name: "gc-pause",
        about: "the leader is paused until another node is elected, and goes on still believing \
                that it leads; at first only its clients can reach it",
        needs: &[Kind::Partition, Kind::Pause],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            // For longer than clients wait, so that they have gone on with the new leader by then.
            past_election(step(Round, 0, &[2_400], PAUSE, Victims::Leader)),
            past_election(step(
                Begin(1),
                50,
                &[3_200],
                cut(Shape::IsolateLeader),
                Victims::HitBy(1),
            )),
        ]),
    },
    Scenario {
        name: "minority-leader",
        about: "the leader is cut off with a minority that still answers clients",
        needs: &[Kind::Partition],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[past_election(step(
            Round,
            0,
            &[500, 1_500],
            cut(Shape::Majority),
            Victims::Leader,
        ))]),
    },
    Scenario {
        name: "lease-jump",
        about: "the leader is cut off and its clock jumps back, until another one has led for a while",
        needs: &[Kind::Clock, Kind::Partition],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            past_election(step(Round, 0, &[1_500], cut(Shape::IsolateLeader), Victims::Leader)),
            step(Begin(1), 0, &[3_000], skip(-60_000), Victims::HitBy(1)),
        ]),
    },
    Scenario {
        name: "stopped-clock",
        about: "the leader's clock stands still, and it is cut off for longer than it may go on leading",
        needs: &[Kind::Clock, Kind::Partition],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[7_600], clock(Change::Freeze), Victims::Leader),
            step(Begin(1), 100, &[7_000], cut(Shape::IsolateLeader), Victims::HitBy(1)),
        ]),
    },
    Scenario {
        name: "skew",
        about: "the clocks of leader and followers run apart, one way and the other",
        needs: &[Kind::Clock],
        mixed: Mixed::Never,
        acts: Acts::Steps(&[
            step(Round, 0, &[3_000], skip(30_000), Victims::Leader),
            step(Heal(1), 500, &[3_000], skip(-30_000), Victims::Leader),
            step(
                Heal(2),
                500,
                &[3_000],
                clock(Change::Strobe { by_ms: 2_000, every_ms: 20 }),
                Victims::Follower,
            ),
            step(Heal(3), 500, &[3_000], skip(10_000), Victims::All),
        ]),
    },
    Scenario {
        name: "power-majority",
        about: "power failures hit a majority one after the other, each soon after the node \
                before it has started again",
        needs: &[Kind::Power],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[400], POWER, Victims::Leader),
            step(Heal(1), 150, &[400], POWER, Victims::Follower),
            step(Heal(2), 150, &[400], Action::Power(Power { loss: Loss::Pages }), Victims::Leader),
            step(Heal(3), 300, &[800], POWER, Victims::All),
        ]),
    },
    Scenario {
        name: "lost-vote",
        about: "a node that is cut off stands for election until its power fails, and starts \
                again with or without its last unsynced writes",
        needs: &[Kind::Partition, Kind::Power],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[3_600], cut(Shape::IsolateLeader), Victims::Leader),
            step(Begin(1), 2_300, &[500], POWER, Victims::HitBy(1)),
        ]),
    },
    Scenario {
        name: "bridge-leaders",
        about: "two sides share one follower only, with clients on both, until the side without \
                the leader has raised one of its own",
        needs: &[Kind::Partition],
        mixed: Mixed::Never,
        acts: Acts::Steps(&[past_election(step(
            Round,
            0,
            &[1_500, 3_000],
            cut(Shape::Bridge),
            // A leader in the middle is heard by all, and nobody stands against it.
            Victims::Follower,
        ))]),
    },
    Scenario {
        name: "hub-pauses",
        about: "two sides share nobody but the leader, which is paused until each side has a \
                candidate; when it goes on both ask it for the vote that decides",
        needs: &[Kind::Partition, Kind::Pause],
        mixed: Mixed::Asked,
        acts: Acts::Steps(&[
            past_election(step(Round, 0, &[1_500], cut(Shape::Bridge), Victims::Leader)),
            step(Begin(1), 300, &[1_200, 2_500], PAUSE, Victims::LeastCut),
        ]),
    },
    Scenario {
        name: "leader-pauses",
        about: "the leader is paused for 4.5 s over and over, and goes on at once in a cluster that \
                has another one: nothing is cut",
        needs: &[Kind::Pause],
        mixed: Mixed::Asked,
        acts: Acts::Steps(&[
            step(Round, 0, &[4_500], PAUSE, Victims::Leader),
            step(Heal(1), 1_500, &[4_500], PAUSE, Victims::Leader),
        ]),
    },
    Scenario {
        name: "followers-restart",
        about: "the followers are killed and started again one after the other, then the leader",
        needs: &[Kind::Kill],
        mixed: Mixed::Asked,
        acts: Acts::LeaderLast(&[(KILL, &[400, 800])], 1_500),
    },
    Scenario {
        name: "power-and-pause",
        about: "the power of a follower fails; soon after it has started again the leader is paused \
                and another follower is killed, so that the node that may have forgotten counts",
        needs: &[Kind::Power, Kind::Pause, Kind::Kill],
        mixed: Mixed::Asked,
        acts: Acts::Steps(&[
            step(Round, 0, &[400], POWER, Victims::Follower),
            past_election(step(Heal(1), 150, &[1_500], PAUSE, Victims::Leader)),
            step(Begin(2), 50, &[800], KILL, Victims::FollowerInTurn),
        ]),
    },
    Scenario {
        name: "election-storm",
        about: "each new leader is killed as soon as it is seen to lead",
        needs: &[Kind::Kill],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[700], KILL, Victims::Leader),
            step(Election(1), 20, &[700], KILL, Victims::Leader),
            step(Election(2), 20, &[700], KILL, Victims::Leader),
            step(Election(3), 60, &[700], KILL, Victims::Leader),
        ]),
    },
    Scenario {
        name: "slow-disk",
        about: "fsync is slow on the leader until another node leads; then fsync fails on the \
                leader",
        needs: &[Kind::Disk],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[3_000], disk(Trouble::SlowFsync { by_ms: 400 }), Victims::Leader),
            step(Heal(1), 500, &[1_000], disk(Trouble::FsyncFails), Victims::Leader),
        ]),
    },
    Scenario {
        name: "late-answers",
        about: "the followers are paused so long that the leader sends again; soon after they \
                have answered the leader is killed, so that one of them takes over",
        needs: &[Kind::Pause, Kind::Kill],
        mixed: Mixed::First,
        acts: Acts::Steps(&[
            // For as long as a leader asks three times, and goes on alone.
            step(Round, 0, &[700], PAUSE, Victims::Followers),
            step(Heal(1), 200, &[500], KILL, Victims::Leader),
        ]),
    },
    Scenario {
        name: "lost-sync",
        about: "fsync fails, and a while after it works again the power fails on the same node",
        needs: &[Kind::Disk, Kind::Power],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[900], disk(Trouble::FsyncFails), Victims::Leader),
            step(Heal(1), 900, &[400], POWER, Victims::HitBy(1)),
        ]),
    },
    Scenario {
        name: "full-disks",
        about: "the leader's disk is full, and soon after it the disks of a majority",
        needs: &[Kind::Disk],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[1_500], disk(Trouble::Full), Victims::Leader),
            step(Heal(1), 700, &[1_500], disk(Trouble::Full), Victims::Majority),
        ]),
    },
    Scenario {
        name: "rolling-restart",
        about: "one node after the other is killed and started again, and killed once more while \
                it starts",
        needs: &[Kind::Kill],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[300], KILL, Victims::Nth(1)),
            step(Heal(1), 400, &[300], KILL, Victims::Nth(2)),
            step(Heal(2), 400, &[300], KILL, Victims::Nth(3)),
            step(Heal(3), 400, &[300], KILL, Victims::One),
            step(Heal(4), 30, &[300], KILL, Victims::HitBy(4)),
        ]),
    },
    Scenario {
        name: "all-killed",
        about: "all nodes are killed at the same moment, under load, and start together; again when \
                they had time to come back",
        needs: &[Kind::Kill],
        mixed: Mixed::Never,
        acts: Acts::Steps(&[step(Round, 15_000, &[400, 800], KILL, Victims::All)]),
    },
    Scenario {
        name: "upgrade",
        about: "one node after the other comes back with the binary of `--binary-next`",
        needs: &[Kind::Kill],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            step(Round, 0, &[300], UPGRADE, Victims::Nth(1)),
            step(Heal(1), 1_500, &[300], UPGRADE, Victims::Nth(2)),
            step(Heal(2), 1_500, &[300], UPGRADE, Victims::Nth(3)),
            step(Heal(3), 1_500, &[300], KILL, Victims::Leader),
        ]),
    },
    Scenario {
        name: "rolling-upgrade",
        about: "the followers are stopped and started with the binary of `--binary-next` one after \
                the other, then the leader",
        needs: &[Kind::Upgrade],
        mixed: Mixed::First,
        acts: Acts::LeaderLast(&[(REPLACE, &[300])], 1_500),
    },
    Scenario {
        name: "upgrade-and-back",
        about: "the same, and then back to the first binary, in the same order",
        needs: &[Kind::Upgrade],
        mixed: Mixed::Later,
        acts: Acts::LeaderLast(&[(REPLACE, &[300]), (REPLACE_BACK, &[300])], 1_500),
    },
    Scenario {
        name: "replaced-members",
        about: "every node is removed from the cluster and joins it again, the followers one after \
                the other, then the leader",
        needs: &[Kind::Membership],
        mixed: Mixed::Later,
        acts: Acts::LeaderLast(&[(MEMBER, &[1_500])], 2_500),
    },
    Scenario {
        name: "newcomer",
        about: "a follower is removed and joins again; the leader is killed as soon as it has, so \
                that the newcomer counts; later the leader is removed",
        needs: &[Kind::Membership, Kind::Kill],
        mixed: Mixed::First,
        acts: Acts::Steps(&[
            step(Round, 0, &[1_500], MEMBER, Victims::Follower),
            step(Heal(1), 300, &[800], KILL, Victims::Leader),
            step(Heal(2), 2_000, &[1_500], MEMBER, Victims::Leader),
        ]),
    },
    Scenario {
        name: "after-heal",
        about: "hit the old leader in the moment after the partition that deposed it is healed",
        needs: &[Kind::Partition, Kind::Pause],
        mixed: Mixed::Later,
        acts: Acts::Steps(&[
            past_election(step(Round, 0, &[400], cut(Shape::IsolateLeader), Victims::Leader)),
            step(Heal(1), 20, &[600], PAUSE, Victims::LastLeader),
            step(Heal(2), 20, &[600], PAUSE, Victims::Leader),
        ]),
    },
    Scenario {
        name: "half-pause",
        about: "one process of the leader's node is paused for longer than an election and goes on, while \
                the others of that node run all the time; where the target names such a process",
        needs: &[Kind::Pause],
        mixed: Mixed::First,
        acts: Acts::Steps(&[past_election(step(
            Round,
            0,
            &[2_000, 4_000],
            PAUSE_ONE,
            Victims::Leader,
        ))]),
    },
    Scenario {
        name: "half-kill",
        about: "one process of the leader's node is killed and started again, while the others of that \
                node run all the time; where the target names such a process",
        needs: &[Kind::Kill],
        mixed: Mixed::First,
        acts: Acts::Steps(&[step(Round, 0, &[700, 2_500], KILL_ONE, Victims::Leader)]),
    },
];
