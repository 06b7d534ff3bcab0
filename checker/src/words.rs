//! How times, lists and names are put into sentences. No sentence is made here.

use std::fmt::Display;

use crate::identity::Nanos;
use crate::untrusted;

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

/// A moment of the run: `41.207 s`.
pub(crate) fn at(time: Nanos) -> String {
    format!("{}.{:03} s", time / SECOND, time % SECOND / MILLI)
}

/// A time with two ends: `from 1.200 s to 1.350 s`; `at 1.200 s` if both are written alike.
pub(crate) fn over(begin: Nanos, end: Nanos) -> String {
    let (begin, end) = (at(begin), at(end));
    if begin == end { format!("at {begin}") } else { format!("from {begin} to {end}") }
}

/// A moment, known within two bounds: `at a moment from 1.200 s to 1.350 s`; `at 1.200 s` if both
/// are written alike.
pub(crate) fn within(since: Nanos, until: Nanos) -> String {
    let over = over(since, until);
    if over.starts_with("at ") { over } else { format!("at a moment {over}") }
}

/// A length of time, in the unit that suits it: `1.8 s`, `12 ms`, `0.3 ms`.
pub(crate) fn lasting(nanos: Nanos) -> String {
    match nanos {
        SECOND.. => format!("{}.{} s", nanos / SECOND, nanos % SECOND / (100 * MILLI)),
        MILLI.. => format!("{} ms", nanos / MILLI),
        _ => format!("0.{:03} ms", nanos / 1_000),
    }
}

/// How much of a text of the target is quoted in a sentence.
const QUOTED: usize = 160;

/// Text of the target between marks, on one line and not too long.
pub(crate) fn quoted(text: &str) -> String {
    format!("“{}”", untrusted::brief(text.trim(), QUOTED))
}

/// So many of something: `1 operation`, `2 operations`.
pub(crate) fn count(number: usize, singular: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { several })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// All items, with `between` between them.
pub(crate) fn listed<T: Display>(items: &[T], between: &str) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(between)
}

/// What is there, or that nothing is.
pub(crate) fn or_nothing<T: Display>(item: &Option<T>) -> String {
    item.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_write_them() {
        assert_eq!(at(41_207_900_000), "41.207 s");
        assert_eq!(over(1_200_000_000, 1_350_000_000), "from 1.200 s to 1.350 s");
        assert_eq!(over(1_200_000_000, 1_200_900_000), "at 1.200 s");
        assert_eq!(within(1_200_000_000, 1_350_000_000), "at a moment from 1.200 s to 1.350 s");
        assert_eq!(within(1_200_000_000, 1_200_900_000), "at 1.200 s");
        assert_eq!(lasting(1_805_000_000), "1.8 s");
        assert_eq!(lasting(12_999_999), "12 ms");
        assert_eq!(lasting(300_000), "0.300 ms");
    }

    #[test]
    fn lists_end_with_and() {
        assert_eq!(list(["a"; 0]), "nothing");
        assert_eq!(list(["a"]), "a");
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
    }
}
