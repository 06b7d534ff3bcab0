//! `fracas index`: many runs, put together into one page.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use fracas_engine::collected::collect;
use fracas_engine::store;
use fracas_reports::{Index, index_html, index_json, index_text};

use super::ending::warn;
use crate::exit::Exit;
use crate::output::{Format, RUNS, complain, print, tell};

/// How many files that could not be read are named on screen; the index names more.
const MAX_UNREAD: usize = 10;

/// Arguments of `fracas index`.
#[derive(Debug, clap::Args)]
pub(super) struct IndexArgs {
    /// Directories with runs, in any depth, and `results.json` files, under whatever name.
    #[arg(env = "FRACAS_OUT", default_value = RUNS, value_name = "DIR")]
    places: Vec<PathBuf>,
    /// The directory into which `index.html` and `index.json` are written [default: the first DIR,
    /// or where the first file is].
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// End with exit code 1 if the newest night has a finding that is new in its row, or is back.
    #[arg(long, value_enum, value_name = "WHEN")]
    fail_on: Option<FailOn>,
    /// Format of the result on stdout.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// What makes an index end with exit code 1.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FailOn {
    /// Findings that are new since the last night of the same row.
    New,
}

/// Writes the index of all runs in some places.
pub(super) fn index(args: &IndexArgs) -> Exit {
    match written(args) {
        Ok(index) => {
            let alarmed = matches!(args.fail_on, Some(FailOn::New)) && index.has_news();
            if alarmed { Exit::Anomaly } else { Exit::Pass }
        }
        Err(exit) => exit,
    }
}

fn written(args: &IndexArgs) -> Result<Index, Exit> {
    let usage = |error: &dyn std::fmt::Display| {
        complain(error);
        Exit::Usage
    };
    let into = directory(args);
    std::fs::create_dir_all(&into)
        .map_err(|error| usage(&format!("make directory `{}`: {error}", into.display())))?;
    let collected = collect(&args.places, &into).map_err(|error| usage(&error))?;
    for unread in collected.unread.iter().take(MAX_UNREAD) {
        warn(&format!("read `{}`: {}", unread.file, unread.why));
    }
    let index = Index::of(collected.runs, collected.unread, collected.unjudged);
    if index.is_empty() {
        let places: Vec<String> =
            args.places.iter().map(|it| format!("`{}`", it.display())).collect();
        tell(&format!(
            "fracas: failed to find a run in {}: expected directories with a `results.json` in them",
            places.join(", ")
        ));
        return Err(Exit::Usage);
    }
    write(&index, &into, args.format).map_err(|error| {
        complain(&error);
        Exit::Internal
    })?;
    Ok(index)
}

fn write(index: &Index, into: &Path, format: Format) -> Result<(), store::StoreError> {
    let json = index_json(index);
    store::write(into, "index.html", &index_html(index))?;
    store::write(into, "index.json", &json)?;
    print(&match format {
        Format::Text => {
            format!("{}index: {}\n", index_text(index), into.join("index.html").display())
        }
        Format::Json => json,
    });
    Ok(())
}

/// Where the index is written.
fn directory(args: &IndexArgs) -> PathBuf {
    let first = args.places.first().map_or(Path::new(RUNS), PathBuf::as_path);
    let beside = || match first.parent() {
        Some(parent) if first.is_file() && parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if first.is_file() => parent.to_owned(),
        _ => first.to_owned(),
    };
    args.into.clone().unwrap_or_else(beside)
}
