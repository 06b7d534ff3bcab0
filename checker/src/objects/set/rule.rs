//! The rule that one element of a refuted set breaks by itself.

use super::elements::{Element, Elements};
use crate::catalogue;
use crate::linearizability::call::Call;
use crate::objects::precedence::Clash;

/// What is wrong with one element. The numbers are places in the slice of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// `late` missed it although `done` had added or seen it, and no removal had begun.
    Lost { late: usize, done: usize, element: usize },
    /// `late` saw it although `done` had removed it, after it had been there.
    Resurrected { late: usize, done: usize, element: usize },
}

impl Rule {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Lost { .. } => catalogue::LOST_ELEMENT,
            Self::Resurrected { .. } => catalogue::RESURRECTED_ELEMENT,
        }
    }
}

/// The rule that one of the elements of `clash` breaks by itself, if one does.
pub(super) fn rule(calls: &[Call<'_>], elements: &Elements<'_>, clash: &Clash) -> Option<Rule> {
    clash.elements.iter().find_map(|number| {
        let element = &elements.list[*number];
        let view = View { calls, elements, element, number: *number };
        view.lost().or_else(|| view.resurrected())
    })
}

struct View<'a> {
    calls: &'a [Call<'a>],
    elements: &'a Elements<'a>,
    element: &'a Element,
    number: usize,
}

impl View<'_> {
    /// The first to end of those that show that the element was there.
    fn there(&self) -> Option<usize> {
        let shown = self.element.adds.iter().copied().chain(self.elements.seen_by(self.element));
        shown
            .filter(|place| self.calls[*place].end.is_some())
            .min_by_key(|place| self.calls[*place].end)
    }

    /// Everybody who missed it.
    fn missed(&self) -> impl Iterator<Item = usize> {
        let reads = self.elements.reads.list.iter().enumerate();
        let blind = reads.filter(|(read, _)| self.element.shown_by.binary_search(read).is_err());
        self.element.absent.iter().copied().chain(blind.map(|(_, (place, ..))| *place))
    }

    fn lost(&self) -> Option<Rule> {
        let done = self.there()?;
        let removed = self.element.removes.iter().map(|place| self.calls[*place].start).min();
        let too_early = |place: &usize| {
            let end = self.calls[*place].end;
            removed.is_none_or(|removed| end.is_some_and(|end| end < removed))
        };
        let late = self
            .missed()
            .filter(|place| self.calls[done].precedes(&self.calls[*place]) && too_early(place))
            .min_by_key(|place| self.calls[*place].end)?;
        Some(Rule::Lost { late, done, element: self.number })
    }

    fn resurrected(&self) -> Option<Rule> {
        let done = self.element.removes.first().copied()?;
        let was_there =
            self.there().is_some_and(|there| self.calls[there].precedes(&self.calls[done]));
        let late = self
            .elements
            .seen_by(self.element)
            .filter(|place| self.calls[done].precedes(&self.calls[*place]))
            .min_by_key(|place| self.calls[*place].end)?;
        was_there.then_some(Rule::Resurrected { late, done, element: self.number })
    }
}
