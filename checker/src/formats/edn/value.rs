//! Between EDN and [`Value`], without loss: different values of a file stay different, and what is
//! written is read again as it was.
//!
//! Whole numbers of 64 bits are numbers; nil is nothing; all else is text. A string is its own
//! text, and any other value its canonical one, so that `"x"` reads as `x` and `:x` as `:x`. Where
//! that would confuse two values, the string gives way and keeps its quotes: the string `":x"` and
//! the keyword `:x` are different values in the file. A symbol is marked with `'`, which begins no
//! value of EDN.

use super::canonical::canonical;
use super::kind::Kind;
use super::lexer::Syntax;
use super::refused::Refused;
use super::string::quoted;
use super::tree::{Form, Reader, inside};
use crate::value::Value;

/// How the strings of a file become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strings {
    /// Each is its own text, whatever it looks like: for values that are pieces of text, which the
    /// operations put together.
    Plain,
    /// Each is its own text unless another kind of value has that text.
    Distinct,
}

/// The value that `form` is; none for nil.
pub(crate) fn to_value(form: Form<'_, '_>, strings: Strings) -> Result<Option<Value>, Refused> {
    if let Some(number) = form.int() {
        return Ok(Some(Value::Int(number)));
    }
    let text = match form.kind() {
        Kind::Nil => return Ok(None),
        Kind::Str => {
            let said = inside(form)?;
            if strings == Strings::Plain || is_its_own(&said) {
                return Ok(Some(Value::text(&said)));
            }
            quoted(&said)
        }
        Kind::Symbol => format!("'{}", form.text()),
        _ => canonical(form)?,
    };
    // A ratio such as 4/2 is a whole number after all.
    Ok(Some(match text.parse() {
        Ok(number) if form.kind() == Kind::Ratio => Value::Int(number),
        _ => Value::text(&text),
    }))
}

/// How `value` is written in EDN, so that [`to_value`] reads it again.
pub(crate) fn from_value(value: &Value, strings: Strings) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Text(text) if strings == Strings::Plain => quoted(text),
        Value::Text(text) => other_than_string(text).unwrap_or_else(|| quoted(text)),
    }
}

/// Whether the string `said` is its own text.
fn is_its_own(said: &str) -> bool {
    other_than_string(said).is_none()
}

/// The EDN of the value whose text is `text`, unless it is that of the string `text`.
fn other_than_string(text: &str) -> Option<String> {
    let first = text.bytes().next()?;
    if first.is_ascii_alphabetic() {
        return matches!(text, "true" | "false").then(|| text.to_owned());
    }
    if let Some(symbol) = text.strip_prefix('\'') {
        return is_whole(symbol, |form| form.kind() == Kind::Symbol).then(|| symbol.to_owned());
    }
    let whole = is_whole(text, |form| match form.kind() {
        Kind::Str => inside(form).is_ok_and(|said| !is_its_own(&said) && quoted(&said) == text),
        Kind::Symbol | Kind::Nil => false,
        _ => form.int().is_none() && canonical(form).is_ok_and(|canonical| canonical == text),
    });
    whole.then(|| text.to_owned())
}

/// Whether `text` is one value, of which `holds` is true, and nothing else.
fn is_whole(text: &str, holds: impl Fn(Form<'_, '_>) -> bool) -> bool {
    let mut reader = Reader::new(text, 0, Syntax::Edn);
    let held = reader
        .next()
        .is_ok_and(|form| form.is_some_and(|form| form.text().len() == text.len() && holds(form)));
    held && reader.nothing_more().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `edn`, expects the text `text`, and expects that it is written as `written`.
    #[track_caller]
    fn check(edn: &str, text: &str, written: &str) {
        let mut reader = Reader::new(edn, 0, Syntax::Edn);
        let form = reader.next().expect("EDN").expect("a value");
        let value = to_value(form, Strings::Distinct).expect("a value").expect("not nil");
        assert_eq!(value, Value::text(text), "{edn}");
        assert_eq!(from_value(&value, Strings::Distinct), written, "{edn}");
    }

    #[test]
    fn different_values_have_different_texts() {
        check(r#""x""#, "x", r#""x""#);
        check(":x", ":x", ":x");
        check(r#"":x""#, r#"":x""#, r#"":x""#);
        check("x", "'x", "x");
        check(r#""'x""#, r#""'x""#, r#""'x""#);
        check("true", "true", "true");
        check(r#""true""#, r#""true""#, r#""true""#);
        check(r#""12""#, "12", r#""12""#);
        check(r#""nil""#, "nil", r#""nil""#);
        check(r#""\"x\"""#, r#""x""#, r#""\"x\"""#);
        check(r#""\":x\"""#, r#""\":x\"""#, r#""\":x\"""#);
        check(r#""[1""#, "[1", r#""[1""#);
        check("18446744073709551616N", "18446744073709551616", "18446744073709551616");
        check("[1 (2 nil)]", "[1 [2 nil]]", "[1 [2 nil]]");
        check("#{3 1 2}", "#{1 2 3}", "#{1 2 3}");
        check("#:a{:c 1 :b/d 2}", "{:a/c 1 :b/d 2}", "{:a/c 1 :b/d 2}");
        check("#inst  \"2026\"", "#inst \"2026\"", "#inst \"2026\"");
        check("^{:m 1} [1 #_ 2 3]", "[1 3]", "[1 3]");
        check("1.50", "1.5", "1.5");
        check("1.50M", "1.50M", "1.50M");
        check("6/4", "3/2", "3/2");
        check("##NaN", "##NaN", "##NaN");
        check("\\u0041", "\\A", "\\A");
    }
}
