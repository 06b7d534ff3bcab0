//! A target written in TOML, without a line of Rust: from the text to a validated [`Spec`].
//!
//! `file` is the shape of the keys; `check` and its neighbours judge the values and compile every
//! template, pointer and pattern, so that a run never meets a mistake that loading could have met.

mod by_word;
mod check;
mod file;
mod node;
mod one_of_several;
mod ops;
mod requests;
mod status;
mod try_template;
mod values;

use crate::diagnostic::{Diagnostic, Source};
use crate::target::Spec;

pub(crate) use file::Means;

/// Loads a target file's text; `origin` is its path as shown to the user.
pub(crate) fn load(origin: &str, text: &str) -> Result<Spec, Diagnostic> {
    let source = Source::parse(origin, text)?;
    toml::from_str(text)
        .map_err(|error| source.shape(&error))
        .and_then(|file| check::spec(&source, file))
        .map_err(|problem| source.diagnose(&problem))
}
