//! What clients ask and what they are answered.
//!
//! This is the vocabulary that targets and workloads meet in. One table serves all kinds of objects;
//! which operations belong to which kind is said by [`crate::objects`]. It deliberately knows nothing
//! of how an operation is carried out, nor of whether an answer is right.

mod effect;
mod field;
mod macros;
mod table;
mod told;

use std::fmt;
use std::sync::Arc;

pub use crate::text::Key;
use crate::transaction::Micro;
pub use crate::value::Value;
pub use effect::Effect;
pub use field::Field;
pub use table::{Op, OpKind, Outcome};
pub use told::Tells;

impl Op {
    /// Every object that it acts on: its own, or those of a transaction's parts.
    #[must_use]
    pub fn keys(&self) -> Vec<&Key> {
        match self {
            Self::Txn { ops } => ops.iter().map(Micro::key).collect(),
            _ => self.key().into_iter().collect(),
        }
    }

    /// What it certainly saw its object hold, as it was answered so; the inner none is “nothing”. What
    /// was seen of several values is not told here.
    #[must_use]
    pub fn saw<'a>(&'a self, outcome: &'a Outcome) -> Option<Option<&'a Value>> {
        outcome.seen().or_else(|| self.found(outcome).map(Some))
    }

    /// How it ends if it succeeds, for estimates; `number` is a token, an id or a version.
    #[must_use]
    pub fn succeeded(&self, number: u64) -> Outcome {
        match self {
            Self::Txn { ops } => Outcome::Txn { ops: Arc::clone(ops) },
            _ => self.kind().answer(number),
        }
    }

    /// The values it names, in their order. Those within a transaction are not among them.
    #[must_use]
    pub fn values(&self) -> Vec<&Value> {
        let value = |(_, field)| match field {
            Field::Value(value) => Some(value),
            _ => None,
        };
        self.fields().into_iter().filter_map(value).collect()
    }
}

impl OpKind {
    /// Every kind that a client can ask for: all but claims.
    pub fn asked() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| kind.effect() != Effect::Derived)
    }

    /// Whether operations of this kind change what an object of these operations shows, though it
    /// does not serve them.
    #[must_use]
    pub fn disturbs(self, served: &[Self]) -> bool {
        !served.contains(&self) && served.iter().any(|reader| self.is_read_by(*reader))
    }

    /// Whether what operations of this kind change can be looked for: an operation shows it.
    #[must_use]
    pub fn is_read(self) -> bool {
        Self::ALL.iter().any(|reader| self.is_read_by(*reader))
    }

    /// Whether operations of this kind change nothing, so that an operation of unknown outcome can
    /// be left out.
    #[must_use]
    pub fn only_looks(self) -> bool {
        self.effect() == Effect::Looks
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The words in JSON are those of the table, and what is written is read again.
    #[test]
    fn every_sample_is_written_by_its_word_and_read_again() {
        for kind in OpKind::ALL {
            let op = kind.sample();
            let json = serde_json::to_value(&op).expect("an operation can be written");
            assert_eq!(json["f"], kind.word());
            for name in kind.fields() {
                assert!(json.get(name).is_some(), "{json} has no `{name}`");
            }
            assert_eq!(serde_json::from_value::<Op>(json).expect("it can be read"), op);
            assert_eq!(op.kind(), *kind);
            let names: Vec<&str> = op.fields().into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, kind.fields());
        }
    }

    #[test]
    fn no_two_kinds_have_one_word_and_claims_are_not_asked() {
        let words: BTreeSet<&str> = OpKind::ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(words.len(), OpKind::ALL.len());
        assert_eq!(OpKind::asked().count(), OpKind::ALL.len() - 1);
        assert!(!OpKind::asked().any(|kind| kind == OpKind::Claim));
    }

    /// What an operation puts into its object and what an answer shows of it.
    #[test]
    fn an_operation_puts_and_sees_what_its_row_says() {
        let (old, new) = (Value::Int(1), Value::Int(2));
        let cas = Op::Cas { key: "k".into(), old: old.clone(), new: new.clone() };
        assert_eq!((cas.sets(), cas.puts()), (Some(&new), Some(&new)));
        for (outcome, saw, refused) in [
            (Outcome::Cas, Some(Some(&old)), false),
            (Outcome::CasFound { value: Some(new.clone()) }, Some(Some(&new)), true),
            (Outcome::CasFound { value: None }, Some(None), true),
            (Outcome::CasDiffers, None, true),
        ] {
            assert_eq!((cas.saw(&outcome), outcome.changes_nothing()), (saw, refused));
        }
        let append = Op::Append { key: "k".into(), value: new.clone() };
        assert_eq!((append.sets(), append.puts()), (None, Some(&new)));
        assert_eq!((append.kind().sets(), OpKind::Update.sets()), (false, true));
    }

    #[test]
    fn what_disturbs_an_object_is_what_its_reads_show() {
        let disturbs = |served: &[OpKind]| -> Vec<&str> {
            let all = OpKind::ALL.iter().filter(|kind| kind.disturbs(served));
            all.map(|kind| kind.word()).collect()
        };
        let register = [OpKind::Read, OpKind::Write, OpKind::Cas, OpKind::Swap];
        assert_eq!(disturbs(&register), ["append", "guarded-write", "increment"]);
        assert_eq!(disturbs(&[OpKind::Enqueue, OpKind::Dequeue]), [""; 0]);
        assert_eq!(disturbs(&[OpKind::ReadAll]), ["add", "remove"]);
    }

    /// Whoever asks is answered as the row says, and told what it tells.
    #[test]
    fn the_first_answer_is_the_one_hoped_for() {
        for kind in OpKind::asked() {
            let outcome = kind.sample().succeeded(7);
            assert_eq!((outcome.answers(), outcome.changes_nothing()), (kind, false));
            let json = serde_json::to_value(&outcome).expect("an answer can be written");
            let told = json.as_object().expect("an object").keys().filter(|name| *name != "f");
            let names: Vec<&str> = kind.tells().iter().map(|(name, _)| *name).collect();
            assert_eq!(told.collect::<Vec<_>>(), names, "{kind}");
        }
        let version = [("generation", Tells::Number), ("value", Tells::Maybe)];
        assert_eq!(OpKind::ReadVersion.tells(), version);
        assert!(OpKind::Cas.tells().is_empty());
        let ops: Arc<[Micro]> = [Micro::Write { key: "k".into(), value: 1.into() }].into();
        assert_eq!(Op::Txn { ops: ops.clone() }.succeeded(0), Outcome::Txn { ops });
    }

    #[test]
    fn an_operation_names_its_object_and_its_values() {
        let cas = Op::Cas { key: "k".into(), old: 1.into(), new: 2.into() };
        assert_eq!((cas.key(), cas.values()), (Some(&"k".into()), vec![&1.into(), &2.into()]));
        assert_eq!(OpKind::Txn.sample().key(), None);
        let details = Outcome::ReadVersion { generation: 3, value: None }.details();
        assert_eq!(details.as_deref(), Some("nothing of generation 3"));
        assert_eq!(Outcome::Acquire { token: None }.details(), None);
    }
}
