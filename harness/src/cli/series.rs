//! The runs of one command: all are decided before the first one starts, and one may end them.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;

use super::from_spec;
use super::item::Item;
use super::planned::{self, Reparse};
use super::run::single;
use super::run_args::RunArgs;
use crate::exit::Exit;
use crate::output::{Format, narrate, print, tell};
use fracas_engine::plan::RunPlan;
use fracas_engine::spec::Origin;

/// How many runs `--until-fail` makes at most, where `--repeat` does not say.
const UNTIL_FAIL_TIMES: u32 = 10_000;

/// Decides every run that was asked for, then carries them out; the worst one is the exit code.
pub(super) fn run(args: &RunArgs, reparse: Reparse<'_>) -> Exit {
    let decided = all_utf8(args).and_then(|()| without_plan(args)).map_err(|error| vec![error]);
    let decided = decided.and_then(|()| match (&args.plan, &args.spec) {
        (Some(path), _) => of_plan(args, path, reparse),
        (None, Some(path)) => of_spec(args, path),
        (None, None) => of_targets(args),
    });
    match decided {
        Ok(series) => series.carry_out(),
        Err(errors) => {
            errors.iter().for_each(|error| tell(error));
            Exit::Usage
        }
    }
}

/// Fails if something of a plan is said where there is none. Variables may be set for other commands.
fn without_plan(args: &RunArgs) -> Result<(), String> {
    if let Some(target) = args.targets.iter().find(|target| planned::is_one(Path::new(target))) {
        return Err(format!(
            "error: `{target}` is a plan, not a target\nhelp: carry it out with `--plan {target}`"
        ));
    }
    let is_flag = |flag: &&&str| args.given.get(**flag) == Some(&Origin::Flag);
    match ["profile", "date", "shard"].iter().find(is_flag).filter(|_| args.plan.is_none()) {
        None => Ok(()),
        Some(flag) => Err(format!("error: `--{flag}` is about a plan: name it with `--plan`")),
    }
}

/// The runs of all targets, each with as many seeds as it is repeated.
fn of_targets(args: &RunArgs) -> Result<Series, Vec<String>> {
    let first = args.seed.and_then(|seed| seed.0).unwrap_or_else(fresh_seed);
    let shared = Rc::new(args.clone());
    let again = |target: &String| {
        let (args, target) = (Rc::clone(&shared), target.clone());
        (0..u64::from(times(&shared))).map(move |again| Item {
            args: Rc::clone(&args),
            target: target.clone(),
            seed: first.wrapping_add(again),
        })
    };
    Series::of(args, args.targets.iter().flat_map(again).collect())
}

/// The runs of a spec: each is the same, with the same seed.
fn of_spec(args: &RunArgs, path: &Path) -> Result<Series, Vec<String>> {
    if args.origins.get("seed") == Some(&Origin::Flag) {
        return Err(vec!["error: `--seed` and `--spec`: the spec has a seed".to_owned()]);
    }
    let plan = from_spec::decide(args, path).map_err(|error| vec![error])?;
    let (target, seed) = (plan.spec.target.name.clone(), plan.spec.seed);
    let item = Item { args: Rc::new(args.clone()), target, seed };
    let again = (1..times(args)).map(|_| (item.clone(), None));
    let items = std::iter::once((item.clone(), Some(plan))).chain(again).collect();
    Ok(Series { args: args.clone(), items, results: Vec::new() })
}

/// The runs of a night.
fn of_plan(args: &RunArgs, path: &Path, reparse: Reparse<'_>) -> Result<Series, Vec<String>> {
    let night = planned::night(args, path, reparse).map_err(|error| vec![error])?;
    narrate(&format!("fracas: {}", night.told()));
    Series::of(&night.args, night.items)
}

