//! The plan of a run's faults, drawn from the seed alone.

use std::collections::BTreeSet;

use fracas_targets::nearest;
use serde::{Deserialize, Serialize};

use super::config::{Config, Fits};
use super::mix::Nemesis;
use super::planned::Planned;
use crate::faults::chance::random;
use crate::faults::{Fault, Kind, Victims};

/// The schema of a schedule file.
pub const SCHEMA: &str = "fracas.schedule/2";

/// No longer run is looked at to see whether it has room for all kinds.
const LONGEST_S: u64 = 3_600;

/// What became of a plan, as far as a replay needs it.
#[derive(Deserialize)]
struct Past {
    #[serde(default)]
    actual: Vec<Became>,
}

/// What became of an act.
#[derive(Deserialize)]
struct Became {
    act: usize,
    fault: Option<Fault>,
}

/// All faults of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// The acts.
    pub planned: Vec<Planned>,
}

impl Plan {
    /// The plan for `config` under `seed`. The same seed gives the same plan.
    #[must_use]
    pub fn draw(config: &Config, seed: u64) -> Self {
        let mut source = random(seed);
        let planned = match config.scenario {
            Some(scenario) => scenario.plan(config, &mut source),
            None => Nemesis::new(config, seed).plan(&mut source),
        };
        Self { schema: SCHEMA.to_owned(), planned }
    }

    /// Reads a schedule file: one that a run left, or one that was written by hand. With `pin` the
    /// acts become the very faults that they became in that run.
    ///
    /// # Errors
    /// Where in the file what is wrong.
    pub fn read(text: &str, pin: bool) -> Result<Self, serde_json::Error> {
        let mut plan: Self = serde_json::from_str(text)?;
        no_unknown_keys(text)?;
        if pin {
            let past: Past = serde_json::from_str(text)?;
            for Became { act, fault } in past.actual {
                if let Some(planned) = plan.planned.get_mut(act.saturating_sub(1)) {
                    planned.pinned = fault;
                }
            }
        }
        Ok(plan)
    }

    /// Which kinds are possible under `config`, and how long a run must be to have room for all of
    /// them; none if `config` names a scenario.
    #[must_use]
    pub fn fits(config: &Config, seed: u64) -> Option<Fits> {
        if config.scenario.is_some() {
            return None;
        }
        let kinds = Nemesis::new(config, seed).possible();
        let holds_all = |time_ms: &u64| {
            let longer = Config { time_ms: *time_ms, ..config.clone() };
            Self::draw(&longer, seed).kinds() == kinds
        };
        let all_ms = (1..=LONGEST_S).map(|seconds| seconds * 1_000).find(holds_all);
        Some(Fits { kinds, all_ms })
    }

    /// The kinds of faults in it.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<Kind> {
        self.planned.iter().map(|planned| planned.act.kind()).collect()
    }

    /// The first act that can never come, and why: it waits for itself, for one after it, or for
    /// none.
    #[must_use]
    pub fn impossible(&self) -> Option<(usize, String)> {
        (1..).zip(&self.planned).find_map(|(number, planned)| {
            let earlier = 1..number as u32;
            let waits = planned.after.act().filter(|act| !earlier.contains(act));
            let means = match planned.act.whom {
                Victims::HitBy(act) if !earlier.contains(&act) => Some(act),
                _ => None,
            };
            let act = waits.or(means)?;
            Some((number, format!("it refers to act {act}, which is not before it")))
        })
    }
}

/// What every act may be made of, whatever its kind.
const KEYS: [&str; 3] = ["kind", "whom", "draw"];

