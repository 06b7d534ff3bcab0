//! What keys and values mean, in the style of a file.

use super::record::{Record, Source};
use super::style::Style;
use crate::formats::edn::{self, Form, Kind, Refused, Strings};
use crate::hashing::Map;
use crate::op::{Key, Value};

/// Gives records their meaning.
pub(super) struct Meaning<'a> {
    pub(super) source: Source<'a>,
    pub(super) style: Style,
    /// Every key that was met, by how it was written.
    pub(super) keys: Map<&'a str, Key>,
}

impl<'a> Meaning<'a> {
    pub(super) fn new(source: Source<'a>, style: Style) -> Self {
        Self { source, style, keys: Map::default() }
    }

    /// The key that `form` is.
    pub(super) fn key(&mut self, form: Form<'_, 'a>) -> Result<Key, Refused> {
        if let Some(key) = self.keys.get(form.text()) {
            return Ok(Key::clone(key));
        }
        let key: Key = match edn::to_value(form, self.style.strings)? {
            Some(Value::Int(number)) => number.to_string().into(),
            // The string "7" is another key than the number 7.
            Some(Value::Text(text)) if self.is_quoted_number(form, &text) => form.text().into(),
            Some(Value::Text(text)) => text,
            None => return Err(form.refused("nil, expected a key")),
        };
        self.keys.insert(form.text(), Key::clone(&key));
        Ok(key)
    }

    fn is_quoted_number(&self, form: Form<'_, '_>, text: &str) -> bool {
        let distinct = self.style.strings == Strings::Distinct && form.kind() == Kind::Str;
        distinct && text.parse().is_ok_and(|number: i64| number.to_string() == text)
    }

    pub(super) fn value(&self, form: Form<'_, '_>) -> Result<Option<Value>, Refused> {
        edn::to_value(form, self.style.strings)
    }

    pub(super) fn maybe(&self, form: Option<Form<'_, '_>>) -> Result<Option<Value>, Refused> {
        form.map_or(Ok(None), |form| self.value(form))
    }

    pub(super) fn needed(
        &self,
        record: &Record<'_>,
        form: Option<Form<'_, '_>>,
    ) -> Result<Value, Refused> {
        self.maybe(form)?.ok_or_else(|| missing(record, "a value: nil is what was never written"))
    }

    /// The elements of a collection; none of nil.
    pub(super) fn values(
        &self,
        form: Option<Form<'_, '_>>,
        record: &Record<'_>,
    ) -> Result<Vec<Value>, Refused> {
        let Some(form) = form else { return Ok(Vec::new()) };
        if !matches!(form.kind(), Kind::List | Kind::Vector | Kind::Set) {
            return Err(form.refused(format!("{}, expected a collection", form.described())));
        }
        form.parts().map(|part| self.needed(record, Some(part))).collect()
    }
}

pub(super) fn missing(record: &Record<'_>, expected: &str) -> Refused {
    let at = record.value.as_ref().map_or(record.at, |range| range.start);
    Refused::new(at, format!("the value of `{}`, expected {expected}", record.f))
}
