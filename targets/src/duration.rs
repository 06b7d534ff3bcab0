//! Durations as people write them: `200ms`, `2s`, `1m30s`, `1.5h`, or `30` for 30 seconds.
//!
//! There is one reader for the command line and for target files, so that what is understood in one
//! place is understood in the other. Whether a duration makes sense is not decided here: 0 is read.

use std::time::Duration;

/// The units of a duration, in seconds, the longest first: that is also their order in a text.
const UNITS: [(&str, f64); 4] = [("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001)];

/// The longest duration that can be asked for: a year. Far longer ones overflow the clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Reads a duration.
///
/// # Errors
/// What was expected instead, as a part of a sentence.
pub fn duration(text: &str) -> Result<Duration, String> {
    if text.starts_with('-') {
        return Err("expected a duration that is not negative, such as `20s`".to_owned());
    }
    if let Ok(seconds) = number(text) {
        return bounded(seconds);
    }
    let (mut rest, mut sum, mut units) = (text, Duration::ZERO, &UNITS[..]);
    while !rest.is_empty() {
        let (digits, unit, after) = part(rest);
        let place = units.iter().position(|(known, _)| *known == unit);
        let place = place.filter(|_| !digits.is_empty()).ok_or_else(expected)?;
        let seconds = number(digits)? * units[place].1;
        sum = bounded(sum.as_secs_f64() + seconds)?;
        (rest, units) = (after, &units[place + 1..]);
    }
    if text.is_empty() { Err(expected()) } else { Ok(sum) }
}

/// The first number of a text, the unit behind it, and what follows.
fn part(text: &str) -> (&str, &str, &str) {
    let digit = |letter: char| letter.is_ascii_digit() || letter == '.';
    let (digits, rest) = text.split_at(text.find(|c| !digit(c)).unwrap_or(text.len()));
    let (unit, after) = rest.split_at(rest.find(digit).unwrap_or(rest.len()));
    (digits, unit, after)
}

/// Digits with at most one point in them: neither `1e3` nor `inf`.
fn number(text: &str) -> Result<f64, String> {
    let plain = text.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    let number = text.parse::<f64>().ok().filter(|_| plain);
    number.ok_or_else(|| format!("`{text}` is not a number"))
}

fn expected() -> String {
    "expected numbers with the units `h`, `m`, `s` or `ms`, such as `20s` or `1m30s`".to_owned()
}

fn bounded(seconds: f64) -> Result<Duration, String> {
    let read = Duration::try_from_secs_f64(seconds).ok();
    let fits = read.filter(|duration| *duration <= LONGEST);
    fits.ok_or_else(|| format!("expected at most {} h", LONGEST.as_secs() / 3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("200ms", 200),
            ("2s", 2000),
            ("1m", 60_000),
            ("1h", 3_600_000),
            ("1m30s", 90_000),
            ("1h1ms", 3_600_001),
            ("1.5m", 90_000),
            ("30", 30_000),
            ("0.5", 500),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_what_was_expected() {
        for (text, expected) in [
            ("", "such as `20s`"),
            ("s", "such as `20s`"),
            ("2 s", "such as `20s`"),
            ("2sec", "such as `20s`"),
            ("30s1m", "such as `20s`"),
            ("1s1s", "such as `20s`"),
            ("1m30", "such as `20s`"),
            ("1e3", "such as `20s`"),
            ("inf", "such as `20s`"),
            ("1.2.3s", "`1.2.3` is not a number"),
            ("-2s", "not negative, such as `20s`"),
            ("-2", "not negative, such as `20s`"),
            ("99999999999999999999s", "at most 8760 h"),
            ("99999999999999999999", "at most 8760 h"),
            ("8760h1ms", "at most 8760 h"),
        ] {
            let error = duration(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
