//! A target written in TOML, without a line of Rust: from the text to a validated [`Spec`].
//!
//! `file` is the shape of the keys; `check` and its neighbours judge the values and compile every
//! template, pointer and pattern, so that a run never meets a mistake that loading could have met.

mod by_word;
mod check;
mod client;
mod faults;
mod file;
mod logs;
mod membership;
mod node;
mod one_of_several;
pub(crate) mod operation;
mod ops;
mod paths;
pub(crate) mod places;
mod prepare;
mod process;
pub(crate) mod requests;
mod settings;
mod setup;
mod status;
pub(crate) mod try_template;
mod values;

use crate::diagnostic::{Diagnostic, Source};
use crate::known::Known;
use crate::spec::Spec;

/// Loads a target file's text; `origin` is its path as shown to the user.
pub(crate) fn load(origin: &str, text: &str, known: Known<'_>) -> Result<Spec, Diagnostic> {
    let source = Source::parse(origin, text)?;
    toml::from_str(text)
        .map_err(|error| source.shape(&error))
        .and_then(|file| check::spec(&source, file, known))
        .map_err(|problem| source.diagnose(&problem))
}
