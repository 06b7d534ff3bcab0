//! The runs of one command: all are decided before the first one starts, and one may end them.

use std::path::Path;

use super::from_spec;
use super::run::{decide, single};
use super::run_args::RunArgs;
use crate::exit::Exit;
use crate::output::{Format, print, tell};
use fracas_engine::plan::RunPlan;
use fracas_engine::spec::Origin;

/// How many runs `--until-fail` makes at most, where `--repeat` does not say.
const UNTIL_FAIL_TIMES: u32 = 10_000;

/// Decides every run that was asked for, then carries them out; the worst one is the exit code.
pub(super) fn run(args: &RunArgs) -> Exit {
    let first = args.seed.and_then(|seed| seed.0).unwrap_or_else(fresh_seed);
    let decided = match &args.spec {
        Some(path) => of_spec(args, path),
        None => series(args, first),
    };
    match decided {
        Ok(series) => series.carry_out(),
        Err(errors) => {
            errors.iter().for_each(|error| tell(error));
            Exit::Usage
        }
    }
}

/// The runs of all targets. What is wrong with any of them is told before the first one starts.
fn series(args: &RunArgs, first: u64) -> Result<Series<'_>, Vec<String>> {
    all_utf8(args).map_err(|error| vec![error])?;
    let decided = args.targets.iter().map(|target| decide(args, target, first));
    let (plans, errors): (Vec<_>, Vec<_>) = decided.partition(Result::is_ok);
    if errors.is_empty() {
        let plans = plans.into_iter().filter_map(Result::ok).collect();
        return Ok(Series { args, first, plans, results: Vec::new() });
    }
    Err(errors.into_iter().filter_map(Result::err).collect())
}

/// The runs of a spec: each is the same, with the same seed.
fn of_spec<'a>(args: &'a RunArgs, path: &Path) -> Result<Series<'a>, Vec<String>> {
    all_utf8(args).map_err(|error| vec![error])?;
    if args.origins.get("seed") == Some(&Origin::Flag) {
        return Err(vec!["error: `--seed` and `--spec`: the spec has a seed".to_owned()]);
    }
    let plan = from_spec::decide(args, path).map_err(|error| vec![error])?;
    Ok(Series { args, first: plan.spec.seed, plans: vec![plan], results: Vec::new() })
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
struct Series<'a> {
    args: &'a RunArgs,
    /// The seed of the first run of each target.
    first: u64,
    /// The first run of each target.
    plans: Vec<RunPlan>,
    /// How the runs ended so far.
    results: Vec<(String, u64, Exit)>,
}

impl Series<'_> {
    /// Carries out all runs, until one of them ends the series.
    fn carry_out(mut self) -> Exit {
        let plans = std::mem::take(&mut self.plans);
        for plan in plans {
            let target = plan.spec.target.name.clone();
            let mut decided = Some(plan);
            for again in 0..u64::from(times(self.args)) {
                let seed = self.seed(again);
                let plan = decided.take().map_or_else(|| self.decide(&target, seed), Ok);
                let exit = plan
                    .map_or_else(|error| refused(&error), |plan| single(self.args, &target, &plan));
                self.results.push((target.clone(), seed, exit));
                if self.is_over(exit) {
                    return self.finish();
                }
            }
        }
        self.finish()
    }

    /// The seed of a repetition: counted up, but a spec has only one.
    fn seed(&self, again: u64) -> u64 {
        if self.args.spec.is_some() { self.first } else { self.first.wrapping_add(again) }
    }

    /// Decides a repetition.
    fn decide(&self, target: &str, seed: u64) -> Result<RunPlan, String> {
        match &self.args.spec {
            Some(path) => from_spec::decide(self.args, path),
            None => decide(self.args, target, seed),
        }
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
        self.results.iter().fold(Exit::Pass, |worst, (.., exit)| worst.worst(*exit))
    }

    fn summary(&self) -> String {
        let line = |(target, seed, exit): &(String, u64, Exit)| {
            format!("  {target} seed {seed}: {}\n", exit.word())
        };
        let lines: String = self.results.iter().map(line).collect();
        let count = |wanted: Exit| self.results.iter().filter(|(.., exit)| *exit == wanted).count();
        let undecided = match count(Exit::Inconclusive) {
            0 => String::new(),
            count => format!(", {count} inconclusive"),
        };
        let (passed, all) = (count(Exit::Pass), self.results.len());
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
