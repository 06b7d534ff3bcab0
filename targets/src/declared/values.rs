//! Single values that have a syntax of their own: durations, JSON pointers, statuses, names.

use std::time::Duration;

use toml::Spanned;

use super::places::Text;
use crate::diagnostic::Problem;

/// A duration such as `200ms`, longer than nothing.
pub(super) fn duration(text: &Text) -> Result<Duration, Problem> {
    let read = crate::duration(text.get_ref()).and_then(|read| {
        let nothing = || "expected more than 0".to_owned();
        if read.is_zero() { Err(nothing()) } else { Ok(read) }
    });
    read.map_err(|expected| {
        let title = format!("`{}` is not a duration", text.get_ref());
        Problem::new(text.span(), title, expected)
            .help("write it like `200ms`, `2s`, `1m30s` or `1h`")
    })
}

/// A number of bytes such as `64M`, more than none.
pub(super) fn bytes(text: &Text) -> Result<u64, Problem> {
    let size = text.get_ref();
    let digits = size.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(size.len());
    let (number, unit) = size.split_at(digits);
    let factor: Option<u64> = match unit {
        "K" => Some(1 << 10),
        "M" => Some(1 << 20),
        "G" => Some(1 << 30),
        _ => None,
    };
    let number: Option<u64> = number.parse().ok().filter(|number| *number > 0);
    let bytes = number.zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    bytes.ok_or_else(|| {
        let label = "expected a number with `K`, `M` or `G`, more than nothing";
        Problem::new(text.span(), format!("`{size}` is not a number of bytes"), label)
            .help("write it like `64M` or `2G`")
    })
}

/// What there is to install: it ends a sentence that begins with “install”.
pub(super) fn installed(text: &Text) -> Result<String, Problem> {
    let told = text.get_ref();
    let fits = !told.trim().is_empty() && !told.contains('\n') && !told.starts_with("install ");
    if fits {
        return Ok(told.clone());
    }
    let label = "expected one line that goes on after “install”, with the names of packages";
    Err(Problem::new(text.span(), "not what there is to install", label))
}

/// A JSON pointer such as `/raft/term`; the empty one is the whole document.
pub(super) fn pointer(text: &Text) -> Result<String, Problem> {
    let pointer = text.get_ref();
    if pointer.is_empty() || pointer.starts_with('/') {
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
