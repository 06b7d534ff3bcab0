//! Locks with a time to live: taken, extended, overslept, and given back.
//!
//! A client counts on its lease from when it asked, which is what the check does, too; so it keeps
//! no clock. Some sleep longer than their lease lasts and then write under its token, as a process
//! does that was stopped at the wrong moment: what the lease guards must refuse that if somebody
//! else has written meanwhile.

use std::time::Duration;

use fracas_checker::Completion;
use fracas_checker::event::{Key, Nanos, Op, OpKind, Outcome};

use crate::look::Look;
use crate::workload::{Least, Part};
use crate::{Draw, Lane, Load, Stream, Workload, holders, names};

/// How long a lease lasts.
const TTL: Duration = Duration::from_secs(2);
/// How long a client sleeps that oversleeps.
const SLEEP: Duration = Duration::from_millis(2_600);
/// After so many renewals in a row that failed, a client takes its lease for lost.
const PATIENCE: u8 = 3;
/// Of a hundred steps of a holder: how many write and then oversleep, renew, write, and, the rest,
/// give back.
const SLEEPS: u16 = 8;
const RENEWS: u16 = 42;
const WRITES: u16 = 40;
/// Of a hundred steps of a client that holds nothing, how many write late.
const LATE: u16 = 15;

const PREFIX: &str = "lease-";
/// So far from one holder is the next of the same client; there are fewer clients.
const ANOTHER: u64 = 1_000;

/// The workload `lease`.
pub(crate) struct Lease;

impl Workload for Lease {
    fn name(&self) -> &'static str {
        "lease"
    }

    fn about(&self) -> &'static str {
        "locks with a time to live are acquired, renewed, left to expire and released"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Acquire, OpKind::Renew, OpKind::Release]
    }

    fn uses(&self) -> &'static [OpKind] {
        &[OpKind::Read, OpKind::GuardedWrite]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["lease/exclusive", "fencing/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        let ok = &[
            (OpKind::Acquire, 10),
            (OpKind::Renew, 5),
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
        Some(Op::Read { key: "lease-ready".into() })
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        holders::looks(keys, Some(ttl()))
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

/// A lease that was granted, and its token.
#[derive(Clone)]
struct Grant {
    key: Key,
    token: Option<u64>,
}

/// One client.
struct Client {
    holder: u64,
    keys: u16,
    guarded: bool,
    reads: bool,
    holds: Option<Grant>,
    /// What it has lost, or given back.
    late: Option<Grant>,
    /// Renewals that failed since the last that did not.
    failed: u8,
    /// Whether it goes to sleep when the present operation is done.
    sleeps: bool,
}

impl Client {
    fn new(holder: u64, load: &Load) -> Self {
        Self {
            holder,
            keys: load.keys.max(1),
            guarded: load.has(OpKind::GuardedWrite),
            reads: load.has(OpKind::Read),
            holds: None,
            late: None,
            failed: 0,
            sleeps: false,
        }
    }

    fn held(&mut self, grant: Grant, draw: &mut Draw) -> Op {
        let (choice, value, holder) = (draw.below(100), draw.fresh_value(), self.holder);
        let Grant { key, token } = grant;
        match token.filter(|_| self.guarded) {
            Some(token) if choice < SLEEPS => {
                self.sleeps = true;
                Op::GuardedWrite { key, token, value }
            }
            _ if choice < SLEEPS + RENEWS => Op::Renew { key, holder, ttl: Some(ttl()) },
            Some(token) if choice < SLEEPS + RENEWS + WRITES => {
                Op::GuardedWrite { key, token, value }
            }
            None if choice < SLEEPS + RENEWS + WRITES && self.reads => Op::Read { key },
            None if choice < SLEEPS + RENEWS + WRITES => {
                Op::Renew { key, holder, ttl: Some(ttl()) }
            }
            _ => Op::Release { key, holder },
        }
    }

    fn free(&mut self, draw: &mut Draw) -> Op {
        let (choice, value, holder) = (draw.below(100), draw.fresh_value(), self.holder);
        let key = name(draw.below(self.keys));
        let late = if choice < LATE && self.guarded { self.late.take() } else { None };
        match late {
            Some(Grant { key, token: Some(token) }) => Op::GuardedWrite { key, token, value },
            _ => Op::Acquire { key, holder, ttl: Some(ttl()) },
        }
    }

    fn let_go(&mut self) {
        self.late = self.holds.take().or(self.late.take());
        self.failed = 0;
    }
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        match self.holds.clone() {
            Some(grant) => self.held(grant, draw),
            None => self.free(draw),
        }
    }

    fn learn(&mut self, op: &Op, completion: &Completion) {
        // With its process its identity ends. A release that nobody knows the end of may take effect
        // at any later time, and would give back what the same holder is granted then.
        if matches!(completion, Completion::Info { .. }) {
            self.let_go();
            self.holder += ANOTHER;
            return;
        }
        match (op, completion) {
            (Op::Acquire { key, .. }, Completion::Ok { outcome, .. }) => {
                let Outcome::Acquire { token } = outcome else { return };
                self.holds = Some(Grant { key: key.clone(), token: *token });
            }
            (Op::Renew { .. }, Completion::Ok { .. }) => self.failed = 0,
            (Op::Renew { .. }, _) => {
                // One refusal may come from a node that does not lead.
                self.failed += 1;
                if self.failed >= PATIENCE {
                    self.let_go();
                }
            }
            // Whatever came of it, the lease ends.
            (Op::Release { .. }, _) => self.let_go(),
            _ => {}
        }
    }

    fn rest(&mut self) -> Duration {
        if std::mem::take(&mut self.sleeps) { SLEEP } else { Duration::ZERO }
    }
}

