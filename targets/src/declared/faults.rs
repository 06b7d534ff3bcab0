//! `[faults]`: the kinds of faults that the target may be asked to endure, and the scenarios that it
//! asks for.
//!
//! It knows neither: whoever loads a target says which there are.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::fault::FaultKind;
use toml::Spanned;

use crate::diagnostic::Problem;
use crate::known::KnownFault;

/// What else the file has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Has {
    /// Directories of data.
    pub(super) data: bool,
    /// A section `[membership]`.
    pub(super) membership: bool,
}

/// The kinds that are allowed and the scenarios that are asked for. Disks can only be troubled where
/// it is known which they are, and a scenario is made of kinds that are allowed.
pub(super) fn faults(
    declared: &BTreeMap<Spanned<String>, bool>,
    known: &[KnownFault],
    has: Has,
) -> Result<BTreeSet<FaultKind>, Problem> {
    let mut allowed = BTreeSet::new();
    for (word, wanted) in declared {
        let kind = known.iter().find(|kind| kind.word == word.get_ref());
        let kind = kind.ok_or_else(|| unknown(word, known))?;
        if *wanted && kind.needs_data && !has.data {
            return Err(without_data(word));
        }
        if *wanted && kind.needs_membership && !has.membership {
            return Err(without_membership(word));
        }
        let allowed_too =
            |need: &str| declared.iter().any(|(key, on)| key.get_ref() == need && *on);
        if let Some(need) = kind.needs.iter().find(|need| *wanted && !allowed_too(need)) {
            return Err(without_kind(word, need));
        }
        if *wanted {
            let word = FaultKind::new(kind.word);
            allowed.insert(word.expect("a test of the kinds looks at every word"));
        }
    }
    Ok(allowed)
}

fn unknown(word: &Spanned<String>, known: &[KnownFault]) -> Problem {
    let words: Vec<String> = known.iter().map(|kind| format!("`{}`", kind.word)).collect();
    let label = format!("unknown field `{}`, expected one of {}", word.get_ref(), words.join(", "));
    Problem::new(word.span(), "unknown key", label)
        .did_you_mean(word.get_ref(), known.iter().map(|kind| kind.word))
}

fn without_data(word: &Spanned<String>) -> Problem {
    let title = format!("`{}` needs to know where the data is", word.get_ref());
    Problem::new(word.span(), title, "no directory of data")
        .help("name its directories: `data = [\"{{ node.dir }}/data\"]` in `[node]`")
}

fn without_membership(word: &Spanned<String>) -> Problem {
    let title = format!("`{}` needs to know how members are removed and added", word.get_ref());
    Problem::new(word.span(), title, "needs a section `[membership]`")
}

fn without_kind(word: &Spanned<String>, need: &str) -> Problem {
    let title = format!("the scenario `{}` needs the fault `{need}`", word.get_ref());
    Problem::new(word.span(), title, format!("expected `{need} = true` beside it"))
}
