//! Whether a witness says enough and no more, by brute force over all of its parts and all that
//! happened besides. Exponential, and for small histories.
//!
//! A part of a witness is *excused* if it has a legal order with some of the other operations of
//! the history, whatever they were answered: their answers are not shown. *Enough*: the witness has no legal order. *No more*: whatever of it may be left
//! out, the rest is excused. A group of operations may be left out if nothing that stays rests on it, as
//! a read rests on the write that it saw, and a release on its acquire: every excused part is
//! excused without the group.
//!
//! An operation that is refuted alone, such as a read of a value that is written only later, is in
//! no excused part. It needs itself alone, and the witness may show those that explain it besides:
//! what it would rest on if real time were no matter, and what put in a value that it saw, as a
//! transaction that wrote another value after that one, or what was counted when a read showed
//! more or less. Those may themselves be refuted alone, and be explained. Nothing else.

use fracas_checker::Anomaly;
use fracas_checker::history::{History, Operation};
use fracas_checker::linearizability::call::Call;
use fracas_checker::models::Model;
use fracas_checker::objects::Object;
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Algorithm, Budget, Op, Outcome, Value, judge_by};

/// How many bad witnesses are shown.
const SHOWN: usize = 5;

/// The most operations of a history that is looked at.
const MOST: usize = 10;

/// The most operations of a witness that is looked at: there are as many orders as permutations.
const MOST_OF_WITNESS: usize = 9;

/// What was found of witnesses.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Witnesses {
    pub(crate) looked_at: usize,
    /// Those that are too large to look at.
    pub(crate) skipped: usize,
    /// Those that have a legal order: they prove nothing.
    pub(crate) legal: usize,
    /// Those that would prove as much with fewer operations.
    pub(crate) too_large: usize,
    /// Those in which an operation is refuted alone. They are looked at like all others.
    pub(crate) by_one: usize,
}

impl Witnesses {
    /// Judges a history of one object, and looks at the witness if it is refuted.
    pub(crate) fn judge<M: Object>(&mut self, history: &History) {
        let verdict = judge_by(history, &[M::ID], Algorithm::Auto, Budget::unlimited_time());
        for (_, anomaly) in verdict.anomalies() {
            let good = self.look::<M>(history, anomaly);
            if !good && self.legal + self.too_large <= SHOWN {
                show(M::ID, history, anomaly);
            }
        }
    }

    /// Whether every witness was as it should be, and nearly all were looked at.
    pub(crate) fn holds(self, kind: &str) -> bool {
        println!("{kind}: {self:?}");
        let enough = self.looked_at > 50 && self.skipped <= self.looked_at / 50;
        enough && self.legal == 0 && self.too_large == 0
    }

    /// Looks at the witness of `anomaly`. Whether it is as it should be.
    fn look<M>(&mut self, history: &History, anomaly: &Anomaly) -> bool
    where
        M: Model<Op = Op, Outcome = Outcome>,
    {
        let others = history.operations().iter();
        let others = others.filter(|operation| !anomaly.witness.contains(&operation.invoked.0));
        let calls: Vec<Call<'_>> = of_witness(history, anomaly).filter_map(Call::of).collect();
        let others: Vec<Call<'_>> = others.filter_map(Call::of).collect();
        if calls.len() > MOST_OF_WITNESS || calls.len() + others.len() > MOST {
            self.skipped += 1;
            return true;
        }
        self.looked_at += 1;
        let parts = Parts::of::<M>(&calls, &others);
        let (legal, spare) = (parts.is_legal(), parts.spare::<M>((&calls, &others)).is_some());
        self.legal += usize::from(legal);
        self.too_large += usize::from(spare);
        self.by_one += usize::from(parts.one_alone());
        !legal && !spare
    }
}

fn of_witness<'a>(
    history: &'a History,
    anomaly: &'a Anomaly,
) -> impl Iterator<Item = &'a Operation> {
    history.operations().iter().filter(|operation| anomaly.witness.contains(&operation.invoked.0))
}

fn show(id: &str, history: &History, anomaly: &Anomaly) {
    println!("{id}: {}", anomaly.headline);
    for operation in history.operations() {
        let sign = if anomaly.witness.contains(&operation.invoked.0) { "*" } else { " " };
        println!("  {sign} {} {:?}", operation.invoked.1, (&operation.op, &operation.completed));
    }
}

