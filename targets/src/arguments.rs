//! What an operation asks for, by name: what templates and client programs are handed of it.
//!
//! The names are those under which a history has the fields, but for times to live, which are in
//! milliseconds here. It deliberately does not say where or by whom something is asked.

use fracas_checker::transaction::Micro;
use fracas_checker::{Op, OpKind};
use serde_json::{Map, Value as Json, json};

/// Histories have times in nanoseconds.
const NANOS_PER_MILLI: u64 = 1_000_000;

/// What templates and client programs call a time to live.
pub(crate) const TTL: &str = "ttl_ms";

/// The arguments of an operation. A time to live is among them where the operation has one.
pub(crate) fn arguments(op: &Op) -> Map<String, Json> {
    if let Op::Txn { ops } = op {
        return Map::from_iter([("ops".to_owned(), ops.iter().map(part).collect())]);
    }
    let written = serde_json::to_value(op).expect("an operation can be written as JSON");
    let Json::Object(mut arguments) = written else { return Map::new() };
    arguments.remove("f");
    if let Some(ttl) = arguments.remove("ttl").and_then(|ttl| ttl.as_u64()) {
        arguments.insert(TTL.to_owned(), (ttl / NANOS_PER_MILLI).into());
    }
    arguments
}

/// One read or write of a transaction: a read has no value yet.
fn part(part: &Micro) -> Json {
    match part {
        Micro::Read { key, .. } => json!({ "f": "read", "key": &**key }),
        Micro::Write { key, value } => json!({ "f": "write", "key": &**key, "value": value }),
        Micro::Append { key, value } => json!({ "f": "append", "key": &**key, "value": value }),
    }
}

/// Whether operations of this kind may have a time to live.
pub(crate) fn may_expire(kind: OpKind) -> bool {
    matches!(kind, OpKind::Acquire | OpKind::Renew)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fracas_checker::Value;
    use fracas_checker::transaction::Seen;

    use super::*;

    #[test]
    fn arguments_have_the_names_of_histories() {
        let (read, append) = (
            Micro::Read { key: "x".into(), seen: Seen::Unknown },
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
            assert_eq!(Json::Object(arguments(&op)), expected, "{op}");
        }
    }
}