/// Servers and reports are told of paths and arguments in texts.
fn all_utf8(args: &RunArgs) -> Result<(), String> {
    let given = std::env::args_os().chain(args.binary.iter().map(|it| it.path.clone().into()));
    let made = std::path::absolute(&args.out.out).unwrap_or_default().into_os_string();
    match given.chain([made]).find(|word| word.to_str().is_none()) {
        None => Ok(()),
        Some(word) => Err(format!(
            "error: `{}` has bytes that are not UTF-8: expected UTF-8, because servers and reports take it as text",
            word.display()
        )),
    }
}

/// Several runs, one after the other.
struct Series {
    /// What concerns all of them.
    args: RunArgs,
    /// The runs that are to come, and those that are decided already.
    items: Vec<(Item, Option<RunPlan>)>,
    /// How the runs ended so far.
    results: Vec<(Item, Exit)>,
}

impl Series {
    /// A series of these runs. What is wrong with any of them is told before the first one starts: of
    /// runs that differ in their seeds, the first is decided.
    fn of(args: &RunArgs, items: Vec<Item>) -> Result<Self, Vec<String>> {
        let mut known = BTreeSet::new();
        let mut errors = Vec::new();
        let decided = items.into_iter().map(|item| {
            let is_new = known.insert((Rc::as_ptr(&item.args), item.target.clone()));
            let decided = is_new.then(|| item.decide()).transpose();
            let plan = decided.unwrap_or_else(|error| {
                errors.push(told(&error, &item));
                None
            });
            (item, plan)
        });
        let items = decided.collect();
        if errors.is_empty() {
            return Ok(Self { args: args.clone(), items, results: Vec::new() });
        }
        Err(errors)
    }

    /// Carries out all runs, until one of them ends the series.
    fn carry_out(mut self) -> Exit {
        for (item, decided) in std::mem::take(&mut self.items) {
            let exit = decided.map_or_else(|| item.decide(), Ok).map_or_else(
                |error| refused(&told(&error, &item)),
                |plan| single(&item.args, &item.target, &plan),
            );
            self.results.push((item, exit));
            if self.is_over(exit) {
                break;
            }
        }
        self.finish()
    }

    /// Whether no run follows one that ended like this. An inconclusive run has not failed.
    fn is_over(&self, exit: Exit) -> bool {
        match exit {
            Exit::Pass | Exit::Inconclusive => false,
            Exit::Anomaly | Exit::TargetBroke | Exit::Internal => self.args.until_fail,
            Exit::Interrupted | Exit::Terminated | Exit::Usage | Exit::Machine => true,
        }
    }

    /// The worst exit of all runs, and a summary of several.
    fn finish(&self) -> Exit {
        let told = self.args.format == Format::Text && !self.args.dry_run;
        if told && self.results.len() > 1 {
            print(&self.summary());
        }
        self.results.iter().fold(Exit::Pass, |worst, (_, exit)| worst.worst(*exit))
    }

    fn summary(&self) -> String {
        let line = |(item, exit): &(Item, Exit)| {
            format!("  {} seed {}: {}\n", item.name(), item.seed, exit.word())
        };
        let lines: String = self.results.iter().map(line).collect();
        let count = |wanted: Exit| self.results.iter().filter(|(_, exit)| *exit == wanted).count();
        let undecided = match count(Exit::Inconclusive) {
            0 => String::new(),
            count => format!(", {count} inconclusive"),
        };
        let (passed, all) = (count(Exit::Pass), self.results.len());
        format!("{lines}{passed} of {all} runs passed{undecided}\n")
    }
}

/// An error of a run; of a row of a plan it is said which.
fn told(error: &str, item: &Item) -> String {
    match &item.args.planned {
        None => error.to_owned(),
        Some(planned) => format!("{error}\nnote: in the row `{}` of the plan", planned.row),
    }
}

/// How many runs of a target there are at most.
fn times(args: &RunArgs) -> u32 {
    args.repeat.unwrap_or(if args.until_fail { UNTIL_FAIL_TIMES } else { 1 })
}

fn refused(error: &str) -> Exit {
    tell(error);
    Exit::Usage
}

/// A seed that nobody has chosen: the only randomness that does not come from a seed.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id()) % 1_000_000_000
}
