//! Was enough asked of the objects that the header names, and nothing that no check judges?

use std::collections::{BTreeMap, BTreeSet};

use super::activity::Activity;
use super::load::Fates;
use super::numbers::{Number, enough, least};
use crate::event::{Key, Nanos, Op, OpKind};
use crate::history::{Kinds, Said};
use crate::objects::OBJECTS;
use crate::verdict::CheckResult;
use crate::{delivery, lease};

/// How many operations that nobody judges are named.
const NAMED: usize = 3;

/// Holds what was asked of objects against what the plan asks for.
pub(super) fn check(activity: &Activity<'_>, result: &mut CheckResult) {
    handovers(activity, result);
    let kinds = activity.history.kinds();
    if kinds.is_empty() && activity.history.header().plan.coverage.objects.is_empty() {
        return;
    }
    known(kinds, result);
    unjudged(activity, result);
    let fates = fates(activity);
    for (name, needed) in &activity.history.header().plan.coverage.objects {
        for (kind, needed) in &needed.ok {
            let fates = fates.get(&(name.as_str(), *kind)).cloned().unwrap_or_default();
            enough(result, &fates, *needed, &format!("ok {kind} of `{name}`"));
        }
    }
}

/// What became of operations under load, by the names that the header has for their objects.
fn fates<'a>(activity: &'a Activity<'_>) -> BTreeMap<(&'a str, OpKind), Fates> {
    let kinds = activity.history.kinds();
    let mut found: BTreeMap<(&str, OpKind), Fates> = BTreeMap::new();
    let under_load = activity
        .history
        .operations()
        .iter()
        .filter(|operation| activity.load.contains(operation.invoked.1));
    for operation in under_load {
        for name in names(kinds, &operation.op) {
            found.entry((name, operation.op.kind())).or_default().count(operation, activity.load);
        }
    }
    found
}

/// The names that the header has for the objects of `op`, each once.
fn names<'a>(kinds: &'a Kinds, op: &Op) -> BTreeSet<&'a str> {
    match op {
        Op::Txn { ops } => ops.iter().filter_map(|micro| kinds.name(micro.key())).collect(),
        _ => op.key().and_then(|key| kinds.name(key)).into_iter().collect(),
    }
}

/// Whether enough locks went from one holder to another.
fn handovers(activity: &Activity<'_>, result: &mut CheckResult) {
    let coverage = &activity.history.header().plan.coverage;
    let mut grants: Vec<(&Key, Nanos, u64)> = Vec::new();
    for operation in activity.history.operations() {
        if let (Op::Acquire { key, holder, .. }, Some((time, ..))) = (&operation.op, operation.ok())
            && activity.load.contains(time)
        {
            grants.push((key, time, *holder));
        }
    }
    let per_name = coverage.objects.iter().filter(|(_, needed)| needed.handovers > 0);
    let wanted = coverage.handovers > 0 || per_name.clone().count() > 0;
    if grants.is_empty() && !wanted {
        return;
    }
    grants.sort_unstable();
    let passes = |pair: &&[(&Key, Nanos, u64)]| pair[0].0 == pair[1].0 && pair[0].2 != pair[1].2;
    let passed: Vec<&Key> = grants.windows(2).filter(passes).map(|pair| pair[0].0).collect();
    let helps = "a longer `--time` or fewer locks (`--keys`) give more";
    let number = Number { name: "handovers", seen: passed.len(), helps };
    least(result, &number, coverage.handovers);
    for (name, needed) in per_name {
        let of_name = |key: &&&Key| activity.history.kinds().name(key) == Some(name.as_str());
        let count = passed.iter().filter(of_name).count() as u64;
        if count < needed.handovers {
            let needed = needed.handovers;
            result.inconclusive(format!(
                "only {count} handovers of `{name}`, expected at least {needed}: {helps}"
            ));
        }
    }
}

/// Whether every check that the header names for objects is one of this version.
fn known(kinds: &Kinds, result: &mut CheckResult) {
    for (name, checks) in kinds.iter() {
        let unknown = |id: &&String| {
            ![lease::ID, delivery::ID].contains(&id.as_str())
                && OBJECTS.iter().all(|kind| kind.id != **id)
        };
        if let Some(id) = checks.iter().find(unknown) {
            result.inconclusive(format!(
                "`objects` says that `{name}` is judged by `{id}`, which is no check of objects of \
                 this version"
            ));
        }
    }
}

/// Whether objects that the header names were only asked what a check of their kind judges.
fn unjudged(activity: &Activity<'_>, result: &mut CheckResult) {
    let kinds = activity.history.kinds();
    let foreign = |op: &Op| match kinds.of(op) {
        Said::Kind(checks) => !checks.iter().any(|id| serves(id, op.kind())),
        Said::Nothing | Said::Several => false,
    };
    let operations = activity.history.operations().iter().filter(|operation| !operation.failed());
    let found =
        operations.filter(|operation| foreign(&operation.op) && !operation.op.kind().only_looks());
    let found: BTreeSet<(String, OpKind)> = found
        .map(|operation| {
            (operation.op.key().map_or_else(String::new, ToString::to_string), operation.op.kind())
        })
        .take(NAMED)
        .collect();
    for (key, kind) in found {
        result.inconclusive(format!(
            "{key} was asked `{kind}`, which no check of its kind in `objects` judges: what became of \
             it is not known"
        ));
    }
}

/// Whether the check `id` judges operations of this kind.
fn serves(id: &str, kind: OpKind) -> bool {
    match OBJECTS.iter().find(|known| known.id == id) {
        Some(known) => known.serves.contains(&kind),
        None if id == delivery::ID => delivery::KINDS.contains(&kind),
        None => matches!(kind, OpKind::Acquire | OpKind::Renew | OpKind::Release),
    }
}
