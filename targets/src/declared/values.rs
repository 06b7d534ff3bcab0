//! Single values that have a syntax of their own: durations, JSON pointers, statuses, names.

use std::time::Duration;

use toml::Spanned;

use super::file::Text;
use crate::diagnostic::Problem;

/// The units of a duration, in milliseconds.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// A duration such as `200ms`.
pub(super) fn duration(text: &Text) -> Result<Duration, Problem> {
    parse_duration(text.get_ref()).ok_or_else(|| {
        let title = format!("`{}` is not a duration", text.get_ref());
        Problem::new(text.span(), title, "expected a number above 0 and a unit")
            .help("write it like `200ms`, `2s`, `1m` or `1h`")
    })
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, scale) = UNITS.iter().find(|(known, _)| *known == unit)?;
    let millis = number.parse::<u64>().ok()?.checked_mul(*scale)?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

/// A JSON pointer such as `/raft/term`.
pub(super) fn pointer(text: &Text) -> Result<String, Problem> {
    let pointer = text.get_ref();
    if pointer.starts_with('/') {
        return Ok(pointer.clone());
    }
    let title = format!("`{pointer}` is not a JSON pointer");
    let fixed = pointer.trim_start_matches(['$', '.', '#']).replace('.', "/");
    Err(Problem::new(text.span(), title, "must start with `/`")
        .help(format!("write `/{}` (RFC 6901)", fixed.trim_start_matches('/'))))
}

/// An HTTP status.
pub(super) fn status(code: u16, place: &Spanned<impl Sized>) -> Result<u16, Problem> {
    if (100..=599).contains(&code) {
        return Ok(code);
    }
    let title = format!("`{code}` is not an HTTP status");
    Err(Problem::new(place.span(), title, "expected a number from 100 to 599"))
}

/// A name that may become a part of a file's name.
pub(super) fn name(text: &Text) -> Result<String, Problem> {
    let name = text.get_ref();
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(fits) {
        return Ok(name.clone());
    }
    let title = format!("`{name}` cannot be the name of a target");
    let label = "expected a lower-case letter, then lower-case letters, digits and `-`";
    Err(Problem::new(text.span(), title, label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, millis) in [
            ("200ms", Some(200)),
            ("2s", Some(2000)),
            ("1m", Some(60_000)),
            ("1h", Some(3_600_000)),
            ("0s", None),
            ("2", None),
            ("s", None),
            ("2 s", None),
            ("2sec", None),
            ("-2s", None),
            ("1.5s", None),
            ("", None),
            ("99999999999999999999s", None),
            ("9999999999999999999h", None),
        ] {
            assert_eq!(parse_duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }
}
