//! Which faults a run is to have: from flags, a schedule file and what the target allows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fracas_checker::event::NodeId;
use fracas_checker::fault::RestartAs;
use fracas_targets::{Target, nearest};

use super::run_args::{RunArgs, TIME};
use super::values::millis;
use fracas_engine::faults::{Around, Given, Kind};
use fracas_engine::means::ClockMeans;
use fracas_engine::nemesis::{self, SCENARIOS, Scenario};
use fracas_engine::targets::{allowed_faults, asked_scenarios, processes};
use fracas_lab::NODES_MAX;

/// The kinds of faults that were asked for; the target must allow each, and a cluster of so many
/// nodes must have what they are done to.
pub(super) fn kinds(
    wanted: &[String],
    target: &Target,
    nodes: usize,
) -> Result<BTreeSet<Kind>, String> {
    let possible = |kind: &Kind| nodes > 1 || !kind.is_between();
    let usual = &allowed_faults(target) & &Kind::mix();
    let all: BTreeSet<Kind> = usual.into_iter().filter(possible).collect();
    if wanted.is_empty() {
        return Ok(all);
    }
    let mut kinds = BTreeSet::new();
    for word in wanted {
        match word.as_str() {
            "all" => kinds.extend(&all),
            "none" => {}
            _ => {
                let kind = named(word, target)?;
                if !possible(&kind) {
                    let needs = "needs two nodes or more: see `--nodes`";
                    return Err(format!("error: fault `{kind}` {needs}"));
                }
                kinds.insert(kind);
            }
        }
    }
    Ok(kinds)
}

/// The kind of that name, which the target must allow.
fn named(word: &str, target: &Target) -> Result<Kind, String> {
    let words = || Kind::ALL.iter().map(|kind| kind.word()).chain(["all", "none"]);
    let kind =
        Kind::named(word).ok_or_else(|| unknown("fault", word, &words().collect::<Vec<_>>()))?;
    if allowed_faults(target).contains(&kind) { Ok(kind) } else { Err(not_allowed(target, kind)) }
}

/// Kinds of faults that this machine cannot bring about, with the reason.
pub(super) type Lacking = BTreeMap<Kind, String>;

/// Whether the kinds of faults are the usual ones: nobody asked for any by name. What was asked for
/// is refused, not left out.
pub(super) fn are_usual(args: &RunArgs) -> bool {
    args.faults.is_empty() && args.schedule.is_none() && args.spec.is_none()
}

/// The kinds that are left out for what this machine lacks, where nobody asked for any by name:
/// those that were found to be lacking, and those of which it is known without a try.
pub(super) fn left_out(args: &RunArgs, target: &Target, found: &Lacking) -> Lacking {
    if !are_usual(args) {
        return Lacking::new();
    }
    let allowed = allowed_faults(target);
    let known = lacked(&allowed, args.clock_means()).into_iter();
    let found = found.iter().filter(|(kind, _)| allowed.contains(kind));
    known.chain(found.map(|(kind, why)| (*kind, why.clone()))).collect()
}

/// What this machine lacks of what these kinds take.
fn lacked(kinds: &BTreeSet<Kind>, clock: ClockMeans) -> Lacking {
    kinds.iter().filter_map(|kind| Some((*kind, kind.lacks(clock)?))).collect()
}

/// What this machine lacks of what the allowed kinds of faults take, and which of them are left
/// without it. It is told of every kind that was asked for, drawn by the seed or not.
pub(super) fn lacking(kinds: &BTreeSet<Kind>, clock: ClockMeans) -> Option<String> {
    let missing = lacked(kinds, clock);
    if missing.is_empty() {
        return None;
    }
    let told = missing.iter().map(|(kind, why)| format!("error: no fault `{kind}` here: {why}\n"));
    let left = kinds.iter().filter(|kind| !missing.contains_key(kind));
    let left: Vec<&str> = left.map(|kind| kind.word()).collect();
    let left = if left.is_empty() { "none".to_owned() } else { left.join(",") };
    let told: String = told.collect();
    Some(format!("{told}help: `fracas doctor` says how to mend it; without: `--faults {left}`"))
}

fn not_allowed(target: &Target, kind: Kind) -> String {
    let name = target.name();
    format!("error: target `{name}` does not allow the fault `{kind}`: see its section `[faults]`")
}

