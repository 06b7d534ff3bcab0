//! `fracas replay`: a run, carried out again, and how often its anomaly comes back.

use clap::builder::{OsStringValueParser, TypedValueParser};
use fracas_engine::judging::judge_run;
use fracas_engine::plan::Place;
use fracas_engine::replay::{Found, rates, spec_of};
use fracas_engine::spec::RunSpec;
use fracas_engine::store::{self, Readers, RunDir};
use fracas_lab::leftovers::Identity;
use fracas_reports::Replays;
use fracas_targets::quoted;

use super::carry_out::carry_out;
use super::ending::warn;
use super::from_spec;
use super::values::{Binaries, BinaryArg, count};
use crate::exit::Exit;
use crate::output::{CacheDir, Format, Out, complain, narrate, print, tell};

/// The directory of the replays, in that of the run.
const REPLAYS: &str = "replays";

/// Arguments of `fracas replay`.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    /// The directory of a run, `latest`, `latest-failure`, or the name of a run or its beginning.
    run: String,
    /// How often it is carried out.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = count::<u32>)]
    times: u32,
    /// Hit the same nodes as in the run, even if another node leads now.
    #[arg(long)]
    pin: bool,
    /// The server program to test, instead of the one of the run; `NAME=PATH` for another program
    /// of the target. May be given several times.
    #[arg(long, env = "FRACAS_BINARY", value_name = "[NAME=]PATH",
          value_parser = OsStringValueParser::new().map(BinaryArg::from))]
    binary: Vec<BinaryArg>,
    #[command(flatten)]
    out: Out,
    #[command(flatten)]
    cache: CacheDir,
}

/// Carries out a stored run again, some times. Ends with 1 if an anomaly of the same class came again
/// at least once, with 0 if it never did.
pub(super) fn replay(args: &ReplayArgs) -> Exit {
    let dir = match RunDir::find(&args.out.out, &args.run) {
        Ok(dir) => dir,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let decided = spec_of(&dir, args.pin).and_then(|spec| Ok((spec, first(&dir)?)));
    let (spec, first) = match decided {
        Ok(decided) => decided,
        Err(error) => {
            tell(&error);
            return Exit::Usage;
        }
    };
    let again = match carried_out(args, &dir, &spec) {
        Ok(again) => again,
        Err(exit) => return exit,
    };
    if again.len() < args.times as usize {
        let (judged, times) = (again.len(), args.times);
        tell(&format!(
            "fracas: warning: {judged} of {times} replays were judged; the others do not count"
        ));
    }
    if again.is_empty() {
        return Exit::Inconclusive; // nothing was tried: neither that it comes again nor that it does not
    }
    conclude(&dir, rates(&first, &again, args.pin))
}

/// What the run found, which is to come again.
fn first(dir: &RunDir) -> Result<Found, String> {
    let name = dir.path().display();
    let found = Found::of(dir).ok_or_else(|| format!("error: the run `{name}` was not judged"))?;
    if found.classes.is_empty() {
        return Err(format!("error: the run `{name}` has no anomaly that could come again"));
    }
    Ok(found)
}

/// What each replay found. Where one could not take place, or was interrupted, that ends them all.
/// A cluster that did not get ready does so only if none did before: a broken server may not even
/// start each time.
fn carried_out(args: &ReplayArgs, dir: &RunDir, spec: &RunSpec) -> Result<Vec<Found>, Exit> {
    let binaries = Binaries::of(&args.binary).map_err(|error| {
        tell(&error);
        Exit::Usage
    })?;
    let mut again = Vec::new();
    for number in 1..=args.times {
        narrate(&format!("fracas: replay {number} of {}", args.times));
        let out = dir.file(REPLAYS);
        let place = Place {
            out: out.clone(),
            readers: Readers::Owner,
            cache: args.cache.dir(),
            command: format!("fracas replay {}", quoted(&dir.path().display().to_string())),
            planned: None,
            supervisor: Identity::own(),
            ineffective_cut: false,
        };
        let plan = from_spec::of(spec.clone(), &binaries, place).map_err(|error| {
            tell(&error);
            Exit::Usage
        })?;
        plan.notes.warning.iter().for_each(|warning| narrate(&format!("fracas: {warning}")));
        let exit = carry_out(&plan, Format::Text, || Ok(None));
        let newest = store::list(&out).unwrap_or_default().pop();
        let found = newest.as_ref().and_then(Found::of);
        match exit {
            Exit::Pass | Exit::Anomaly | Exit::Inconclusive => {}
            Exit::TargetBroke if found.is_some() || !again.is_empty() => {}
            _ => return Err(exit),
        }
        again.extend(found);
    }
    Ok(again)
}

/// Tells how often it came again, and adds that to the run's record and reports.
fn conclude(dir: &RunDir, replays: Replays) -> Exit {
    print(&format!("{replays}\n"));
    let exit = if replays.same_class > 0 { Exit::Anomaly } else { Exit::Pass };
    let mut record = match dir.record() {
        Ok(record) => record,
        Err(error) => {
            complain(&error);
            return Exit::Internal;
        }
    };
    record.replays = Some(replays);
    let written = dir.write_record(&record).map_err(|error| error.to_string());
    let budget = RunSpec::budget_of(&record.spec);
    let judged = judge_run(dir, &record, budget, None).map_err(|error| error.to_string());
    for why in written.err().into_iter().chain(judged.err()) {
        warn(&why);
    }
    exit
}
