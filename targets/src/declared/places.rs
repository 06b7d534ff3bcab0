//! Keys that say where something is in an answer, and how it is written.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::content::ValueAs;
use crate::extract::{NodeAs, Written};

/// A text and its place.
pub(crate) type Text = Spanned<String>;

/// Where a number is in an answer, and how it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NumberKey {
    pub(crate) json: Option<Text>,
    /// In place of it: what the first group of this pattern captures of the answer's text.
    pub(crate) regex: Option<Text>,
    #[serde(default, rename = "as")]
    pub(crate) written: Written,
}

/// Where a value is in an answer, and how it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ContentKey {
    pub(crate) json: Option<Text>,
    /// In place of it: what the first group of this pattern captures of the answer's text.
    pub(crate) regex: Option<Text>,
    #[serde(default, rename = "as")]
    pub(crate) written: ValueAs,
}

/// Where a node's name is in an answer, and how it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NodeKey {
    pub(crate) json: Option<Text>,
    /// In place of it: what the first group of this pattern captures of the answer's text.
    pub(crate) regex: Option<Text>,
    #[serde(default, rename = "as")]
    pub(crate) written: NodeAs,
}

impl NumberKey {
    /// Where it is in the file, for what is missing in it.
    pub(super) fn span(&self) -> Range<usize> {
        spans(self.json.as_ref(), self.regex.as_ref())
    }
}

impl NodeKey {
    /// Where it is in the file, for what is missing in it.
    pub(super) fn span(&self) -> Range<usize> {
        spans(self.json.as_ref(), self.regex.as_ref())
    }
}

fn spans(first: Option<&Text>, second: Option<&Text>) -> Range<usize> {
    first.or(second).map_or(0..0, Spanned::span)
}