/// What the faults of a run are drawn from.
pub(super) fn faults(
    args: &RunArgs,
    target: &Target,
    nodes: usize,
    kinds: &BTreeSet<Kind>,
) -> Result<nemesis::Config, String> {
    let processes = processes(target);
    let scenario = args.aim.as_deref().map(|name| aim(name, kinds)).transpose()?;
    if let Some((scenario, kind)) =
        scenario.and_then(|it| Some((it, it.lacks_process(&processes)?)))
    {
        return Err(format!(
            "error: aim `{}` needs a process that a {kind} may hit alone, and target `{}` names none: \
             see `faults` of `[[node.process]]`",
            scenario.name,
            target.name()
        ));
    }
    let config = nemesis::Config {
        nodes: u16::try_from(nodes).unwrap_or(NODES_MAX),
        time_ms: millis(args.time.unwrap_or(TIME)),
        every_ms: millis(args.fault_every),
        leaders: target.has_leaders(),
        again: again(args),
        processes,
        scenario,
        asked: asked_scenarios(target),
        kinds: kinds.clone(),
    };
    let around =
        Around { nodes: config.nodes, leaders: true, again: &RestartAs::OTHERS, processes: &[] };
    let fits = |kind: &&Kind| kind.usual().iter().any(|does| does.fits(&around));
    if let Some(kind) = kinds.iter().find(|kind| !fits(kind)) {
        let needs = format!("needs more nodes than {nodes}: see `--nodes`");
        return Err(format!("error: fault `{kind}` {needs}"));
    }
    match config.scenario.and_then(|aim| Some((aim, aim.lacks(&config)?))) {
        Some((aim, lack)) => Err(format!("error: aim `{}` {lack}", aim.name)),
        None => Ok(config),
    }
}

/// As what killed nodes may come back, besides as they were.
fn again(args: &RunArgs) -> Vec<RestartAs> {
    let next = args.binary_next.as_ref().map(|_| RestartAs::NextBinary);
    let flags = (!args.restart_args.is_empty()).then_some(RestartAs::OtherFlags);
    next.into_iter().chain(flags).collect()
}

/// The scenario of that name; every fault that it needs must be allowed.
fn aim(name: &str, kinds: &BTreeSet<Kind>) -> Result<&'static Scenario, String> {
    let names: Vec<&str> = SCENARIOS.iter().map(|aim| aim.name).collect();
    let aim = SCENARIOS
        .iter()
        .find(|aim| aim.name == name)
        .ok_or_else(|| unknown("aim", name, &names))?;
    let missing: Vec<&str> =
        aim.needs.iter().filter(|kind| !kinds.contains(kind)).map(|kind| kind.word()).collect();
    if missing.is_empty() {
        return Ok(aim);
    }
    Err(format!(
        "error: aim `{name}` needs the fault {}, which is not allowed here",
        missing.join(", ")
    ))
}

/// Fails if the faults need what was not given: something to come back as, a disk to fill. A kind
/// that was asked for and of which nothing could be planned is told, too.
pub(super) fn must_be_given(
    faults: &nemesis::Plan,
    kinds: &BTreeSet<Kind>,
    args: &RunArgs,
) -> Result<(), String> {
    let given = Given { again: &again(args), small_disk: args.small_disk.is_some() };
    let of_kind = |kind: &Kind| {
        let mut missing = kind.usual().into_iter().map(|does| does.missing(given));
        let first = missing.next().flatten()?;
        missing.all(|other| other.is_some()).then_some(first)
    };
    let planned = faults.planned.iter().find_map(|planned| planned.act.does.missing(given));
    match planned.or_else(|| kinds.iter().find_map(of_kind)) {
        None => Ok(()),
        Some((need, flag)) => Err(format!("error: these faults need {need}: `{flag}`")),
    }
}

/// The plan in a schedule file, for a cluster of these nodes.
pub(super) fn schedule(
    path: &Path,
    target: &Target,
    (nodes, pin): (&[NodeId], bool),
) -> Result<nemesis::Plan, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("error: failed to read `{name}`: {error}"))?;
    let plan = nemesis::Plan::read(&text, pin)
        .map_err(|error| format!("error: `{name}` is not a schedule: {error}"))?;
    if plan.schema != nemesis::SCHEMA {
        return Err(format!(
            "error: `{name}` has schema `{}`, expected `{}`",
            plan.schema,
            nemesis::SCHEMA
        ));
    }
    if let Some((act, why)) = plan.mistake(nodes, &processes(target)) {
        let line = nemesis::line_of(&text, act).map_or(String::new(), |line| format!(":{line}"));
        return Err(format!("error: `{name}{line}`: act {act}: {why}"));
    }
    match plan.kinds().difference(&allowed_faults(target)).next() {
        None => Ok(plan),
        Some(kind) => Err(not_allowed(target, *kind)),
    }
}

/// An error for a word that is none of `known`.
pub(super) fn unknown(kind: &str, word: &str, known: &[&str]) -> String {
    let help = nearest(word, known.iter().copied())
        .map(|near| format!("\nhelp: did you mean `{near}`?"))
        .unwrap_or_default();
    format!("error: unknown {kind} `{word}`: expected one of {}{help}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_by_libfaketime_lacks_nothing() {
        let lacking = lacked(&[Kind::Clock, Kind::Kill].into(), ClockMeans::Faketime);
        assert_eq!(lacking, Lacking::new());
    }

    #[test]
    fn unknown_words_get_a_suggestion() {
        let error = unknown("fault", "partiton", &["partition", "kill"]);
        assert!(error.contains("did you mean `partition`?"), "{error}");
    }
}
