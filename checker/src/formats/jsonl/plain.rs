//! A short cut for the lines that make up nearly all of a history: invocations and completions, as
//! our own writer writes them.
//!
//! It reads a line exactly as the general reader would, or not at all: whatever looks different in
//! any way (another order of fields, a space, an escaped character) is left to the general reader,
//! which also finds the words for what is wrong. A million operations are two million lines, and
//! the general reader takes more than a microsecond for each.

use crate::event::{Completion, NodeId, ProcessId, Stamp};
use crate::hashing::Map;
use crate::history::{Act, ActKind};
use crate::op::{Key, Op, Outcome, Value};
use crate::text::Text;

/// The longest number that certainly fits 64 bits.
const DIGITS: usize = 18;

/// Reads lines, and shares the names of keys, the texts of values and the stamps among them.
#[derive(Default)]
pub(super) struct Plain {
    texts: Map<Text, ()>,
    /// The last key: most operations act on the same few.
    key: Text,
    /// The last stamp: one leader serves many operations.
    stamp: Stamp,
}

impl Plain {
    /// What a client did by a line, if it is one of those that are read here.
    pub(super) fn act(&mut self, line: &[u8]) -> Option<Act> {
        let (act, rest) = self.acted(line)?;
        matches!(rest, b"" | b"\n").then_some(act)
    }

    /// What a client did by the first line of `text`, and how long that line is, if it is one of
    /// those that are read here and its end is in `text`.
    pub(super) fn first_act(&mut self, text: &[u8]) -> Option<(Act, usize)> {
        let (act, rest) = self.acted(text)?;
        let rest = rest.strip_prefix(b"\n")?;
        Some((act, text.len() - rest.len()))
    }

    fn acted<'a>(&mut self, text: &'a [u8]) -> Option<(Act, &'a [u8])> {
        let mut scan = Scan { rest: text, shared: self };
        scan.literal(b"{\"index\":")?;
        let index = scan.number()?;
        scan.literal(b",\"time\":")?;
        let time = scan.number()?;
        scan.literal(b",\"event\":\"")?;
        let kind = if scan.skip(b"complete\"") {
            scan.complete()?
        } else {
            scan.literal(b"invoke\"")?;
            scan.invoke()?
        };
        scan.literal(b"}")?;
        Some((Act { index, time, kind }, scan.rest))
    }
}

/// What is left of a text.
struct Scan<'a, 's> {
    rest: &'a [u8],
    shared: &'s mut Plain,
}

