//! Finds an order of transactions that their versions allow, or shows that there is none.
//!
//! Of two blocks of one register one comes first. Where neither order is ruled out one is guessed,
//! and taken back when it leads nowhere; when both lead nowhere and nothing was guessed before,
//! there is no order. An order that is found is held against the model, transaction by transaction,
//! and against real time: so a pass rests on no inference.

use super::graph::{Graph, Node};
use super::versions::{Block, Doubt, Open, Registers, Versions};
use crate::event::Nanos;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::models::{Model, RwRegister};

/// How many pairs of nodes may be looked at while guessing.
const EFFORT: u64 = 50_000_000;

/// What came of the guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guessed {
    Fits,
    Impossible,
    /// It took too long.
    Unknown,
}

/// A pair of blocks for which an order was guessed.
struct Guess {
    /// Its place among the open pairs.
    pair: usize,
    /// What was known before.
    mark: usize,
    /// Whether the other order was tried already, or is ruled out.
    last: bool,
}

/// Decides whether `calls` have a legal order; ambiguous where that cannot be told, and refuted
/// without a class of its own.
pub(super) fn decide(calls: &[Call<'_>], registers: &Registers<'_>) -> Finding {
    let refuted = || Finding::refuted(crate::catalogue::NON_LINEARIZABLE, Vec::new());
    let mut versions = match Versions::of(calls, registers) {
        Ok(versions) => versions,
        Err(Doubt::Ambiguous) => return Finding::Ambiguous,
        Err(Doubt::Refuted) => return refuted(),
    };
    if !versions.graph.settle() {
        return refuted();
    }
    versions
        .open
        .sort_by_key(|(first, second)| (first.began.max(second.began), first.head, second.head));
    match guess(&mut versions.graph, &versions.open) {
        Guessed::Impossible => refuted(),
        Guessed::Fits if is_legal(calls, &versions) => Finding::Legal,
        Guessed::Fits | Guessed::Unknown => Finding::Ambiguous,
    }
}

/// Finds an order for every open pair.
///
/// A pair of which neither order fits after some guesses is a difficult one. After a while it is all
/// begun anew, with those that were difficult most often first: there is less to take back when
/// they are wrong, and what they rule out is ruled out from the beginning.
fn guess(graph: &mut Graph, open: &[Open]) -> Guessed {
    let (root, mut patience) = (graph.mark(), PATIENCE);
    let mut order: Vec<usize> = (0..open.len()).collect();
    let mut difficult = vec![0_u64; open.len()];
    while graph.effort < EFFORT {
        graph.back_to(root);
        order.sort_by_key(|pair| (std::cmp::Reverse(difficult[*pair]), *pair));
        let sorted: Vec<Open> = order.iter().map(|pair| open[*pair]).collect();
        match guess_for_a_while(graph, &sorted, patience) {
            (Guessed::Unknown, met) => met.into_iter().for_each(|at| difficult[order[at]] += 1),
            (found, _) => return found,
        }
        patience = patience.saturating_mul(2);
    }
    Guessed::Unknown
}

/// How many times neither order fits until all is begun anew, at first.
const PATIENCE: usize = 16;

/// The same, until neither order of a pair fitted `patience` times; of which pairs.
fn guess_for_a_while(graph: &mut Graph, open: &[Open], patience: usize) -> (Guessed, Vec<usize>) {
    let (mut guesses, mut met, mut pair): (Vec<Guess>, Vec<usize>, usize) =
        (Vec::new(), Vec::new(), 0);
    while let Some((left, right)) = open.get(pair) {
        let (first, second) = if likely(left, right) { (left, right) } else { (right, left) };
        let mark = graph.mark();
        if graph.add(first.end, second.head) {
            guesses.push(Guess { pair, mark, last: false });
        } else {
            graph.back_to(mark);
            if graph.add(second.end, first.head) {
                guesses.push(Guess { pair, mark, last: true });
            } else {
                met.push(pair);
                let Some(again) = taken_back(graph, open, &mut guesses) else {
                    return (Guessed::Impossible, met);
                };
                pair = again;
            }
        }
        if met.len() >= patience || graph.effort > EFFORT {
            return (Guessed::Unknown, met);
        }
        pair += 1;
    }
    (Guessed::Fits, met)
}

/// Goes back to the last guess whose other order was not tried, and tries that. Which pair it is
/// about; none if there is no such guess.
fn taken_back(graph: &mut Graph, open: &[Open], guesses: &mut Vec<Guess>) -> Option<usize> {
    while let Some(Guess { pair, mark, last }) = guesses.pop() {
        graph.back_to(mark);
        let (left, right) = &open[pair];
        let (first, second) = if likely(left, right) { (left, right) } else { (right, left) };
        if !last && graph.add(second.end, first.head) {
            guesses.push(Guess { pair, mark, last: true });
            return Some(pair);
        }
        graph.back_to(mark);
    }
    None
}

/// Whether `first` more likely comes before `second`: by the middle of the time in which each may.
fn likely(first: &Block, second: &Block) -> bool {
    let middle = |block: &Block| u128::from(block.began) + u128::from(block.ended);
    (middle(first), first.head) <= (middle(second), second.head)
}

/// Whether the order that was found is one that the model and real time allow.
fn is_legal(calls: &[Call<'_>], versions: &Versions) -> bool {
    let Some(sorted) = versions.graph.sorted() else { return false };
    let counts = |node: &Node| versions.counts.get(*node) == Some(&true);
    let mut order: Vec<Node> = sorted.into_iter().filter(counts).collect();
    // Stable: those at the same instant stay in the order of the pairs.
    order.sort_by_key(|node| versions.graph.earliest(*node));
    let (mut began, mut state): (Nanos, RwRegister) = (0, RwRegister::default());
    order.into_iter().all(|node| {
        let Call { op, outcome, start, end, .. } = calls[node];
        began = began.max(start);
        let in_time = end.is_none_or(|end| end >= began);
        let next = state.step(op, outcome);
        in_time && next.map(|next| state = next).is_ok()
    })
}
