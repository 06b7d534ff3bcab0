//! `fracas replay`: a run, carried out again, and how often its anomaly comes back.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use fracas_engine::judging::{Judging, Outputs, judge_run};
use fracas_engine::plan::Place;
use fracas_engine::replay::{Found, rates, spec_of};
use fracas_engine::spec::RunSpec;
use fracas_engine::store::{self, Readers, RunDir, StoreError};
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
    let binaries = match Binaries::of(&args.binary) {
        Ok(binaries) => binaries,
        Err(error) => {
            tell(&error);
            return Exit::Usage;
        }
    };
    let (times, cache) = (args.times, args.cache.dir());
    let again = Again { times, binaries, cache, format: Some(Format::Text) };
    let again = match again.carried_out(&dir, &spec) {
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

/// How a run is carried out again.
pub(super) struct Again {
    /// How often.
    pub(super) times: u32,
    /// The programs that are named.
    pub(super) binaries: Binaries,
    /// The folder of what is prepared.
    pub(super) cache: Option<PathBuf>,
    /// How the result of each is printed; none where it is only told.
    pub(super) format: Option<Format>,
}

impl Again {
    /// What each replay found. Where one could not take place, or was interrupted, that ends them
    /// all. A cluster that did not get ready does so only if none did before: a broken server may
    /// not even start each time.
    pub(super) fn carried_out(&self, dir: &RunDir, spec: &RunSpec) -> Result<Vec<Found>, Exit> {
        let out = dir.file(REPLAYS);
        let mut again = Vec::new();
        for number in 1..=self.times {
            narrate(&format!("fracas: replay {number} of {}", self.times));
            let plan = from_spec::of(spec.clone(), &self.binaries, self.place(dir));
            let plan = plan.map_err(|error| {
                tell(&error);
                Exit::Usage
            })?;
            plan.notes.warning.iter().for_each(|warning| narrate(&format!("fracas: {warning}")));
            let exit = carry_out(&plan, self.format, || Ok(None));
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

    /// Replays are kept with the run, and are no runs of a plan.
    fn place(&self, dir: &RunDir) -> Place {
        Place {
            out: dir.file(REPLAYS),
            readers: Readers::Owner,
            outputs: Outputs::default(),
            cache: self.cache.clone(),
            command: format!("fracas replay {}", quoted(&dir.path().display().to_string())),
            planned: None,
            supervisor: Identity::own(),
            ineffective_cut: false,
        }
    }
}

/// Tells how often it came again, and adds that to the run's record and reports.
fn conclude(dir: &RunDir, replays: Replays) -> Exit {
    print(&format!("{replays}\n"));
    let exit = if replays.same_class > 0 { Exit::Anomaly } else { Exit::Pass };
    match add(dir, replays, &Outputs::default()) {
        Ok(()) => exit,
        Err(error) => {
            complain(&error);
            Exit::Internal
        }
    }
}

/// Adds to a run's record and reports how often its anomalies came again.
///
/// # Errors
/// When its record cannot be read; what cannot be written is a warning.
pub(super) fn add(dir: &RunDir, replays: Replays, outputs: &Outputs) -> Result<(), StoreError> {
    let mut record = dir.record()?;
    record.replays = Some(replays);
    let written = dir.write_record(&record).map_err(|error| error.to_string());
    let judging = Judging { budget: RunSpec::budget_of(&record.spec), proven: None, outputs };
    let judged = judge_run(dir, &record, judging).map_err(|error| error.to_string());
    for why in written.err().into_iter().chain(judged.err()) {
        warn(&why);
    }
    Ok(())
}