fn ttl() -> Nanos {
    Nanos::try_from(TTL.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fracas_checker::event::{NodeId, Stamp};

    use super::*;

    fn client() -> Client {
        let load = Load {
            nodes: vec![NodeId(1)],
            clients: 1,
            rate: None,
            keys: 2,
            serves: OpKind::asked().collect(),
        };
        Client::new(7, &load)
    }

    fn granted(token: u64) -> Completion {
        let outcome = Outcome::Acquire { token: Some(token) };
        Completion::Ok { outcome, stamp: Stamp::default() }
    }

    fn failed() -> Completion {
        Completion::Fail { error: String::new() }
    }

    #[test]
    fn a_holder_renews_writes_sleeps_past_its_lease_and_gives_back() {
        let mut draw = Draw::new(1, 0, 1);
        let (mut kinds, mut slept) = (BTreeSet::new(), false);
        for token in 1..40 {
            let mut client = client();
            let acquire = client.next(&mut draw);
            assert!(matches!(acquire, Op::Acquire { ttl: Some(_), .. }));
            client.learn(&acquire, &granted(token));
            let op = client.next(&mut draw);
            kinds.insert(op.kind());
            slept |= client.rest() > TTL;
        }
        assert_eq!(kinds, [OpKind::Renew, OpKind::Release, OpKind::GuardedWrite].into());
        assert!(slept);
    }

    #[test]
    fn a_service_that_grants_leases_and_nothing_else_is_asked_for_nothing_else() {
        let served = [OpKind::Acquire, OpKind::Renew, OpKind::Release];
        assert_eq!(Lease.needs(), served);
        let (mut client, mut draw) = (client(), Draw::new(1, 0, 1));
        (client.guarded, client.reads) = (false, false);
        let outcome = Outcome::Acquire { token: None };
        let asked = (0..200).map(|_| {
            let op = client.next(&mut draw);
            let outcome =
                if op.kind() == OpKind::Acquire { outcome.clone() } else { Outcome::Renew };
            client.learn(&op, &Completion::Ok { outcome, stamp: Stamp::default() });
            op.kind()
        });
        assert_eq!(asked.collect::<BTreeSet<OpKind>>(), served.into());
    }

    #[test]
    fn a_lease_that_cannot_be_renewed_is_lost_and_its_token_is_late() {
        let (mut client, mut draw) = (client(), Draw::new(1, 0, 1));
        let acquire = client.next(&mut draw);
        client.learn(&acquire, &granted(33));
        let renew = Op::Renew { key: name(0), holder: 7, ttl: None };
        (0..PATIENCE).for_each(|_| client.learn(&renew, &failed()));
        let asked: Vec<Op> = (0..60).map(|_| client.next(&mut draw)).collect();
        let late = asked.iter().filter(|op| matches!(op, Op::GuardedWrite { token: 33, .. }));
        assert_eq!(late.count(), 1);
        assert!(asked.iter().any(|op| op.kind() == OpKind::Acquire));
    }

    #[test]
    fn who_does_not_know_an_end_goes_on_as_another_holder() {
        let (mut client, mut draw) = (client(), Draw::new(1, 0, 1));
        let acquire = client.next(&mut draw);
        client.learn(&acquire, &granted(33));
        let release = Op::Release { key: name(0), holder: 7 };
        client.learn(&release, &Completion::Info { error: String::new() });
        let holders = (0..60).filter_map(|_| match client.next(&mut draw) {
            Op::Acquire { holder, .. } => Some(holder),
            _ => None,
        });
        assert_eq!(holders.collect::<BTreeSet<u64>>(), [7 + ANOTHER].into());
    }
}
