//! One statement: its text with placeholders, and what each of them stands for.
//!
//! In the text of a target file or dialect `:key` stands for an argument of the operation, `{lock}`
//! for the way in which rows are read, and `;` ends a statement. Quoted texts are left as they are.

use serde_json::{Map, Value};

/// A statement, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// With the placeholders of the dialect.
    pub(crate) text: String,
    /// The argument behind each placeholder.
    names: Vec<String>,
}

/// What is bound to a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bind {
    Null,
    Number(i64),
    Text(String),
}

/// How a dialect writes its placeholder of this number, from 1: `$1` or `?`.
pub(crate) type Placeholder = fn(usize) -> String;

impl Statement {
    /// The statements of a text.
    pub(crate) fn all(text: &str, placeholder: Placeholder) -> Vec<Self> {
        pieces(text).iter().map(|piece| Self::new(piece, placeholder)).collect()
    }

    fn new(piece: &str, placeholder: Placeholder) -> Self {
        let (mut text, mut names, mut rest) = (String::new(), Vec::new(), piece);
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '\'' | '"' | '`' => quoted(rest, first),
                ':' if rest.starts_with("::") => 2,
                ':' => {
                    let name = name(&rest[1..]);
                    if !name.is_empty() {
                        names.push(name.to_owned());
                        text.push_str(&placeholder(names.len()));
                        rest = &rest[1 + name.len()..];
                        continue;
                    }
                    1
                }
                _ => first.len_utf8(),
            };
            text.push_str(&rest[..length]);
            rest = &rest[length..];
        }
        Self { text, names }
    }

    /// What its placeholders stand for in an operation.
    pub(crate) fn binds(&self, arguments: &Map<String, Value>) -> Result<Vec<Bind>, String> {
        self.names.iter().map(|name| bind(name, arguments)).collect()
    }
}

/// An argument, or with `number` and `text` the value, if it is such, and else NULL.
fn bind(name: &str, arguments: &Map<String, Value>) -> Result<Bind, String> {
    let argument = match name {
        "number" | "text" => "value",
        other => other,
    };
    match arguments.get(argument) {
        Some(Value::Number(number)) if name != "text" => {
            let number = number.as_i64();
            Ok(Bind::Number(number.ok_or_else(|| format!("`{argument}` is no whole number"))?))
        }
        Some(Value::String(text)) if name != "number" => Ok(Bind::Text(text.clone())),
        Some(Value::Number(_) | Value::String(_) | Value::Null) => Ok(Bind::Null),
        _ => Err(format!("the operation has no `{argument}` to be bound")),
    }
}

/// The statements of a text, without what separates them.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(first) = text[at..].chars().next() {
        match first {
            '\'' | '"' | '`' => at += quoted(&text[at..], first),
            ';' => {
                pieces.push(&text[start..at]);
                (start, at) = (at + 1, at + 1);
            }
            _ => at += first.len_utf8(),
        }
    }
    pieces.push(&text[start..]);
    pieces.iter().map(|piece| piece.trim().to_owned()).filter(|piece| !piece.is_empty()).collect()
}

/// The length of the quoted text that `text` begins with; all of it if the quote does not end.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

/// The name that `text` begins with, if it does.
fn name(text: &str) -> &str {
    let letter = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let end = text.find(|other| !letter(other)).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dollar(number: usize) -> String {
        format!("${number}")
    }

    #[test]
    fn names_become_placeholders_and_quoted_texts_stay() {
        for (text, expected) in [
            ("SELECT 1", vec![("SELECT 1", vec![])]),
            ("a = :key; b = :value;", vec![("a = $1", vec!["key"]), ("b = $1", vec!["value"])]),
            (":key, :key::text", vec![("$1, $2::text", vec!["key", "key"])]),
            ("x = ':key;' || \":a\" || `:b`", vec![("x = ':key;' || \":a\" || `:b`", vec![])]),
            ("@n := :by", vec![("@n := $1", vec!["by"])]),
            ("'it''s :key'", vec![("'it''s :key'", vec![])]),
            ("'open :key; ", vec![("'open :key;", vec![])]),
            ("ü:ttl_ms", vec![("ü$1", vec!["ttl_ms"])]),
            (" ; ;", vec![]),
        ] {
            let told = Statement::all(text, dollar);
            let told: Vec<(&str, Vec<&str>)> = told
                .iter()
                .map(|it| (it.text.as_str(), it.names.iter().map(String::as_str).collect()))
                .collect();
            assert_eq!(told, expected, "{text}");
        }
    }

    #[test]
    fn arguments_are_bound_as_what_they_are() {
        let arguments =
            json!({"key": "k'; DROP TABLE t", "value": 7, "old": null, "f": 1.5, "ops": []});
        let arguments = arguments.as_object().unwrap();
        let bound = |name: &str| bind(name, arguments);
        assert_eq!(bound("key"), Ok(Bind::Text("k'; DROP TABLE t".to_owned())));
        assert_eq!(bound("value"), Ok(Bind::Number(7)));
        assert_eq!((bound("number"), bound("text")), (Ok(Bind::Number(7)), Ok(Bind::Null)));
        assert_eq!(bound("old"), Ok(Bind::Null));
        for missing in ["f", "ops", "holder"] {
            assert!(bound(missing).is_err(), "{missing}");
        }
    }
}
