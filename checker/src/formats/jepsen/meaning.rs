//! What a record means: its function and value as an operation or an outcome of ours.

use std::ops::Range;

use super::record::Record;
use super::shapes::{looks_like_one, pair_of};
use super::transaction;
use super::values::{Meaning, missing};
use super::verb::{self, Verb};
use crate::formats::edn::{Form, Kind, Refused};
use crate::op::{Key, Op, Outcome, Value};

/// A key with what is asked of it; none for nil.
type KeyedForm<'t, 'a> = (Key, Option<Form<'t, 'a>>);

impl<'a> Meaning<'a> {
    /// What the invocation `record` of the lock client `holder` asks.
    pub(super) fn op(&mut self, record: &Record<'a>, holder: u64) -> Result<Op, Refused> {
        self.with_value(record, |this, form| this.asks(record, form, holder))
    }

    /// What the completion `record`, which is `ok`, answers to `op`.
    pub(super) fn outcome(&mut self, record: &Record<'a>, op: &Op) -> Result<Outcome, Refused> {
        self.with_value(record, |this, form| this.answers(record, form, op))
    }

    /// What the completion `record` of a drain took out of the queue of that name.
    pub(super) fn drained(&mut self, record: &Record<'a>) -> Result<(Key, Vec<Value>), Refused> {
        self.with_value(record, |this, form| {
            let (key, taken) = this.split(record, Verb::Drain, form)?;
            Ok((key, this.values(taken, record)?))
        })
    }

    /// What a compare-and-set that failed told, as our writer notes it in the error.
    pub(super) fn refusal(&self, error: &Range<usize>) -> Option<Outcome> {
        let told = self.source.value(error, |form| {
            let found = form.pair().filter(|(kind, _)| kind.text() == ":cas-found");
            Ok(match found {
                Some((_, value)) => Some(Outcome::CasFound { value: self.value(value)? }),
                None => (form.text() == ":cas-differs").then_some(Outcome::CasDiffers),
            })
        });
        told.ok().flatten()
    }

    /// Whether `record`, a completion that told nothing, names another key than `op` has.
    pub(super) fn keeps_key(&mut self, record: &Record<'a>, op: &Op) -> Result<(), Refused> {
        self.with_value(record, |this, form| match form.and_then(pair_of) {
            Some((key, _)) if this.style.keyed => {
                let key = this.key(key)?;
                this.same_key(record, op, &key)
            }
            _ => Ok(()),
        })
    }

