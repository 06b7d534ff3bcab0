//! What a description for people says was done: `get('x') -> 'y'`, `put('x', 'y')`,
//! `append('x', 'y')`, `read() -> 3`, `write(3)`, `cas(1, 2) -> ok`.
//!
//! Texts stand in single quotes without escapes, or in double quotes with Go's; a bare word is a
//! text too, and a bare number a number. Where no key is named, each partition is an object of its
//! own. A compare-and-set that says `fail` is taken as one that did not happen, which claims less
//! than that it found another value.

use super::super::edn::{Reader, Syntax};
use crate::event::Completion;
use crate::op::{Key, Op, Outcome, Value};

/// An operation and how it ended.
pub(super) struct Described {
    pub(super) op: Op,
    pub(super) completion: Completion,
}

/// What `text` describes; `key` is the object if it names none.
pub(super) fn describe(text: &str, key: &Key) -> Result<Described, String> {
    let unknown = || {
        format!(
            "the description `{text}`, expected one such as `get('x') -> 'y'`, `put('x', 'y')`, \
             `append('x', 'y')`, `read() -> 3`, `write(3)` or `cas(1, 2) -> ok`"
        )
    };
    let (name, rest) = text.split_once('(').ok_or_else(unknown)?;
    let (arguments, rest) = words(rest, ')').ok_or_else(unknown)?;
    let answer = match rest.trim() {
        "" => None,
        arrow => Some(arrow.strip_prefix("->").ok_or_else(unknown)?.trim()),
    };
    let op = op(name.trim(), &arguments, key).ok_or_else(unknown)?;
    ended(op, answer).ok_or_else(unknown)
}

fn op(name: &str, arguments: &[Value], key: &Key) -> Option<Op> {
    let value = |place: usize| arguments.get(place).cloned();
    let count = arguments.len();
    // Every operation may have one more argument, which is then its key.
    let keyed = |needs: usize| match count.checked_sub(needs) {
        Some(0) => Some((Key::clone(key), 0)),
        Some(1) => Some((name_of(&value(0)?), 1)),
        _ => None,
    };
    match name.to_ascii_lowercase().as_str() {
        "get" | "read" => keyed(0).map(|(key, _)| Op::Read { key }),
        "put" | "write" | "set" => {
            let (key, first) = keyed(1)?;
            Some(Op::Write { key, value: value(first)? })
        }
        "append" => {
            let (key, first) = keyed(1)?;
            Some(Op::Append { key, value: value(first)? })
        }
        "cas" => {
            let (key, first) = keyed(2)?;
            Some(Op::Cas { key, old: value(first)?, new: value(first + 1)? })
        }
        _ => None,
    }
}

fn name_of(value: &Value) -> Key {
    match value {
        Value::Int(number) => number.to_string().into(),
        Value::Text(text) => Key::clone(text),
    }
}

/// How `op` ended, by what stands after the arrow.
fn ended(op: Op, answer: Option<&str>) -> Option<Described> {
    let error = String::new();
    match answer {
        Some("unknown" | "timeout") => {
            return Some(Described { op, completion: Completion::Info { error } });
        }
        Some("fail" | "failed" | "error") => {
            return Some(Described { op, completion: Completion::Fail { error } });
        }
        _ => {}
    }
    let outcome = match (&op, answer) {
        (Op::Read { .. }, Some("null" | "nil" | "<nil>")) => Outcome::Read { value: None },
        (Op::Read { .. }, Some(answer)) => {
            let (answer, rest) = word(answer, None)?;
            let value = rest.trim().is_empty().then_some(answer);
            Outcome::Read { value: Some(value?) }
        }
        (Op::Write { .. }, None | Some("ok")) => Outcome::Write,
        (Op::Append { .. }, None | Some("ok")) => Outcome::Append,
        (Op::Cas { .. }, None | Some("ok" | "true")) => Outcome::Cas,
        _ => return None,
    };
    Some(Described::done(op, outcome))
}

