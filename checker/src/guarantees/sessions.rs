//! What each session saw and wrote, in its order, with a number for every version of the key.
//!
//! Only what is certain: a value with several writers names none of them.

use std::collections::BTreeMap;

use crate::event::ProcessId;
use crate::hashing::Map;
use crate::history::Operation;
use crate::op::{Op, Outcome, Value};

/// A version of the register, by number. 0 is “absent”.
pub(super) type Version = usize;

/// What a session learned or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// It saw this version.
    Saw(Version),
    /// It wrote this version, and knows that it did.
    Wrote(Version),
    /// It asked to write this version, and never learned whether it was.
    MayHaveWritten(Version),
}

/// All sessions of a key.
#[derive(Debug)]
pub(super) struct Sessions<'a> {
    /// How many versions there are, “absent” among them.
    pub(super) versions: usize,
    /// The deeds of each session.
    pub(super) deeds: Vec<Vec<Deed>>,
    /// For every compare-and-set that certainly took effect, what it replaced and what it wrote.
    pub(super) replaced: Vec<(Version, Version)>,
    /// Whether something was seen of which it is not told here: a value with several writers or
    /// none, or an answer that only says what was *not* there.
    pub(super) left_out: bool,
    /// The version that each value names, if it names one.
    named: Map<&'a Value, Option<Version>>,
}

impl<'a> Sessions<'a> {
    /// `operations` of one register, in the order of invocation.
    pub(super) fn of(operations: &[&'a Operation]) -> Self {
        let mut sessions = Self {
            versions: 1,
            deeds: Vec::new(),
            replaced: Vec::new(),
            left_out: false,
            named: Map::default(),
        };
        let written: Vec<Option<Version>> =
            operations.iter().map(|operation| sessions.written(operation)).collect();
        let mut numbers: Map<ProcessId, usize> = Map::default();
        let mut deeds: Vec<Vec<Deed>> = Vec::new();
        for (operation, written) in operations.iter().zip(&written) {
            let number = *numbers.entry(operation.process).or_insert(deeds.len());
            deeds.resize_with(deeds.len().max(number + 1), Vec::new);
            sessions.tell(operation, *written, &mut deeds[number]);
        }
        sessions.deeds = deeds;
        sessions.replaced_by_chance(operations, &written);
        sessions
    }

    /// The same with no other versions than those in `kept`.
    ///
    /// Inequalities hold between pairs of deeds, whatever deeds stand between them, so none between
    /// two that are kept is lost.
    pub(super) fn only(&self, kept: &[Version]) -> Self {
        let mut numbers = vec![None; self.versions];
        kept.iter().filter(|version| **version != 0).zip(1..).for_each(|(version, number)| {
            numbers[*version] = Some(number);
        });
        numbers[0] = Some(0);
        let renumbered = |deed: &Deed| match deed {
            Deed::Saw(version) => numbers[*version].map(Deed::Saw),
            Deed::Wrote(version) => numbers[*version].map(Deed::Wrote),
            Deed::MayHaveWritten(version) => numbers[*version].map(Deed::MayHaveWritten),
        };
        let deeds = self.deeds.iter().map(|deeds| deeds.iter().filter_map(renumbered).collect());
        let pair = |(old, new): &(Version, Version)| Some((numbers[*old]?, numbers[*new]?));
        Self {
            versions: numbers.iter().flatten().count(),
            deeds: deeds.collect(),
            replaced: self.replaced.iter().filter_map(pair).collect(),
            left_out: self.left_out,
            named: Map::default(),
        }
    }

    /// A number for what `operation` writes, if it may have.
    fn written(&mut self, operation: &'a Operation) -> Option<Version> {
        let value = operation.writes().filter(|_| !operation.failed())?;
        let version = self.versions;
        self.versions += 1;
        self.named.entry(value).and_modify(|named| *named = None).or_insert(Some(version));
        Some(version)
    }

    /// The version that `value` names.
    fn version(&mut self, value: Option<&Value>) -> Option<Version> {
        let version = value.map_or(Some(0), |value| self.named.get(value).copied().flatten());
        self.left_out |= version.is_none();
        version
    }

    fn tell(&mut self, operation: &Operation, written: Option<Version>, session: &mut Vec<Deed>) {
        let outcome = operation.ok().map(|(_, outcome, _)| outcome);
        self.left_out |= outcome == Some(&Outcome::CasDiffers) || is_absurd(operation);
        let saw = operation.saw().and_then(|value| self.version(value));
        // One that seems to have replaced what it wrote itself saw nothing that can be named.
        session.extend(saw.filter(|saw| Some(*saw) != written).map(Deed::Saw));
        if let Some(written) = written {
            let known = outcome.is_some();
            session.push(if known { Deed::Wrote(written) } else { Deed::MayHaveWritten(written) });
            if let (true, Some(saw)) = (known, saw) {
                self.replaced.push((saw, written));
            }
        }
    }

    /// Adds the compare-and-sets of unknown outcome that took effect after all: their value was
    /// seen, or replaced by another that was.
    fn replaced_by_chance(&mut self, operations: &[&'a Operation], written: &[Option<Version>]) {
        let mut needs: BTreeMap<Version, &Value> = BTreeMap::new();
        for (operation, written) in operations.iter().zip(written) {
            if let (Op::Cas { old, .. }, Some(written), None) =
                (&operation.op, written, operation.ok())
            {
                needs.insert(*written, old);
            }
        }
        let mut work: Vec<Version> = self
            .deeds
            .iter()
            .flatten()
            .filter_map(|deed| match deed {
                Deed::Saw(version) => Some(*version),
                _ => None,
            })
            .collect();
        while let Some(seen) = work.pop() {
            let Some(old) = needs.remove(&seen) else { continue };
            if let Some(old) = self.version(Some(old)) {
                self.replaced.push((old, seen));
                work.push(old);
            }
        }
    }
}

/// Whether a compare-and-set was refused although it found what it asked for.
fn is_absurd(operation: &Operation) -> bool {
    match (&operation.op, operation.ok()) {
        (Op::Cas { old, .. }, Some((_, Outcome::CasFound { value }, _))) => {
            value.as_ref() == Some(old)
        }
        _ => false,
    }
}
