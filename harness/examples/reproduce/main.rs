//! Finds known failures of released versions of real systems, and writes `docs/reproductions.md`.
//!
//! Each row of `targets/reproductions/rows.toml` names a version or a setting that fails and a control
//! that does not, and the bare `fracas run` that shows it. `fetch.sh` beside it fetches the versions.
//! Every seed is run with both. It runs the program, and believes only its `results.json`. What was
//! measured is kept beside the rows, one line a run, in `measured.jsonl`: a measurement that was
//! interrupted goes on where it was, and other rows of the page stay as they are. `--anew` forgets the
//! rows that are asked for. The directories of all runs are kept in `DIR`.
//!
//! `reproduce [--jobs N] [--seeds N] [--out DIR] [--cache DIR] [--anew] [ROW…]`

mod fetch;
mod measured;
mod page;
mod program;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use fetch::Fetched;
use measured::{Cell, Measured};
use rows::{Row, SIDES};

/// What is asked of this program.
#[derive(Debug)]
struct Options {
    jobs: usize,
    seeds: u64,
    out: PathBuf,
    cache: PathBuf,
    anew: bool,
    rows: BTreeSet<String>,
}

fn main() -> ExitCode {
    let done = rows::read().and_then(|rows| {
        let options = options(env::args().skip(1), &rows)?;
        reproduce(&options, &rows)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reproduce: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line.
fn options(mut args: impl Iterator<Item = String>, rows: &[Row]) -> Result<Options, String> {
    let mut options = Options {
        jobs: 1,
        seeds: 10,
        out: "runs/reproductions".into(),
        cache: "runs/reproductions/versions".into(),
        anew: false,
        rows: BTreeSet::new(),
    };
    let number = |flag: &str, text: String| {
        let number = text.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| format!("`{flag} {text}`: expected a whole number above 0"))
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--jobs" => options.jobs = number(&arg, value()?)? as usize,
            "--seeds" => options.seeds = number(&arg, value()?)?,
            "--out" => options.out = value()?.into(),
            "--cache" => options.cache = value()?.into(),
            "--anew" => options.anew = true,
            name if rows.iter().any(|row| row.name == name) => drop(options.rows.insert(arg)),
            _ => {
                let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
                return Err(format!("`{arg}` is no flag, nor one of {}", names.join(", ")));
            }
        }
    }
    if options.rows.is_empty() {
        options.rows = rows.iter().map(|row| row.name.clone()).collect();
    }
    Ok(options)
}

/// Fetches what is asked, runs what is not known yet, and writes the page after every run.
fn reproduce(options: &Options, rows: &[Row]) -> Result<(), String> {
    fs::create_dir_all(&options.out)
        .map_err(|error| format!("failed to create `--out`: {error}"))?;
    let fetched = fetch_all(options, rows);
    if options.anew {
        measured::forget(&options.rows)?;
    }
    let known = measured::known(rows)?;
    let mut left: Vec<Cell> = cells(options, rows)
        .filter(|cell| !known.contains_key(cell))
        .filter(|cell| fetched.get(&(cell.row.clone(), cell.control)).is_some_and(Result::is_ok))
        .collect();
    eprintln!("reproduce: {} runs are left, {} are known", left.len(), known.len());
    left.reverse();
    let state = State { rows, fetched, left: Mutex::new(left), all: Mutex::new(known) };
    thread::scope(|scope| {
        let jobs: Vec<_> =
            (0..options.jobs).map(|_| scope.spawn(|| work(&state, options))).collect();
        jobs.into_iter().try_for_each(|job| job.join().expect("a job does not panic"))
    })?;
    let all = state.all.into_inner().expect("no job panics");
    page::write(rows, &state.fetched, &all)
}

/// What all jobs share.
struct State<'a> {
    rows: &'a [Row],
    fetched: BTreeMap<(String, bool), Fetched>,
    left: Mutex<Vec<Cell>>,
    all: Mutex<BTreeMap<Cell, Measured>>,
}

/// One job: a run after the other.
fn work(state: &State, options: &Options) -> Result<(), String> {
    loop {
        let next = state.left.lock().expect("no job panics").pop();
        let Some(cell) = next else { return Ok(()) };
        let row = state.rows.iter().find(|row| row.name == cell.row).expect("a cell has a row");
        let fetched = state.fetched[&(cell.row.clone(), cell.control)].as_ref();
        let place = fetched.expect("what could not be fetched is not run");
        let measured = measured::run(row, &cell, place.as_deref(), &options.out)?;
        eprintln!("reproduce: {cell:?}: {} {}", measured.verdict, measured.classes.join(" "));
        let mut all = state.all.lock().expect("no job panics");
        measured::keep(&measured)?;
        all.insert(cell, measured);
        page::write(state.rows, &state.fetched, &all)?;
    }
}

/// Fetches the versions of the rows that are asked for; what cannot be had is told, and its runs are
/// left out.
fn fetch_all(options: &Options, rows: &[Row]) -> BTreeMap<(String, bool), Fetched> {
    let mut fetched = BTreeMap::new();
    for row in rows.iter().filter(|row| options.rows.contains(&row.name)) {
        for control in SIDES {
            let side = row.side(control);
            let place = fetch::fetch(&side.fetch, &options.cache);
            if let Err(reason) = &place {
                eprintln!("reproduce: {} {}: not fetched: {reason}", row.system, side.version);
            }
            fetched.insert((row.name.clone(), control), place);
        }
    }
    fetched
}

/// Every run that is asked for: of each row the failing side before the control, seed by seed.
fn cells(options: &Options, rows: &[Row]) -> impl Iterator<Item = Cell> {
    let asked = rows.iter().filter(|row| options.rows.contains(&row.name));
    let names: Vec<String> = asked.map(|row| row.name.clone()).collect();
    let seeds = options.seeds;
    names.into_iter().flat_map(move |row| {
        (1..=seeds).flat_map(move |seed| {
            let row = row.clone();
            SIDES.map(move |control| Cell { row: row.clone(), control, seed })
        })
    })
}
