//! The runs of one command: all are decided before the first one starts, and one may end them.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::aftermath;
use super::ending::warn;
use super::from_spec;
use super::item::Item;
use super::planned::{self, Reparse};
use super::ran::Ran;
use super::run_args::RunArgs;
use super::side_by_side::{Queue, SideBySide};
use crate::exit::Exit;
use crate::output::{Format, complain, narrate, print, tell};
use fracas_engine::retention::retain;
use fracas_engine::spec::Origin;
use fracas_engine::store::RunDir;
use fracas_lab::leftovers::Identity;

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
    let queue: VecDeque<_> = std::iter::once((item.clone(), Some(plan))).chain(again).collect();
    Ok(Series { args: args.clone(), queue, ran: Vec::new(), known: BTreeSet::new() })
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

/// Several runs, one after the other or side by side.
struct Series {
    /// What concerns all of them.
    args: RunArgs,
    /// The runs that are to come, and those that are decided already.
    queue: Queue,
    /// How the runs ended so far.
    ran: Vec<Ran>,
    /// Where those are that were carried out one after the other.
    known: BTreeSet<PathBuf>,
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
                errors.push(error);
                None
            });
            (item, plan)
        });
        let queue = decided.collect();
        if errors.is_empty() {
            return Ok(Self { args: args.clone(), queue, ran: Vec::new(), known: BTreeSet::new() });
        }
        Err(errors)
    }

    /// Carries out all runs, until one of them ends the series.
    fn carry_out(mut self) -> Exit {
        let jobs = self.args.jobs.count();
        if jobs > 1 && !self.args.dry_run {
            return self.side_by_side(jobs);
        }
        while let Some((item, decided)) = self.queue.pop_front() {
            let exit = decided.map_or_else(|| item.decide(), Ok).map_or_else(
                |error| refused(&error),
                |plan| aftermath::carried_out(&item.args, &item.target, &plan),
            );
            let made = aftermath::made(&item.args.out.out, Identity::own());
            let dir = made.into_iter().find(|(path, _)| self.known.insert(path.clone()));
            if self.is_over(item, exit, dir.map(|(_, dir)| dir).as_ref()) {
                break;
            }
        }
        self.finish(Exit::Pass)
    }

    /// The same, so many at once.
    fn side_by_side(mut self, jobs: usize) -> Exit {
        let mut queue = std::mem::take(&mut self.queue);
        let carried_out = SideBySide::of(&mut queue, jobs)
            .and_then(|runs| runs.carry_out(|item, exit, dir| !self.is_over(item, exit, dir)));
        match carried_out {
            Ok(()) => self.finish(Exit::Pass),
            Err(error) => {
                complain(&error);
                self.finish(Exit::Internal)
            }
        }
    }

    /// Notes how a run ended, makes room for the next, and says whether none follows. An inconclusive
    /// run has not failed.
    fn is_over(&mut self, item: Item, exit: Exit, dir: Option<&RunDir>) -> bool {
        self.ran.push(Ran::of(item, exit, dir, &self.args.fail_on));
        self.make_room();
        match exit {
            Exit::Pass | Exit::Inconclusive => false,
            Exit::Anomaly | Exit::TargetBroke | Exit::Internal => self.args.until_fail,
            Exit::Interrupted | Exit::Terminated | Exit::Usage | Exit::Machine => true,
        }
    }

    /// Removes the oldest runs, if there are more than are to be kept. A failure is a warning.
    fn make_room(&self) {
        let Some(bound) = self.args.retain else { return };
        match retain(&self.args.out.out, bound) {
            Ok(removed) => removed.iter().for_each(|run| {
                let megabytes = run.bytes as f64 / 1e6;
                narrate(&format!("fracas: removed the run `{}`: {megabytes:.1} MB", run.id));
            }),
            Err(error) => warn(&error.to_string()),
        }
    }

    /// The worst exit of all runs, and a summary of several.
    fn finish(&self, exit: Exit) -> Exit {
        let told = self.args.format == Format::Text && !self.args.dry_run;
        if told && self.ran.len() > 1 {
            print(&self.summary());
        }
        self.ran.iter().fold(exit, |worst, ran| worst.worst(ran.counted()))
    }

    fn summary(&self) -> String {
        let lines: String = self.ran.iter().map(Ran::line).collect();
        let count = |wanted: Exit| self.ran.iter().filter(|ran| ran.exit == wanted).count();
        let undecided = match count(Exit::Inconclusive) {
            0 => String::new(),
            count => format!(", {count} inconclusive"),
        };
        let (passed, all) = (count(Exit::Pass), self.ran.len());
        format!("{lines}{passed} of {all} runs passed{undecided}\n")
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
