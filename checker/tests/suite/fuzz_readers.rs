//! Whatever a file holds, every reader reads it or refuses it with its line: no panic, no stack
//! that grows with the file, no end that never comes; and what is read is judged.
//!
//! Files of a stored corpus are mutated, the same way for the same seed: bits are turned, pieces
//! cut, doubled, moved and joined with others, words of the formats put in. Every reader runs on a
//! small stack. `FRACAS_FUZZ_ITERATIONS` says how many mutants the slow tier makes per reader;
//! without it each runs for ten seconds. A mutant that breaks a reader is kept under
//! `CARGO_TARGET_TMPDIR`.

use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use fracas_checker::formats::{self, Format, Hint};
use fracas_checker::recorded::Judge;
use fracas_checker::{Algorithm, Budget, OpKind, judge_by, objects};

/// The stack that a reader must do with: half a megabyte.
const STACK: usize = 512 << 10;

/// The longest mutant.
const LONGEST: usize = 32 << 10;

/// What a search may use: enough for small histories, and no more.
const BYTES: usize = 1 << 20;

/// What is put into files.
const WORDS: [&str; 48] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "#{",
    "#_",
    "^",
    "\"",
    "\\",
    ";",
    "#",
    "##NaN",
    "#:a{",
    "nil",
    "null",
    ":process",
    ":type",
    ":invoke",
    ":ok",
    ":fail",
    ":info",
    ":f",
    ":value",
    ":time",
    ":key",
    ":read",
    ":write",
    ":cas",
    ":drain",
    "\\u12",
    "#<A b>",
    "#\"\\d\"",
    "0x1F",
    "{:x 1}",
    "\u{feff}",
    "\u{e4}",
    "9223372036854775808",
    "-1",
    "1/0",
    "007",
    "1e999",
    "\"Start\":",
    "get('",
    "') -> '",
    "jepsen.util - 1\t:invoke\t",
    "\n",
];

/// A small generator of numbers, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    /// A piece of `bytes`, as its begin and end.
    fn piece(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let begin = self.below(bytes.len() + 1);
        begin..(begin + self.below(64)).min(bytes.len())
    }
}

/// Makes one change, to `bytes` or to what becomes of it together with `other`.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    let place = random.below(bytes.len() + 1);
    match random.below(8) {
        0 if !bytes.is_empty() => {
            let place = random.below(bytes.len());
            bytes[place] ^= 1 << random.below(8);
        }
        1 => drop(bytes.drain(random.piece(bytes))),
        2 => {
            let piece = bytes[random.piece(bytes)].to_vec();
            bytes.splice(place..place, piece);
        }
        3 => bytes.truncate(place),
        4 => {
            bytes.truncate(place);
            bytes.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
        5 => {
            let piece = other[random.piece(other)].to_vec();
            bytes.splice(place..place, piece);
        }
        6 => {
            let digits = random.next().to_string();
            let from = place.min(bytes.len());
            let digit = bytes[from..].iter().position(u8::is_ascii_digit).map(|at| from + at);
            if let Some(digit) = digit {
                let end = digit + 1;
                bytes.splice(digit..end, digits.bytes().take(1 + random.below(3)));
            }
        }
        _ => {
            let word = WORDS[random.below(WORDS.len())];
            let times = if random.below(50) == 0 { 1 + random.below(1_000) } else { 1 };
            bytes.splice(place..place, word.repeat(times).into_bytes());
        }
    }
    bytes.truncate(LONGEST);
}

/// The stored files of a reader, in the order of their names.
fn corpus(format: Format) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(format.name());
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).expect("a stored file")).collect()
}

/// Reads `bytes` and judges what was read. True if it was a history.
fn survive(bytes: &[u8], hint: &Hint) -> bool {
    let recorded = match formats::read(bytes, hint) {
        Ok(recorded) => recorded,
        Err(error) => {
            assert!(error.line >= 1 && !error.reason.is_empty(), "{error:?}");
            assert!(error.column.is_none_or(|column| column >= 1), "{error:?}");
            return false;
        }
    };
    let asked = |kind: &OpKind| {
        recorded.history.operations().iter().any(|operation| operation.op.kind() == *kind)
    };
    let kinds = objects::OBJECTS.iter().filter(|kind| kind.serves.iter().any(asked));
    let ids: Vec<&str> = kinds.map(|kind| kind.id).collect();
    let budget = Budget::new(BYTES, &|| false);
    let verdict = judge_by(&recorded.history, &ids, Algorithm::Auto, budget);
    assert_eq!(verdict.checks.len(), ids.len());
    let started = recorded.clone().starting_at(&0.into(), hint.kind).unwrap_or(recorded);
    let judge = Judge { kind: hint.kind, algorithm: Algorithm::Auto, budget };
    match judge.verdict(started) {
        Ok(judged) => assert!(!judged.verdict.headline.is_empty()),
        Err(reason) => assert!(!reason.is_empty()),
    }
    true
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a vector can be written to");
    encoder.finish().expect("a vector can be written to")
}

