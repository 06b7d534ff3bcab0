//! What rows mean: the answer to an operation. In every row the first column that is not NULL is the
//! value.

use serde_json::{Value, json};

use crate::answer::{Answer, Wrong};

/// The name of the column that holds a list: numbers with commas between them.
const ELEMENTS: &str = "elements";

/// The columns of a row.
pub(crate) type Row = Vec<Value>;

/// What statements did.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Effect {
    /// What they returned.
    pub(crate) rows: Vec<Row>,
    /// How many rows were changed by those that return none.
    pub(crate) affected: u64,
}

impl Effect {
    /// The value of the first row; `null` if there is none.
    pub(crate) fn value(&self) -> Value {
        self.rows.first().map_or(Value::Null, |row| value(row))
    }
}

fn value(row: &[Value]) -> Value {
    row.iter().find(|cell| !cell.is_null()).cloned().unwrap_or(Value::Null)
}

/// A text of a column: a list where the column is one of lists.
pub(crate) fn text_cell(column: &str, text: String) -> Result<Value, String> {
    if column != ELEMENTS {
        return Ok(text.into());
    }
    let numbers: Result<Vec<i64>, _> = text.split(',').map(str::parse).collect();
    numbers.map(Into::into).map_err(|_| format!("`{text}` is no list of numbers"))
}

/// What an operation is answered with, if it was done. It is not committed yet.
pub(crate) fn answer(word: &str, effect: &Effect) -> Answer {
    let not_done = || Wrong::Fail("no row was as expected".to_owned());
    let first = effect.rows.first();
    match word {
        "read" | "swap" | "dequeue" => Ok(json!({"value": effect.value()})),
        "generate" => first.map(|row| json!({"value": value(row)})).ok_or_else(not_done),
        "update" => first.map(|row| json!({"version": value(row)})).ok_or_else(not_done),
        "contains" => Ok(json!({"present": first.is_some()})),
        "read-all" => {
            let values: Vec<Value> = effect.rows.iter().map(|row| value(row)).collect();
            Ok(json!({"values": values}))
        }
        "read-version" => match first.map(Vec::as_slice) {
            Some([columns @ .., version]) => {
                Ok(json!({"value": value(columns), "version": version}))
            }
            _ => Ok(json!({"value": null, "version": 0})),
        },
        "cas" if effect.affected == 0 && first.is_none() => Err(not_done()),
        _ => Ok(json!({})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(rows: &Value, affected: u64) -> Effect {
        let rows = rows.as_array().unwrap().iter().map(|row| row.as_array().unwrap().clone());
        Effect { rows: rows.collect(), affected }
    }

    #[test]
    fn rows_become_answers() {
        for (word, rows, affected, told) in [
            ("read", json!([[null, "17."]]), 0, Some(json!({"value": "17."}))),
            ("read", json!([]), 0, Some(json!({"value": null}))),
            ("read", json!([[null, null]]), 0, Some(json!({"value": null}))),
            ("swap", json!([[4]]), 1, Some(json!({"value": 4}))),
            ("write", json!([]), 1, Some(json!({}))),
            ("cas", json!([]), 1, Some(json!({}))),
            ("cas", json!([]), 0, None),
            ("remove", json!([]), 0, Some(json!({}))),
            ("contains", json!([[1]]), 0, Some(json!({"present": true}))),
            ("contains", json!([]), 0, Some(json!({"present": false}))),
            ("read-all", json!([[3], [5]]), 0, Some(json!({"values": [3, 5]}))),
            ("generate", json!([[9]]), 0, Some(json!({"value": 9}))),
            ("generate", json!([]), 0, None),
            ("read-version", json!([[9, 3]]), 0, Some(json!({"value": 9, "version": 3}))),
            ("read-version", json!([]), 0, Some(json!({"value": null, "version": 0}))),
            ("update", json!([[4]]), 0, Some(json!({"version": 4}))),
            ("update", json!([]), 0, None),
        ] {
            let answered = answer(word, &effect(&rows, affected));
            assert_eq!(answered.as_ref().ok(), told.as_ref(), "{word} {rows}: {answered:?}");
            assert!(told.is_some() || matches!(answered, Err(Wrong::Fail(_))), "{word} {rows}");
        }
    }

    #[test]
    fn a_column_of_lists_has_numbers() {
        let list = |text: &str| text_cell("elements", text.to_owned());
        assert_eq!(list("4,-7"), Ok(json!([4, -7])));
        assert!(list("4,x").is_err() && list("").is_err());
        assert_eq!(text_cell("text", "4,7".to_owned()), Ok(json!("4,7")));
    }
}
