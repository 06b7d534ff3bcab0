//! Planned faults in words, and how long a plan takes.

use super::plan::Plan;
use super::planned::{After, Until};

/// How long an election is taken to last where a plan waits for one, in milliseconds.
const ELECTION_MS: u64 = 2_000;

/// What a load lasts beyond the end of the last planned fault, in milliseconds.
const BEYOND_MS: u64 = 1_000;

impl Plan {
    /// How long the load must last for every planned fault to come and to be healed, in
    /// milliseconds; an election that an act waits for is taken to last two seconds.
    #[must_use]
    pub fn lasts_ms(&self) -> u64 {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for planned in &self.planned {
            let of = |act: u32| spans.get((act as usize).saturating_sub(1)).copied();
            let from = match planned.after {
                After::Load => 0,
                After::Election(number) => ELECTION_MS.saturating_mul(number.into()),
                After::Begin(act) => of(act).map_or(0, |(begin, _)| begin),
                After::Heal(act) => of(act).map_or(0, |(_, end)| end),
                After::ElectionSince(act) => of(act).map_or(0, |(begin, _)| begin + ELECTION_MS),
            };
            let at = from.saturating_add(planned.at_ms);
            let last = spans.iter().map(|(_, end)| *end).max();
            let calm = planned.calm_ms.zip(last).map_or(0, |(calm, last)| last + calm);
            let waits = if planned.until == Until::Election { ELECTION_MS } else { 0 };
            let begin = at.max(calm);
            spans.push((begin, begin.saturating_add(planned.lasts_ms).saturating_add(waits)));
        }
        spans.iter().map(|(_, end)| end.saturating_add(BEYOND_MS)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {

    use super::super::act::Act;
    use super::super::plan::SCHEMA;
    use super::super::planned::Planned;
    use super::*;
    use crate::faults::kill::Kill;
    use crate::faults::{Action, Victims};

    fn kill(at_ms: u64, lasts_ms: u64) -> Planned {
        let does = Action::Kill(Kill::WHOLE);
        Planned::timed(at_ms, lasts_ms, Act { does, whom: Victims::Leader, draw: 0 })
    }

    #[test]
    fn a_plan_lasts_until_its_last_fault_is_healed() {
        let after = |after, planned| Planned { after, ..planned };
        let calm = |planned| Planned { calm_ms: Some(500), ..planned };
        for (planned, lasts) in [
            (vec![], 0),
            (vec![kill(55_000, 4_000), kill(1_000, 2_000)], 60_000),
            (vec![kill(1_000, 2_000), after(After::Heal(1), kill(500, 1_000))], 5_500),
            (vec![kill(1_000, 2_000), after(After::Begin(1), kill(500, 1_000))], 4_000),
            (vec![kill(1_000, 2_000), after(After::ElectionSince(1), kill(0, 1_000))], 5_000),
            (vec![kill(1_000, 2_000), calm(kill(0, 1_000))], 5_500),
            (vec![Planned { until: Until::Election, ..kill(1_000, 2_000) }], 6_000),
        ] {
            let plan = Plan { schema: SCHEMA.to_owned(), planned };
            assert_eq!(plan.lasts_ms(), lasts, "{plan:?}");
        }
    }

    #[test]
    fn an_act_is_told_in_words() {
        assert_eq!(kill(0, 1).act.to_string(), "kill of the leader");
    }
}
