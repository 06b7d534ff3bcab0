//! Whether a witness says enough and no more, by brute force over all of its parts. Exponential,
//! and for witnesses of a few operations.

use fracas_checker::Anomaly;
use fracas_checker::history::{History, Operation};
use fracas_checker::linearizability::call::Call;
use fracas_checker::models::Model;
use fracas_checker::objects::Object;
use fracas_checker::{Algorithm, Budget, Op, Outcome, judge_by};

use super::oracle::has_legal_order;

/// The kinds of which some witnesses keep more than is needed: that there were too many grants, or
/// too few increments, is shown by all that are counted.
const COUNTED: [&str; 3] = ["mutex", "lock", "counter"];

/// How many bad witnesses are shown.
const SHOWN: usize = 5;

/// The most operations of a witness that is looked at.
const MOST: usize = 7;

/// What was found of witnesses.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Witnesses {
    pub(crate) looked_at: usize,
    /// Those that have a legal order: they prove nothing.
    pub(crate) legal: usize,
    /// Those that would prove as much with fewer operations.
    pub(crate) too_large: usize,
    /// Those of which one operation has no legal order alone, such as a read of what nobody wrote:
    /// the others are told because they explain it.
    pub(crate) by_one: usize,
}

impl Witnesses {
    /// Judges a history of one object, and looks at the witness if it is refuted.
    pub(crate) fn judge<M: Object>(&mut self, history: &History) {
        let verdict = judge_by(history, &[M::ID], Algorithm::Auto, Budget::unlimited_time());
        for (_, anomaly) in verdict.anomalies() {
            let good = self.look::<M>(history, anomaly);
            if !good && self.legal + self.too_large <= SHOWN {
                let of_witness = |one: &&Operation| anomaly.witness.contains(&one.invoked.0);
                println!("{}: {}", M::ID, anomaly.headline);
                for one in history.operations().iter().filter(of_witness) {
                    println!("   {} {:?}", one.invoked.1, (&one.op, &one.completed));
                }
            }
        }
    }

    /// Whether every witness was as it should be; of what is refuted by counting, nearly every one.
    pub(crate) fn holds(self, kind: &str) -> bool {
        println!("{kind}: {self:?}");
        let spared = if COUNTED.contains(&kind) { self.looked_at / 10 } else { 0 };
        self.looked_at > 50 && self.legal == 0 && self.too_large <= spared
    }

    /// Looks at the witness of `anomaly`. Whether it is as it should be.
    fn look<M: Model<Op = Op, Outcome = Outcome>>(
        &mut self,
        history: &History,
        anomaly: &Anomaly,
    ) -> bool {
        let of_witness = |one: &&Operation| anomaly.witness.contains(&one.invoked.0);
        let calls: Vec<Call<'_>> =
            history.operations().iter().filter(of_witness).filter_map(Call::of).collect();
        if calls.len() > MOST {
            return true;
        }
        self.looked_at += 1;
        let parts = Parts::of::<M>(&calls);
        let whole = parts.legal.len() - 1;
        self.legal += usize::from(parts.legal[whole]);
        if (0..calls.len()).any(|one| !parts.legal[1 << one]) {
            self.by_one += 1;
            return !parts.legal[whole];
        }
        self.too_large += usize::from(parts.spare().is_some());
        !parts.legal[whole] && parts.spare().is_none()
    }
}

/// Every part of a witness, as a set of bits: whether it has a legal order.
struct Parts {
    legal: Vec<bool>,
}

impl Parts {
    fn of<M: Model<Op = Op, Outcome = Outcome>>(calls: &[Call<'_>]) -> Self {
        let part = |bits: usize| {
            let inside = (0..calls.len()).filter(|place| bits >> place & 1 == 1);
            inside.map(|place| calls[place]).collect::<Vec<_>>()
        };
        let legal = (0..1 << calls.len()).map(|bits| has_legal_order::<M>(&part(bits)));
        Self { legal: legal.collect() }
    }

    /// An operation on which nothing else rests and without which the others have no legal order
    /// either.
    ///
    /// Something rests on it if some legal part is not legal without it, as a read without the write
    /// that it saw.
    fn spare(&self) -> Option<usize> {
        let one = |bits: &usize| bits.count_ones() == 1;
        let whole = self.legal.len() - 1;
        (1..self.legal.len()).filter(one).find(|gone| {
            let holds = |part: &usize| part & gone == *gone && self.legal[*part];
            let rests = (0..=whole).filter(holds).any(|part| !self.legal[part & !gone]);
            !rests && !self.legal[whole & !gone]
        })
    }
}
