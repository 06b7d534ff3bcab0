//! When the acts of a plan are due and over: pure, in time since the begin of the load.
//!
//! An act that could not be carried out counts as begun and healed when its time came, so that
//! what waits for it goes on.

use std::time::Duration;

use crate::faults::Part;
use crate::nemesis::{After, Plan, Planned, Until};

/// How far one act has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Begun(Duration),
    Healed { begun: Duration, healed: Duration },
}

/// The acts of a plan, by place.
pub(super) struct Agenda<'p> {
    planned: &'p [Planned],
    progress: Vec<Progress>,
    /// When elections were seen.
    elections: Vec<Duration>,
    /// Whether a leader was known, and none is any more.
    leaderless: bool,
}

/// How long a turn that is meant for the leader, or for those that follow it, waits for one to be
/// known.
const LEADER_WITHIN: Duration = Duration::from_secs(3);

impl<'p> Agenda<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let progress = vec![Progress::Waiting; plan.planned.len()];
        Self { planned: &plan.planned, progress, elections: Vec::new(), leaderless: false }
    }

    pub(super) fn planned(&self, place: usize) -> &'p Planned {
        &self.planned[place]
    }

    /// A leader of a higher generation was seen.
    pub(super) fn elected(&mut self, now: Duration) {
        self.elections.push(now);
    }

    /// A leader was known, and is known no more; or the other way round.
    pub(super) fn set_leaderless(&mut self, leaderless: bool) {
        self.leaderless = leaderless;
    }

    pub(super) fn begun(&mut self, place: usize, now: Duration) {
        self.progress[place] = Progress::Begun(now);
    }

    pub(super) fn healed(&mut self, place: usize, now: Duration) {
        let begun = self.begin(place).unwrap_or(now);
        self.progress[place] = Progress::Healed { begun, healed: now };
    }

    /// The act whose time has come first, if one has by `now`.
    pub(super) fn due(&self, now: Duration) -> Option<usize> {
        self.first(|place| self.begins(place)).filter(|(at, _)| *at <= now).map(|(_, place)| place)
    }

    /// The act that is over first, if one is by `now`.
    pub(super) fn over(&self, now: Duration) -> Option<usize> {
        self.first(|place| self.ends(place)).filter(|(at, _)| *at <= now).map(|(_, place)| place)
    }

    /// When something is due or over next, as far as that is known.
    pub(super) fn next(&self) -> Option<Duration> {
        let ends = self.first(|place| self.ends(place));
        let begins = self.first(|place| self.begins(place));
        ends.into_iter().chain(begins).map(|(at, _)| at).min()
    }

    /// The acts that have not begun.
    pub(super) fn waiting(&self) -> impl Iterator<Item = usize> {
        let waits = |place: &usize| self.progress[*place] == Progress::Waiting;
        (0..self.planned.len()).filter(waits)
    }

    /// The act that is first by some time, with that time.
    fn first(&self, at: impl Fn(usize) -> Option<Duration>) -> Option<(Duration, usize)> {
        (0..self.planned.len()).filter_map(|place| Some((at(place)?, place))).min()
    }

    /// When an act that waits is due; none while that is not known.
    fn begins(&self, place: usize) -> Option<Duration> {
        if self.progress[place] != Progress::Waiting {
            return None;
        }
        let planned = &self.planned[place];
        let from = match planned.after {
            After::Load => Duration::ZERO,
            After::Election(number) => *self.elections.get(before(number))?,
            After::Begin(act) => self.begin(before(act))?,
            After::Heal(act) => self.heal(before(act))?,
            After::ElectionSince(act) => self.election_since(self.begin(before(act))?)?,
        };
        let at = from + Duration::from_millis(planned.at_ms);
        let Some(calm_ms) = planned.calm_ms else { return Some(at) };
        if self.progress.iter().any(|progress| matches!(progress, Progress::Begun(_))) {
            return None;
        }
        let calm = self.last_heal().map(|heal| heal + Duration::from_millis(calm_ms));
        let at = calm.map_or(at, |calm| calm.max(at));
        let waits = self.leaderless && planned.act.part() != Part::Any;
        Some(if waits { at + LEADER_WITHIN } else { at })
    }

    fn last_heal(&self) -> Option<Duration> {
        (0..self.progress.len()).filter_map(|place| self.heal(place)).max()
    }

    /// When an act that is in effect is over.
    fn ends(&self, place: usize) -> Option<Duration> {
        let Progress::Begun(begun) = self.progress[place] else { return None };
        let planned = &self.planned[place];
        let from = match planned.until {
            Until::Time => begun,
            Until::Election => {
                let latest = begun + Duration::from_millis(Until::MOST_MS);
                self.election_since(begun).map_or(latest, |election| election.min(latest))
            }
        };
        Some(from + Duration::from_millis(planned.lasts_ms))
    }

    fn begin(&self, place: usize) -> Option<Duration> {
        match self.progress.get(place)? {
            Progress::Waiting => None,
            Progress::Begun(begun) | Progress::Healed { begun, .. } => Some(*begun),
        }
    }

    fn heal(&self, place: usize) -> Option<Duration> {
        match self.progress.get(place)? {
            Progress::Healed { healed, .. } => Some(*healed),
            Progress::Waiting | Progress::Begun(_) => None,
        }
    }

    fn election_since(&self, time: Duration) -> Option<Duration> {
        self.elections.iter().copied().find(|election| *election > time)
    }
}

