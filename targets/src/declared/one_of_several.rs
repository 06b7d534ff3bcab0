//! Values that may be written in more than one way: one or many, a word or a table.
//!
//! Hand-written, because serde's `untagged` would lose both the spans and the messages.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use toml::Spanned;

use super::places::{ContentKey, Text};

/// `200` or `[200, 201]`.
#[derive(Debug)]
pub(crate) struct OneOrMany(pub(crate) Spanned<Vec<u16>>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::<Codes>::deserialize(deserializer)
            .map(|codes| Self(Spanned::new(codes.span(), codes.into_inner().0)))
    }
}

struct Codes(Vec<u16>);

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CodesVisitor;
        impl<'de> Visitor<'de> for CodesVisitor {
            type Value = Codes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an HTTP status such as `200`, or a list of them")
            }

            fn visit_i64<E: Error>(self, code: i64) -> Result<Codes, E> {
                u16::try_from(code)
                    .map(|code| Codes(vec![code]))
                    .map_err(|_| E::invalid_value(Unexpected::Signed(code), &self))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Codes, A::Error> {
                let mut codes = Vec::new();
                while let Some(code) = items.next_element()? {
                    codes.push(code);
                }
                Ok(Codes(codes))
            }
        }
        deserializer.deserialize_any(CodesVisitor)
    }
}

/// `"/error"` or `["/error", "/code"]`, each with its place in the file.
#[derive(Debug, Default)]
pub(crate) struct Texts(pub(crate) Vec<Text>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let several = Spanned::<Several>::deserialize(deserializer)?;
        let span = several.span();
        Ok(Self(match several.into_inner() {
            Several::One(text) => vec![Spanned::new(span, text)],
            Several::Many(texts) => texts,
        }))
    }
}

enum Several {
    One(String),
    Many(Vec<Text>),
}

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SeveralVisitor;
        impl<'de> Visitor<'de> for SeveralVisitor {
            type Value = Several;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Several, E> {
                Ok(Several::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Several, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element()? {
                    texts.push(text);
                }
                Ok(Several::Many(texts))
            }
        }
        deserializer.deserialize_any(SeveralVisitor)
    }
}

/// `"moved"`, or `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// An answer like any other.
    Never,
    /// An answer by which the protocol sends an operation to another node is followed there.
    Moved,
}

impl<'de> Deserialize<'de> for Redirects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RedirectsVisitor;
        impl Visitor<'_> for RedirectsVisitor {
            type Value = Redirects;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"`"moved"`, or `0` to follow none"#)
            }

            fn visit_i64<E: Error>(self, count: i64) -> Result<Redirects, E> {
                match count {
                    0 => Ok(Redirects::Never),
                    other => Err(E::invalid_value(Unexpected::Signed(other), &self)),
                }
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Redirects, E> {
                match word {
                    "moved" => Ok(Redirects::Moved),
                    other => Err(E::unknown_variant(other, &["moved"])),
                }
            }
        }
        deserializer.deserialize_any(RedirectsVisitor)
    }
}

/// What a place in an answer is compared with.
#[derive(Debug)]
pub(crate) struct Equals(pub(crate) serde_json::Value);

impl<'de> Deserialize<'de> for Equals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EqualsVisitor;
        impl Visitor<'_> for EqualsVisitor {
            type Value = Equals;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false`, an integer or a string")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Equals, E> {
                Ok(Equals(value.into()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Equals, E> {
                Ok(Equals(value.into()))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Equals, E> {
                Ok(Equals(value.into()))
            }
        }
        deserializer.deserialize_any(EqualsVisitor)
    }
}

/// `"absent"`, `"body"`, `true`, `false` or `{ json = "/value", as = "int" }`.
#[derive(Debug)]
pub(crate) enum ValueKey {
    /// Nothing is there.
    Absent,
    /// The text of the whole answer is the value.
    Body,
    /// Whether an element is there.
    Flag(bool),
    /// The value is in the answer.
    In(ContentKey),
}

impl<'de> Deserialize<'de> for ValueKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = ValueKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    r#""absent", "body", `true`, `false` or a table such as { json = "/value" }"#,
                )
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<ValueKey, E> {
                Ok(ValueKey::Flag(flag))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<ValueKey, E> {
                match word {
                    "absent" => Ok(ValueKey::Absent),
                    "body" => Ok(ValueKey::Body),
                    other => Err(E::unknown_variant(other, &["absent", "body"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueKey, A::Error> {
                ContentKey::deserialize(MapAccessDeserializer::new(map)).map(ValueKey::In)
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// A group's name, or where it is in the answer: `"meta"` or `{ json = "/name" }`.
#[derive(Debug)]
pub(crate) enum GroupKey {
    /// This one.
    Named(String),
    /// The one that is told.
    In(GroupAt),
}

/// Where the name of a group is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GroupAt {
    pub(crate) json: Option<Text>,
    pub(crate) regex: Option<Text>,
}

impl<'de> Deserialize<'de> for GroupKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GroupVisitor;
        impl<'de> Visitor<'de> for GroupVisitor {
            type Value = GroupKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"the name of a group, or a table such as { json = "/name" }"#)
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<GroupKey, E> {
                Ok(GroupKey::Named(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GroupKey, A::Error> {
                GroupAt::deserialize(MapAccessDeserializer::new(map)).map(GroupKey::In)
            }
        }
        deserializer.deserialize_any(GroupVisitor)
    }
}
