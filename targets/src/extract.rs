//! Taking numbers and node names out of an answer: by a JSON pointer, or by a pattern of its text.
//!
//! It deliberately never guesses: what is not written as declared is an error that says what was
//! expected.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fracas_checker::NodeId;
use regex_lite::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value as Json;

use crate::text::bounded;

/// The body of an answer, as it is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Body<'a> {
    /// As JSON, if it is some.
    pub(crate) json: Option<&'a Json>,
    /// As a text.
    pub(crate) text: &'a str,
}

/// Where something is in an answer.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// At this JSON pointer (RFC 6901).
    At(String),
    /// In what the first group of a pattern captures of the answer's text.
    In(Regex),
}

impl Place {
    /// What is there. An answer that is no JSON is handed in as a JSON string.
    pub(crate) fn find<'a>(&self, body: &'a Json) -> Option<Cow<'a, Json>> {
        match self {
            Self::At(pointer) => body.pointer(pointer).map(Cow::Borrowed),
            Self::In(pattern) => {
                let text =
                    body.as_str().map_or_else(|| Cow::Owned(body.to_string()), Cow::Borrowed);
                let found = pattern.captures(&text)?.get(1)?.as_str().to_owned();
                Some(Cow::Owned(Json::String(found)))
            }
        }
    }
}

impl Place {
    /// What is there in the answer to an operation; a pattern looks at its very text.
    pub(crate) fn told<'a>(&self, body: Body<'a>) -> Result<Option<Cow<'a, Json>>, String> {
        match self {
            Self::At(pointer) => {
                let json = body.json.ok_or_else(|| "expected an answer in JSON".to_owned())?;
                Ok(json.pointer(pointer).map(Cow::Borrowed))
            }
            Self::In(pattern) => {
                let found = pattern.captures(body.text).and_then(|found| found.get(1));
                Ok(found.map(|found| Cow::Owned(Json::from(found.as_str()))))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(pointer) => write!(f, "at `{pointer}`"),
            Self::In(pattern) => write!(f, "in `{pattern}`"),
        }
    }
}

/// How a number is written in an answer, and how many of its lowest bits are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Written {
    pub(crate) digits: NumberAs,
    pub(crate) shift: u32,
}

impl Written {
    /// What a text is taken for where the target does not say.
    pub(crate) fn in_text(self) -> Self {
        match self.digits {
            NumberAs::Int => Self { digits: NumberAs::StringInt, ..self },
            _ => self,
        }
    }

    fn parse(self, json: &Json) -> Option<i128> {
        self.digits.parse(json).map(|number| number >> self.shift)
    }
}

/// `int`, `hex`, `hex >> 32`.
impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// No number has more bits.
        const BITS: u32 = 64;
        let text = String::deserialize(deserializer)?;
        let (word, shift) =
            text.split_once(">>").map_or((&text[..], None), |(word, bits)| (word, Some(bits)));
        let shift = shift.map_or(Ok(0), |bits| bits.trim().parse());
        let shift = shift.ok().filter(|shift| *shift < BITS);
        let shift = shift.ok_or_else(|| Error::custom("expected less than 64 bits after `>>`"))?;
        let digits = NumberAs::deserialize(serde::de::value::StrDeserializer::new(word.trim()))?;
        Ok(Self { digits, shift })
    }
}

/// In which digits a number is written.
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
    /// Hexadecimal digits in a text, with `0x` before them or not.
    Hex,
}

