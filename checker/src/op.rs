//! What clients ask and what they are answered.
//!
//! This is the vocabulary that targets and workloads meet in. One table serves all kinds of objects;
//! which operations belong to which kind is said by [`crate::objects`]. It deliberately knows nothing
//! of how an operation is carried out, nor of whether an answer is right.

mod effect;
mod field;
mod macros;
mod table;

use std::fmt;

pub use crate::text::Key;
use crate::transaction::Micro;
pub use crate::value::Value;
pub use effect::Effect;
pub use field::Field;
pub use table::{Op, OpKind, Outcome};

impl Op {
    /// Every object that it acts on: its own, or those of a transaction's parts.
    #[must_use]
    pub fn keys(&self) -> Vec<&Key> {
        match self {
            Self::Txn { ops } => ops.iter().map(Micro::key).collect(),
            _ => self.key().into_iter().collect(),
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
