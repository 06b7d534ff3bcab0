//! Operations and faults in words that a reader needs no key for.

use std::collections::BTreeSet;

use fracas_checker::event::{Completion, NodeId};
use fracas_checker::fault::{Cut, Effect, Fault, Trouble, directions};
use fracas_checker::history::Operation;
use fracas_checker::verdict::Status;

use crate::run::Run;
use crate::text::{PHRASE, clean};

/// How an operation ended, from the harmless to what a reader must not miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It took effect.
    Ok,
    /// It certainly did not.
    Fail,
    /// Unknown.
    Info,
    /// The history ends before it did: unknown too.
    Open,
}

impl Fate {
    pub(crate) fn of(operation: &Operation) -> Self {
        match &operation.completed {
            Some((.., Completion::Ok { .. })) => Self::Ok,
            Some((.., Completion::Fail { .. })) => Self::Fail,
            Some((.., Completion::Info { .. })) => Self::Info,
            None => Self::Open,
        }
    }

    /// The word, also used as a style class.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
            Self::Open => "open",
        }
    }
}

/// The word and the glyph of a verdict.
pub(crate) fn verdict(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Pass => ("PASS", "✓"),
        Status::Anomaly => ("ANOMALY", "✗"),
        Status::Inconclusive => ("INCONCLUSIVE", "?"),
    }
}

/// The word and the glyph of one check. Where nothing was tested no check is undecided: there was
/// nothing to decide.
pub(crate) fn check(run: &Run<'_>, status: Status) -> (&'static str, &'static str) {
    match outcome(run).class {
        "error" => ("NOT TESTED", "–"),
        _ => verdict(status),
    }
}

/// What a whole run came to, for the top of every output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `PASS`, `ANOMALY`, `INCONCLUSIVE` or `ERROR`.
    pub(crate) word: &'static str,
    pub(crate) glyph: &'static str,
    /// `pass`, `anomaly`, `inconclusive` or `error`: for programs, and as a style class.
    pub(crate) class: &'static str,
    /// What a reader must know first. Untrusted text.
    pub(crate) headline: String,
}

/// What a run came to. Where the target broke before it was tested, or the harness failed, there is
/// nothing to judge: that is an error and no verdict. A proven anomaly stays one.
pub(crate) fn outcome(run: &Run<'_>) -> Outcome {
    let status = run.verdict.status;
    let (word, glyph) = verdict(status);
    match run.record.ended.error() {
        Some(error) if status != Status::Anomaly => {
            let headline = error.lines().next().unwrap_or_default().to_owned();
            Outcome { word: "ERROR", glyph: "!", class: "error", headline }
        }
        _ => {
            let class = match status {
                Status::Pass => "pass",
                Status::Anomaly => "anomaly",
                Status::Inconclusive => "inconclusive",
            };
            Outcome { word, glyph, class, headline: run.verdict.headline.clone() }
        }
    }
}

/// The headline for outputs that have a line of their own about the kinds of faults that were never
/// tried: that is not told twice.
pub(crate) fn headline(run: &Run<'_>) -> String {
    let headline = outcome(run).headline;
    let tried = run.verdict.faults.as_ref().filter(|tried| !tried.never_tried.is_empty());
    match tried.and_then(|tried| headline.strip_suffix(&tried.kinds())) {
        Some(rest) => rest.trim_end().to_owned(),
        None => headline,
    }
}

/// What was asked and what came of it: `read k3 → 12`, `write k3 = 15 (unknown)`.
pub(crate) fn operation(operation: &Operation) -> String {
    let asked = clean(&operation.op.to_string(), PHRASE);
    let ended = operation.completed.as_ref().map(|(.., completion)| completion);
    match ended {
        Some(Completion::Ok { outcome, .. }) => match outcome.details() {
            Some(told) => format!("{asked} → {}", clean(&told, PHRASE)),
            None => asked,
        },
        Some(Completion::Fail { .. }) => format!("{asked} (failed)"),
        Some(Completion::Info { .. }) | None => format!("{asked} (unknown)"),
    }
}

/// The error an operation ended with, where it did.
pub(crate) fn error(operation: &Operation) -> Option<&str> {
    match operation.completed.as_ref() {
        Some((.., Completion::Fail { error } | Completion::Info { error })) => Some(error),
        _ => None,
    }
}

