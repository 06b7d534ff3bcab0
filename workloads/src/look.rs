//! What is asked of an object while no client changes it: after the last heal, and at the end.

use std::time::Duration;

use fracas_checker::event::{Key, Nanos, Op};

/// What is asked of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Asked one after the other, each only if none before it was refused.
    pub ops: Vec<Op>,
    /// Where, and how often.
    pub until: Until,
}

/// Where something is asked, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At every node once, and again until some node has answered.
    Answered,
    /// At one node after the other until all operations have succeeded at one. Whoever is refused
    /// everywhere has seen enough: a lock is held.
    Granted,
    /// Through one node after the other, again and again, until there is nothing left to take.
    Empty,
    /// As [`Self::Empty`], and again after [`BACK`]: what somebody was handed who did not confirm it is
    /// there again by then.
    Settled,
}

/// How long after the end of a session all is back that was handed out in it and not confirmed; longer
/// than the check waits that judges it.
pub const BACK: Duration = Duration::from_secs(21);

/// Looks at each of `keys` by one operation.
pub(crate) fn each(keys: &[Key], op: impl Fn(Key) -> Op) -> Vec<Look> {
    let look = |key: &Key| Look { ops: vec![op(key.clone())], until: Until::Answered };
    keys.iter().map(look).collect()
}

/// Takes out of each of `keys` what is left.
pub(crate) fn drains(keys: &[Key], until: Until) -> Vec<Look> {
    let drain = |key: &Key| Look { ops: vec![Op::Dequeue { key: key.clone() }], until };
    keys.iter().map(drain).collect()
}

/// Who looks whether a lock is still held: a holder that no client is.
const LOOKER: u64 = 1 << 32;

/// Looks whether each of `keys` is held. That can only be seen by asking for it, and what was granted
/// so is given back at once.
pub(crate) fn grants(keys: &[Key], ttl: Option<Nanos>) -> Vec<Look> {
    let look = |key: &Key| {
        let acquire = Op::Acquire { key: key.clone(), holder: LOOKER, ttl };
        let release = Op::Release { key: key.clone(), holder: LOOKER };
        Look { ops: vec![acquire, release], until: Until::Granted }
    };
    keys.iter().map(look).collect()
}
