//! `cargo bench -p fracas-checker`: how long histories of many shapes take to judge, and how much
//! memory.
//!
//! ```text
//! cargo bench -p fracas-checker                      every row, as a table
//! cargo bench -p fracas-checker -- --quick           no more than 10^5 operations, a second a row
//! cargo bench -p fracas-checker -- queue             rows with this word in their name
//! cargo bench -p fracas-checker -- --write           every row, into docs/benchmarks.md
//! ```
//!
//! Numbers are shown, never asserted; only a wrong verdict makes it fail.

mod bench;
#[expect(dead_code, reason = "tests need more of it")]
mod generator;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match bench::run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("failed to measure: {problem}");
            ExitCode::FAILURE
        }
    }
}
