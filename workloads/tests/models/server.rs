//! A server that does everything right, in memory and at once, but for a mistake that is planted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fracas_checker::event::{Key, Nanos, Op, Outcome, Value};
use fracas_checker::transaction::{Micro, ReadValue};

/// A mistake that real systems have made; every now and then it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// What was acknowledged is not done.
    Lost,
    /// It is done twice.
    Twice,
    /// It is done although it was refused.
    DoneAndRefused,
    /// What was there some time ago is answered.
    Stale,
    /// An element that was removed is back.
    Back,
    /// What came in last is handed out.
    LastFirst,
    /// It is said that there is nothing.
    Empty,
    /// It is handed out, and stays.
    Stays,
    /// Whoever asks is granted what is held.
    Granted,
    /// Nobody compares.
    Unconditional,
    /// The last part of a transaction is left out.
    Torn,
}

/// When something is asked, and what the server was some time ago.
#[derive(Clone, Copy)]
pub(crate) struct When<'a> {
    pub(crate) before: &'a Server,
    pub(crate) now: Nanos,
}

/// Its whole state.
#[derive(Debug, Default, Clone)]
pub(crate) struct Server {
    values: BTreeMap<Key, Value>,
    sets: BTreeMap<Key, BTreeSet<Value>>,
    queues: BTreeMap<Key, VecDeque<Value>>,
    counters: BTreeMap<Key, i64>,
    lists: BTreeMap<Key, Vec<Value>>,
    configurations: BTreeMap<Key, (u64, Value)>,
    /// Who holds each lock, and until when.
    locks: BTreeMap<Key, (u64, Nanos)>,
    /// The last token that was shown to what a lock guards.
    shown: BTreeMap<Key, u64>,
    removed: Vec<(Key, Value)>,
    last: u64,
}

