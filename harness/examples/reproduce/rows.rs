//! The rows of `targets/reproductions/rows.toml`: known failures of released versions.

use std::collections::BTreeSet;
use std::fs;

use serde::Deserialize;

/// Where the rows are.
const ROWS: &str = "targets/reproductions/rows.toml";
/// Both sides of a row: the one that fails, and the control.
pub(crate) const SIDES: [bool; 2] = [false, true];

/// A known failure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) system: String,
    /// What is wrong, in a sentence or two.
    pub(crate) wrong: String,
    /// Who told of it first.
    pub(crate) reference: String,
    /// What was tried beside, or what a reader must know of the measurement: whole sentences.
    pub(crate) note: Option<String>,
    /// A built-in target, or a file.
    pub(crate) target: String,
    /// Flags of `fracas run`, both for the side that fails and for the control.
    pub(crate) arguments: Vec<String>,
    pub(crate) time: String,
    /// The classes of anomalies that show it; others do not count as found.
    pub(crate) classes: BTreeSet<String>,
    pub(crate) faulty: Side,
    pub(crate) control: Side,
}

/// A version or a setting.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Side {
    /// The version, or the setting that makes the difference.
    pub(crate) version: String,
    /// What `fetch.sh` is asked for; nothing where the installed one is used.
    #[serde(default)]
    pub(crate) fetch: Vec<String>,
    /// Further flags; `{fetched}` stands for the directory that `fetch.sh` named.
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    row: Vec<Row>,
}

impl Row {
    /// The control, or the side that fails.
    pub(crate) fn side(&self, control: bool) -> &Side {
        if control { &self.control } else { &self.faulty }
    }

    /// The arguments of `fracas` for one side, without the seed.
    pub(crate) fn command(&self, control: bool, fetched: &str) -> Vec<String> {
        let side = self.side(control);
        let own = side.arguments.iter().map(|argument| argument.replace("{fetched}", fetched));
        let mut words =
            vec!["run".to_owned(), self.target.clone(), format!("--time={}", self.time)];
        words.extend(self.arguments.iter().cloned().chain(own));
        words
    }
}

/// Reads all rows.
pub(crate) fn read() -> Result<Vec<Row>, String> {
    let text =
        fs::read_to_string(ROWS).map_err(|error| format!("failed to read {ROWS}: {error}"))?;
    let file: File = toml::from_str(&text).map_err(|error| format!("{ROWS}: {error}"))?;
    Ok(file.row)
}