/// One mutant: a file with a few changes, packed now and then and changed again.
fn mutant(random: &mut Random, files: &[Vec<u8>], all: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = files[random.below(files.len())].clone();
    for _ in 0..=random.below(3) {
        let other = &all[random.below(all.len())];
        mutate(random, &mut bytes, other);
    }
    if random.below(16) == 0 {
        bytes = packed(&bytes);
        if random.below(2) == 0 {
            mutate(random, &mut bytes, &all[0]);
        }
    }
    bytes
}

/// Reads mutants of a reader's files while `more` says so, and tells how many were histories.
fn fuzz(format: Format, mut more: impl FnMut(u64) -> bool + Send) -> (u64, u64) {
    let all: Vec<Vec<u8>> = Format::ALL.into_iter().flat_map(corpus).collect();
    let files = corpus(format);
    let mut random = Random(format as u64);
    let (mut count, mut histories) = (0, 0);
    while more(count) {
        let bytes = mutant(&mut random, &files, &all);
        let kind = &objects::OBJECTS[random.below(objects::OBJECTS.len())];
        let kind = (random.below(2) == 0).then_some(kind);
        let format = (random.below(4) > 0).then_some(format);
        let survived = catch_unwind(AssertUnwindSafe(|| survive(&bytes, &Hint { format, kind })));
        count += 1;
        match survived {
            Ok(history) => histories += u64::from(history),
            Err(panic) => {
                let name = format!("fuzz-{}-{count}", format.map_or("any", Format::name));
                let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
                fs::write(&path, &bytes).expect("a file for the mutant");
                println!("mutant {count} broke the reader, kept as {}", path.display());
                std::panic::resume_unwind(panic);
            }
        }
    }
    (count, histories)
}

/// Runs `work` on a stack that no recursion over a file could do with.
fn on_a_small_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let running = thread.spawn_scoped(scope, work).expect("a thread");
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[test]
fn every_stored_file_is_a_history() {
    for format in Format::ALL {
        let files = corpus(format);
        assert!(!files.is_empty(), "{format}: no stored files");
        for bytes in files {
            let hint = Hint::default();
            let recorded = formats::read(bytes.as_slice(), &hint).unwrap_or_else(|error| {
                panic!("{format}: {error}\n{}", String::from_utf8_lossy(&bytes))
            });
            assert_eq!(recorded.format, format, "{}", String::from_utf8_lossy(&bytes));
            assert!(on_a_small_stack(|| survive(&packed(&bytes), &hint)));
        }
    }
}

#[test]
fn mutants_are_read_or_refused() {
    for format in Format::ALL {
        let (count, histories) = on_a_small_stack(|| fuzz(format, |count| count < 400));
        println!("{format}: {count} mutants, {histories} of them histories");
        assert!(histories > 0 && histories < count, "{format}: {histories} of {count}");
    }
}

#[test]
#[ignore = "slow: a minute, or as many mutants as `FRACAS_FUZZ_ITERATIONS` says"]
fn many_mutants_are_read_or_refused() {
    let iterations = std::env::var("FRACAS_FUZZ_ITERATIONS").ok();
    let iterations = iterations.map(|text| text.parse::<u64>().expect("a number of mutants"));
    for format in Format::ALL {
        let begin = Instant::now();
        let more = |count| match iterations {
            Some(iterations) => count < iterations,
            None => begin.elapsed() < Duration::from_secs(10),
        };
        let (count, histories) = on_a_small_stack(|| fuzz(format, more));
        println!("{format}: {count} mutants, {histories} of them histories");
    }
}

#[test]
fn nesting_of_any_depth_is_refused_or_read_without_a_stack() {
    let deep =
        |open: &str, close: &str, depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
    for (open, close) in
        [("[", "]"), ("(", ")"), ("#{", "}"), ("{1 ", "}"), ("#a ", ""), ("#_", ""), ("^", "")]
    {
        for depth in [10, 190, 1_000_000] {
            let value = deep(open, close, depth);
            let text = format!("{{:process 0 :type :invoke :f :write :value {value}}}");
            for format in Format::ALL {
                let hint = Hint { format: Some(format), kind: None };
                on_a_small_stack(|| survive(text.as_bytes(), &hint));
            }
            let refused = formats::read(text.as_bytes(), &Hint::default()).is_err();
            assert!(refused || depth < 1_000, "{open}: {depth}");
        }
    }
}
