//! Locks that are held until they are given back, and writes to what they guard.
//!
//! Every client takes a lock, writes under its fencing token, and gives the lock back; now and then
//! it writes once more under an old token, as a holder does that was stopped in between and does
//! not know how late it is. A client that does not know whether it was granted a lock gives it back
//! to be sure, and does so again later, because what it asked may still take effect.

use std::collections::BTreeSet;

use fracas_checker::Completion;
use fracas_checker::event::{Key, Op, OpKind, Outcome};

use crate::look::Look;
use crate::workload::{Least, Part};
use crate::{Draw, Lane, Load, Stream, Workload, holders, names};

/// Of a hundred steps of a holder, how many give the lock back, and how many write.
const RELEASES: u16 = 30;
const WRITES: u16 = 50;
/// Of a hundred steps of a client that holds nothing, how many write late, and how many give back
/// what it may have been granted after all.
const LATE: u16 = 15;
const CLEAN: u16 = 15;

const PREFIX: &str = "lock-";

/// The workload `lock`.
pub(crate) struct Lock;

impl Workload for Lock {
    fn name(&self) -> &'static str {
        "lock"
    }

    fn about(&self) -> &'static str {
        "locks are acquired and released, and their fencing tokens sent to the register they guard"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Acquire, OpKind::Release]
    }

    fn uses(&self) -> &'static [OpKind] {
        &[OpKind::Read, OpKind::GuardedWrite]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["lock/linearizable", "fencing/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        let ok = &[
            (OpKind::Acquire, 10),
            (OpKind::Release, 5),
            (OpKind::GuardedWrite, 10),
            (OpKind::Read, 10),
        ];
        Least { ok, handovers: 3, elections: 0 }
    }

    fn part(&self) -> Part {
        Part::Light
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Read { key: "lock-ready".into() })
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        holders::looks(keys, None)
    }

    fn finals(&self, keys: &[Key]) -> Vec<Look> {
        holders::finals(keys)
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        holders::lanes(load, &names::all(PREFIX, load), |holder| {
            Box::new(Client::new(holder, load))
        })
    }
}

/// The name of a lock, and of what it guards.
fn name(number: u16) -> Key {
    names::key(PREFIX, number)
}

/// What a client knows of the lock that it is about.
enum Standing {
    /// It holds none.
    Free,
    /// It was granted this one, under this token.
    Holds(Key, Option<u64>),
    /// It may have been granted this one.
    Unsure(Key),
}

/// One client.
struct Client {
    holder: u64,
    keys: u16,
    guarded: bool,
    reads: bool,
    standing: Standing,
    /// A token that is not to be shown any more.
    late: Option<(Key, u64)>,
    /// Locks that were asked for with an outcome that nobody knows.
    doubtful: BTreeSet<Key>,
}

impl Client {
    fn new(holder: u64, load: &Load) -> Self {
        Self {
            holder,
            keys: load.keys.max(1),
            guarded: load.has(OpKind::GuardedWrite),
            reads: load.has(OpKind::Read),
            standing: Standing::Free,
            late: None,
            doubtful: BTreeSet::new(),
        }
    }

