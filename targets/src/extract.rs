//! Taking numbers and node names out of a JSON answer.
//!
//! It deliberately never guesses: what is not written as declared is an error that says what was
//! expected.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fracas_checker::NodeId;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::text::bounded;

/// How a number is written in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NumberAs {
    /// A JSON number without a fraction.
    #[default]
    Int,
    /// Decimal digits in a JSON string, as protobuf gateways write 64-bit numbers.
    StringInt,
    /// Base64 of decimal digits.
    B64Int,
}

impl NumberAs {
    fn expectation(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::StringInt => "an integer in a string",
            Self::B64Int => "base64 of an integer",
        }
    }

    fn parse(self, json: &Json) -> Option<i128> {
        match self {
            Self::Int => json.as_i64().map(Into::into).or_else(|| json.as_u64().map(Into::into)),
            Self::StringInt => json.as_str()?.parse().ok(),
            Self::B64Int => {
                String::from_utf8(STANDARD.decode(json.as_str()?).ok()?).ok()?.parse().ok()
            }
        }
    }
}

/// How a node is named in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NodeAs {
    /// By its name, `"n3"`.
    #[default]
    String,
    /// By its number, `3`.
    Int,
    /// By its number in a string, `"3"`.
    StringInt,
}

/// A place with a number in it.
#[derive(Debug, Clone)]
pub(crate) struct NumberAt {
    pub(crate) pointer: String,
    pub(crate) written: NumberAs,
}

impl NumberAt {
    /// The number; none where the place holds `null`. A place that is not there is an error.
    pub(crate) fn read<N: TryFrom<i128>>(&self, body: &Json) -> Result<Option<N>, String> {
        let expected = self.written.expectation();
        match body.pointer(&self.pointer) {
            None => Err(format!("expected {expected} at `{}`, found nothing", self.pointer)),
            Some(Json::Null) => Ok(None),
            Some(found) => {
                self.written.parse(found).and_then(|number| number.try_into().ok()).map_or_else(
                    || {
                        let found = bounded(&found.to_string());
                        Err(format!("expected {expected} at `{}`, found {found}", self.pointer))
                    },
                    |number| Ok(Some(number)),
                )
            }
        }
    }
}

/// A place with a node's name in it.
#[derive(Debug, Clone)]
pub(crate) struct NodeAt {
    pub(crate) pointer: String,
    pub(crate) written: NodeAs,
}

impl NodeAt {
    /// The node, if one is named there.
    pub(crate) fn read(&self, body: &Json) -> Option<NodeId> {
        let found = body.pointer(&self.pointer)?;
        match self.written {
            NodeAs::String => found.as_str()?.parse().ok(),
            NodeAs::Int => numbered(NumberAs::Int.parse(found)?),
            NodeAs::StringInt => numbered(NumberAs::StringInt.parse(found)?),
        }
    }
}

/// Nodes are numbered from 1.
fn numbered(number: i128) -> Option<NodeId> {
    u16::try_from(number).ok().filter(|number| *number > 0).map(NodeId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn number(written: NumberAs, body: &Json) -> Result<Option<i64>, String> {
        NumberAt { pointer: "/v".to_owned(), written }.read(body)
    }

    #[test]
    fn reads_numbers_as_declared() {
        assert_eq!(number(NumberAs::Int, &json!({"v": -17})), Ok(Some(-17)));
        assert_eq!(number(NumberAs::Int, &json!({"v": null})), Ok(None));
        assert_eq!(number(NumberAs::StringInt, &json!({"v": "17"})), Ok(Some(17)));
        assert_eq!(number(NumberAs::B64Int, &json!({"v": "LTE3"})), Ok(Some(-17)));
    }

    #[test]
    fn says_what_was_expected() {
        for (written, body, error) in [
            (NumberAs::Int, json!({}), "expected an integer at `/v`, found nothing"),
            (NumberAs::Int, json!([1]), "expected an integer at `/v`, found nothing"),
            (NumberAs::Int, json!({"v": 1.5}), "expected an integer at `/v`, found 1.5"),
            (NumberAs::Int, json!({"v": "1"}), "expected an integer at `/v`, found \"1\""),
            (
                NumberAs::Int,
                json!({"v": u64::MAX}),
                "expected an integer at `/v`, found 18446744073709551615",
            ),
            (
                NumberAs::StringInt,
                json!({"v": 1}),
                "expected an integer in a string at `/v`, found 1",
            ),
            (
                NumberAs::B64Int,
                json!({"v": "?"}),
                "expected base64 of an integer at `/v`, found \"?\"",
            ),
        ] {
            assert_eq!(number(written, &body), Err(error.to_owned()));
        }
    }

    #[test]
    fn reads_node_names() {
        let at = |written| NodeAt { pointer: "/n".to_owned(), written };
        assert_eq!(at(NodeAs::String).read(&json!({"n": "n3"})), Some(NodeId(3)));
        assert_eq!(at(NodeAs::Int).read(&json!({"n": 3})), Some(NodeId(3)));
        assert_eq!(at(NodeAs::StringInt).read(&json!({"n": "3"})), Some(NodeId(3)));
        for body in [json!({"n": null}), json!({}), json!({"n": "3"}), json!({"n": 3})] {
            assert_eq!(at(NodeAs::String).read(&body), None);
        }
        assert_eq!(at(NodeAs::Int).read(&json!({"n": 0})), None);
    }
}
