//! What is measured, how, and how it is written down. One row is measured in processes of its own,
//! so that no row knows the memory of another.

pub(crate) mod document;
pub(crate) mod machine;
pub(crate) mod measure;
pub(crate) mod rows;

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use measure::{Measured, Phase};
use rows::{Row, rows};

/// What to measure and what to do with it.
#[derive(Debug, Default)]
struct Wanted {
    quick: bool,
    write: bool,
    /// A word that the names of the rows must hold.
    word: Option<String>,
    /// One row and phase, for a process of its own.
    alone: Option<(usize, Phase)>,
}

/// The most operations, and the longest time for a row, of a quick run.
const QUICK: (usize, Duration) = (100_000, Duration::from_secs(1));

/// How often a row in a process of its own is asked whether it is done.
const POLL: Duration = Duration::from_millis(5);

impl Wanted {
    fn of(words: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => {}
                "--quick" => wanted.quick = true,
                "--write" => wanted.write = true,
                "--row" => {
                    let row = words.next().and_then(|row| row.parse().ok());
                    let phase = words.next().and_then(|phase| Phase::named(phase));
                    wanted.alone = row.zip(phase);
                }
                word if word.starts_with('-') => return Err(format!("unknown option `{word}`")),
                word => wanted.word = Some(word.to_owned()),
            }
        }
        Ok(wanted)
    }

    /// The rows that are wanted, with their numbers.
    fn rows(&self) -> Vec<(usize, Row)> {
        let fits = |row: &Row| {
            self.word.as_ref().is_none_or(|word| row.name().contains(word.as_str()))
                && (!self.quick || row.shape.operations <= QUICK.0)
        };
        rows().into_iter().enumerate().filter(|(_, row)| fits(row)).collect()
    }
}

/// Measures what `words` ask for.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let wanted = Wanted::of(words)?;
    if let Some((number, phase)) = wanted.alone {
        return alone(number, phase);
    }
    if !words.iter().any(|word| word == "--bench") {
        println!("to measure: cargo bench -p fracas-checker [-- --quick] [WORD] [--write]");
        return Ok(());
    }
    let mut measured = Vec::new();
    for (number, row) in wanted.rows() {
        let found = in_processes(number, &row, wanted.quick)?;
        println!("{}", document::line(&row, &found));
        measured.push((row, found));
    }
    let wrong = measured.iter().find(|(row, found)| found.is_wrong(row));
    if let Some((row, found)) = wrong {
        return Err(format!("{}: wrong verdict `{}`", row.name(), found.verdict));
    }
    let page = document::page(&machine::describe(), &measured);
    if wanted.write {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md");
        return std::fs::write(path, page).map_err(|error| format!("write `{path}`: {error}"));
    }
    println!("\n{page}");
    Ok(())
}

/// Measures one phase of one row here, and tells it as one line of JSON.
fn alone(number: usize, phase: Phase) -> Result<(), String> {
    let row = rows().into_iter().nth(number).ok_or("no such row")?;
    let found = measure::measure(&row, phase);
    println!("{}", serde_json::to_string(&found).map_err(|error| error.to_string())?);
    Ok(())
}

/// Measures time and memory of a row, each in a process of its own.
fn in_processes(number: usize, row: &Row, quick: bool) -> Result<Measured, String> {
    let mut found = in_process(number, row, Phase::Time, quick)?;
    if found.is_decided() && !row.is_tiny() {
        found.bytes = in_process(number, row, Phase::Memory, quick)?.bytes;
    }
    Ok(found)
}

fn in_process(number: usize, row: &Row, phase: Phase, quick: bool) -> Result<Measured, String> {
    let program = std::env::current_exe().map_err(|error| format!("find this program: {error}"))?;
    let mut command = Command::new(program);
    command.args(["--row", &number.to_string(), phase.name()]);
    if quick {
        command.env(measure::LIMIT, QUICK.1.as_millis().to_string());
    }
    // What is freed goes back to the system, so that it is not taken for free memory later, and each
    // timed run pays for its memory as the only run of a program does: with the usual settings the
    // runs over small histories would get theirs for nothing, and the large ones not.
    command.envs([("MALLOC_MMAP_THRESHOLD_", "65536"), ("MALLOC_TOP_PAD_", "0")]);
    let output = finished(command.stdout(Stdio::piped()).stderr(Stdio::piped()), row.patience())?;
    let Some(output) = output else {
        let verdict = "not finished in time".to_owned();
        return Ok(Measured { verdict, ..Measured::default() });
    };
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        format!("{}: ended with {}: {told}", row.name(), output.status)
    })
}

/// What `command` told; none if it was not finished in time, and ended.
fn finished(command: &mut Command, patience: Duration) -> Result<Option<Output>, String> {
    let failed = |error: std::io::Error| format!("run a row: {error}");
    let mut child = command.spawn().map_err(failed)?;
    let began = Instant::now();
    // What it tells fits into a pipe, so nobody has to read it yet.
    while child.try_wait().map_err(failed)?.is_none() {
        if began.elapsed() > patience {
            child.kill().and_then(|()| child.wait()).map_err(failed)?;
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
    child.wait_with_output().map(Some).map_err(failed)
}
