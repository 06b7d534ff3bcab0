//! Judging `[settings]`: what a user can choose, and the values that were chosen.

use std::collections::BTreeMap;

use super::file;
use super::places::Text;
use crate::diagnostic::Problem;
use crate::known::Settings;
use crate::setting::Setting;

/// The longest value that a setting may have, in bytes: a class path of hundreds of files fits.
const VALUE_MAX: usize = 16 << 10;

/// The settings of a file with their values: those that were chosen, else their defaults.
pub(super) fn settings(
    declared: &BTreeMap<Text, file::Setting>,
    chosen: &Settings,
) -> Result<BTreeMap<String, Setting>, Problem> {
    let names: Vec<&str> = declared.keys().map(|name| name.get_ref().as_str()).collect();
    if let Some(unknown) = chosen.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(no_such_setting(unknown, &names));
    }
    let judged = declared.iter().map(|(name, setting)| {
        let chosen = chosen.get(name.get_ref());
        Ok((named(name)?, judged(name.get_ref(), setting, chosen)?))
    });
    judged.collect()
}

/// A setting that was chosen and that the file does not have: what is wrong stands nowhere in it.
fn no_such_setting(unknown: &str, names: &[&str]) -> Problem {
    let title = format!("unknown setting `{unknown}`");
    if names.is_empty() {
        return Problem::new(0..0, title, "this target has no settings");
    }
    let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let label = format!("expected one of {}", listed.join(", "));
    Problem::new(0..0, title, label).did_you_mean(unknown, names.iter().copied())
}

/// A name that a template can use: `{{ set.NAME }}`.
fn named(name: &Text) -> Result<String, Problem> {
    let word = name.get_ref();
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if word.starts_with(|first: char| first.is_ascii_lowercase()) && word.chars().all(fits) {
        return Ok(word.clone());
    }
    let title = format!("`{word}` cannot be the name of a setting");
    let label = "expected a lower-case letter, then lower-case letters, digits and `_`";
    Err(Problem::new(name.span(), title, label))
}

fn judged(
    name: &str,
    setting: &file::Setting,
    chosen: Option<&String>,
) -> Result<Setting, Problem> {
    let one_of = setting.one_of.as_ref();
    let words: Vec<String> = one_of
        .into_iter()
        .flat_map(|words| words.get_ref().iter().map(|word| word.get_ref().clone()))
        .collect();
    if let Some(empty) = one_of.filter(|words| words.get_ref().is_empty()) {
        let label = "expected the values that it may have";
        return Err(Problem::new(empty.span(), "a setting without values", label));
    }
    let default = &setting.default;
    for value in [default.get_ref(), chosen.unwrap_or(default.get_ref())] {
        if !words.is_empty() && !words.contains(value) {
            return Err(no_such_value(name, value, &words, default));
        }
    }
    let value = chosen.unwrap_or(default.get_ref()).clone();
    if value.len() > VALUE_MAX {
        let title = format!("the value of setting `{name}` is too long");
        let label = format!("expected at most {VALUE_MAX} bytes");
        return Err(Problem::new(default.span(), title, label));
    }
    Ok(Setting { description: setting.description.get_ref().clone(), value, one_of: words })
}

fn no_such_value(name: &str, value: &str, words: &[String], place: &Text) -> Problem {
    let title = format!("`{value}` is not a value of setting `{name}`");
    let listed: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let label = format!("expected one of {}", listed.join(", "));
    Problem::new(place.span(), title, label).did_you_mean(value, words.iter().map(String::as_str))
}
