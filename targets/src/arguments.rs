//! What an operation asks for, by name: what templates and client programs are handed of it.
//!
//! The names are those under which a history has the fields, but for times to live, which are in
//! milliseconds here. It deliberately does not say where or by whom something is asked.

use fracas_checker::op::Field;
use fracas_checker::transaction::Micro;
use fracas_checker::{Op, Value};
use serde_json::{Value as Json, json};

/// Histories have times in nanoseconds.
const NANOS_PER_MILLI: u64 = 1_000_000;

/// What templates and client programs call a time to live.
const TTL: &str = "ttl_ms";

/// The arguments of an operation.
pub(crate) fn arguments<V: Argument>(op: &Op) -> impl Iterator<Item = (&'static str, V)> {
    op.fields().into_iter().filter_map(|(name, field)| match field {
        Field::Time(Some(time)) => Some((TTL, V::from(time / NANOS_PER_MILLI))),
        Field::Time(None) => V::forever().map(|forever| (TTL, forever)),
        Field::Key(key) => Some((name, V::from(&**key))),
        Field::Value(Value::Int(number)) => Some((name, V::from(*number))),
        Field::Signed(number) => Some((name, V::from(number))),
        Field::Value(Value::Text(text)) => Some((name, V::from(&**text))),
        Field::Number(number) => Some((name, V::from(number))),
        Field::Parts(parts) => Some((name, V::json(parts.iter().map(part).collect()))),
        Field::Node(node) => Some((name, V::from(&*node.to_string()))),
    })
}

/// What an argument becomes for who is handed it.
pub(crate) trait Argument: for<'a> From<&'a str> + From<u64> + From<i64> {
    /// Of a time to live without an end; none where it is left out.
    fn forever() -> Option<Self>;
    /// Of anything else.
    fn json(json: Json) -> Self;
}

impl Argument for Json {
    fn forever() -> Option<Self> {
        None
    }

    fn json(json: Json) -> Self {
        json
    }
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Int(number) => (*number).into(),
        Value::Text(text) => (**text).into(),
    }
}

/// One read or write of a transaction: a read has no value yet.
fn part(part: &Micro) -> Json {
    match part {
        Micro::Read { key, .. } => json!({ "f": "read", "key": &**key }),
        Micro::Write { key, value } => {
            json!({ "f": "write", "key": &**key, "value": plain(value) })
        }
        Micro::Append { key, value } => {
            json!({ "f": "append", "key": &**key, "value": plain(value) })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fracas_checker::transaction::ReadValue;

    use super::*;

    #[test]
    fn arguments_have_the_names_of_histories() {
        let (read, append) = (
            Micro::Read { key: "x".into(), seen: ReadValue::Unknown },
            Micro::Append { key: "l".into(), value: Value::text("a") },
        );
        for (op, expected) in [
            (Op::Read { key: "k".into() }, json!({"key": "k"})),
            (
                Op::Cas { key: "k".into(), old: 1.into(), new: Value::text("x") },
                json!({"key": "k", "old": 1, "new": "x"}),
            ),
            (
                Op::Acquire { key: "k".into(), holder: 3, ttl: Some(2_000_000_000) },
                json!({"key": "k", "holder": 3, "ttl_ms": 2000}),
            ),
            (
                Op::Acquire { key: "k".into(), holder: 3, ttl: None },
                json!({"key": "k", "holder": 3}),
            ),
            (Op::Increment { key: "k".into(), by: -2 }, json!({"key": "k", "by": -2})),
            (
                Op::Txn { ops: Arc::new([read, append]) },
                json!({"ops": [{"f": "read", "key": "x"}, {"f": "append", "key": "l", "value": "a"}]}),
            ),
        ] {
            let arguments = arguments::<Json>(&op).map(|(name, value)| (name.to_owned(), value));
            assert_eq!(Json::Object(arguments.collect()), expected, "{op}");
        }
    }
}
