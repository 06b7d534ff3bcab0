//! Judges every object of a history, in rounds under one budget.
//!
//! One object may take longer to decide than all others together. So each is tried briefly first,
//! and what is left is tried again with more: a hard one costs the others no more than a share of
//! the time. How long a try may take is counted in looks at the budget, not in seconds, so that two
//! runs with time enough come to the same end. What is found is put into words elsewhere.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::algorithm::Algorithm;
use super::call::Call;
use super::object::Object;
use super::own::Own;
use super::question::{Decision, GaveUp};
use super::spare::SMALLER;
use super::subject::Subject;
use super::{answer, decide, earliest};
use crate::budget::Budget;
use crate::history::{History, ObjectIndex};
use crate::op::{Key, OpKind};
use crate::verdict::Anomaly;

/// The most threads that judge keys at the same time.
const THREADS: usize = 16;

/// How many looks at the budget a try may take in the first round. Between two looks lie a few
/// hundred configurations: the first round takes milliseconds for each object.
const BRIEF: u64 = 64;

/// How many times more a try may take in each further round: what the rounds before it took in
/// vain is a small part of what it takes.
const LONGER: u64 = 4;

/// How many times as long as the refutation all tries together may take that make its witness
/// smaller.
const EXPLAINING: u64 = 32;

/// What was found of one object.
pub(super) struct Judged {
    /// How many operations it has that may have taken effect.
    pub(super) calls: usize,
    /// Operations that are not judged, by kind.
    pub(super) others: BTreeMap<OpKind, usize>,
    pub(super) said: Said,
    /// How many bytes the last try might take.
    bytes: usize,
}

/// The answer for one object.
pub(super) enum Said {
    Legal,
    Anomaly(Box<Anomaly>),
    /// It was not judged: operations of this kind may have changed it.
    Foreign(OpKind),
    /// It was not judged: a transaction acts on objects of several kinds.
    Mixed,
    /// It was not decided, and this is how many operations completed.
    Open {
        found: Decision,
        completed: usize,
    },
}

impl Said {
    /// Why it was not decided, if that can be mended by another try.
    fn wants(&self) -> Option<GaveUp> {
        match self {
            Self::Open { found: Decision::GaveUp { why, .. }, .. } => Some(*why),
            _ => None,
        }
    }
}

/// What judging objects takes.
pub(super) struct Judge<'a> {
    pub(super) history: &'a History,
    pub(super) algorithm: Algorithm,
    pub(super) budget: Budget<'a>,
}

/// How much one try may take.
#[derive(Clone, Copy)]
struct Share {
    bytes: usize,
    looks: u64,
}

/// A budget that is over after some looks, or when the one underneath is.
struct Limited<'a> {
    budget: &'a Budget<'a>,
    looks: u64,
    looked: AtomicU64,
}

impl<'a> Limited<'a> {
    fn new(budget: &'a Budget<'a>, looks: u64) -> Self {
        Self { budget, looks, looked: AtomicU64::new(0) }
    }

    fn looked(&self) -> u64 {
        self.looked.load(Ordering::Relaxed)
    }

    fn over(&self) -> bool {
        self.looked.fetch_add(1, Ordering::Relaxed) >= self.looks || self.budget.expired()
    }
}

impl<'a> Judge<'a> {
    /// Judges all objects, in the order of the history.
    ///
    /// Once an anomaly is proven no further round begins: what is left is told as cut short. Those
    /// that run at the same time share the bytes. What ran out of its share of them is judged once
    /// more at the end, one by one with all bytes: so what can be decided does not depend on how
    /// many processors there are.
    pub(super) fn all<K: Object>(&self) -> Vec<Judged> {
        let objects = self.history.objects();
        let mut judged: Vec<Option<Judged>> = objects.iter().map(|_| None).collect();
        let mut left: Vec<usize> = (0..objects.len()).collect();
        left.sort_by_key(|place| std::cmp::Reverse(objects[*place].places.len()));
        let mut looks = if objects.len() > 1 { BRIEF } else { u64::MAX };
        while !left.is_empty() {
            for (place, found) in self.round::<K>(&left, looks) {
                judged[place] = Some(found);
            }
            let proven =
                judged.iter().flatten().any(|judged| matches!(judged.said, Said::Anomaly(_)));
            if proven || looks == u64::MAX || self.budget.expired() {
                break;
            }
            let wants =
                |place: &usize| judged[*place].as_ref().and_then(|judged| judged.said.wants());
            left.retain(|place| wants(place) == Some(GaveUp::Time));
            looks = looks.saturating_mul(LONGER);
        }
        self.with_all_bytes::<K>(&mut judged);
        judged.into_iter().flatten().collect()
    }

