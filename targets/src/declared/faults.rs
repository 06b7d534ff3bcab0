//! `[faults]`: the kinds of faults that the target may be asked to endure.
//!
//! It knows no kinds: whoever loads a target says which there are.

use std::collections::{BTreeMap, BTreeSet};

use fracas_checker::fault::FaultKind;
use toml::Spanned;

use crate::diagnostic::Problem;
use crate::known::KnownFault;

/// The kinds that are allowed. Disks can only be troubled where it is known which they are.
pub(super) fn faults(
    declared: &BTreeMap<Spanned<String>, bool>,
    known: &[KnownFault],
    has_data: bool,
) -> Result<BTreeSet<FaultKind>, Problem> {
    let mut allowed = BTreeSet::new();
    for (word, wanted) in declared {
        let kind = known.iter().find(|kind| kind.word == word.get_ref());
        let kind = kind.ok_or_else(|| unknown(word, known))?;
        if *wanted && kind.needs_data && !has_data {
            return Err(without_data(word));
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
