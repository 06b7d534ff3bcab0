//! What a scenario is written in: steps, each counted from another, and what acts they do. Data only.

use rand_chacha::ChaCha8Rng;

use super::super::planned::{Planned, Until};
use crate::faults::kill::Kill;
use crate::faults::partition::Partition;
use crate::faults::{Action, Kind, Shape, Victims};

/// Calm before the first act, and between two rounds.
pub(super) const CALM_MS: u64 = 1_500;

/// A plan for one rare moment.
#[derive(Debug)]
pub struct Scenario {
    /// The name used on the command line.
    pub name: &'static str,
    /// What moment it aims at, in one line.
    pub about: &'static str,
    /// The kinds of faults that it cannot do without.
    pub needs: &'static [Kind],
    /// How soon the usual mix plays it, if at all.
    pub(super) mixed: Mixed,
    /// How it is planned.
    pub(super) acts: Acts,
}

/// How soon the usual mix plays a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Mixed {
    /// In every run that it leaves most of the time to: no other scenario exposes as many mistakes.
    Core,
    /// Before all others but the core: it exposes a mistake that few other scenarios expose.
    First,
    /// When all of the first were played.
    Later,
    /// Where the target shows no leader the scenario is one of the first; else it comes later.
    FirstWithoutLeaders,
    /// Before all others but the core where the target asks for it by its name in `[faults]`; else
    /// only where a run aims at it.
    Asked,
    /// Only where a run aims at it.
    Never,
}

/// How a scenario is planned.
#[derive(Debug)]
pub(super) enum Acts {
    /// These steps, over and over.
    Steps(&'static [Step]),
    /// This step to one node after the other, each so many milliseconds after the last one is healed.
    Each(Step, u64),
    /// Each of these actions, for one of these times, to one follower after the other and then to the
    /// leader; each so many milliseconds after the last one is healed.
    LeaderLast(&'static [(Action, &'static [u64])], u64),
    /// Acts whose times depend on each other.
    Drawn(Drawn),
}

/// One step of a scenario.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// What its time is counted from.
    pub(super) since: Since,
    /// Milliseconds after that.
    pub(super) at_ms: u64,
    /// How long it lasts, in milliseconds: one of these.
    pub(super) lasts_ms: &'static [u64],
    pub(super) until: Until,
    pub(super) does: Action,
    /// What it does instead, now and then.
    pub(super) or: &'static [Action],
    pub(super) victims: Victims,
}

/// What the time of a step is counted from; steps are numbered from 1 within their scenario.
#[derive(Debug, Clone, Copy)]
pub(super) enum Since {
    /// The begin of this round.
    Round,
    /// The moment at which a step took effect.
    Begin(u32),
    /// The moment at which a step was healed.
    Heal(u32),
    /// The first election since a step took effect.
    Election(u32),
}

/// Acts whose times hang on each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    /// Plans those of so many milliseconds.
    pub(super) plan: fn(u64, &mut ChaCha8Rng) -> Vec<Planned>,
    /// With fewer nodes they mean nothing.
    pub(super) nodes: u16,
    /// Whether they mean nothing where no leader is known.
    pub(super) led: bool,
}

impl Acts {
    /// The steps in a cluster of so many nodes; where there are none, what draws its acts.
    pub(super) fn steps(&self, nodes: u16) -> Result<Vec<Step>, Drawn> {
        match *self {
            Self::Steps(steps) => Ok(steps.to_vec()),
            Self::Each(step, later_ms) => {
                let nth = |place| Step { victims: Victims::Nth(place), ..step };
                Ok(in_turn((1..=u32::from(nodes)).map(nth), later_ms))
            }
            Self::LeaderLast(actions, later_ms) => {
                let all = || (1..nodes).map(|_| Victims::FollowerInTurn).chain([Victims::Leader]);
                let each = |&(does, lasts_ms): &(Action, &'static [u64])| {
                    all().map(move |victims| step(Since::Round, 0, lasts_ms, does, victims))
                };
                Ok(in_turn(actions.iter().flat_map(each), later_ms))
            }
            Self::Drawn(drawn) => Err(drawn),
        }
    }
}

/// These steps, each so many milliseconds after the last one is healed.
fn in_turn(steps: impl Iterator<Item = Step>, later_ms: u64) -> Vec<Step> {
    let next = |(number, step)| match number {
        1 => step,
        _ => Step { since: Since::Heal(number - 1), at_ms: later_ms, ..step },
    };
    (1..).zip(steps).map(next).collect()
}

/// A step at the begin of a round, or counted from another one.
pub(super) const fn step(
    since: Since,
    at_ms: u64,
    lasts_ms: &'static [u64],
    does: Action,
    victims: Victims,
) -> Step {
    Step { since, at_ms, lasts_ms, until: Until::Time, does, or: &[], victims }
}

/// The same, or another one of these.
pub(super) const fn or(step: Step, others: &'static [Action]) -> Step {
    Step { or: others, ..step }
}

/// The same, lasting for its time beyond the next election.
pub(super) const fn past_election(step: Step) -> Step {
    Step { until: Until::Election, ..step }
}

/// A kill after which the node comes back as it was.
pub(super) const KILL: Action = Action::Kill(Kill::WHOLE);

/// A cut of this shape.
pub(super) const fn cut(shape: Shape) -> Action {
    Action::Partition(Partition { shape })
}
