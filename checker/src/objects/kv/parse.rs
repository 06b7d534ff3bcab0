//! Which writes and appends a text is made of.
//!
//! Texts that were read are taken apart where only one write or append fits at every place; where
//! two fit, the history is ambiguous. All texts that begin with the same write, or with none, show
//! one *epoch*: from that write to the next. An epoch only grows, so the longest text of it shows
//! the order of its appends, and every other must be the beginning of that one.

use super::conflict::{Conflict, Doubt};
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::models::kv::text;
use crate::op::{Op, Outcome};
use crate::text::Text;

/// The most lengths that writes and appends may have: each is tried at every place of a text.
const LENGTHS: usize = 64;

/// What was written, appended or read, per call; none if some call is not one of a store.
pub(super) fn texts(calls: &[Call<'_>]) -> Option<Vec<Text>> {
    let of_call = |call: &Call<'_>| match (call.op, call.outcome) {
        (Op::Write { value, .. }, Some(Outcome::Write) | None)
        | (Op::Append { value, .. }, Some(Outcome::Append) | None)
        | (Op::Read { .. }, Some(Outcome::Read { value: Some(value) })) => Some(text(value)),
        (Op::Read { .. }, Some(Outcome::Read { value: None })) => Some("".into()),
        _ => None,
    };
    calls.iter().map(of_call).collect()
}

/// A write or an append: its place in the slice of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    place: usize,
    writes: bool,
}

/// From one write to the next.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    /// The write that begins it; none for the first epoch of all.
    pub(super) write: Option<usize>,
    /// The appends that were seen in it, in their order.
    pub(super) appends: Vec<usize>,
    /// The length of the text after the write and after each append.
    lengths: Vec<usize>,
    /// Who read it, and how many appends there were by then.
    pub(super) reads: Vec<(usize, usize)>,
}

/// All that was seen.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) epochs: Vec<Epoch>,
    /// For every call, whether it is a write or append that somebody saw.
    pub(super) seen: Vec<bool>,
}

struct Pieces<'a> {
    by_text: Map<&'a [u8], Piece>,
    lengths: Vec<usize>,
}

impl<'a> Pieces<'a> {
    /// None if two have the same text, or one overwrites with nothing.
    fn of(calls: &[Call<'_>], texts: &'a [Text]) -> Option<Self> {
        let mut pieces = Self { by_text: Map::default(), lengths: Vec::new() };
        for (place, (call, text)) in calls.iter().zip(texts).enumerate() {
            let writes = matches!(call.op, Op::Write { .. });
            if matches!(call.op, Op::Read { .. }) || (text.is_empty() && !writes) {
                continue;
            }
            let piece = Piece { place, writes };
            if text.is_empty() || pieces.by_text.insert(text.as_bytes(), piece).is_some() {
                return None;
            }
            pieces.lengths.push(text.len());
        }
        pieces.lengths.sort_unstable();
        pieces.lengths.dedup();
        (pieces.lengths.len() <= LENGTHS).then_some(pieces)
    }

    /// The only piece that `text` goes on with at `from`.
    fn next(&self, text: &[u8], from: usize) -> Result<Option<Piece>, Doubt> {
        let mut found = None;
        for length in &self.lengths {
            let Some(part) = text.get(from..from + length) else { break };
            let fits = |piece: &&Piece| from == 0 || !piece.writes;
            if let Some(piece) = self.by_text.get(part).filter(fits)
                && found.replace(*piece).is_some()
            {
                return Err(Doubt::Ambiguous);
            }
        }
        Ok(found)
    }
}

/// Takes every text apart that was read.
pub(super) fn parse(calls: &[Call<'_>], texts: &[Text]) -> Result<Parsed, Doubt> {
    let pieces = Pieces::of(calls, texts).ok_or(Doubt::Ambiguous)?;
    let mut readers: Map<Option<usize>, Vec<usize>> = Map::default();
    let mut order = Vec::new();
    for (place, call) in calls.iter().enumerate() {
        if matches!(call.op, Op::Read { .. }) {
            let write = first(&pieces, texts, place)?;
            let epoch = readers.entry(write).or_insert_with(|| {
                order.push(write);
                Vec::new()
            });
            epoch.push(place);
        }
    }
    let mut parsed = Parsed { epochs: Vec::new(), seen: vec![false; calls.len()] };
    for write in order {
        let epoch = epoch(&pieces, texts, (write, &readers[&write]))?;
        let reader =
            epoch.reads.iter().map(|(reader, _)| *reader).max_by_key(|at| texts[*at].len());
        for piece in epoch.write.iter().chain(&epoch.appends) {
            if std::mem::replace(&mut parsed.seen[*piece], true) {
                let seen_by = reader.unwrap_or_default();
                return Err(Doubt::Conflict(Conflict::Twice { seen_by, piece: *piece }));
            }
        }
        parsed.epochs.push(epoch);
    }
    Ok(parsed)
}

/// The write that the text of `reader` begins with.
fn first(pieces: &Pieces<'_>, texts: &[Text], reader: usize) -> Result<Option<usize>, Doubt> {
    let text = texts[reader].as_bytes();
    if text.is_empty() {
        return Ok(None);
    }
    match pieces.next(text, 0)? {
        Some(piece) => Ok(piece.writes.then_some(piece.place)),
        None => Err(Doubt::Conflict(Conflict::Unwritten { seen_by: reader })),
    }
}

/// The epoch of a write and of those who read it.
fn epoch(
    pieces: &Pieces<'_>,
    texts: &[Text],
    (write, readers): (Option<usize>, &[usize]),
) -> Result<Epoch, Doubt> {
    let longest = readers.iter().copied().max_by_key(|reader| texts[*reader].len());
    let Some(longest) = longest else { return Ok(Epoch::default()) };
    let text = texts[longest].as_bytes();
    let mut end = write.map_or(0, |write| texts[write].len());
    let mut epoch = Epoch { write, lengths: vec![end], ..Epoch::default() };
    while end < text.len() {
        let Some(piece) = pieces.next(text, end)? else {
            return Err(Doubt::Conflict(Conflict::Unwritten { seen_by: longest }));
        };
        end += texts[piece.place].len();
        epoch.appends.push(piece.place);
        epoch.lengths.push(end);
    }
    for reader in readers.iter().copied() {
        let part = texts[reader].as_bytes();
        if !text.starts_with(part) {
            return Err(Doubt::Conflict(Conflict::Incompatible { first: reader, second: longest }));
        }
        match epoch.lengths.binary_search(&part.len()) {
            Ok(appends) => epoch.reads.push((reader, appends)),
            Err(_) => return Err(Doubt::Conflict(Conflict::Unwritten { seen_by: reader })),
        }
    }
    epoch.reads.sort_by_key(|(_, appends)| *appends);
    Ok(epoch)
}

/// The pieces of the text of each reader, as far as they can be told. Of a text whose first piece is
/// not `wanted` only that is told: long texts are taken apart where it matters.
pub(super) fn apart(
    calls: &[Call<'_>],
    texts: &[Text],
    readers: &[usize],
    wanted: impl Fn(usize) -> bool,
) -> Vec<Vec<usize>> {
    let Some(pieces) = Pieces::of(calls, texts) else { return Vec::new() };
    let split = |reader: &usize| {
        let (text, mut end, mut found) = (texts[*reader].as_bytes(), 0, Vec::new());
        while let Ok(Some(piece)) = pieces.next(text, end) {
            end += texts[piece.place].len();
            found.push(piece.place);
            if !wanted(found[0]) {
                break;
            }
        }
        found
    };
    readers.iter().map(split).collect()
}
