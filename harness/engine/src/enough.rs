//! What a run that is under way lacks of what a pass needs, for deciding whether it goes on a
//! little. Whether it was enough is for the checker to say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fracas_checker::event::{Completion, Key, Op, OpKind};
use fracas_checker::history::Coverage;

/// What was seen so far; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Enough(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    ok: BTreeMap<OpKind, u64>,
    /// Who was granted each lock last.
    holders: BTreeMap<Key, u64>,
    handovers: u64,
}

impl Enough {
    /// Takes notice of how an operation ended.
    pub fn note(&self, op: &Op, completion: &Completion) {
        let Completion::Ok { .. } = completion else { return };
        let mut counted = self.lock();
        *counted.ok.entry(op.kind()).or_default() += 1;
        if let Op::Acquire { key, holder, .. } = op
            && counted.holders.insert(key.clone(), *holder).is_some_and(|last| last != *holder)
        {
            counted.handovers += 1;
        }
    }

    /// What is lacking, in words; none if nothing is, or if the cluster serves nothing at all: more
    /// time would not help then.
    #[must_use]
    pub fn lacks(&self, needed: &Coverage) -> Option<String> {
        let counted = self.lock();
        if counted.ok.is_empty() {
            return None;
        }
        let ok = |kind: &OpKind| counted.ok.get(kind).copied().unwrap_or(0);
        let few = needed.ok_per_kind.iter().find(|(kind, needed)| ok(kind) < **needed);
        if let Some((kind, needed)) = few {
            return Some(format!("{} of {needed} ok {kind}", ok(kind)));
        }
        (counted.handovers < needed.handovers)
            .then(|| format!("{} of {} handovers", counted.handovers, needed.handovers))
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::Outcome;
    use fracas_checker::event::Stamp;

    use super::*;

    fn acquired(key: &str, holder: u64) -> (Op, Completion) {
        let op = Op::Acquire { key: key.into(), holder, ttl: None };
        let outcome = Outcome::Acquire { token: None };
        (op, Completion::Ok { outcome, stamp: Stamp::default() })
    }

    #[test]
    fn a_run_lacks_what_it_has_too_little_of() {
        let needed = Coverage {
            ok_per_kind: [(OpKind::Acquire, 3)].into(),
            handovers: 1,
            ..Coverage::default()
        };
        let enough = Enough::default();
        // Nothing succeeds at all: more time does not help.
        enough.note(&acquired("l", 1).0, &Completion::Fail { error: String::new() });
        assert_eq!(enough.lacks(&needed), None);
        for (key, holder, lacks) in [
            ("l", 1, Some("1 of 3 ok acquire")),
            ("l", 1, Some("2 of 3 ok acquire")),
            ("m", 2, Some("0 of 1 handovers")),
            ("l", 2, None),
        ] {
            let (op, completion) = acquired(key, holder);
            enough.note(&op, &completion);
            assert_eq!(enough.lacks(&needed).as_deref(), lacks);
        }
    }
}