/// Who a fault befell: `n1, n2 │ n3, n4, n5` for a clean cut, else the directions or the nodes; and
/// in what way, unless that is told elsewhere: how a cut was drawn is.
pub(crate) fn befell(fault: &Fault) -> String {
    let pairs = fault.pairs();
    let links = clean_cut(&pairs).unwrap_or_else(|| directions(&pairs).join(", "));
    let all = [names(&fault.nodes()), links];
    let names = all.iter().filter(|name| !name.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    let manner = if is_cut(fault) { String::new() } else { clean(&fault.manner, PHRASE) };
    match (names.as_str(), manner.as_str()) {
        (_, "") => names,
        ("", _) => format!("({manner})"),
        _ => format!("{names} ({manner})"),
    }
}

/// Whether a fault cuts links and does nothing else.
pub(crate) fn is_cut(fault: &Fault) -> bool {
    !fault.effects.is_empty()
        && fault.effects.iter().all(|effect| matches!(effect, Effect::LinkCut { .. }))
}

/// The style class of a fault: what it looks like follows from what it does, whatever its kind.
pub(crate) fn class(fault: &Fault) -> &'static str {
    match fault.effects.first() {
        None => "several",
        Some(Effect::LinkCut { .. }) => "partition",
        Some(Effect::NodeStopped { .. } | Effect::ProcessStopped { .. }) => "pause",
        Some(Effect::NodeDown { loses: Some(_), .. }) => "power",
        Some(Effect::NodeDown { .. } | Effect::NodeRemoved { .. } | Effect::ProcessDown { .. }) => {
            "kill"
        }
        Some(Effect::ClockWrong { .. }) => "clock",
        Some(Effect::LinkDegraded { link, .. }) if link.is_lossy() => "loss",
        Some(Effect::LinkDegraded { .. }) => "slow",
        Some(Effect::Hardship { of, .. }) => match of {
            Trouble::DiskErrors | Trouble::DiskFull | Trouble::DiskSlow => "disk",
            Trouble::NoMemory | Trouble::NoProcessor | Trouble::NoDescriptors => "starve",
        },
    }
}

/// Names with commas between them.
pub(crate) fn names<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
    nodes.into_iter().map(NodeId::to_string).collect::<Vec<_>>().join(", ")
}

/// The two sides of a cut, if it takes every direction between two groups and nothing else.
fn clean_cut(cut: &[Cut]) -> Option<String> {
    let pairs: BTreeSet<Cut> = cut.iter().copied().collect();
    let nodes: BTreeSet<NodeId> = cut.iter().flat_map(|(from, to)| [*from, *to]).collect();
    let first = *nodes.first()?;
    let (far, near): (Vec<NodeId>, Vec<NodeId>) =
        nodes.iter().copied().partition(|node| pairs.contains(&(first, *node)));
    let whole = near
        .iter()
        .all(|a| far.iter().all(|b| pairs.contains(&(*a, *b)) && pairs.contains(&(*b, *a))));
    let only = pairs.len() == 2 * near.len() * far.len();
    (whole && only).then(|| format!("{} │ {}", names(&near), names(&far)))
}

#[cfg(test)]
mod tests {
    use fracas_checker::fault::FaultKind;

    use super::*;

    #[track_caller]
    fn reads(cut: &[(u16, u16)], expect: &str) {
        let cut = cut.iter().map(|(from, to)| (NodeId(*from), NodeId(*to))).collect();
        let (kind, manner) = (FaultKind::new("partition").unwrap(), "halves".to_owned());
        let effects = vec![Effect::LinkCut { pairs: cut }];
        assert_eq!(befell(&Fault { kind, manner, effects }), expect);
    }

    #[test]
    fn cuts_read_well() {
        reads(&[(1, 3), (3, 1), (2, 3), (3, 2)], "n1, n2 │ n3");
        reads(&[(1, 2), (1, 3)], "n1→n2, n1→n3");
        reads(&[(1, 2), (2, 1), (2, 3)], "n1⇄n2, n2→n3");
        reads(&[], "");
    }
}
