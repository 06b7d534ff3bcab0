//! `fracas list` and `fracas doctor`: what there is, and what this machine can do.

use fracas_checker::catalogue::classes;
use fracas_checker::fault::{FaultKind, Shape};
use fracas_checker::formats::Format as Recorded;
use fracas_checker::objects::OBJECTS;
use fracas_targets::Target;
use serde::Serialize;

use super::{Format, Out, complain, print, tell};
use crate::exit::Exit;
use crate::nemesis::AIMS;
use crate::{doctor, store};

/// Arguments of `fracas list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// What to list.
    #[arg(value_enum)]
    what: What,
    /// What the list looks like.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    out: Out,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// Built-in targets.
    Targets,
    /// What clients can do.
    Workloads,
    /// What the nemesis can do, its shapes of partitions and its aims.
    Faults,
    /// What a history can be checked for.
    Checks,
    /// What the operations of a history can act on, for `check --model`.
    Models,
    /// How a history can be written down, for `check --format`.
    Formats,
    /// What a check can find, for `explain`.
    Anomalies,
    /// The runs that are kept.
    Runs,
}

/// Arguments of `fracas doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Also say whether this target can be run here.
    target: Option<String>,
    /// What the result looks like.
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
            Target::builtins().into_iter().map(|(name, about)| Row::new(name, about)).collect()
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
    let about = |kind: FaultKind| format!("{}; proven by {}", kind.about(), kind.proven_by());
    let kinds = FaultKind::ALL.iter().map(|kind| Row::new(kind.word(), about(*kind)));
    let shapes =
        Shape::ALL.iter().map(|shape| Row::new(format!("partition/{shape}"), shape.about()));
    let aims = AIMS.iter().map(|aim| Row::new(format!("--aim {}", aim.name), aim.about));
    kinds.chain(shapes).chain(aims).collect()
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
    Ok(runs
        .iter()
        .map(|run| {
            let about = match run.record() {
                Ok(record) => {
                    format!("{}, seed {}: {}", record.started, record.seed, record.ended.word())
                }
                Err(error) => format!("unreadable: {error}"),
            };
            Row::new(run.id(), about)
        })
        .collect())
}

/// Two columns, the first as wide as it must be.
fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|row| format!("{:width$}  {}\n", row.name, row.about)).collect()
}

/// Prints what this machine can do.
pub(super) fn doctor(args: &DoctorArgs) -> Exit {
    let report = doctor::examine();
    let missing = args.target.as_deref().and_then(|name| {
        let (target, beside) = match crate::targets::load(name) {
            Ok(loaded) => loaded,
            Err(error) => return Some(error),
        };
        crate::targets::binary(&target, beside.as_deref(), None).err()
    });
    print(&match args.format {
        Format::Text => report.to_string(),
        Format::Json => {
            serde_json::to_string(&report).expect("a report has only string keys") + "\n"
        }
    });
    if let Some(missing) = missing {
        tell(&missing);
        return Exit::Usage;
    }
    if report.usable() { Exit::Pass } else { Exit::Machine }
}