/// Every part of a witness, as a set of bits: whether it is excused.
pub(crate) struct Parts {
    excused: Vec<bool>,
    /// Whether the whole has a legal order by itself.
    legal: bool,
    /// Whether it is legal by itself if all is concurrent.
    untimed: Vec<bool>,
    /// By operation: those that put in a value that it saw.
    by_value: Vec<usize>,
    /// The same, and those of another generation.
    put_in: Vec<usize>,
}

impl Parts {
    pub(crate) fn of<M>(witness: &[Call<'_>], others: &[Call<'_>]) -> Self
    where
        M: Model<Op = Op, Outcome = Outcome>,
    {
        let mut untimed = witness.to_vec();
        untimed.iter_mut().for_each(|call| (call.start, call.end) = (0, call.end.and(Some(0))));
        let put_in = |call: &Call<'_>, explains: fn(&Call<'_>, &Call<'_>) -> bool| {
            let others = witness.iter().enumerate().filter(|(_, other)| other.id != call.id);
            let named = others.filter(|(_, other)| explains(other, call));
            named.fold(0, |bits, (place, _)| bits | 1 << place)
        };
        Self {
            excused: excused::<M>(&[witness, &loose(others)].concat(), witness.len()),
            legal: legal_parts::<M>(witness).last() == Some(&true),
            untimed: legal_parts::<M>(&untimed),
            by_value: witness.iter().map(|call| put_in(call, by_value)).collect(),
            put_in: witness.iter().map(|call| put_in(call, explains)).collect(),
        }
    }

    /// Whether the whole has a legal order by itself.
    pub(crate) fn is_legal(&self) -> bool {
        self.legal
    }

    /// A group that may be left out and without which the others are not excused either.
    pub(crate) fn spare<M>(&self, (witness, others): (&[Call<'_>], &[Call<'_>])) -> Option<usize>
    where
        M: Model<Op = Op, Outcome = Outcome>,
    {
        // An answer that goes may have ruled out what excuses the rest.
        let proves = |group: &usize| {
            let gone = |place: usize| group >> place & 1 == 1;
            let mut all = others.to_vec();
            let mut rest = Vec::new();
            for (place, call) in witness.iter().enumerate() {
                if gone(place) { &mut all } else { &mut rest }.push(*call);
            }
            rest.extend(loose(&all));
            legal_parts::<M>(&rest).last() == Some(&false)
        };
        let (whole, explain) = (self.excused.len() - 1, self.explaining());
        if self.one_explained() {
            return None;
        }
        let spare = |group: &usize| group & explain == 0 && !self.excused[whole & !group];
        let mut groups = (1..=whole).filter(spare).filter(|group| self.may_go(*group));
        groups.find(proves)
    }

    /// Whether nothing rests on `group`.
    fn may_go(&self, group: usize) -> bool {
        let rests = |legal: &[bool], part: usize| legal[part] && !legal[part & !group];
        let some = |legal: &[bool]| (0..legal.len()).any(|part| rests(legal, part));
        !some(&self.excused) && !some(&self.untimed)
    }

    /// Whether the whole is an operation that is refuted alone and what put in the values that it
    /// saw, and that those saw in turn.
    fn one_explained(&self) -> bool {
        let places = || 0..self.by_value.len();
        let with = |part: usize| {
            let inside = places().filter(|place| part >> place & 1 == 1);
            inside.fold(part, |all, place| all | self.by_value[place])
        };
        let all = |place: usize| places().fold(1 << place, |part, _| with(part));
        places()
            .filter(|place| self.alone() >> place & 1 == 1)
            .any(|place| all(place) == self.excused.len() - 1)
    }

    /// The operations in no excused part.
    fn alone(&self) -> usize {
        let found = (0..self.excused.len()).filter(|part| self.excused[*part]);
        (self.excused.len() - 1) & !found.fold(0, |all, part| all | part)
    }

    /// What put in values that an operation saw that is refuted alone.
    fn explaining(&self) -> usize {
        let alone = (0..self.put_in.len()).filter(|place| self.alone() >> place & 1 == 1);
        alone.fold(0, |bits, place| bits | self.put_in[place])
    }

    /// Whether an operation is refuted alone.
    fn one_alone(&self) -> bool {
        self.alone() != 0
    }
}

