//! One key of a store of texts: read, write, append. At first every key holds the empty text.
//!
//! A number counts as its decimal digits, and “absent” as the empty text.

use std::fmt;

use super::model::{Model, Refusal};
use crate::op::{Op, Outcome, Value};
use crate::text::Text;

/// The text that a key holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Kv(pub Text);

impl Default for Kv {
    fn default() -> Self {
        Self("".into())
    }
}

/// A value as a text.
pub(crate) fn text(value: &Value) -> Text {
    match value {
        Value::Int(number) => number.to_string().into(),
        Value::Text(text) => Text::clone(text),
    }
}

impl fmt::Display for Kv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "holds {}", Value::Text(Text::clone(&self.0)))
    }
}

impl Model for Kv {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Write { value, .. }, Some(Outcome::Write) | None) => Ok(Self(text(value))),
            (Op::Append { value, .. }, Some(Outcome::Append) | None) => {
                Ok(Self(format!("{}{}", self.0, text(value)).into()))
            }
            (Op::Read { key }, Some(Outcome::Read { value })) => {
                let read = value.as_ref().map_or_else(|| "".into(), text);
                if read == self.0 {
                    return Ok(self.clone());
                }
                Err(Refusal(format!("here {key} {self}")))
            }
            (Op::Read { .. }, None) => Ok(self.clone()),
            _ => Err(Refusal(format!("a store of texts does not answer `{op}` so"))),
        }
    }

    fn observes(op: &Op, _: Option<&Outcome>) -> bool {
        matches!(op, Op::Read { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    fn write(value: &str) -> (Op, Outcome) {
        (Op::Write { key: "k".into(), value: Value::text(value) }, Outcome::Write)
    }

    fn append(value: &str) -> (Op, Outcome) {
        (Op::Append { key: "k".into(), value: Value::text(value) }, Outcome::Append)
    }

    fn read(value: Option<&str>) -> (Op, Outcome) {
        (Op::Read { key: "k".into() }, Outcome::Read { value: value.map(Value::text) })
    }

    #[track_caller]
    fn check(steps: &[(Op, Outcome)], expect: &str) {
        let steps = steps.iter().map(|(op, outcome)| (op.clone(), Some(outcome.clone())));
        assert_eq!(outcome_of::<Kv>(steps), expect);
    }

    #[test]
    fn a_store_answers_what_was_written_and_appended() {
        check(&[read(None), read(Some(""))], r#"holds """#);
        check(&[append("a"), append("b"), read(Some("ab"))], r#"holds "ab""#);
        check(&[append("a"), write("b"), append("c"), read(Some("bc"))], r#"holds "bc""#);
        let number = (Op::Write { key: "k".into(), value: 7.into() }, Outcome::Write);
        check(&[number, append("!"), read(Some("7!"))], r#"holds "7!""#);
    }

    #[test]
    fn a_store_refuses_with_its_reason() {
        check(&[append("a"), read(None)], r#"here k holds "a""#);
        check(&[read(Some("a"))], r#"here k holds """#);
        let wrong = (write("a").0, Outcome::Append);
        check(&[wrong], r#"a store of texts does not answer `write k = "a"` so"#);
    }
}
