//! The memory of a history that is read from a file and judged, per operation. Alone in its process,
//! because the peak is the process's.

use std::fs;
use std::io::{self, Read};

use fracas_checker::formats::{self, Hint};
use fracas_checker::history::Operation;
use fracas_checker::{Budget, Status, judge};

/// Enough that what is not the history's is nothing beside it.
const OPERATIONS: u64 = 300_000;

/// The header: one check, and no coverage that is asked for.
const HEADER: &str = r#"{"schema":"fracas.history/1","run":"r","target":"t","seed":0,"nodes":["n1"],"plan":{"checks":["register/linearizable"]}}"#;

/// A history as it stands in a file, line by line, so that its text is never there as a whole.
#[derive(Default)]
struct Written {
    lines: u64,
    text: Vec<u8>,
    read: usize,
}

impl Written {
    /// One operation after the other: a write of a new value, then a read of it.
    fn line(number: u64) -> String {
        let Some(index) = number.checked_sub(1) else { return format!("{HEADER}\n") };
        let (operation, time) = (index / 2, 1_000 * index);
        let (process, value) = (operation % 10, operation / 2);
        let event = match index % 4 {
            0 => format!(r#""op":{{"f":"write","key":"k","value":{value}}}"#),
            1 => r#""outcome":{"f":"write"}"#.to_owned(),
            2 => r#""op":{"f":"read","key":"k"}"#.to_owned(),
            _ => format!(r#""outcome":{{"f":"read","value":{value}}}"#),
        };
        let head = format!(r#"{{"index":{index},"time":{time},"event":"#);
        if index % 2 == 0 {
            format!("{head}\"invoke\",\"process\":{process},\"node\":\"n1\",{event}}}\n")
        } else {
            let stamp = r#""stamp":{"node":"n1","generation":3}"#;
            format!(
                "{head}\"complete\",\"process\":{process},\"completion\":{{\"type\":\"ok\",{event},{stamp}}}}}\n"
            )
        }
    }
}

impl Read for Written {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.text.len() && self.lines <= 2 * OPERATIONS {
            (self.text, self.read) = (Self::line(self.lines).into_bytes(), 0);
            self.lines += 1;
        }
        let read = (&self.text[self.read..]).read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

/// A figure of this process in bytes; none where the system does not tell.
fn resident(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(1024 * kilobytes)
}

/// Holds what the process grew to since `before` against so many bytes for each operation.
#[track_caller]
fn check(name: &str, before: Option<u64>, most: u64) {
    let Some((peak, before)) = resident("VmHWM").zip(before) else {
        println!("skipped: this system does not tell how much memory a process takes");
        return;
    };
    let each = peak.saturating_sub(before) / OPERATIONS;
    println!("{name}: {each} bytes for each operation");
    assert!(each <= most, "{name} took {each} bytes for each operation, expected at most {most}");
}

#[test]
fn an_operation_takes_no_more_than_its_share() {
    assert!(size_of::<Operation>() <= 120, "{}", size_of::<Operation>());
    let before = resident("VmRSS");
    let recorded = formats::read(Written::default(), &Hint::default()).expect("a history");
    assert_eq!(recorded.history.operations().len() as u64, OPERATIONS);
    check("reading", before, 145);
    let verdict = judge(&recorded.history, Budget::unlimited_time());
    assert!(verdict.checks.iter().any(|check| check.status == Status::Pass), "{verdict:?}");
    check("reading and judging", before, 220);
}
