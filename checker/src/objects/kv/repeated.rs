//! Stores of texts in which a few writes or appends have the same text, or texts that can be taken
//! for each other, and those that overwrite with the empty text.
//!
//! A text that was read is made of a write, or of none, and of appends. Where it can be taken apart
//! in several ways, it was one of them: of pieces that had begun by the end of the read, in an order
//! that respects real time, from a write that nothing had certainly replaced before the read began.
//! Mostly one is left. Once the others are chosen, every piece has a name of its own, and the sweep
//! decides.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::conflict::{Conflict, Doubt};
use super::parse::texts;
use super::sweep::swept;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::objects::repeated::{self, Choices, Chosen};
use crate::op::Op;
use crate::text::Text;

/// The most reads that can be taken apart in several ways: more are no few repetitions.
const LOOKS: usize = 4_096;

/// The most ways to take one text apart.
const WAYS: usize = 64;

/// The most steps that taking all texts apart may take.
const STEPS: usize = 10_000_000;

/// Decides `calls`, of which the sweep cannot tell; ambiguous where this cannot either.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    let Some(texts) = texts(calls) else { return Finding::Ambiguous };
    let Some(repeated) = Repeated::of(calls, &texts) else { return Finding::Ambiguous };
    repeated::decide(&repeated, repeated.size)
}

/// The writes and appends of which a text was made, in their order.
type Way = Vec<usize>;

/// Calls with texts that can be taken apart in several ways.
struct Repeated<'a> {
    calls: &'a [Call<'a>],
    /// Every call's text in names, one for each piece, if each look is taken apart in the first way.
    named: Vec<Text>,
    looks: Vec<Look>,
    ways: Vec<usize>,
    /// The looks that may have seen a piece.
    seen_by: Map<usize, Vec<usize>>,
    /// How many pieces there are in all texts.
    size: usize,
}

/// A read that can be taken apart in several ways, the likely one first.
struct Look {
    place: usize,
    ways: Vec<Way>,
}

/// The name of a piece: all are equally long.
fn name(piece: usize) -> String {
    format!("{piece:08x}")
}

fn named(way: &[usize]) -> Text {
    way.iter().map(|piece| name(*piece)).collect::<String>().as_str().into()
}

impl<'a> Repeated<'a> {
    /// None if too much can be taken for each other.
    fn of(calls: &'a [Call<'a>], texts: &[Text]) -> Option<Self> {
        let (looks, ways, seen_by) = (Vec::new(), Vec::new(), Map::default());
        let mut repeated = Self { calls, named: Vec::new(), looks, ways, seen_by, size: 0 };
        let mut apart = Apart::of(calls, texts);
        let replaced = replaced(calls);
        for (place, call) in calls.iter().enumerate() {
            let name = match call.op {
                Op::Read { .. } => repeated.look(place, apart.ways(place, replaced[place])?)?,
                Op::Append { .. } if texts[place].is_empty() => "".into(),
                _ => named(&[place]),
            };
            repeated.named.push(name);
        }
        (repeated.looks.len() <= LOOKS).then_some(repeated)
    }

    /// A read that can be taken apart in these ways; its text in the names of the first.
    fn look(&mut self, place: usize, ways: Vec<Way>) -> Option<Text> {
        self.size += 1 + ways.first().map_or(0, Vec::len);
        if let [only] = &ways[..] {
            return Some(named(only));
        }
        let pieces: BTreeSet<usize> = ways.iter().flatten().copied().collect();
        for piece in pieces {
            self.seen_by.entry(piece).or_default().push(self.looks.len());
        }
        // In no way: no choice makes it right.
        let first = ways.first().map_or_else(|| "#".into(), |way| named(way));
        self.ways.push(ways.len().max(1));
        self.looks.push(Look { place, ways });
        (self.looks.len() <= LOOKS).then_some(first)
    }

    /// The looks that a conflict rests on: those that it names, and those that may have seen an
    /// append that it names, which say to which write that belongs.
    fn rests_on(&self, conflict: Conflict) -> BTreeSet<usize> {
        let Some(places) = conflict.places() else { return (0..self.looks.len()).collect() };
        let appends = places.iter().filter(|at| matches!(self.calls[**at].op, Op::Append { .. }));
        let through = appends.filter_map(|at| self.seen_by.get(at)).flatten().copied();
        let look = |place: &usize| self.looks.binary_search_by_key(place, |look| look.place).ok();
        through.chain(places.iter().filter_map(look)).collect()
    }
}

impl Choices for Repeated<'_> {
    fn ways(&self) -> &[usize] {
        &self.ways
    }

    fn choose(&self, ways: &[usize]) -> Chosen {
        let mut texts = self.named.clone();
        for (look, way) in self.looks.iter().zip(ways) {
            if let Some(way) = look.ways.get(*way).filter(|_| *way > 0) {
                texts[look.place] = named(way);
            }
        }
        match swept(self.calls, &texts) {
            Ok(()) => Chosen::Legal,
            Err(Doubt::Ambiguous) => Chosen::Ambiguous,
            Err(Doubt::Conflict(conflict)) => {
                let open = |look: &usize| self.ways[*look] > 1;
                Chosen::Refuted(self.rests_on(conflict).into_iter().filter(open).collect())
            }
        }
    }
}