impl<'a> Scan<'a, '_> {
    fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    /// Whether `expected` comes next; if so, it is passed.
    fn skip(&mut self, expected: &[u8]) -> bool {
        self.literal(expected).is_some()
    }

    /// Everything before the next `end`, which is passed.
    fn take(&mut self, end: u8) -> Option<&'a [u8]> {
        let length = self.rest.iter().position(|byte| *byte == end)?;
        let taken = &self.rest[..length];
        self.rest = &self.rest[length + 1..];
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(length);
        let plain = (1..=DIGITS).contains(&length) && (length == 1 || digits[0] != b'0');
        self.rest = rest;
        let digit = |number, digit: &u8| 10 * number + u64::from(digit - b'0');
        plain.then(|| digits.iter().fold(0, digit))
    }

    /// The rest of a string, its closing quote included. None where anything in it is escaped.
    fn string(&mut self) -> Option<&'a str> {
        let text = self.take(b'"')?;
        let plain = text.iter().all(|byte| *byte >= b' ' && *byte != b'\\');
        if plain { std::str::from_utf8(text).ok() } else { None }
    }

    fn value(&mut self) -> Option<Value> {
        if self.skip(b"\"") {
            let text = self.string()?;
            return Some(Value::Text(self.shared(text)));
        }
        if self.skip(b"-") {
            // A negative zero is no whole number.
            return self
                .number()
                .filter(|number| *number > 0)
                .map(|number| Value::Int(-(number as i64)));
        }
        self.number().map(|number| Value::Int(number as i64))
    }

    fn maybe(&mut self) -> Option<Option<Value>> {
        if self.skip(b"null") { Some(None) } else { self.value().map(Some) }
    }

    fn node(&mut self) -> Option<NodeId> {
        self.literal(b"\"n")?;
        let number = self.number().filter(|number| *number > 0)?;
        self.literal(b"\"")?;
        u16::try_from(number).ok().map(NodeId)
    }

    fn key(&mut self) -> Option<Key> {
        self.literal(b",\"key\":\"")?;
        let name = self.string()?;
        if *self.shared.key != *name {
            self.shared.key = self.shared(name);
        }
        Some(self.shared.key.clone())
    }

    /// One copy of a text, however often it occurs.
    fn shared(&mut self, text: &str) -> Text {
        if let Some((known, ())) = self.shared.texts.get_key_value(text) {
            return Text::clone(known);
        }
        let new: Text = text.into();
        self.shared.texts.insert(new.clone(), ());
        new
    }

    fn process(&mut self) -> Option<ProcessId> {
        self.literal(b",\"process\":")?;
        self.number().map(ProcessId)
    }

    fn invoke(&mut self) -> Option<ActKind> {
        let process = self.process()?;
        let node = if self.skip(b",\"node\":") { Some(self.node()?) } else { None };
        self.literal(b",\"op\":{\"f\":\"")?;
        let op = self.op()?;
        self.literal(b"}")?;
        Some(ActKind::Invoke { process, node, op })
    }

    fn op(&mut self) -> Option<Op> {
        let word = self.take(b'"')?;
        let key = self.key()?;
        Some(match word {
            b"read" => Op::Read { key },
            b"dequeue" => Op::Dequeue { key },
            b"read-all" => Op::ReadAll { key },
            b"cas" => {
                self.literal(b",\"old\":")?;
                let old = self.value()?;
                self.literal(b",\"new\":")?;
                Op::Cas { key, old, new: self.value()? }
            }
            _ => {
                self.literal(b",\"value\":")?;
                let value = self.value()?;
                match word {
                    b"write" => Op::Write { key, value },
                    b"swap" => Op::Swap { key, value },
                    b"append" => Op::Append { key, value },
                    b"add" => Op::Add { key, value },
                    b"remove" => Op::Remove { key, value },
                    b"contains" => Op::Contains { key, value },
                    b"enqueue" => Op::Enqueue { key, value },
                    _ => return None,
                }
            }
        })
    }

    fn complete(&mut self) -> Option<ActKind> {
        let process = self.process()?;
        self.literal(b",\"completion\":{\"type\":\"")?;
        let completion = match self.take(b'"')? {
            b"ok" => {
                self.literal(b",\"outcome\":{\"f\":\"")?;
                let outcome = self.outcome()?;
                self.literal(b"}")?;
                Completion::Ok { outcome, stamp: self.stamp()? }
            }
            b"fail" => Completion::Fail { error: self.error()? },
            b"info" => Completion::Info { error: self.error()? },
            _ => return None,
        };
        self.literal(b"}")?;
        Some(ActKind::Complete { process, completion })
    }

    fn error(&mut self) -> Option<String> {
        self.literal(b",\"error\":\"")?;
        self.string().map(str::to_owned)
    }

    fn outcome(&mut self) -> Option<Outcome> {
        Some(match self.take(b'"')? {
            b"read" => Outcome::Read { value: self.answer()? },
            b"dequeue" => Outcome::Dequeue { value: self.answer()? },
            b"swap" => Outcome::Swap { value: self.answer()? },
            b"cas-found" => Outcome::CasFound { value: self.answer()? },
            b"cas-differs" => Outcome::CasDiffers,
            b"write" => Outcome::Write,
            b"cas" => Outcome::Cas,
            b"append" => Outcome::Append,
            b"add" => Outcome::Add,
            b"remove" => Outcome::Remove,
            b"enqueue" => Outcome::Enqueue,
            b"release" => Outcome::Release,
            b"increment" => Outcome::Increment,
            _ => return None,
        })
    }

    fn answer(&mut self) -> Option<Option<Value>> {
        self.literal(b",\"value\":")?;
        self.maybe()
    }

    fn stamp(&mut self) -> Option<Stamp> {
        if !self.skip(b",\"stamp\":{") {
            return Some(Stamp::default());
        }
        let node = if self.skip(b"\"node\":") { Some(self.node()?) } else { None };
        if node.is_some() && self.skip(b"}") {
            return Some(self.stamped(node, None));
        }
        self.literal(if node.is_some() { b",\"generation\":" } else { b"\"generation\":" })?;
        let generation = Some(self.number()?);
        self.literal(b"}")?;
        Some(self.stamped(node, generation))
    }

    /// The last stamp again, if it is the same.
    fn stamped(&mut self, node: Option<NodeId>, generation: Option<u64>) -> Stamp {
        let last = &self.shared.stamp;
        if (last.node(), last.generation()) != (node, generation) {
            self.shared.stamp = Stamp::new(node, generation);
        }
        self.shared.stamp.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::event::Event;

    /// What the short cut makes of a line, however it is asked.
    fn event(line: &[u8]) -> Option<Event> {
        let here = Plain::default().act(line).map(Event::from);
        let more = [line.strip_suffix(b"\n").unwrap_or(line), b"\n{\"index\":8"].concat();
        let first = Plain::default().first_act(&more);
        let length = first.as_ref().map(|(_, length)| *length);
        assert_eq!(first.map(|(act, _)| Event::from(act)), here);
        assert!(length.is_none_or(|length| more[..length].ends_with(b"}\n")));
        here
    }

    /// What the short cut makes of a line is what the general reader makes of it, or nothing.
    #[track_caller]
    fn check(line: &str, read_here: bool) {
        let general = serde_json::from_str::<Event>(line).ok();
        let here = event(line.as_bytes());
        assert_eq!(here.is_some(), read_here, "{line}");
        assert!(here.is_none() || here == general, "{line}: {here:?} is not {general:?}");
    }

    #[test]
    fn common_lines_are_read_as_the_general_reader_reads_them() {
        let invoke = |op: &str| {
            format!(r#"{{"index":7,"time":10,"event":"invoke","process":3,"op":{{{op}}}}}"#)
        };
        check(&invoke(r#""f":"read","key":"k""#), true);
        check(&invoke(r#""f":"cas","key":"k","old":-5,"new":999999999999999999"#), true);
        check(&invoke(r#""f":"write","key":"ä","value":"x""#), true);
        check(&invoke(r#""f":"swap","key":"k","value":2"#), true);
        let complete = |completion: &str| {
            format!(
                r#"{{"index":7,"time":10,"event":"complete","process":3,"completion":{{{completion}}}}}"#
            )
        };
        check(&complete(r#""type":"ok","outcome":{"f":"read","value":null}"#), true);
        check(
            &complete(r#""type":"ok","outcome":{"f":"cas"},"stamp":{"node":"n1","generation":4}"#),
            true,
        );
        check(&complete(r#""type":"ok","outcome":{"f":"cas"},"stamp":{"generation":4}"#), true);
        check(&complete(r#""type":"ok","outcome":{"f":"cas"},"stamp":{"node":"n9"}"#), true);
        check(&complete(r#""type":"ok","outcome":{"f":"swap","value":1}"#), true);
        check(&complete(r#""type":"info","error":"timed out""#), true);
    }

    const LINES: [&str; 4] = [
        r#"{"index":7,"time":10,"event":"invoke","process":3,"node":"n2","op":{"f":"cas","key":"k","old":-5,"new":12}}"#,
        r#"{"index":7,"time":10,"event":"invoke","process":3,"op":{"f":"write","key":"k","value":"x y"}}"#,
        r#"{"index":7,"time":10,"event":"complete","process":3,"completion":{"type":"ok","outcome":{"f":"read","value":null},"stamp":{"node":"n1","generation":4}}}"#,
        r#"{"index":7,"time":10,"event":"complete","process":3,"completion":{"type":"info","error":"timed out"}}"#,
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_spoilt_line_is_read_as_the_general_reader_reads_it_or_not_at_all(
            place in 0..LINES.len(), cut in 0..400_usize,
            spoils in prop::collection::vec((0..200_usize, select(b"0-9\\\"\x01\xff,:{} n1.eE".to_vec())), 0..3),
        ) {
            let mut line = LINES[place].as_bytes().to_vec();
            let length = line.len();
            for (place, byte) in spoils {
                line[place % length] = byte;
            }
            line.truncate(cut);
            if let Some(event) = event(&line) {
                let general = serde_json::from_slice::<Event>(&line);
                prop_assert_eq!(Some(event), general.ok(), "{}", String::from_utf8_lossy(&line));
            }
        }
    }

    #[test]
    fn everything_else_is_left_to_the_general_reader() {
        for op in [
            r#""f":"write","key":"k","value":-0"#,
            r#""f":"write","key":"k","value":01"#,
            r#""f":"write","key":"k","value":1.5"#,
            r#""f":"write","key":"k","value":99999999999999999999"#,
            r#""f":"write","key":"a\"b","value":1"#,
            r#""f":"write","value":1,"key":"k""#,
            r#""f":"write", "key":"k","value":1"#,
            r#""f":"increment","key":"k","by":1"#,
            r#""f":"unheard-of","key":"k","value":1"#,
        ] {
            check(
                &format!(r#"{{"index":7,"time":10,"event":"invoke","process":3,"op":{{{op}}}}}"#),
                false,
            );
        }
        check(r#"{"index":7,"time":10,"event":"phase","phase":"load"}"#, false);
        check(
            r#"{"index":7,"time":10,"event":"invoke","process":3,"node":"n0","op":{"f":"read","key":"k"}}"#,
            false,
        );
        check(
            r#"{"index":7,"time":10,"event":"invoke","process":3,"op":{"f":"read","key":"k"}}x"#,
            false,
        );
        check("", false);
    }
}
