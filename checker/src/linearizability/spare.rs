//! Takes from a small witness what is left in it that it does not need.
//!
//! Each kind of object makes its refutations small by what it knows of itself. What that leaves is
//! looked at once more here, part by part, without such knowledge. A group of calls goes if
//!
//! - *the rest still proves it*: it has no legal order even if every other call of the object, those
//!   of the group too, may take effect at any time after its begin, or never. Whatever order of all
//!   there might be would be one of these;
//! - *nothing that stays rests on it*, as a read rests on the write that it saw: every part of the
//!   witness that is legal, among those other calls, is legal without the group. The same is asked
//!   with all calls concurrent: a read of what was written only later keeps that write;
//! - *it explains nothing*: no call is in it that put in what a call saw that is refuted alone.

use super::call::Call;
use crate::op::{Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// How often a witness is made smaller again.
pub(super) const SMALLER: usize = 8;

/// The most calls of a witness that is looked at: each part of it is decided.
const MOST: usize = 9;

/// The most other calls: each part is decided among them.
const OTHERS: usize = 200;

/// What `tell` makes of a part of `witness` that proves as much, of as few calls as may be; none if
/// all of it is needed, or it makes nothing of any. `others` are all other calls of the object.
pub(super) fn without_spare<'a, T>(
    witness: &[Call<'a>],
    others: &[Call<'a>],
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
    tell: impl Fn(&[Call<'a>]) -> Option<T>,
) -> Option<T> {
    if !(2..=MOST).contains(&witness.len()) || others.len() > OTHERS {
        return None;
    }
    let whole = (1 << witness.len()) - 1;
    let mut groups: Vec<usize> = (1..whole).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count_ones()));
    let parts = Parts::of(witness, others, refuted);
    let proves = |left: usize| {
        let (inside, outside) = split(witness, left);
        refuted(&inside) && refuted(&among(&inside, outside.iter().chain(others)))
    };
    let may_go = |group: &usize| group & parts.explain == 0 && parts.may_go(*group);
    let left = groups.into_iter().filter(may_go).map(|group| whole & !group);
    left.filter(|left| proves(*left)).find_map(|left| tell(&split(witness, left).0))
}

/// The calls in the set of bits `part`, and the others.
fn split<'a>(calls: &[Call<'a>], part: usize) -> (Vec<Call<'a>>, Vec<Call<'a>>) {
    let mut both = (Vec::new(), Vec::new());
    for (place, call) in calls.iter().enumerate() {
        if part >> place & 1 == 1 { &mut both.0 } else { &mut both.1 }.push(*call);
    }
    both
}

/// `calls`, and `others` as calls that may take effect at any later time, or never.
fn among<'a: 'b, 'b>(
    calls: &[Call<'a>],
    others: impl Iterator<Item = &'b Call<'a>>,
) -> Vec<Call<'a>> {
    let changes = others.filter(|call| !call.op.kind().only_looks());
    let loose = changes.map(|call| Call { end: None, outcome: None, ..*call });
    let mut all: Vec<Call<'a>> = calls.iter().copied().chain(loose).collect();
    all.sort_by_key(|call| (call.start, call.id));
    all
}

/// Every part of a witness, as a set of bits.
struct Parts {
    /// Whether it is legal among the other calls.
    legal: Vec<bool>,
    /// Whether it is legal by itself if all of it is concurrent.
    untimed: Vec<bool>,
    /// What put in a value that a call saw that is refuted alone.
    explain: usize,
}

impl Parts {
    fn of<'a>(
        witness: &[Call<'a>],
        others: &[Call<'a>],
        refuted: &dyn Fn(&[Call<'a>]) -> bool,
    ) -> Self {
        let parts = || (0..1 << witness.len()).map(|part| split(witness, part).0);
        let legal: Vec<bool> = parts().map(|part| !refuted(&among(&part, others.iter()))).collect();
        let at_once = |mut part: Vec<Call<'a>>| {
            part.iter_mut().for_each(|call| (call.start, call.end) = (0, call.end.and(Some(0))));
            part.sort_by_key(|call| call.id);
            part
        };
        let untimed = parts().map(|part| !refuted(&at_once(part))).collect();
        let held = (0..legal.len()).filter(|part| legal[*part]).fold(0, |all, part| all | part);
        let mut explain = 0;
        for (place, operation) in
            witness.iter().enumerate().filter(|(place, _)| held >> place & 1 == 0)
        {
            let explains = |(other, call): (usize, &Call<'_>)| {
                usize::from(other != place && put_in(call, operation)) << other
            };
            explain |= witness.iter().enumerate().map(explains).fold(0, |all, bit| all | bit);
        }
        Self { legal, untimed, explain }
    }

    /// Whether nothing rests on `group`.
    fn may_go(&self, group: usize) -> bool {
        let rests = |legal: &[bool], part: usize| legal[part] && !legal[part & !group];
        let some = |legal: &[bool]| (0..legal.len()).any(|part| rests(legal, part));
        !some(&self.legal) && !some(&self.untimed)
    }
}

/// Whether `call` put in something that `reader` saw.
fn put_in(call: &Call<'_>, reader: &Call<'_>) -> bool {
    if let (Op::Increment { .. }, Op::Read { .. }) = (call.op, reader.op) {
        return !reader.precedes(call);
    }
    let saw = seen(reader);
    let part = |put: &Value, saw: &Value| match (put, saw) {
        (Value::Text(put), Value::Text(saw)) => saw.contains(&**put),
        _ => put == saw,
    };
    put(call).iter().any(|put| saw.iter().any(|saw| part(put, saw)))
}

fn put<'a>(call: &Call<'a>) -> Vec<&'a Value> {
    match call.op {
        Op::Txn { ops } => ops.iter().filter_map(written).collect(),
        op => op.puts().into_iter().collect(),
    }
}

fn written(micro: &Micro) -> Option<&Value> {
    match micro {
        Micro::Write { value, .. } | Micro::Append { value, .. } => Some(value),
        Micro::Read { .. } => None,
    }
}

fn seen<'a>(call: &Call<'a>) -> Vec<&'a Value> {
    match (call.op, call.outcome) {
        (Op::Contains { value, .. }, Some(Outcome::Contains { present: true })) => vec![value],
        (_, Some(Outcome::ReadAll { values })) => values.iter().collect(),
        (_, Some(Outcome::Txn { ops })) => ops.iter().flat_map(found).collect(),
        (op, Some(outcome)) => op.saw(outcome).flatten().into_iter().collect(),
        (_, None) => Vec::new(),
    }
}

fn found(micro: &Micro) -> Vec<&Value> {
    match micro {
        Micro::Read { seen: ReadValue::Value(value), .. } => vec![value],
        Micro::Read { seen: ReadValue::List(values), .. } => values.iter().collect(),
        _ => Vec::new(),
    }
}
