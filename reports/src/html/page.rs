//! What all sections of the page draw from, computed once.

use std::collections::BTreeMap;

use fracas_checker::Window;
use fracas_checker::event::{Event, EventKind, Nanos, NodeId};
use fracas_checker::history::{FaultSpan, Operation};
use fracas_checker::leadership::{Reign, reigns};
use maud::{Markup, html};

use super::svg::Scale;
use crate::findings::{Finding, findings};
use crate::kinds::{Kinds, windows};
use crate::lives::{Down, downs};
use crate::run::Run;
use crate::tally::Tally;
use crate::text::{PHRASE, SENTENCE, clean};

/// How many faults are drawn and listed.
pub(super) const MAX_FAULTS: usize = 200;

/// A run and what follows from it.
pub(super) struct Page<'a> {
    pub(super) run: Run<'a>,
    pub(super) end: Nanos,
    pub(super) scale: Scale,
    pub(super) faults: Vec<FaultSpan>,
    pub(super) findings: Vec<Finding<'a>>,
    pub(super) downs: BTreeMap<NodeId, Vec<Down>>,
    pub(super) kinds: Kinds,
    /// What clients asked during each fault, by its number.
    pub(super) windows: BTreeMap<u32, Window>,
    pub(super) tally: Tally,
    pub(super) reigns: Vec<Reign>,
}

impl<'a> Page<'a> {
    pub(super) fn new(run: &Run<'a>) -> Self {
        let end = run.history.end();
        let faults = run.history.faults();
        Self {
            run: *run,
            end,
            scale: Scale::new(end),
            downs: downs(run.history, &faults),
            kinds: Kinds::of(run),
            windows: windows(run),
            faults,
            findings: findings(run.history, run.verdict),
            tally: Tally::of(run.history.operations()),
            reigns: reigns(run.history),
        }
    }

    /// The faults that are shown.
    pub(super) fn drawn_faults(&self) -> impl Iterator<Item = &FaultSpan> {
        self.faults.iter().take(MAX_FAULTS)
    }

    /// The event with this index.
    pub(super) fn event(&self, index: u64) -> Option<&'a Event> {
        self.run.history.events().get(usize::try_from(index).ok()?)
    }

    /// The operation that the event with this index invokes or completes.
    pub(super) fn operation_of(&self, index: u64) -> Option<&'a Operation> {
        let EventKind::Complete { process, .. } = &self.event(index)?.kind else {
            return self.invoked_at(index);
        };
        let asked = |event: &&Event| matches!(&event.kind, EventKind::Invoke { process: asker, .. } if asker == process);
        let before = self.run.history.events().get(..usize::try_from(index).ok()?)?;
        self.invoked_at(before.iter().rev().find(asked)?.index)
    }

    /// The operation whose invocation has this index.
    pub(super) fn invoked_at(&self, index: u64) -> Option<&'a Operation> {
        let operations = self.run.history.operations();
        let place =
            operations.binary_search_by_key(&index, |operation| operation.invoked.0).ok()?;
        Some(&operations[place])
    }
}

/// An untrusted text where a word or two are expected.
pub(super) fn short(text: &str) -> Markup {
    html! { (clean(text, PHRASE)) }
}

/// An untrusted text where a sentence is expected.
pub(super) fn long(text: &str) -> Markup {
    html! { (clean(text, SENTENCE)) }
}

/// A list of untrusted sentences under a heading; nothing if there are none.
pub(super) fn sentences(heading: &str, texts: &[String]) -> Markup {
    html! {
        @if !texts.is_empty() {
            h4 { (short(heading)) }
            ul { @for text in texts.iter().take(MAX_SENTENCES) { li { (long(text)) } } }
            @if let Some(note) = left_out(texts.len(), MAX_SENTENCES) { p.note { (note) } }
        }
    }
}

/// How many sentences one list shows.
const MAX_SENTENCES: usize = 20;

/// A note that a list was cut at `shown`.
pub(super) fn left_out(all: usize, shown: usize) -> Option<String> {
    (all > shown).then(|| format!("{shown} of {all} are shown; all are in results.json."))
}
