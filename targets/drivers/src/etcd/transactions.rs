//! Transactions. Reads and writes of registers are one transaction of etcd. An append to a list, which
//! etcd does not know, is a put under the condition that the list still is the one that was read just
//! before, as in etcd's own recipe for transactional memory.

use serde_json::{Value, json};

use super::{Etcd, certain, encoded, first_value, succeeded};
use crate::answer::{Answer, Wrong};

/// A list, and the revision of its last change; 0 if it was never put.
struct List {
    elements: Vec<Value>,
    revision: Value,
}

impl Etcd {
    /// All parts in one transaction of etcd, which performs them in their order. It refuses to put a
    /// key twice.
    pub(super) async fn transact(&self, parts: &Value) -> Answer {
        let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
        let (mut compare, mut requests) = (Vec::new(), Vec::new());
        for part in parts {
            let key = row(part);
            requests.push(match part["f"].as_str() {
                Some("read") => json!({"requestRange": {"key": key}}),
                Some("write") => put(&key, &part["value"]),
                Some("append") => {
                    let mut list = self.list(&key).await?;
                    compare.push(unchanged(&key, &list));
                    list.elements.push(part["value"].clone());
                    put(&key, &Value::Array(list.elements))
                }
                _ => return Err(Wrong::Fail(format!("not a part of a transaction: {part}"))),
            });
        }
        let answer = self.ask("kv/txn", &json!({"compare": compare, "success": requests})).await?;
        match succeeded(&answer) {
            true => Ok(json!({"results": results(parts, &answer)?})),
            false => Err(Wrong::Fail("a list has changed since it was read".to_owned())),
        }
    }

    /// Reads a list. Whatever goes wrong, nothing was changed.
    async fn list(&self, key: &str) -> Result<List, Wrong> {
        let range = self.ask("kv/range", &json!({"key": key})).await.map_err(certain)?;
        let elements = match first_value(&range).map_err(certain)? {
            Value::Array(elements) => elements,
            _ => Vec::new(),
        };
        let revision = range.pointer("/kvs/0/mod_revision").cloned().unwrap_or_else(|| json!("0"));
        Ok(List { elements, revision })
    }
}

/// The condition that a list was not changed since it was read.
fn unchanged(key: &str, list: &List) -> Value {
    json!({"target": "MOD", "result": "EQUAL", "key": key, "mod_revision": list.revision})
}

fn put(key: &str, value: &Value) -> Value {
    json!({"requestPut": {"key": key, "value": encoded(&value.to_string())}})
}

/// What each part was answered: a value for a read, nothing for any other.
pub(super) fn results(parts: &[Value], answer: &Value) -> Result<Vec<Value>, Wrong> {
    let told = answer["responses"].as_array().map(Vec::as_slice).unwrap_or_default();
    if told.len() != parts.len() {
        return Err(Wrong::Info(format!("{} answers to {} parts", told.len(), parts.len())));
    }
    let result = |(part, told): (&Value, &Value)| match part["f"].as_str() {
        Some("read") => first_value(&told["response_range"]),
        _ => Ok(Value::Null),
    };
    parts.iter().zip(told).map(result).collect()
}

/// The key of a row of the test.
fn row(part: &Value) -> String {
    encoded(&format!("fracas/rows/{}", part["key"].as_str().unwrap_or_default()))
}
