//! Taking values out of an answer: what registers hold, sets contain and queues carry.
//!
//! It deliberately never guesses: a number in quotes is neither taken for the number nor for a text,
//! unless the target says which of both it is.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fracas_checker::event::Value;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::extract::{Body, Place};
use crate::text::bounded;

/// How a value is written in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ValueAs {
    /// A JSON number without a fraction, or a string that is no such number.
    #[default]
    Plain,
    /// A JSON number without a fraction.
    Int,
    /// Decimal digits in a JSON string, as protobuf gateways write 64-bit numbers.
    StringInt,
    /// Base64 of decimal digits.
    B64Int,
    /// A JSON string, whatever is in it.
    Text,
    /// Base64 of a text.
    B64Text,
    /// A number if it is one, else a text: what a pattern captures, where the target does not say.
    #[serde(skip)]
    Bare,
}

impl ValueAs {
    fn expectation(self) -> &'static str {
        match self {
            Self::Plain => "an integer or a text",
            Self::Int => "an integer",
            Self::StringInt => "an integer in a string",
            Self::B64Int => "base64 of an integer",
            Self::Text => "a text",
            Self::B64Text => "base64 of a text",
            Self::Bare => "a value",
        }
    }

    fn parse(self, json: &Json) -> Option<Value> {
        match self {
            Self::Plain => match json.as_str() {
                Some(text) => is_no_number(text).then(|| Value::text(text)),
                None => json.as_i64().map(Value::Int),
            },
            Self::Int => json.as_i64().map(Value::Int),
            Self::StringInt => json.as_str()?.parse().ok().map(Value::Int),
            Self::B64Int => decoded(json)?.parse().ok().map(Value::Int),
            Self::Text => json.as_str().map(Value::text),
            Self::B64Text => decoded(json).map(|text| Value::text(&text)),
            Self::Bare => json.as_str().map(bare),
        }
    }

    /// What a text is taken for where the target does not say.
    pub(crate) fn in_text(self) -> Self {
        match self {
            Self::Plain => Self::Bare,
            Self::Int => Self::StringInt,
            said => said,
        }
    }
}

/// A text as a value: a number if it is one.
pub(crate) fn bare(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::text(text), Value::Int)
}

fn is_no_number(text: &str) -> bool {
    text.parse::<i128>().is_err()
}

fn decoded(json: &Json) -> Option<String> {
    String::from_utf8(STANDARD.decode(json.as_str()?).ok()?).ok()
}

/// A place with a value in it, or with several.
#[derive(Debug, Clone)]
pub(crate) struct ValueAt {
    pub(crate) place: Place,
    pub(crate) written: ValueAs,
}