    /// Tries some objects, the largest first, on as many threads as there are processors.
    fn round<K: Object>(&self, left: &[usize], looks: u64) -> Vec<(usize, Judged)> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = processors.min(THREADS).min(left.len()).max(1);
        let share = Share { bytes: self.budget.share(threads).bytes, looks };
        let (next, judged) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            while let Some(place) = left.get(next.fetch_add(1, Ordering::Relaxed)) {
                let found = self.judge::<K>(&self.history.objects()[*place], share);
                let mut judged = judged.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                judged.push((*place, found));
            }
        };
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        judged.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Judges once more what ran out of its share of the bytes, unless an anomaly is proven.
    fn with_all_bytes<K: Object>(&self, judged: &mut [Option<Judged>]) {
        let all = Share { bytes: self.budget.bytes, looks: u64::MAX };
        for place in 0..judged.len() {
            let proven =
                judged.iter().flatten().any(|judged| matches!(judged.said, Said::Anomaly(_)));
            let more = |judged: &Judged| {
                judged.said.wants() == Some(GaveUp::Bytes) && judged.bytes < self.budget.bytes
            };
            if !proven && judged[place].as_ref().is_some_and(more) {
                judged[place] = Some(self.judge::<K>(&self.history.objects()[place], all));
            }
        }
    }

    /// Judges one object.
    fn judge<K: Object>(&self, object: &'a ObjectIndex, share: Share) -> Judged {
        let Own { calls, others, foreign, mixed } = Own::of::<K>(self.history, object);
        let said = match foreign {
            _ if mixed => Said::Mixed,
            Some(kind) if !calls.is_empty() => Said::Foreign(kind),
            _ => self.said::<K>(object.key.as_ref(), &calls, share),
        };
        Judged { calls: calls.len(), others, said, bytes: share.bytes }
    }

    fn said<K: Object>(&self, key: Option<&Key>, calls: &[Call<'_>], share: Share) -> Said {
        let limited = Limited::new(&self.budget, share.looks);
        let over = || limited.over();
        let budget = Budget::new(share.bytes, &over);
        match decide::decided::<K>(calls, self.algorithm, &budget) {
            (Decision::Legal, _) => Said::Legal,
            (Decision::Refuted { at }, few) => {
                let before = if few.is_empty() { earliest::cut(calls, at) } else { few };
                let share = Share { looks: BRIEF + limited.looked(), ..share };
                let subject = Subject { history: self.history, key, calls, at };
                Said::Anomaly(Box::new(self.explained::<K>(&subject, share, &before)))
            }
            (found @ Decision::GaveUp { .. }, _) => {
                let completed = calls.iter().filter(|call| call.end.is_some()).count();
                Said::Open { found, completed }
            }
        }
    }

    /// Finds a small witness of what is known to be refuted `at` some completion, and its words.
    /// The refutation holds of `before` by itself: all calls as they stood then, or a few. It took
    /// this many looks to find, which bounds each try to do with less.
    fn explained<K: Object>(
        &self,
        subject: &Subject<'_>,
        share: Share,
        before: &[Call<'_>],
    ) -> Anomaly {
        let all = Limited::new(&self.budget, EXPLAINING.saturating_mul(share.looks));
        let all_over = || all.over();
        let budget = Budget::new(share.bytes, &all_over);
        let refuted = |calls: &[Call<'_>]| {
            let limited = Limited::new(&budget, share.looks);
            let over = || limited.over();
            answer::is_refuted::<K>(calls, &Budget::new(share.bytes, &over))
        };
        let (calls, at) = (subject.calls, subject.at);
        let tell = |small: &[Call<'_>]| subject.anomaly::<K>(small, &refuted);
        let anomaly = with_smallest::<K, _>(before, SMALLER, &refuted, &tell);
        let of_witness = |call: &&Call<'_>| anomaly.witness.contains(&call.id);
        let shown: Vec<Call<'_>> = calls.iter().filter(of_witness).copied().collect();
        if refuted(&shown) {
            return anomaly;
        }
        // An answer that came later explains what was unknown then, as a dequeue that ended later
        // took an element that was said to be lost: look at all that had begun with its answer.
        let begun: Vec<Call<'_>> = calls.iter().filter(|call| call.start <= at).copied().collect();
        with_smallest::<K, _>(&begun, SMALLER, &refuted, &tell)
    }
}

/// What `then` says of a small part of `calls` that is refuted as well. Where it became smaller it
/// is tried again: of fewer calls more may be left out. What is not refuted by itself any more is
/// not told.
fn with_smallest<K: Object, T>(
    calls: &[Call<'_>],
    again: usize,
    refuted: &dyn Fn(&[Call<'_>]) -> bool,
    then: &dyn Fn(&[Call<'_>]) -> T,
) -> T {
    let weakened = K::weakened(calls);
    let small = K::smallest(calls, &weakened, &|calls: &[Call<'_>]| refuted(calls));
    if !refuted(&small) {
        return then(calls);
    }
    match again.checked_sub(1).filter(|_| small.len() < calls.len()) {
        Some(again) => with_smallest::<K, T>(&small, again, refuted, then),
        None => then(&small),
    }
}
