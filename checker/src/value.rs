//! Values: what registers hold, sets contain and queues carry.
//!
//! Most are whole numbers. Whatever else a recorded history holds (strings, keywords, numbers of
//! more than 64 bits) is kept as its text, so that equality means the same as where it came from.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::text::Text;

/// How many characters of a text are shown in a sentence.
const SHOWN: usize = 60;

/// One value. Workloads write every value once, so that a read names the write it saw.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// Anything else, as text. Untrusted.
    Text(Text),
}

impl Value {
    /// The number, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    /// A text value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Default for Value {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl fmt::Display for Value {
    /// A number as it is; a text in quotes, its control characters escaped, cut where it is long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => match text.char_indices().nth(SHOWN) {
                Some((end, _)) => write!(f, "{:?}…", &text[..end]),
                None => write!(f, "{text:?}"),
            },
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Expected;

        impl Visitor<'_> for Expected {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a string")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Int(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
                Ok(i64::try_from(number)
                    .map_or_else(|_| Value::text(&number.to_string()), Value::Int))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value::text(text))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expect: &Value, shown: &str) {
        let value: Value = serde_json::from_str(json).expect("a value");
        assert_eq!(value, *expect);
        assert_eq!(value.to_string(), shown);
        assert_eq!(serde_json::to_string(&value).expect("JSON"), json);
    }

    #[test]
    fn numbers_and_texts_keep_what_they_are() {
        check("-7", &Value::Int(-7), "-7");
        check(r#""x\n""#, &Value::text("x\n"), r#""x\n""#);
        assert_eq!(size_of::<Value>(), 16);
    }

    #[test]
    fn long_texts_are_cut_where_they_are_shown() {
        let long = Value::text(&"ä".repeat(100));
        assert_eq!(long.to_string(), format!("\"{}\"…", "ä".repeat(SHOWN)));
    }
}
