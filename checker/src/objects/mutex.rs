//! Mutexes. All acquires do the same, and so do all releases, and a legal order takes them in turns:
//! see `alternation`. The decision is the watch itself, fed with what is known afterwards.

pub(crate) mod alternation;
mod monitor;
mod window;

use crate::catalogue;
use crate::cause::Suspects;
use crate::linearizability::call::Call;
use crate::linearizability::finding::{Finding, Violation};
use crate::linearizability::monitor::decide;
use crate::linearizability::object::{Object, Weakened};
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Mutex;
use crate::op::{Op, OpKind};
pub(crate) use monitor::{OneMutex, acquires};

impl Object for Mutex {
    const NAMES: &'static [&'static str] = &["mutex"];
    const ID: &'static str = "mutex/linearizable";
    const PROMISE: &'static str = "a mutex is granted only while it is free, and given back only while \
         it is held, by whomever";
    const ASSUMPTIONS: &'static [&'static str] = &[
        "every mutex starts free",
        "a grant does not expire: leases are judged by `lease/exclusive`",
        "whoever asks may give it back: holders are judged by `lock/linearizable`",
    ];
    const KINDS: &'static [OpKind] = &[OpKind::Acquire, OpKind::Release];

    /// A lease expires: `lease/exclusive` judges that.
    fn is_one<'a>(mut ops: impl Iterator<Item = &'a Op>) -> bool {
        !ops.any(|op| matches!(op, Op::Acquire { ttl: Some(_), .. } | Op::Renew { .. }))
    }

    fn decide_fast(calls: &[Call<'_>]) -> Finding {
        decide::<OneMutex>(calls, |place| {
            let acquires = acquires(calls[place].op);
            let class =
                if acquires { catalogue::LOCK_HELD_TWICE } else { catalogue::RELEASE_NOT_HELD };
            Violation { class, calls: Vec::new() }
        })
    }

    fn smallest<'a>(
        calls: &[Call<'a>],
        _: &'a Weakened,
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Vec<Call<'a>> {
        match window::smallest(calls) {
            Some(small) if refuted(&small) => small,
            _ => calls.to_vec(),
        }
    }

    /// Where nobody gave anything back, the grant before the late one is the one that was lost.
    fn suspects<'a>(refuted: &Refuted<'a>, explanation: &Explanation<'a>) -> Suspects<'a> {
        let before = |place: &usize| refuted.small[*place].end < Some(refuted.at);
        let grants = refuted.small.iter().all(|call| acquires(call.op));
        let done =
            (0..refuted.small.len()).find(before).filter(|_| refuted.small.len() == 2 && grants);
        let done = done.and_then(|place| refuted.operation(place));
        Suspects { late: explanation.late, done }
    }

    fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
        window::explanation(refuted)
    }
}