/// Fails if an act of a schedule has a key that means nothing: `serde` does not see one where
/// structures are flattened. The text is a schedule.
fn no_unknown_keys(text: &str) -> Result<(), serde_json::Error> {
    let file: serde_json::Value = serde_json::from_str(text)?;
    let acts = file["planned"].as_array().into_iter().flatten().map(|planned| &planned["act"]);
    for (number, act) in (1..).zip(acts) {
        let kind = act["kind"].as_str().and_then(Kind::named);
        let known = || KEYS.iter().chain(kind.map_or(&[][..], Kind::keys)).copied();
        let mut keys = act.as_object().into_iter().flat_map(serde_json::Map::keys);
        if let Some(key) = keys.find(|key| !known().any(|known| known == *key)) {
            let near = nearest(key, known()).unwrap_or("kind");
            let error = format!("act {number}: unknown key `{key}`: did you mean `{near}`?");
            return Err(serde::de::Error::custom(error));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::pause::Pause;
    use crate::faults::{Action, On};
    use crate::nemesis::{Act, After};

    fn config(nodes: u16, time_ms: u64) -> Config {
        let kinds = Kind::mix();
        let (again, processes, asked) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (every_ms, leaders, scenario) = (5_000, true, None);
        Config { nodes, kinds, time_ms, every_ms, leaders, again, asked, processes, scenario }
    }

    #[test]
    fn a_schedule_is_read_as_it_was_written_and_may_be_written_by_hand() {
        let plan = Plan::draw(&config(5, 100_000), 9);
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
        let by_hand = r#"{"schema": "fracas.schedule/2", "planned": [
            {"at_ms": 2000, "after": {"election": 3}, "lasts_ms": 1000, "until": "election",
             "act": {"kind": "clock", "change": {"does": "step", "by_ms": -5000}, "whom": "leader"}},
            {"at_ms": 30, "after": {"heal": 1}, "lasts_ms": 100,
             "act": {"kind": "kill", "whom": {"hit-by": 1}}},
            {"at_ms": 30, "calm_ms": 500, "lasts_ms": 100,
             "act": {"kind": "pause", "whom": {"node": "n2"}}}]}"#;
        let plan: Plan = serde_json::from_str(by_hand).unwrap();
        assert_eq!(plan.impossible(), None);
        assert_eq!(plan.planned[0].after, After::Election(3));
        assert_eq!(
            plan.planned.iter().map(|act| act.calm_ms).collect::<Vec<_>>(),
            [None, None, Some(500)]
        );
    }

    #[test]
    fn a_pinned_schedule_hits_whom_it_hit() {
        let text = r#"{"schema": "fracas.schedule/2",
            "planned": [{"at_ms": 1, "lasts_ms": 9, "act": {"kind": "pause", "whom": "leader"}},
                        {"at_ms": 2, "lasts_ms": 9, "act": {"kind": "pause", "whom": "leader"}}],
            "actual": [{"act": 1, "id": 1, "fault": {"kind": "pause", "nodes": ["n4"]},
                        "effective": null, "problems": []},
                       {"act": 2, "id": null, "fault": null, "effective": null, "problems": []}]}"#;
        let pinned = |pin| {
            let plan = Plan::read(text, pin).unwrap();
            plan.planned.into_iter().map(|planned| planned.pinned).collect::<Vec<_>>()
        };
        let on = On::Nodes(vec![fracas_checker::NodeId(4)]);
        let n4 = Fault { does: Action::Pause(Pause::WHOLE), on };
        assert_eq!(pinned(true), [Some(n4), None]);
        assert_eq!(pinned(false), [None, None]);
    }

    #[test]
    fn a_misspelt_key_is_told() {
        let text = r#"{"schema": "fracas.schedule/2", "planned": [
            {"at_ms": 1, "lasts_ms": 9, "act": {"kind": "pause", "who": "leader"}}]}"#;
        let error = Plan::read(text, false).unwrap_err().to_string();
        assert_eq!(error, "act 1: unknown key `who`: did you mean `whom`?");
        let error = Plan::read(&text.replace("who", "shape"), false).unwrap_err().to_string();
        assert!(error.contains("unknown key `shape`"), "a pause has none: {error}");
    }

    #[test]
    fn an_act_that_can_never_come_is_told() {
        let act = Act { does: Action::Pause(Pause::WHOLE), whom: Victims::One, draw: 0 };
        let mut planned = Planned::timed(0, 100, act);
        planned.after = After::Heal(1);
        let plan = Plan { schema: SCHEMA.to_owned(), planned: vec![planned] };
        assert_eq!(plan.impossible().unwrap().0, 1);
    }
}
