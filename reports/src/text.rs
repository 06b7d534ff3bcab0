//! Numbers and texts, made fit to be shown; untrusted ones by the checker's one function for them.
//!
//! It deliberately does no escaping for a certain format: that is each output's own business.

use fracas_checker::event::Nanos;
pub(crate) use fracas_checker::untrusted::{PHRASE, SENTENCE, brief, shown as clean};

/// How much of a command is shown: it must be whole to be of use, and the user wrote it.
pub(crate) const COMMAND: usize = 4_000;

/// A time since the start of the run: `41.207 s`. Cut off and not rounded, as in the sentences of
/// the checks: the same instant must not read differently in two places.
pub(crate) fn seconds(time: Nanos) -> String {
    let millis = time / 1_000_000;
    format!("{}.{:03} s", millis / 1_000, millis % 1_000)
}

/// A length of time in the unit that suits it: `850 µs`, `2.1 ms`, `1.80 s`.
pub(crate) fn duration(length: Nanos) -> String {
    let nanos = length as f64;
    match length {
        0..1_000_000 => format!("{:.0} µs", nanos / 1e3),
        1_000_000..100_000_000 => format!("{:.1} ms", nanos / 1e6),
        100_000_000..1_000_000_000 => format!("{:.0} ms", nanos / 1e6),
        _ => format!("{:.2} s", nanos / 1e9),
    }
}

/// The length of a run in words: `5 min 12 s`.
pub(crate) fn minutes(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        _ => format!("{} min {} s", whole / 60, whole % 60),
    }
}

/// A count with its thousands apart: `118,204`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// A measured number with at most two digits after the point, as few as it needs.
pub(crate) fn number(value: f64) -> String {
    if value.is_finite() && value.fract() == 0.0 && (0.0..1e15).contains(&value) {
        return count(value as u64);
    }
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A count and its noun: `1 fault`, `3 faults`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(seconds(41_207_300_000), "41.207 s");
        assert_eq!(seconds(999_999_999), "0.999 s");
        assert_eq!(duration(2_100_000), "2.1 ms");
        assert_eq!(duration(1_800_000_000), "1.80 s");
        assert_eq!(count(1_118_204), "1,118,204");
        assert_eq!(number(0.25), "0.25");
        assert_eq!(number(1200.0), "1,200");
        assert_eq!(minutes(312.4), "5 min 12 s");
        assert_eq!(minutes(f64::NAN), "unknown");
    }
}