    fn free(&mut self, draw: &mut Draw) -> Op {
        let (choice, holder) = (draw.below(100), self.holder);
        let (key, value) = (name(draw.below(self.keys)), draw.fresh_value());
        if choice < LATE
            && let Some((key, token)) = self.late.take()
        {
            return Op::GuardedWrite { key, token, value };
        }
        match self.doubtful.first() {
            Some(key) if choice < LATE + CLEAN => Op::Release { key: key.clone(), holder },
            _ => Op::Acquire { key, holder, ttl: None },
        }
    }
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let holder = self.holder;
        match &self.standing {
            Standing::Free => self.free(draw),
            Standing::Unsure(key) => Op::Release { key: key.clone(), holder },
            Standing::Holds(key, token) => {
                let (choice, key, value) = (draw.below(100), key.clone(), draw.fresh_value());
                match token.filter(|_| self.guarded) {
                    _ if choice < RELEASES => Op::Release { key, holder },
                    Some(token) if choice < RELEASES + WRITES => {
                        Op::GuardedWrite { key, token, value }
                    }
                    _ if self.reads => Op::Read { key },
                    _ => Op::Release { key, holder },
                }
            }
        }
    }

    fn learn(&mut self, op: &Op, completion: &Completion) {
        match (op, completion) {
            (Op::Acquire { key, .. }, Completion::Ok { outcome, .. }) => {
                let Outcome::Acquire { token } = outcome else { return };
                self.standing = Standing::Holds(key.clone(), *token);
            }
            (Op::Acquire { key, .. }, Completion::Info { .. }) => {
                self.doubtful.insert(key.clone());
                self.standing = Standing::Unsure(key.clone());
            }
            (Op::Release { .. }, Completion::Ok { .. }) => self.let_go(),
            (Op::Release { .. }, Completion::Fail { .. }) => {
                // A refusal may come from a node that does not lead: a holder still holds then.
                if matches!(self.standing, Standing::Unsure(_)) {
                    self.let_go();
                }
            }
            (Op::Release { key, .. }, Completion::Info { .. }) => {
                self.doubtful.insert(key.clone());
                self.let_go();
                self.standing = Standing::Unsure(key.clone());
            }
            _ => {}
        }
    }
}

impl Client {
    /// It holds nothing any more, but for a token that is worth nothing.
    fn let_go(&mut self) {
        if let Standing::Holds(key, Some(token)) = &self.standing {
            self.late = Some((key.clone(), *token));
        }
        self.standing = Standing::Free;
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::event::{NodeId, Stamp};

    use super::*;

    fn client() -> Client {
        let load = Load {
            nodes: vec![NodeId(1)],
            clients: 1,
            rate: None,
            keys: 2,
            serves: [OpKind::Acquire, OpKind::Release, OpKind::Read, OpKind::GuardedWrite].into(),
        };
        Client::new(7, &load)
    }

    fn ok(outcome: Outcome) -> Completion {
        Completion::Ok { outcome, stamp: Stamp::default() }
    }

    /// Asks until something of this kind is asked; all before is refused, or done if it is a read.
    fn until(client: &mut Client, draw: &mut Draw, kind: OpKind) -> Op {
        for _ in 0..200 {
            let op = client.next(draw);
            if op.kind() == kind {
                return op;
            }
            client.learn(&op, &Completion::Fail { error: String::new() });
        }
        panic!("`{kind}` was never asked");
    }

    #[test]
    fn a_holder_writes_under_its_token_gives_back_and_then_writes_late() {
        let (mut client, mut draw) = (client(), Draw::new(1, 0, 1));
        let acquire = until(&mut client, &mut draw, OpKind::Acquire);
        client.learn(&acquire, &ok(Outcome::Acquire { token: Some(33) }));
        let Op::GuardedWrite { key, token, .. } =
            until(&mut client, &mut draw, OpKind::GuardedWrite)
        else {
            panic!("a guarded write")
        };
        assert_eq!((Some(&key), token), (acquire.key(), 33));
        let release = until(&mut client, &mut draw, OpKind::Release);
        client.learn(&release, &ok(Outcome::Release));
        let late = until(&mut client, &mut draw, OpKind::GuardedWrite);
        assert!(matches!(late, Op::GuardedWrite { token: 33, .. }));
    }

    #[test]
    fn who_does_not_know_whether_it_holds_gives_back_first_and_again_later() {
        let (mut client, mut draw) = (client(), Draw::new(1, 0, 1));
        let acquire = until(&mut client, &mut draw, OpKind::Acquire);
        client.learn(&acquire, &Completion::Info { error: String::new() });
        let release = client.next(&mut draw);
        assert_eq!(release, Op::Release { key: acquire.key().unwrap().clone(), holder: 7 });
        client.learn(&release, &Completion::Fail { error: String::new() });
        assert_eq!(until(&mut client, &mut draw, OpKind::Release), release);
    }
}