impl Server {
    /// Does what is asked at this time; none if it is refused.
    pub(crate) fn apply(&mut self, op: &Op, now: Nanos) -> Option<Outcome> {
        Some(match op {
            Op::Read { key } if key.starts_with("counter") => {
                let value = self.counters.get(key).copied().unwrap_or(0);
                Outcome::Read { value: Some(value.into()) }
            }
            Op::Read { key } => Outcome::Read { value: self.values.get(key).cloned() },
            Op::Write { key, value } => {
                self.values.insert(key.clone(), value.clone());
                Outcome::Write
            }
            Op::Cas { key, old, new } => {
                let holds = self.values.get(key) == Some(old);
                holds.then(|| self.values.insert(key.clone(), new.clone()))?;
                Outcome::Cas
            }
            Op::Swap { key, value } => {
                Outcome::Swap { value: self.values.insert(key.clone(), value.clone()) }
            }
            Op::Append { key, value } => {
                let before = self.values.get(key).map_or("", text);
                let text = Value::text(&format!("{before}{}", text(value)));
                self.values.insert(key.clone(), text);
                Outcome::Append
            }
            Op::Increment { key, by } => {
                *self.counters.entry(key.clone()).or_default() += by;
                Outcome::Increment
            }
            Op::Generate { .. } => Outcome::Generate { value: (self.next() as i64).into() },
            Op::Txn { ops } => {
                Outcome::Txn { ops: ops.iter().map(|micro| self.part(micro)).collect() }
            }
            Op::ReadVersion { key } => {
                let (generation, value) = match self.configurations.get(key) {
                    Some((generation, value)) => (*generation, Some(value.clone())),
                    None => (0, None),
                };
                Outcome::ReadVersion { generation, value }
            }
            Op::Update { key, expected, value } => {
                let generation = self.configurations.get(key).map_or(0, |(version, _)| *version);
                (generation == *expected).then(|| {
                    self.configurations.insert(key.clone(), (generation + 1, value.clone()))
                })?;
                Outcome::Update { generation: generation + 1 }
            }
            Op::Acquire { .. }
            | Op::Renew { .. }
            | Op::Release { .. }
            | Op::GuardedWrite { .. } => {
                return self.lock(op, now);
            }
            _ => return self.collection(op),
        })
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn part(&mut self, part: &Micro) -> Micro {
        match part {
            Micro::Read { key, .. } => {
                let seen = match self.lists.get(key) {
                    _ if !key.starts_with("list") => self
                        .values
                        .get(key)
                        .map_or(ReadValue::Absent, |value| ReadValue::Value(value.clone())),
                    Some(list) => ReadValue::List(list.clone().into()),
                    None => ReadValue::List([].into()),
                };
                return Micro::Read { key: key.clone(), seen };
            }
            Micro::Write { key, value } => drop(self.values.insert(key.clone(), value.clone())),
            Micro::Append { key, value } => {
                self.lists.entry(key.clone()).or_default().push(value.clone());
            }
        }
        part.clone()
    }

    fn collection(&mut self, op: &Op) -> Option<Outcome> {
        let set = |key: &Key| self.sets.get(key).cloned().unwrap_or_default();
        Some(match op {
            Op::Add { key, value } => {
                self.sets.entry(key.clone()).or_default().insert(value.clone());
                Outcome::Add
            }
            Op::Remove { key, value } => {
                self.sets.entry(key.clone()).or_default().remove(value);
                self.removed.push((key.clone(), value.clone()));
                Outcome::Remove
            }
            Op::Contains { key, value } => Outcome::Contains { present: set(key).contains(value) },
            Op::ReadAll { key } => Outcome::ReadAll { values: set(key).into_iter().collect() },
            Op::Enqueue { key, value } => {
                self.queues.entry(key.clone()).or_default().push_back(value.clone());
                Outcome::Enqueue
            }
            Op::Dequeue { key } => {
                Outcome::Dequeue { value: self.queues.entry(key.clone()).or_default().pop_front() }
            }
            other => panic!("`{other}` is not served"),
        })
    }

    fn lock(&mut self, op: &Op, now: Nanos) -> Option<Outcome> {
        let held = |key: &Key| self.locks.get(key).filter(|(_, until)| *until > now).copied();
        match op {
            Op::Acquire { key, holder, ttl } => {
                held(key).is_none().then_some(())?;
                let until = ttl.map_or(Nanos::MAX, |ttl| now + ttl);
                self.locks.insert(key.clone(), (*holder, until));
                let token = self.next();
                Some(Outcome::Acquire { token: Some(token).filter(|_| !key.starts_with("mutex")) })
            }
            Op::Renew { key, holder, ttl } => {
                held(key).filter(|(by, _)| by == holder)?;
                self.locks.insert(key.clone(), (*holder, now + ttl.unwrap_or(0)));
                Some(Outcome::Renew)
            }
            Op::Release { key, holder } => {
                held(key).filter(|(by, _)| by == holder)?;
                self.locks.remove(key);
                Some(Outcome::Release)
            }
            Op::GuardedWrite { key, token, value } => {
                let shown = self.shown.entry(key.clone()).or_default();
                (*token >= *shown).then(|| *shown = *token)?;
                self.values.insert(key.clone(), value.clone());
                Some(Outcome::GuardedWrite)
            }
            other => panic!("`{other}` is not served"),
        }
    }

    /// The same with a mistake; none where this operation gives no occasion for it.
    pub(crate) fn err(
        &mut self,
        mistake: Mistake,
        op: &Op,
        when: When<'_>,
    ) -> Option<Option<Outcome>> {
        let When { before, now } = when;
        let looks = is_look(op);
        match mistake {
            Mistake::Lost if !looks => Some(self.clone().apply(op, now)),
            Mistake::Twice if !looks => {
                self.apply(op, now);
                Some(self.apply(op, now))
            }
            Mistake::DoneAndRefused if !looks => {
                self.apply(op, now);
                Some(None)
            }
            Mistake::Stale if looks => Some(before.clone().apply(op, now)),
            Mistake::Back => {
                let (key, value) = self.removed.pop()?;
                self.sets.entry(key).or_default().insert(value);
                Some(self.apply(op, now))
            }
            Mistake::LastFirst => match op {
                Op::Dequeue { key } if self.queues.get(key)?.len() > 1 => {
                    let value = self.queues.get_mut(key)?.pop_back();
                    Some(Some(Outcome::Dequeue { value }))
                }
                _ => None,
            },
            Mistake::Empty => {
                let asked = matches!(op, Op::Dequeue { .. });
                asked.then_some(Some(Outcome::Dequeue { value: None }))
            }
            Mistake::Stays => {
                let asked = matches!(op, Op::Dequeue { .. } | Op::Generate { .. });
                asked.then(|| self.clone().apply(op, now))
            }
            Mistake::Granted => match op {
                Op::Acquire { key, .. } => {
                    self.locks.remove(key);
                    Some(self.apply(op, now))
                }
                _ => None,
            },
            Mistake::Unconditional => match op {
                Op::Update { key, .. } => {
                    let expected = self.configurations.get(key)?.0;
                    let (key, value) = (key.clone(), op.values()[0].clone());
                    Some(self.apply(&Op::Update { key, expected, value }, now))
                }
                _ => None,
            },
            Mistake::Torn => match op {
                Op::Txn { ops } if ops.len() > 1 && !looks => {
                    let answer = self.clone().apply(op, now);
                    self.apply(&Op::Txn { ops: ops[..ops.len() - 1].into() }, now);
                    Some(answer)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether it changes nothing.
fn is_look(op: &Op) -> bool {
    let reads = |part: &Micro| matches!(part, Micro::Read { .. });
    op.kind().only_looks() || matches!(op, Op::Txn { ops } if ops.iter().all(reads))
}

fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        Value::Int(number) => panic!("{number} is no text"),
    }
}
