//! One run of a series, after it has ended: what is said of it, and whether it makes the series fail.

use fracas_engine::store::RunDir;
use fracas_reports::Replays;
use serde_json::Value;

use super::item::Item;
use super::values::FailOn;
use crate::exit::Exit;

/// A run that has ended.
#[derive(Debug)]
pub(super) struct Ran {
    item: Item,
    /// How it ended.
    pub(super) exit: Exit,
    /// Whether that makes the series fail, if it is no pass.
    counts: bool,
    /// How often its anomaly came again, where that was tried.
    replays: Option<Replays>,
}

impl Ran {
    /// A run that has ended, where only these outcomes are failures; without any, all are. What is in
    /// its directory is read now: it may be removed later.
    pub(super) fn of(item: Item, exit: Exit, dir: Option<&RunDir>, fail_on: &[FailOn]) -> Self {
        let replays = dir.filter(|_| exit == Exit::Anomaly);
        let replays = replays.and_then(|dir| dir.record().ok()?.replays);
        let counts = fail_on.is_empty() || is_failure(exit, dir, fail_on);
        Self { item, exit, counts, replays }
    }

    /// How it makes the program end.
    pub(super) fn counted(&self) -> Exit {
        if self.counts { self.exit } else { Exit::Pass }
    }

    /// It, in the list of several.
    pub(super) fn line(&self) -> String {
        let again = self.replays.as_ref().map_or_else(String::new, |replays| {
            format!(" ({}: {} of {} again)", replays.word(), replays.same_class, replays.times)
        });
        let allowed = if self.counts { "" } else { ", no failure by `--fail-on`" };
        let (name, seed, word) = (self.item.name(), self.item.seed, self.exit.word());
        format!("  {name} seed {seed}: {word}{again}{allowed}\n")
    }
}

/// Whether an outcome is one of these.
fn is_failure(exit: Exit, dir: Option<&RunDir>, fail_on: &[FailOn]) -> bool {
    let has = |outcome: FailOn| fail_on.contains(&outcome);
    match exit {
        Exit::Pass => true,
        Exit::Anomaly => has(FailOn::Anomaly),
        Exit::Inconclusive => {
            let results = results(dir);
            has(FailOn::Inconclusive)
                || has(FailOn::Ineffective) && is_ineffective(&results)
                || has(FailOn::Unknown) && is_unknown(&results)
        }
        _ => true,
    }
}

/// The `results.json` of a run; null where there is none.
fn results(dir: Option<&RunDir>) -> Value {
    let read = |dir: &RunDir| std::fs::read_to_string(dir.file("results.json")).ok();
    serde_json::from_str(&dir.and_then(read).unwrap_or_default()).unwrap_or_default()
}

/// Whether a fault was not proven, or none happened though some were allowed. Of results that cannot
/// be read nothing good is assumed.
fn is_ineffective(results: &Value) -> bool {
    let (Some(faults), Some(allowed)) =
        (results["faults"].as_array(), results["fault_kinds"]["allowed"].as_array())
    else {
        return true;
    };
    let none = faults.is_empty() && !allowed.is_empty();
    none || faults.iter().any(|fault| fault["verified"] != true)
}

/// Whether a check but that of coverage did not decide.
fn is_unknown(results: &Value) -> bool {
    let Some(checks) = results["checks"].as_array() else { return true };
    let undecided = |check: &&Value| check["verdict"] == "inconclusive";
    checks.iter().filter(undecided).any(|check| check["id"] != fracas_checker::coverage::ID)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_are_told_apart() {
        let check = |id: &str, verdict: &str| json!({ "id": id, "verdict": verdict });
        let results = |faults: Value, checks: Vec<Value>| {
            json!({
                "faults": faults, "checks": checks, "fault_kinds": { "allowed": ["kill"] },
            })
        };
        let (proven, unproven) = (json!([{ "verified": true }]), json!([{ "verified": false }]));
        let few = vec![check("coverage", "inconclusive"), check("nodes/stay-up", "pass")];
        let open = vec![check("register/linearizable", "inconclusive")];
        for (results, ineffective, unknown) in [
            (results(proven.clone(), few.clone()), false, false),
            (results(unproven, few.clone()), true, false),
            (results(json!([]), few), true, false),
            (results(proven, open), false, true),
            (Value::Null, true, true),
        ] {
            assert_eq!((is_ineffective(&results), is_unknown(&results)), (ineffective, unknown));
        }
    }
}
