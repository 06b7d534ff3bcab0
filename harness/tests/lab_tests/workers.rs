//! Pieces of work side by side: what each writes, how each ends, and the signals that reach all.

use std::io::Write;
use std::time::Duration;

use fracas_lab::{Done, News, Workers};

use super::support::{Body, Test, Way};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("workers_are_told_apart", Body::Outside(told_apart)),
    ("workers_end_in_their_ways", Body::Outside(ends)),
    ("a_signal_reaches_every_worker", Body::Outside(signal)),
];

/// All lines and ends of the workers, until none is left.
fn all(workers: &mut Workers) -> (Vec<(usize, String)>, Vec<Done>) {
    let (mut lines, mut done) = (Vec::new(), Vec::new());
    while workers.count() > 0 {
        for news in workers.news().expect("news") {
            match news {
                News::Line(worker, line) => lines.push((worker, line)),
                News::Done(end) => done.push(end),
                News::Signal(_) => {}
            }
        }
    }
    done.sort_by_key(|end| end.worker);
    (lines, done)
}

fn told_apart(_: &Way) {
    let mut workers = Workers::new().expect("workers");
    let long = "x".repeat(1 << 20);
    for worker in 0..3 {
        let work = || {
            for line in 0..100 {
                eprintln!("{worker}: line {line}");
            }
            print!("{worker} {long}");
            std::io::stdout().flush().expect("a pipe");
            eprint!("the last one has no end");
            0
        };
        workers.start(worker, work).expect("a worker");
    }
    let (lines, done) = all(&mut workers);
    for end in done {
        let worker = end.worker;
        assert_eq!((end.code, end.output), (0, format!("{worker} {long}")));
        let own: Vec<&str> =
            lines.iter().filter(|(of, _)| *of == worker).map(|(_, line)| line.as_str()).collect();
        assert_eq!(own.len(), 101);
        assert!(own[..100].iter().all(|line| line.starts_with(&format!("{worker}: line "))));
        assert_eq!(own[100], "the last one has no end");
    }
}

fn ends(_: &Way) {
    let mut workers = Workers::new().expect("workers");
    workers.start(0, || 3).expect("a worker");
    workers.start(1, || panic!("a bug")).expect("a worker");
    workers.start(2, || std::process::abort()).expect("a worker");
    let (lines, done) = all(&mut workers);
    assert_eq!(done.iter().map(|end| end.code).collect::<Vec<_>>(), [3, 70, 134]);
    assert!(lines.iter().any(|(worker, line)| *worker == 1 && line.contains("a bug")));
}

/// Each has the usual action of a signal, which ends it. (SIGINT would not do: a shell has what it
/// starts in the background ignore it.)
fn signal(_: &Way) {
    let mut workers = Workers::new().expect("workers");
    for worker in 0..2 {
        let work = || {
            std::thread::sleep(Duration::from_secs(1_000));
            0
        };
        workers.start(worker, work).expect("a worker");
    }
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).expect("a signal");
    let (_, done) = all(&mut workers);
    assert_eq!(done.iter().map(|end| end.code).collect::<Vec<_>>(), [143, 143]);
}
