//! What a run that is under way lacks of what a pass needs, for deciding whether it goes on a
//! little, and which objects it has used. Whether it was enough is for the checker to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fracas_checker::event::{Completion, Key, Op, OpKind};
use fracas_checker::history::{Coverage, Kinds, Least};

/// What was seen so far; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Enough(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    /// Operations that succeeded, by object and kind.
    ok: BTreeMap<Key, BTreeMap<OpKind, u64>>,
    /// Who was granted each lock last, and how often that was another than before.
    holders: BTreeMap<Key, (u64, u64)>,
    /// Every object that was asked about.
    asked: BTreeSet<Key>,
}

impl Counted {
    /// How many succeeded on objects of the name `name`.
    fn ok(&self, name: &str, kind: OpKind, kinds: &Kinds) -> u64 {
        let of_name = self.ok.iter().filter(|(key, _)| kinds.name(key) == Some(name));
        of_name.filter_map(|(_, counts)| counts.get(&kind)).sum()
    }

    /// How often locks of the name `name` went from one holder to another.
    fn handovers(&self, name: &str, kinds: &Kinds) -> u64 {
        let of_name = self.holders.iter().filter(|(key, _)| kinds.name(key) == Some(name));
        of_name.map(|(_, (_, count))| count).sum()
    }
}

impl Enough {
    /// Takes notice of what is asked.
    pub fn asked(&self, op: &Op) {
        let mut counted = self.lock();
        for key in op.keys() {
            if !counted.asked.contains(key) {
                counted.asked.insert(key.clone());
            }
        }
    }

    /// Takes notice of how an operation ended. A transaction counts for its first object.
    pub fn note(&self, op: &Op, completion: &Completion) {
        let (Completion::Ok { .. }, Some(key)) = (completion, op.keys().first().copied()) else {
            return;
        };
        let mut counted = self.lock();
        *counted.ok.entry(key.clone()).or_default().entry(op.kind()).or_default() += 1;
        if let Op::Acquire { holder, .. } = op {
            let last = counted.holders.entry(key.clone()).or_insert((*holder, 0));
            *last = (*holder, last.1 + u64::from(last.0 != *holder));
        }
    }

    /// Every object that was asked about so far.
    #[must_use]
    pub fn objects(&self) -> BTreeSet<Key> {
        self.lock().asked.clone()
    }

    /// What is lacking, in words; none if nothing is, or if the cluster serves nothing at all: more
    /// time would not help then.
    #[must_use]
    pub fn lacks(&self, needed: &Coverage, kinds: &Kinds) -> Option<String> {
        let counted = self.lock();
        if counted.ok.is_empty() {
            return None;
        }
        let few = |(name, needed): (&String, &Least)| {
            let ok = |kind| counted.ok(name, kind, kinds);
            let kind = needed.ok.iter().find(|(kind, needed)| ok(**kind) < **needed);
            let handovers = counted.handovers(name, kinds);
            match kind {
                Some((kind, needed)) => {
                    Some(format!("{} of {needed} ok {kind} of `{name}`", ok(*kind)))
                }
                None => (handovers < needed.handovers)
                    .then(|| format!("{handovers} of {} handovers of `{name}`", needed.handovers)),
            }
        };
        needed.objects.iter().find_map(few)
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::Outcome;
    use fracas_checker::event::Stamp;
    use fracas_checker::transaction::{Micro, ReadValue};

    use super::*;

    fn acquired(key: &str, holder: u64) -> (Op, Completion) {
        let op = Op::Acquire { key: key.into(), holder, ttl: None };
        let outcome = Outcome::Acquire { token: None };
        (op, Completion::Ok { outcome, stamp: Stamp::default() })
    }

    #[test]
    fn a_run_lacks_what_it_has_too_little_of() {
        let least = Least { ok: [(OpKind::Acquire, 3)].into(), handovers: 1 };
        let needed = Coverage { objects: [("l*".to_owned(), least)].into(), ..Coverage::default() };
        let (enough, mut kinds) = (Enough::default(), Kinds::default());
        kinds.say("l*", &["lock/linearizable"]);
        // Nothing succeeds at all: more time does not help.
        enough.note(&acquired("l1", 1).0, &Completion::Fail { error: String::new() });
        assert_eq!(enough.lacks(&needed, &kinds), None);
        for (key, holder, lacks) in [
            ("l1", 1, Some("1 of 3 ok acquire of `l*`")),
            ("m1", 2, Some("1 of 3 ok acquire of `l*`")),
            ("l1", 1, Some("2 of 3 ok acquire of `l*`")),
            ("l2", 2, Some("0 of 1 handovers of `l*`")),
            ("l1", 2, None),
        ] {
            let (op, completion) = acquired(key, holder);
            enough.note(&op, &completion);
            assert_eq!(enough.lacks(&needed, &kinds).as_deref(), lacks);
        }
    }

    #[test]
    fn every_object_of_a_transaction_is_asked_about() {
        let enough = Enough::default();
        let read = |key: &str| Micro::Read { key: key.into(), seen: ReadValue::Unknown };
        enough.asked(&Op::Txn { ops: [read("x"), read("y"), read("x")].into() });
        enough.asked(&Op::Read { key: "k".into() });
        assert_eq!(enough.objects(), ["k", "x", "y"].map(Key::from).into());
    }
}