    fn with_value<T>(
        &mut self,
        record: &Record<'a>,
        take: impl FnOnce(&mut Self, Option<Form<'_, 'a>>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let source = self.source;
        match &record.value {
            Some(range) => source.value(range, |form| take(self, Some(form))),
            None => take(self, None),
        }
    }

    fn asks(
        &mut self,
        record: &Record<'a>,
        form: Option<Form<'_, 'a>>,
        holder: u64,
    ) -> Result<Op, Refused> {
        let verb = match Verb::named(record.f) {
            Some(verb) if !self.style.is_transaction(verb, form) => verb,
            named => return self.transaction(record, form, named.is_some()),
        };
        let (key, asked) = self.split(record, verb, form)?;
        let value = || self.needed(record, asked);
        Ok(match verb {
            Verb::Read if self.style.reads_all => Op::ReadAll { key },
            Verb::Read | Verb::ReadValue => Op::Read { key },
            Verb::Write => Op::Write { key, value: value()? },
            Verb::Cas => {
                let (old, new) = two(record, asked, "`[old new]`")?;
                let [old, new] = [old, new].map(|form| self.needed(record, Some(form)));
                Op::Cas { key, old: old?, new: new? }
            }
            Verb::Swap => Op::Swap { key, value: value()? },
            Verb::Append => Op::Append { key, value: value()? },
            Verb::Add if self.style.counts => Op::Increment { key, by: number(record, asked)? },
            Verb::Add | Verb::AddElement => Op::Add { key, value: value()? },
            Verb::Remove => Op::Remove { key, value: value()? },
            Verb::Contains => Op::Contains { key, value: value()? },
            Verb::ReadAll => Op::ReadAll { key },
            Verb::Enqueue => Op::Enqueue { key, value: value()? },
            Verb::Dequeue | Verb::Drain => Op::Dequeue { key },
            Verb::Acquire | Verb::Renew | Verb::Release => lock(verb, key, asked, holder)?,
            Verb::GuardedWrite => {
                let (token, value) = two(record, asked, "`[token value]`")?;
                Op::GuardedWrite {
                    key,
                    token: whole(token)?,
                    value: self.needed(record, Some(value))?,
                }
            }
            Verb::Increment | Verb::Decrement => {
                let by = asked.map_or(Ok(1), |_| number(record, asked))?;
                Op::Increment {
                    key,
                    by: if verb == Verb::Increment { by } else { by.saturating_neg() },
                }
            }
            Verb::Generate => Op::Generate { key },
            Verb::ReadVersion => Op::ReadVersion { key },
            Verb::Update => {
                let (expected, value) = two(record, asked, "`[generation value]`")?;
                Op::Update {
                    key,
                    expected: whole(expected)?,
                    value: self.needed(record, Some(value))?,
                }
            }
            Verb::Txn => return self.transaction(record, form, true),
        })
    }

    fn answers(
        &mut self,
        record: &Record<'a>,
        form: Option<Form<'_, 'a>>,
        op: &Op,
    ) -> Result<Outcome, Refused> {
        if let Op::Txn { ops } = op {
            return transaction::answered(self, record, form, ops);
        }
        let verb = Verb::named(record.f).unwrap_or(Verb::Read);
        let told = form.filter(|form| form.kind() != Kind::Nil);
        if told.is_none()
            && !matches!(
                op,
                Op::Read { .. } | Op::ReadAll { .. } | Op::Dequeue { .. } | Op::Swap { .. }
            )
        {
            return plain(op).ok_or_else(|| missing(record, "an answer"));
        }
        let (key, told) = self.split(record, verb, form)?;
        self.same_key(record, op, &key)?;
        Ok(match op {
            Op::Read { .. } => Outcome::Read { value: self.maybe(told)? },
            Op::ReadAll { .. } => Outcome::ReadAll { values: self.values(told, record)?.into() },
            Op::Dequeue { .. } => Outcome::Dequeue { value: self.maybe(told)? },
            Op::Swap { .. } => Outcome::Swap { value: self.maybe(told)? },
            Op::Generate { .. } => Outcome::Generate { value: self.needed(record, told)? },
            Op::Contains { value, .. } => self.contained(record, told, value)?,
            Op::Acquire { .. } => Outcome::Acquire { token: token(told)? },
            Op::ReadVersion { .. } => {
                let (generation, value) = two(record, told, "`[generation value]`")?;
                let value = self.value(value)?;
                Outcome::ReadVersion { generation: whole(generation)?, value }
            }
            Op::Update { .. } => Outcome::Update { generation: updated(record, told)? },
            Op::Renew { .. } => Outcome::Renew,
            Op::Release { .. } => Outcome::Release,
            _ => {
                if told.is_some() {
                    self.restates(record, form, op)?;
                }
                plain(op).ok_or_else(|| missing(record, "an answer"))?
            }
        })
    }

    fn transaction(
        &mut self,
        record: &Record<'a>,
        form: Option<Form<'_, 'a>>,
        named: bool,
    ) -> Result<Op, Refused> {
        if !named && !form.is_some_and(looks_like_one) {
            return Err(unknown(record));
        }
        transaction::asked(self, record, form)
    }

    /// Makes sure that a completion repeats what was asked.
    fn restates(
        &mut self,
        record: &Record<'a>,
        form: Option<Form<'_, 'a>>,
        op: &Op,
    ) -> Result<(), Refused> {
        let again = self.asks(record, form, 0)?;
        if again == *op {
            return Ok(());
        }
        Err(Refused::new(record.at, format!("completed with `{again}`, expected `{op}`")))
    }

    fn same_key(&self, record: &Record<'_>, op: &Op, key: &Key) -> Result<(), Refused> {
        match op.key() {
            Some(asked) if asked != key => {
                let reason = format!("completed on key `{key}`, expected `{asked}`");
                Err(Refused::new(record.at, reason))
            }
            _ => Ok(()),
        }
    }

    /// Takes the key from what is asked, however this file writes it.
    fn split<'t>(
        &mut self,
        record: &Record<'a>,
        verb: Verb,
        form: Option<Form<'t, 'a>>,
    ) -> Result<KeyedForm<'t, 'a>, Refused> {
        let told = |form: Form<'t, 'a>| (form.kind() != Kind::Nil).then_some(form);
        if let Some(range) = &record.key {
            let source = self.source;
            let key = source.value(range, |key| self.key(key))?;
            return Ok((key, form.and_then(told)));
        }
        if !self.style.keyed {
            let name = self.style.object(verb);
            let key = self.keys.entry(name).or_insert_with(|| name.into());
            return Ok((Key::clone(key), form.and_then(told)));
        }
        let Some((key, value)) = form.and_then(pair_of) else {
            return Err(missing(record, "`[key value]`, as elsewhere in this file"));
        };
        Ok((self.key(key)?, told(value)))
    }