/// Whether `call` put in something that `reader` saw, or is another generation, where only the
/// order of generations is compared.
fn explains(call: &Call<'_>, reader: &Call<'_>) -> bool {
    let versions = |op: &Op| matches!(op, Op::Update { .. } | Op::ReadVersion { .. });
    by_value(call, reader) || (versions(call.op) && versions(reader.op))
}

/// Whether `call` put in something that `reader` saw: a value, a piece of a text, a part of a sum.
fn by_value(call: &Call<'_>, reader: &Call<'_>) -> bool {
    if let (Op::Increment { .. }, Op::Read { .. }) = (call.op, reader.op) {
        return !reader.precedes(call);
    }
    let part = |put: &Value, saw: &Value| match (put, saw) {
        (Value::Text(put), Value::Text(saw)) => saw.contains(&**put),
        _ => put == saw,
    };
    let saw = seen(reader);
    put(call).iter().any(|put| saw.iter().any(|saw| part(put, saw)))
}

/// The values that a call puts in.
fn put(call: &Call<'_>) -> Vec<Value> {
    match call.op {
        Op::Txn { ops } => ops.iter().filter_map(written).collect(),
        op => op.puts().cloned().into_iter().collect(),
    }
}

fn written(micro: &Micro) -> Option<Value> {
    match micro {
        Micro::Write { value, .. } | Micro::Append { value, .. } => Some(value.clone()),
        Micro::Read { .. } => None,
    }
}

/// The values that a call saw.
fn seen(call: &Call<'_>) -> Vec<Value> {
    match (call.op, call.outcome) {
        (
            _,
            Some(
                Outcome::Read { value }
                | Outcome::CasFound { value }
                | Outcome::Swap { value }
                | Outcome::Dequeue { value }
                | Outcome::ReadVersion { value, .. },
            ),
        ) => value.iter().cloned().collect(),
        (Op::Cas { old, .. }, Some(Outcome::Cas)) => vec![old.clone()],
        (Op::Contains { value, .. }, Some(Outcome::Contains { present: true })) => {
            vec![value.clone()]
        }
        (_, Some(Outcome::ReadAll { values })) => values.to_vec(),
        (_, Some(Outcome::Txn { ops })) => ops.iter().flat_map(found).collect(),
        _ => Vec::new(),
    }
}

fn found(micro: &Micro) -> Vec<Value> {
    match micro {
        Micro::Read { seen: ReadValue::Value(value), .. } => vec![value.clone()],
        Micro::Read { seen: ReadValue::List(values), .. } => values.to_vec(),
        _ => Vec::new(),
    }
}

/// The calls as some that may take effect at any later time, or never.
fn loose<'a>(calls: &[Call<'a>]) -> Vec<Call<'a>> {
    let changes = calls.iter().filter(|call| !call.op.kind().only_looks());
    changes.map(|call| Call { end: None, outcome: None, ..*call }).collect()
}

/// By part of the first `count` of `calls`: whether it is legal with some of the others.
fn excused<M: Model<Op = Op, Outcome = Outcome>>(calls: &[Call<'_>], count: usize) -> Vec<bool> {
    let (legal, first) = (legal_parts::<M>(calls), 1 << count);
    let mut excused = vec![false; first];
    (0..legal.len()).filter(|part| legal[*part]).for_each(|part| excused[part % first] = true);
    excused
}

/// By part: whether some order of it is legal.
fn legal_parts<M: Model<Op = Op, Outcome = Outcome>>(calls: &[Call<'_>]) -> Vec<bool> {
    let count = 1 << calls.len();
    let places = |part: usize| (0..calls.len()).filter(move |place| part >> place & 1 == 1);
    // What may be the state after exactly these calls.
    let (mut after, mut legal) = (vec![vec![M::default()]], vec![true]);
    for part in 1..count {
        let mut states: Vec<M> = Vec::new();
        let last = |place: &usize| places(part).all(|other| !calls[*place].precedes(&calls[other]));
        for place in places(part).filter(last) {
            let before = &after[part & !(1 << place)];
            let step = |state: &M| state.step(calls[place].op, calls[place].outcome).ok();
            let new: Vec<M> = before.iter().filter_map(step).collect();
            new.into_iter().for_each(|state| {
                if !states.contains(&state) {
                    states.push(state);
                }
            });
        }
        let mut unseen = places(part).filter(|place| calls[*place].end.is_none());
        legal.push(!states.is_empty() || unseen.any(|place| legal[part & !(1 << place)]));
        after.push(states);
    }
    legal
}
