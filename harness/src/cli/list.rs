//! `fracas list` and `fracas doctor`: what there is, and what this machine can do.

use fracas_checker::catalogue::classes;
use fracas_checker::formats::Format as Recorded;
use fracas_checker::objects::OBJECTS;
use fracas_reports::Ended;
use serde::Serialize;

use super::planned;
use super::values::setting;
use crate::exit::Exit;
use crate::output::{Format, Out, complain, print, tell};
use fracas_engine::doctor::TargetNeeds;
use fracas_engine::faults::Kind;
use fracas_engine::nemesis::SCENARIOS;
use fracas_engine::store::RunDir;
use fracas_engine::text::plain;
use fracas_engine::{doctor, store, targets};

/// Arguments of `fracas list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// What to list.
    #[arg(value_enum)]
    what: What,
    /// Format of the list.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    out: Out,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// The built-in targets.
    #[value(alias = "target")]
    Targets,
    /// What clients do in a run, for `run --workload`.
    #[value(alias = "workload")]
    Workloads,
    /// Kinds of faults for `run --faults`, shapes of partitions, and aims for `run --aim`.
    #[value(aliases = ["fault", "aims", "shapes", "nemesis"])]
    Faults,
    /// The checks that judge a history, and what each promises.
    #[value(alias = "check")]
    Checks,
    /// Kinds of objects that operations act on, for `check --model`.
    #[value(alias = "model")]
    Models,
    /// File formats of histories, for `check --format`.
    #[value(alias = "format")]
    Formats,
    /// Anomalies that a check can find, for `explain`.
    #[value(alias = "anomaly")]
    Anomalies,
    /// The keys of a plan, for `run --plan`.
    #[value(alias = "plan-key")]
    PlanKeys,
    /// The stored runs, with their verdicts.
    #[value(alias = "run")]
    Runs,
}

/// Arguments of `fracas doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Also say whether this machine can run this target.
    target: Option<String>,
    /// A setting of the target, instead of the value that its file gives it; may be given several
    /// times.
    #[arg(long = "set", value_parser = setting, value_name = "NAME=VALUE", requires = "target")]
    settings: Vec<(String, String)>,
    /// Format of the result.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// One line of a list.
#[derive(Serialize)]
struct Row {
    name: String,
    about: String,
}

impl Row {
    fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { name: name.into(), about: about.into() }
    }
}

/// Prints a list.
pub(super) fn list(args: &ListArgs) -> Exit {
    let rows = match args.what {
        What::Targets => {
            targets::builtins().into_iter().map(|(name, about)| Row::new(name, about)).collect()
        }
        What::Workloads => fracas_workloads::ALL
            .iter()
            .map(|workload| Row::new(workload.name(), workload.about()))
            .collect(),
        What::Faults => faults(),
        What::Checks => {
            fracas_checker::judge::checks().map(|check| Row::new(check.id, check.promise)).collect()
        }
        What::Models => models(),
        What::Formats => formats(),
        What::Anomalies => anomalies(),
        What::PlanKeys => {
            planned::keys().into_iter().map(|(key, about)| Row::new(key, about)).collect()
        }
        What::Runs => match runs(args) {
            Ok(rows) => rows,
            Err(error) => {
                complain(&error);
                return Exit::Usage;
            }
        },
    };
    print(&match args.format {
        Format::Text => table(&rows),
        Format::Json => serde_json::to_string(&rows).expect("rows are strings") + "\n",
    });
    Exit::Pass
}

fn faults() -> Vec<Row> {
    let about = |kind: Kind| format!("{}; proven by {}", kind.about(), kind.proven_by());
    let kinds = Kind::ALL.iter().map(|kind| Row::new(kind.word(), about(*kind)));
    let choices = Kind::ALL.iter().flat_map(|kind| kind.choices());
    let choices = choices.map(|(name, about)| Row::new(name, about));
    let aims = SCENARIOS
        .iter()
        .map(|scenario| Row::new(format!("--aim {}", scenario.name), scenario.about));
    kinds.chain(choices).chain(aims).collect()
}

fn models() -> Vec<Row> {
    OBJECTS.iter().map(|kind| Row::new(kind.names.join(", "), kind.promise)).collect()
}

fn formats() -> Vec<Row> {
    Recorded::ALL.iter().map(|format| Row::new(format.name(), format.about())).collect()
}

fn anomalies() -> Vec<Row> {
    classes().map(|class| Row::new(class.name, class.gist())).collect()
}

fn runs(args: &ListArgs) -> Result<Vec<Row>, store::StoreError> {
    let runs = store::list(&args.out.out)?;
    Ok(runs.iter().map(|run| Row::new(run.id(), run_in_words(run))).collect())
}

/// When a run began, with which seed, and what came of it.
fn run_in_words(run: &RunDir) -> String {
    let record = match run.record() {
        Ok(record) => record,
        Err(error) => return format!("unreadable: {error}"),
    };
    let ended = match (&record.ended, run.verdict()) {
        (Ended::Finished, Some(verdict)) => verdict,
        (Ended::Finished, None) => "recorded, not judged".to_owned(),
        (Ended::Running, _) if !run.is_alive() => {
            "crashed; `fracas clean` cleans up after it".to_owned()
        }
        (Ended::Interrupted { .. }, Some(verdict)) => format!("interrupted, {verdict}"),
        (ended, _) => ended.word().to_owned(),
    };
    plain(&format!("{}, seed {}: {ended}", record.started, record.seed))
}

/// Two columns, the first as wide as it must be.
fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|row| format!("{:width$}  {}\n", row.name, row.about)).collect()
}

/// Prints what this machine can do, and what a target needs of it.
pub(super) fn doctor(args: &DoctorArgs) -> Exit {
    let load = |name| targets::load(name, args.settings.iter().cloned().collect());
    let loaded = match args.target.as_deref().map(load).transpose() {
        Ok(loaded) => loaded,
        Err(error) => {
            tell(&error);
            return Exit::Usage;
        }
    };
    let mut report = doctor::examine();
    report.target =
        loaded.map(|(target, beside)| TargetNeeds::of(&target, beside.as_deref(), &report.faults));
    print(&match args.format {
        Format::Text => report.to_string(),
        Format::Json => {
            serde_json::to_string(&report).expect("a report has only string keys") + "\n"
        }
    });
    if let Some(missing) = report.target.as_ref().and_then(TargetNeeds::missing) {
        tell(&format!("error: {missing}"));
        return Exit::Usage;
    }
    if report.usable() { Exit::Pass } else { Exit::Machine }
}
