//! One text per value: values that Clojure holds equal have the same text, others do not.
//!
//! Lists are written as vectors, the elements of sets and the keys of maps in the order of their
//! texts, numbers in their shortest form. Whole numbers and floating-point ones stay different.

use super::kind::Kind;
use super::lexer::unreadable;
use super::refused::Refused;
use super::string::{character, named, quoted};
use super::tree::{Form, inside};

/// The text of `form`. It recurses at most as deep as values may be nested.
pub(super) fn canonical(form: Form<'_, '_>) -> Result<String, Refused> {
    let text = form.text();
    Ok(match form.kind() {
        Kind::Int => int(text),
        Kind::Float => float(text),
        Kind::Decimal => text.trim_start_matches('+').replace('E', "e"),
        Kind::Ratio => ratio(text),
        Kind::Char => character(text).map_or_else(|| text.to_owned(), named),
        Kind::Str => quoted(&inside(form)?),
        Kind::List | Kind::Vector => format!("[{}]", parts(form)?.join(" ")),
        Kind::Set => format!("#{{{}}}", set(form)?.join(" ")),
        Kind::Map => format!("{{{}}}", map(form)?.join(" ")),
        Kind::Tagged => match form.tagged() {
            Some((tag, value)) => format!("#{tag} {}", canonical(value)?),
            None => text.to_owned(),
        },
        Kind::Nil => "nil".to_owned(),
        Kind::Bool | Kind::Keyword | Kind::Symbol | Kind::Pattern => text.to_owned(),
        Kind::Unreadable => return Err(form.refused(unreadable(text))),
    })
}

fn int(text: &str) -> String {
    let digits = text.strip_suffix('N').unwrap_or(text);
    let digits = digits.trim_start_matches('+');
    digits.parse::<i64>().map_or_else(|_| digits.to_owned(), |number| number.to_string())
}

fn float(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => format!("{number:?}"),
        Ok(number) if number > 0.0 => "##Inf".to_owned(),
        Ok(_) => "##-Inf".to_owned(),
        Err(_) => text.to_owned(), // `##NaN` and the infinities
    }
}

fn ratio(text: &str) -> String {
    let text = text.trim_start_matches('+');
    let parsed = text.split_once('/').and_then(|(above, below)| {
        Some((above.parse::<i128>().ok()?, below.parse::<i128>().ok()?))
    });
    let Some((above, below)) = parsed else { return text.to_owned() };
    let (mut divisor, mut rest) = (above.unsigned_abs(), below.unsigned_abs());
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    let divisor = i128::try_from(divisor.max(1)).unwrap_or(1);
    match below / divisor {
        1 => (above / divisor).to_string(),
        below => format!("{}/{below}", above / divisor),
    }
}

fn parts(form: Form<'_, '_>) -> Result<Vec<String>, Refused> {
    form.parts().map(canonical).collect()
}

fn set(form: Form<'_, '_>) -> Result<Vec<String>, Refused> {
    let mut parts = parts(form)?;
    parts.sort_unstable();
    match parts.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(form.refused(format!("a set that holds `{}` twice", twice[0]))),
        None => Ok(parts),
    }
}

fn map(form: Form<'_, '_>) -> Result<Vec<String>, Refused> {
    let mut entries = Vec::new();
    for (key, value) in form.entries() {
        let key = match (form.namespace(), key.kind()) {
            (Some(space), Kind::Keyword) => full(space, key.text()),
            _ => canonical(key)?,
        };
        entries.push((key, canonical(value)?));
    }
    entries.sort_unstable();
    match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(twice) => Err(form.refused(format!("a map that has the key `{}` twice", twice[0].0))),
        None => Ok(entries.into_iter().map(|(key, value)| format!("{key} {value}")).collect()),
    }
}

/// The keyword that `keyword` is within a map of the namespace `space`.
fn full(space: &str, keyword: &str) -> String {
    match keyword.strip_prefix(":_/") {
        Some(without) => format!(":{without}"),
        None if keyword.contains('/') => keyword.to_owned(),
        None => format!(":{space}/{}", &keyword[1..]),
    }
}