/// The place of what is number `number`, counted from 1.
fn before(number: u32) -> usize {
    number.saturating_sub(1) as usize
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::faults::kill::Kill;
    use crate::faults::{Action, Victims};
    use crate::nemesis::{Act, SCHEMA};

    fn plan(acts: &[(u64, After, u64, Until)]) -> Plan {
        let act = Act { does: Action::Kill(Kill::WHOLE), whom: Victims::One, draw: 0 };
        let planned = acts.iter().map(|(at_ms, after, lasts_ms, until)| Planned {
            after: *after,
            until: *until,
            ..Planned::timed(*at_ms, *lasts_ms, act)
        });
        Plan { schema: SCHEMA.to_owned(), planned: planned.collect() }
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn acts_come_by_time() {
        let plan =
            plan(&[(100, After::Load, 50, Until::Time), (20, After::Load, 500, Until::Time)]);
        let mut agenda = Agenda::new(&plan);
        assert_eq!((agenda.next(), agenda.due(ms(19))), (Some(ms(20)), None));
        assert_eq!(agenda.due(ms(20)), Some(1));
        agenda.begun(1, ms(21));
        assert_eq!((agenda.due(ms(99)), agenda.next()), (None, Some(ms(100))));
        agenda.begun(0, ms(101));
        assert_eq!(agenda.over(ms(151)), Some(0));
        agenda.healed(0, ms(152));
        assert_eq!((agenda.over(ms(500)), agenda.over(ms(521))), (None, Some(1)));
        assert_eq!(agenda.waiting().count(), 0);
    }

    #[test]
    fn acts_come_by_what_happens() {
        let plan = plan(&[
            (5, After::Election(2), 10, Until::Time),
            (7, After::Begin(1), 10, Until::Time),
            (9, After::Heal(1), 10, Until::Time),
            (1, After::ElectionSince(1), 10, Until::Time),
        ]);
        let mut agenda = Agenda::new(&plan);
        assert_eq!(agenda.next(), None);
        agenda.elected(ms(100));
        assert_eq!(agenda.next(), None);
        agenda.elected(ms(200));
        assert_eq!(agenda.due(ms(205)), Some(0));
        agenda.begun(0, ms(206));
        assert_eq!(agenda.due(ms(213)), Some(1), "after the begin of the first");
        agenda.begun(1, ms(213));
        agenda.healed(0, ms(216));
        assert_eq!(agenda.due(ms(225)), Some(2), "after its end");
        agenda.begun(2, ms(225));
        agenda.elected(ms(300));
        assert_eq!(agenda.due(ms(301)), Some(3), "after the election that followed");
    }

    #[test]
    fn an_act_may_wait_for_calm() {
        let mut plan =
            plan(&[(0, After::Load, 50, Until::Time), (40, After::Load, 10, Until::Time)]);
        plan.planned[1].calm_ms = Some(30);
        let mut agenda = Agenda::new(&plan);
        assert_eq!(agenda.due(ms(0)), Some(0));
        agenda.begun(0, ms(20));
        assert_eq!((agenda.due(ms(60)), agenda.next()), (None, Some(ms(70))), "only its end");
        agenda.healed(0, ms(90));
        assert_eq!((agenda.due(ms(119)), agenda.next()), (None, Some(ms(120))));
        assert_eq!(agenda.due(ms(120)), Some(1));
    }

    #[test]
    fn a_turn_that_is_meant_for_the_leader_waits_for_one_but_not_for_ever() {
        let mut plan =
            plan(&[(0, After::Load, 50, Until::Time), (40, After::Load, 10, Until::Time)]);
        plan.planned[1].calm_ms = Some(30);
        for (victims, waits) in [
            (Victims::Leader, LEADER_WITHIN),
            (Victims::Followers, LEADER_WITHIN),
            (Victims::All, ms(0)),
        ] {
            plan.planned[1].act.whom = victims;
            let mut agenda = Agenda::new(&plan);
            agenda.begun(0, ms(1));
            agenda.healed(0, ms(60));
            agenda.set_leaderless(true);
            assert_eq!(agenda.next(), Some(ms(90) + waits), "{victims:?}");
            agenda.set_leaderless(false);
            assert_eq!(agenda.due(ms(90)), Some(1), "{victims:?}");
        }
    }

    #[test]
    fn an_act_may_last_past_an_election_but_not_for_ever() {
        let plan = plan(&[(0, After::Load, 30, Until::Election)]);
        let mut agenda = Agenda::new(&plan);
        agenda.elected(ms(1));
        agenda.begun(0, ms(2));
        assert_eq!(agenda.next(), Some(ms(2 + Until::MOST_MS + 30)));
        agenda.elected(ms(500));
        assert_eq!(agenda.next(), Some(ms(530)));
        assert_eq!(agenda.over(ms(530)), Some(0));
    }
}