impl ValueAt {
    /// What the place holds. A place that is not there is an error.
    pub(crate) fn find<'a>(&self, body: Body<'a>, expected: &str) -> Result<Cow<'a, Json>, String> {
        let found = self.place.told(body)?;
        found.ok_or_else(|| format!("expected {expected} {}, found nothing", self.place))
    }

    /// The value; none where the place holds `null`.
    pub(crate) fn value(&self, body: Body<'_>) -> Result<Option<Value>, String> {
        match &*self.find(body, self.written.expectation())? {
            Json::Null => Ok(None),
            found => self.read(found).map(Some),
        }
    }

    /// All values of a list; none where the place holds `null`. A list in a text has white space
    /// between its values.
    pub(crate) fn values(&self, body: Body<'_>) -> Result<Vec<Value>, String> {
        match (&self.place, &*self.find(body, "a list")?) {
            (_, Json::Null) => Ok(Vec::new()),
            (_, Json::Array(items)) => items.iter().map(|item| self.read(item)).collect(),
            (Place::In(_), Json::String(text)) => {
                text.split_whitespace().map(|word| self.read(&word.into())).collect()
            }
            (_, found) => Err(self.unexpected("a list", found)),
        }
    }

    /// Yes or no, in words of JSON or as 1 and 0.
    pub(crate) fn flag(&self, body: Body<'_>) -> Result<bool, String> {
        let expected = "`true` or `false`";
        let found = self.find(body, expected)?;
        let text = found.as_str().filter(|_| matches!(self.place, Place::In(_)));
        match (found.as_bool(), found.as_i64(), text) {
            (Some(flag), ..) => Ok(flag),
            (_, Some(flag @ (0 | 1)), _) => Ok(flag == 1),
            (.., Some("true" | "1")) => Ok(true),
            (.., Some("false" | "0")) => Ok(false),
            _ => Err(self.unexpected(expected, &found)),
        }
    }

    /// One value of those that the place holds.
    pub(crate) fn read(&self, found: &Json) -> Result<Value, String> {
        let quoted = self.written == ValueAs::Plain && found.is_string();
        let hint = if quoted {
            " (a number in quotes is a text or a number only where `as` says so)"
        } else {
            ""
        };
        let value = self.written.parse(found);
        value.ok_or_else(|| self.unexpected(self.written.expectation(), found) + hint)
    }

    /// The error for a place that holds something else.
    pub(crate) fn unexpected(&self, expected: &str, found: &Json) -> String {
        let found = bounded(&found.to_string());
        format!("expected {expected} {}, found {found}", self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(written: ValueAs, body: &Json) -> Result<Option<Value>, String> {
        let body = Body { json: Some(body), text: "" };
        ValueAt { place: Place::At("/v".to_owned()), written }.value(body)
    }

    /// What is captured may be a number or a text; a list has white space between its values.
    #[test]
    fn values_are_read_out_of_a_text() {
        let at = |pattern: &str, written: ValueAs| ValueAt {
            place: Place::In(regex_lite::Regex::new(pattern).unwrap()),
            written: written.in_text(),
        };
        let body = |text| Body { json: None, text };
        for (text, written, expected) in [
            ("VALUE 17", ValueAs::Plain, Ok(Value::Int(17))),
            ("VALUE 0017 x", ValueAs::Plain, Ok(Value::text("0017 x"))),
            ("VALUE ", ValueAs::Plain, Ok(Value::text(""))),
            ("VALUE 17", ValueAs::Text, Ok(Value::text("17"))),
            ("VALUE -17", ValueAs::Int, Ok(Value::Int(-17))),
            ("VALUE LTE3", ValueAs::B64Int, Ok(Value::Int(-17))),
            ("VALUE x", ValueAs::Int, Err("an integer in a string in `^VALUE (.*)$`, found \"x\"")),
            ("{\"VALUE\": 1}", ValueAs::Plain, Err("a value in `^VALUE (.*)$`, found nothing")),
        ] {
            let expected = expected.map(Some).map_err(|error| format!("expected {error}"));
            assert_eq!(at("^VALUE (.*)$", written).value(body(text)), expected, "{text}");
        }
        let list = at("^LIST ?(.*)$", ValueAs::Plain);
        assert_eq!(
            list.values(body("LIST 1  a\t3")),
            Ok([1.into(), Value::text("a"), 3.into()].into())
        );
        assert_eq!(list.values(body("LIST")), Ok(Vec::new()));
        assert!(list.values(body("NONE")).is_err(), "what no pattern finds is no empty list");
        let flag = at("^is (.*)$", ValueAs::Plain);
        let flags = ["is true", "is 0", "is yes", "is"].map(|text| flag.flag(body(text)).ok());
        assert_eq!(flags, [Some(true), Some(false), None, None]);
    }

    #[test]
    fn values_are_read_as_declared() {
        for (written, found, expected) in [
            (ValueAs::Plain, json!(-17), Value::Int(-17)),
            (ValueAs::Plain, json!("a b "), Value::text("a b ")),
            (ValueAs::Plain, json!(""), Value::text("")),
            (ValueAs::Int, json!(17), Value::Int(17)),
            (ValueAs::StringInt, json!("17"), Value::Int(17)),
            (ValueAs::B64Int, json!("LTE3"), Value::Int(-17)),
            (ValueAs::Text, json!("17"), Value::text("17")),
            (ValueAs::B64Text, json!("LTE3"), Value::text("-17")),
        ] {
            assert_eq!(read(written, &json!({"v": found})), Ok(Some(expected)), "{written:?}");
            assert_eq!(read(written, &json!({"v": null})), Ok(None));
        }
    }

    #[test]
    fn says_what_was_expected() {
        let hint = "(a number in quotes is a text or a number only where `as` says so)";
        for (written, body, error) in [
            (ValueAs::Plain, json!({}), "an integer or a text at `/v`, found nothing"),
            (ValueAs::Plain, json!({"v": 1.5}), "an integer or a text at `/v`, found 1.5"),
            (ValueAs::Plain, json!({"v": [1]}), "an integer or a text at `/v`, found [1]"),
            (
                ValueAs::Plain,
                json!({"v": "17"}),
                &format!("an integer or a text at `/v`, found \"17\" {hint}"),
            ),
            (
                ValueAs::Int,
                json!({"v": u64::MAX}),
                "an integer at `/v`, found 18446744073709551615",
            ),
            (ValueAs::StringInt, json!({"v": 1}), "an integer in a string at `/v`, found 1"),
            (ValueAs::B64Int, json!({"v": "eA=="}), "base64 of an integer at `/v`, found \"eA==\""),
            (ValueAs::Text, json!({"v": 1}), "a text at `/v`, found 1"),
        ] {
            assert_eq!(read(written, &body), Err(format!("expected {error}")));
        }
    }

    #[test]
    fn several_values_and_flags_have_a_shape() {
        let at = ValueAt { place: Place::At(String::new()), written: ValueAs::Plain };
        let values = |json: Json| at.values(Body { json: Some(&json), text: "" });
        assert_eq!(values(json!([1, "a"])), Ok(vec![Value::Int(1), Value::text("a")]));
        assert_eq!(values(json!(null)), Ok(Vec::new()));
        assert_eq!(values(json!(1)), Err("expected a list at ``, found 1".to_owned()));
        let flag = |json: Json| at.flag(Body { json: Some(&json), text: "" });
        for (found, expected) in [(json!(true), true), (json!(0), false), (json!(1), true)] {
            assert_eq!(flag(found), Ok(expected));
        }
        for found in [json!(2), json!("true"), json!(null)] {
            assert!(flag(found).unwrap_err().starts_with("expected `true` or `false` at"));
        }
    }
}