    fn contained(
        &self,
        record: &Record<'_>,
        told: Option<Form<'_, '_>>,
        element: &Value,
    ) -> Result<Outcome, Refused> {
        let told = told.ok_or_else(|| missing(record, "true or false"))?;
        let answer = match told.pair() {
            Some((again, answer)) if self.value(again)?.as_ref() == Some(element) => answer,
            _ => told,
        };
        match answer.text() {
            "true" => Ok(Outcome::Contains { present: true }),
            "false" => Ok(Outcome::Contains { present: false }),
            _ => Err(answer.refused(format!("{}, expected true or false", answer.described()))),
        }
    }
}

/// The outcome of `op` if it answers nothing but that it was done.
fn plain(op: &Op) -> Option<Outcome> {
    Some(match op {
        Op::Write { .. } => Outcome::Write,
        Op::Cas { .. } => Outcome::Cas,
        Op::Append { .. } => Outcome::Append,
        Op::Add { .. } => Outcome::Add,
        Op::Remove { .. } => Outcome::Remove,
        Op::Enqueue { .. } => Outcome::Enqueue,
        Op::Acquire { .. } => Outcome::Acquire { token: None },
        Op::Renew { .. } => Outcome::Renew,
        Op::Release { .. } => Outcome::Release,
        Op::GuardedWrite { .. } => Outcome::GuardedWrite,
        Op::Increment { .. } => Outcome::Increment,
        _ => return None,
    })
}

/// An operation on a lock: by whom the value says, else by `holder`.
fn lock(verb: Verb, key: Key, asked: Option<Form<'_, '_>>, holder: u64) -> Result<Op, Refused> {
    let said = match asked.and_then(Form::int) {
        Some(number) => u64::try_from(number).ok(),
        None => entry(asked, &[":holder"])?,
    };
    let (holder, ttl) = (said.unwrap_or(holder), entry(asked, &[":ttl"])?);
    Ok(match verb {
        Verb::Acquire => Op::Acquire { key, holder, ttl },
        Verb::Renew => Op::Renew { key, holder, ttl },
        _ => Op::Release { key, holder },
    })
}

/// The token of a grant, where the lock hands one out.
fn token(told: Option<Form<'_, '_>>) -> Result<Option<u64>, Refused> {
    entry(told, &[":token", ":fence"])
}

/// The number under one of `names` in a map; none in anything else.
fn entry(form: Option<Form<'_, '_>>, names: &[&str]) -> Result<Option<u64>, Refused> {
    let map = form.filter(|form| form.kind() == Kind::Map);
    let found = map.and_then(|map| map.entries().find(|(name, _)| names.contains(&name.text())));
    match found {
        Some((_, value)) if value.kind() != Kind::Nil => whole(value).map(Some),
        _ => Ok(None),
    }
}

/// The generation that an update led to.
fn updated(record: &Record<'_>, told: Option<Form<'_, '_>>) -> Result<u64, Refused> {
    let told = told.ok_or_else(|| missing(record, "a generation"))?;
    whole(told.sequence().and_then(|mut parts| parts.nth(2)).unwrap_or(told))
}

fn two<'t, 'a>(
    record: &Record<'_>,
    form: Option<Form<'t, 'a>>,
    expected: &str,
) -> Result<(Form<'t, 'a>, Form<'t, 'a>), Refused> {
    form.and_then(Form::pair).ok_or_else(|| missing(record, expected))
}

fn number(record: &Record<'_>, form: Option<Form<'_, '_>>) -> Result<i64, Refused> {
    form.and_then(Form::int).ok_or_else(|| missing(record, "a whole number of 64 bits"))
}

/// A number that is never negative.
fn whole(form: Form<'_, '_>) -> Result<u64, Refused> {
    let digits = form.text().strip_suffix('N').unwrap_or(form.text());
    let number = digits.parse().ok().filter(|_| form.kind() == Kind::Int);
    number.ok_or_else(|| {
        form.refused(format!("{}, expected a whole number from 0", form.described()))
    })
}

fn unknown(record: &Record<'_>) -> Refused {
    let name = match record.f {
        "" => "an operation without `:f`".to_owned(),
        f => format!("the function `{f}`"),
    };
    Refused::new(record.at, format!("{name}, expected one of {}", verb::names()))
}