impl NumberAs {
    fn expectation(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::StringInt => "an integer in a string",
            Self::B64Int => "base64 of an integer",
            Self::Hex => "hexadecimal digits",
        }
    }

    fn parse(self, json: &Json) -> Option<i128> {
        match self {
            Self::Int => json.as_i64().map(Into::into).or_else(|| json.as_u64().map(Into::into)),
            Self::StringInt => json.as_str()?.parse().ok(),
            Self::B64Int => {
                String::from_utf8(STANDARD.decode(json.as_str()?).ok()?).ok()?.parse().ok()
            }
            Self::Hex => {
                let text = json.as_str()?;
                i128::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
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
    pub(crate) place: Place,
    pub(crate) written: Written,
}

impl NumberAt {
    /// The number; none where the place holds `null`. A place that is not there is an error.
    pub(crate) fn read<N: TryFrom<i128>>(&self, body: &Json) -> Result<Option<N>, String> {
        self.number(self.place.find(body))
    }

    /// The same, of the answer to an operation.
    pub(crate) fn told<N: TryFrom<i128>>(&self, body: Body<'_>) -> Result<Option<N>, String> {
        self.number(self.place.told(body)?)
    }

    fn number<N: TryFrom<i128>>(&self, found: Option<Cow<'_, Json>>) -> Result<Option<N>, String> {
        let (expected, place) = (self.written.digits.expectation(), &self.place);
        let Some(found) = found else {
            return Err(format!("expected {expected} {place}, found nothing"));
        };
        if found.is_null() {
            return Ok(None);
        }
        let number = self.written.parse(&found).and_then(|number| number.try_into().ok());
        number.map(Some).ok_or_else(|| {
            let found = bounded(&found.to_string());
            format!("expected {expected} {place}, found {found}")
        })
    }
}

/// A place with a node's name in it.
#[derive(Debug, Clone)]
pub(crate) struct NodeAt {
    pub(crate) place: Place,
    pub(crate) written: NodeAs,
}

impl NodeAt {
    /// The node, if one is named there.
    pub(crate) fn read(&self, body: &Json) -> Option<NodeId> {
        self.node(&*self.place.find(body)?)
    }

    /// The same, of the answer to an operation.
    pub(crate) fn told(&self, body: Body<'_>) -> Option<NodeId> {
        self.node(&*self.place.told(body).ok().flatten()?)
    }

    fn node(&self, found: &Json) -> Option<NodeId> {
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
    fn number(digits: NumberAs, body: &Json) -> Result<Option<i64>, String> {
        let written = Written { digits, shift: 0 };
        NumberAt { place: Place::At("/v".to_owned()), written }.read(body)
    }

    /// ZooKeeper tells its epoch in the upper half of a transaction's number.
    #[test]
    fn reads_numbers_out_of_text() {
        let zxid = |written: &str| {
            let pattern = Regex::new("(?m)^Zxid: (0x[0-9a-f]+)$").unwrap();
            let written = serde_json::from_value::<Written>(json!(written)).unwrap();
            let text = json!("Mode: leader\nZxid: 0x500000003\nNode count: 5\n");
            NumberAt { place: Place::In(pattern), written }.read::<u64>(&text)
        };
        assert_eq!(zxid("hex >> 32"), Ok(Some(5)));
        assert_eq!(zxid("hex"), Ok(Some(0x5_0000_0003)));
        let expected =
            "expected an integer in a string in `(?m)^Zxid: (0x[0-9a-f]+)$`, found \"0x500000003\"";
        assert_eq!(zxid("string-int"), Err(expected.to_owned()));
        for wrong in ["hex >> 64", "hex >> x", "octal", "hex >>"] {
            assert!(serde_json::from_value::<Written>(json!(wrong)).is_err(), "{wrong}");
        }
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
        let at = |written| NodeAt { place: Place::At("/n".to_owned()), written };
        assert_eq!(at(NodeAs::String).read(&json!({"n": "n3"})), Some(NodeId(3)));
        assert_eq!(at(NodeAs::Int).read(&json!({"n": 3})), Some(NodeId(3)));
        assert_eq!(at(NodeAs::StringInt).read(&json!({"n": "3"})), Some(NodeId(3)));
        for body in [json!({"n": null}), json!({}), json!({"n": "3"}), json!({"n": 3})] {
            assert_eq!(at(NodeAs::String).read(&body), None);
        }
        assert_eq!(at(NodeAs::Int).read(&json!({"n": 0})), None);
    }
}