/// The words up to `close`, and what stands after it.
fn words(text: &str, close: char) -> Option<(Vec<Value>, &str)> {
    let mut rest = text.trim_start();
    if let Some(after) = rest.strip_prefix(close) {
        return Some((Vec::new(), after));
    }
    let mut words = Vec::new();
    loop {
        let (word, after) = word(rest, Some(close))?;
        words.push(word);
        let after = after.trim_start();
        if let Some(after) = after.strip_prefix(close) {
            return Some((words, after));
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

/// One word, and what stands after it.
fn word(text: &str, close: Option<char>) -> Option<(Value, &str)> {
    if text.starts_with('"') {
        let mut reader = Reader::new(text, 0, Syntax::Json);
        let form = reader.next().ok()??;
        let value = Value::text(&form.said().ok()?);
        return Some((value, &text[form.text().len()..]));
    }
    if let Some(inside) = text.strip_prefix('\'') {
        let end = end_of_quote(inside, close)?;
        let value = Value::text(&inside[..end]);
        return Some((value, &inside[end + 1..]));
    }
    let ends = |letter: char| letter == ',' || Some(letter) == close;
    let end = text.find(ends).unwrap_or(text.len());
    let bare = text[..end].trim();
    let value = bare.parse().map_or_else(|_| Value::text(bare), Value::Int);
    (!bare.is_empty()).then(|| (value, &text[end..]))
}

/// Where the text in single quotes ends: a quote within it cannot be escaped, so it is the only one
/// that something fitting follows. Where several are, nobody can tell, and the text is refused.
fn end_of_quote(inside: &str, close: Option<char>) -> Option<usize> {
    let fits = |rest: &str| match close {
        None => rest.trim().is_empty(),
        Some(close) => {
            let after = rest.strip_prefix(close);
            rest.starts_with(", ")
                || after.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ->"))
        }
    };
    let mut ends = inside.match_indices('\'').filter(|(at, _)| fits(&inside[at + 1..]));
    let end = ends.next()?.0;
    let another = close.is_none().then(|| ends.next()).flatten();
    another.is_none().then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match describe(text, &"0".into()) {
            Ok(Described { op, completion: Completion::Ok { outcome, .. } }) => {
                format!("{op}: {}", outcome.details().unwrap_or_else(|| "done".to_owned()))
            }
            Ok(Described { op, completion: Completion::Fail { .. } }) => format!("{op}: not done"),
            Ok(Described { op, completion: Completion::Info { .. } }) => format!("{op}: unknown"),
            Err(reason) => reason.split(", expected").next().unwrap_or_default().to_owned(),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn descriptions_are_understood() {
        check("get('x') -> 'y'", r#"read x: "y""#);
        check("get('x') -> ''", r#"read x: """#);
        check("put('x', 'y')", r#"write x = "y": done"#);
        check("append('x', 'a b')", r#"append "a b" to x: done"#);
        check(r#"put("x", "a\"b") -> ok"#, r#"write x = "a\"b": done"#);
        check("get() -> '100'", r#"read 0: "100""#);
        check("put('100')", r#"write 0 = "100": done"#);
        check("read() -> 3", "read 0: 3");
        check("read() -> null", "read 0: nothing");
        check("write(-3)", "write 0 = -3: done");
        check("cas(1, 2) -> ok", "cas 0 from 1 to 2: done");
        check("cas(1, 2) -> fail", "cas 0 from 1 to 2: not done");
        check("cas('k', 1, 2) -> unknown", "cas k from 1 to 2: unknown");
        check("put(k, v) -> unknown", r#"write k = "v": unknown"#);
        check("get('it's') -> 'y'", r#"read it's: "y""#);
    }

    #[test]
    fn other_descriptions_are_refused() {
        for text in ["", "get", "get('x'", "del('x')", "put()", "get('x') => 'y'", "{1 2} -> 3"] {
            check(text, &format!("the description `{text}`"));
        }
    }
}