/// Before which time, for every call, each write had to begin that something has certainly replaced
/// before the call began: the last begin of a write that had ended by then.
fn replaced(calls: &[Call<'_>]) -> Vec<Option<Nanos>> {
    let writes = |place: &usize| matches!(calls[*place].op, Op::Write { .. });
    let mut ended: Vec<usize> =
        (0..calls.len()).filter(writes).filter(|place| calls[*place].end.is_some()).collect();
    ended.sort_by_key(|place| calls[*place].end);
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|place| calls[*place].start);
    let (mut replaced, mut last) = (vec![None; calls.len()], None);
    let mut ended = ended.into_iter().peekable();
    for place in order {
        while let Some(write) = ended.next_if(|write| calls[*write].precedes(&calls[place])) {
            last = last.max(Some(calls[write].start));
        }
        replaced[place] = last;
    }
    replaced
}

/// Takes texts apart.
struct Apart<'a> {
    calls: &'a [Call<'a>],
    texts: &'a [Text],
    writes: Map<&'a [u8], Vec<usize>>,
    appends: Map<&'a [u8], Vec<usize>>,
    /// How long writes and appends are.
    lengths: BTreeSet<usize>,
    /// For every call, whether it is a piece of the text that is being taken apart.
    used: Vec<bool>,
    /// How many steps may still be taken.
    steps: usize,
}

impl<'a> Apart<'a> {
    fn of(calls: &'a [Call<'a>], texts: &'a [Text]) -> Self {
        let (writes, appends) = (Map::default(), Map::default());
        let (lengths, used) = (BTreeSet::new(), vec![false; calls.len()]);
        let mut apart = Self { calls, texts, writes, appends, lengths, used, steps: STEPS };
        for (place, (call, text)) in calls.iter().zip(texts).enumerate() {
            let pieces = match call.op {
                Op::Write { .. } => &mut apart.writes,
                Op::Append { .. } if !text.is_empty() => &mut apart.appends,
                _ => continue,
            };
            pieces.entry(text.as_bytes()).or_default().push(place);
            apart.lengths.insert(text.len());
        }
        for places in apart.writes.values_mut().chain(apart.appends.values_mut()) {
            places.sort_by_key(|place| calls[*place].start);
        }
        apart
    }

    /// In which ways the text of `reader` can be taken apart, the likely one first: writes that ended
    /// before `replaced` were replaced. None if there are too many.
    fn ways(&mut self, reader: usize, replaced: Option<Nanos>) -> Option<Vec<Way>> {
        let text = self.texts[reader].as_bytes();
        let kept = |write: &usize| match (self.calls[*write].end, replaced) {
            (Some(end), Some(replaced)) => end >= replaced,
            _ => true,
        };
        let begun = |write: &usize| !self.calls[reader].precedes(&self.calls[*write]);
        let parts = self.lengths.iter().filter_map(|length| text.get(..*length));
        let writes = parts.filter_map(|part| self.writes.get(part)).flatten().copied();
        let mut first: Vec<usize> = writes.filter(|write| begun(write) && kept(write)).collect();
        first.sort_by_key(|write| Reverse(self.calls[*write].start));
        let first = first.into_iter().map(Some).chain(replaced.is_none().then_some(None));
        let mut found = Vec::new();
        for write in first {
            self.go_on(reader, write, &mut found)?;
        }
        Some(found)
    }

    /// Adds every way to take the text of `reader` apart that begins with `write`, or with none.
    fn go_on(&mut self, reader: usize, write: Option<usize>, found: &mut Vec<Way>) -> Option<()> {
        let mut way = Vec::new();
        way.extend(write.map(|write| self.step(write, &way)));
        let mut next = vec![self.next(reader, &way)];
        while let Some(pieces) = next.last_mut() {
            self.steps = self.steps.checked_sub(1)?;
            if end(&way) == self.texts[reader].len() {
                found.push(way.iter().map(|step| step.piece).collect());
                if found.len() > WAYS {
                    return None;
                }
            }
            if let Some(piece) = pieces.pop() {
                way.push(self.step(piece, &way));
                self.used[piece] = true;
                next.push(self.next(reader, &way));
            } else {
                next.pop();
                way.pop().into_iter().for_each(|step| self.used[step.piece] = false);
            }
        }
        Some(())
    }

    fn step(&self, piece: usize, way: &[Step]) -> Step {
        let (end, start) = (end(way) + self.texts[piece].len(), self.calls[piece].start);
        Step { piece, end, began: way.last().map_or(start, |last| last.began.max(start)) }
    }

    /// The appends that the text of `reader` can go on with after `way`; the likely one, which began
    /// first, last.
    fn next(&self, reader: usize, way: &[Step]) -> Vec<usize> {
        let (text, from) = (self.texts[reader].as_bytes(), end(way));
        let began = way.last().map_or(0, |last| last.began);
        let fits = |piece: &usize| {
            let call = &self.calls[*piece];
            let late = call.end.is_none_or(|end| end >= began);
            !self.used[*piece] && late && !self.calls[reader].precedes(call)
        };
        let parts = self.lengths.iter().filter_map(|length| text.get(from..from + length));
        let appends = parts.filter_map(|part| self.appends.get(part)).flatten().copied();
        let mut next: Vec<usize> = appends.filter(fits).collect();
        next.sort_by_key(|piece| Reverse(self.calls[*piece].start));
        next
    }
}

/// A piece of a text that is taken apart.
struct Step {
    piece: usize,
    /// Where it ends in the text.
    end: usize,
    /// When the last of the pieces up to this one began.
    began: Nanos,
}

/// How much of the text is taken apart.
fn end(way: &[Step]) -> usize {
    way.last().map_or(0, |last| last.end)
}
