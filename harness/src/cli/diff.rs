//! `fracas diff`: two runs, held against each other.

use std::path::{Path, PathBuf};

use fracas_engine::collected::results_of;
use fracas_engine::store::RunDir;
use fracas_reports::{Diff, Stored};

use super::index::FailOn;
use crate::exit::Exit;
use crate::output::{Format, Out, complain, print};

/// Arguments of `fracas diff`.
#[derive(Debug, clap::Args)]
pub(super) struct DiffArgs {
    /// The run that the other is held against: its directory or its `results.json`, `latest`, or the
    /// name of a run or its beginning.
    first: String,
    /// The other run.
    second: String,
    /// End with exit code 1 if the second run has a finding that the first has not.
    #[arg(long, value_enum, value_name = "WHEN")]
    fail_on: Option<FailOn>,
    /// Format of the result on stdout.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    out: Out,
}

/// Prints what differs.
pub(super) fn diff(args: &DiffArgs) -> Exit {
    let read = |word: &str| read(&args.out.out, word);
    let runs = read(&args.first).and_then(|first| Ok((first, read(&args.second)?)));
    let (first, second) = match runs {
        Ok(runs) => runs,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let diff = Diff { first: &first, second: &second };
    print(&match args.format {
        Format::Text => diff.text(),
        Format::Json => diff.json(),
    });
    let alarmed = args.fail_on.is_some() && diff.has_news();
    if alarmed { Exit::Anomaly } else { Exit::Pass }
}

/// Reads the results of the run that a word means.
fn read(out: &Path, word: &str) -> Result<Stored, String> {
    let path = PathBuf::from(word);
    let file = if path.is_file() {
        path
    } else {
        RunDir::find(out, word).map_err(|error| error.to_string())?.file("results.json")
    };
    results_of(&file).map_err(|why| format!("read `{}`: {why}", file.display()))
}
