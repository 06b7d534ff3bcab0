//! The keys of an operation: its request, and what its answers mean. The shape only.
//!
//! No type here may use serde's `tag`, `untagged` or `flatten`: see `file`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::one_of_several::{Equals, OneOrMany, Texts, ValueKey};
use super::places::{NodeKey, NumberKey, Text};
use crate::answer::Means;

/// `[ops.…]`: one request and what its answers mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Operation {
    pub(crate) method: Option<Spanned<Method>>,
    pub(crate) path: Option<Text>,
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Text>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Text>,
    pub(crate) json: Option<Text>,
    /// In place of these, where the target speaks RESP.
    pub(crate) command: Option<Spanned<Vec<Text>>>,
    pub(crate) answers: Spanned<Vec<Spanned<Answer>>>,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    Get,
    Put,
    Post,
    Patch,
    Delete,
}

/// One line of `answers`: conditions, and what it means if they hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Answer {
    pub(crate) status: Option<OneOrMany>,
    pub(crate) json: Option<Text>,
    pub(crate) equals: Option<Spanned<Equals>>,
    #[serde(default)]
    pub(crate) present: Texts,
    #[serde(default)]
    pub(crate) missing: Texts,
    /// A pattern of the answer's text.
    pub(crate) text: Option<Text>,
    /// The whole text of the answer.
    pub(crate) body: Option<Text>,
    /// Patterns of headers, by their names.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Text>,
    #[serde(rename = "is")]
    pub(crate) means: Means,
    pub(crate) value: Option<Spanned<ValueKey>>,
    pub(crate) version: Option<NumberKey>,
    pub(crate) token: Option<NumberKey>,
    pub(crate) node: Option<NodeKey>,
    pub(crate) generation: Option<NumberKey>,
    pub(crate) why: Option<Text>,
}
