//! Keys that say where something is in an answer, and how it is written.

use serde::Deserialize;
use toml::Spanned;

use crate::content::ValueAs;
use crate::extract::{NodeAs, NumberAs};

/// A text and its place.
pub(crate) type Text = Spanned<String>;

/// Where a number is in an answer, and how it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NumberKey {
    pub(crate) json: Text,
    #[serde(default, rename = "as")]
    pub(crate) written: NumberAs,
}

/// Where a value is in an answer, and how it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ContentKey {
    pub(crate) json: Text,
    #[serde(default, rename = "as")]
    pub(crate) written: ValueAs,
}

/// Where a node's name is in an answer, and how it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NodeKey {
    pub(crate) json: Text,
    #[serde(default, rename = "as")]
    pub(crate) written: NodeAs,
}
