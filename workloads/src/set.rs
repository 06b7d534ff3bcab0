//! Sets: elements are added, seen, and removed where a target serves that.
//!
//! Every element is added once, and removed at most once, by the client that added it and knows that
//! it did: so the check decides exactly, whatever the outcomes that nobody knows.

use fracas_checker::Completion;
use fracas_checker::event::{Key, Op, OpKind, Outcome, Value};

use crate::look::{self, Look};
use crate::names::Filling;
use crate::workload::Least;
use crate::{Draw, Lane, Load, Stream, Workload, clients, readers};

const PREFIX: &str = "set-";
/// A set with so many elements is left for the next.
const FULL: usize = 200;
/// Of a hundred operations how many add, remove and ask for one element; the rest read all.
const ADDS: u16 = 45;
const REMOVES: u16 = 20;
const ASKS: u16 = 15;
/// A client asks for one of the elements that it added or removed last.
const RECENT: usize = 16;

/// The workload `set`.
pub(crate) struct Set;

impl Workload for Set {
    fn name(&self) -> &'static str {
        "set"
    }

    fn about(&self) -> &'static str {
        "elements are added to sets, each once, removed where the target serves that, and read"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Add, OpKind::ReadAll]
    }

    fn uses(&self) -> &'static [OpKind] {
        &[OpKind::Remove, OpKind::Contains]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["set/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        Least::of(&[
            (OpKind::Add, 10),
            (OpKind::ReadAll, 10),
            (OpKind::Remove, 5),
            (OpKind::Contains, 5),
        ])
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::ReadAll { key: "set-ready".into() })
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let sets = || Filling::new(PREFIX, load, FULL);
        let mut lanes = clients::lanes(load, true, |_| {
            let (removes, asks) = (load.has(OpKind::Remove), load.has(OpKind::Contains));
            let (own, recent) = (Vec::new(), Vec::new());
            Box::new(Client { sets: sets(), removes, asks, own, recent })
        });
        let reader = || Box::new(Reader(sets())) as Box<dyn Stream>;
        lanes.extend(readers::each(load, load.reads_per_node(), reader));
        lanes
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        look::each(keys, |key| Op::ReadAll { key })
    }
}

/// One client.
struct Client {
    sets: Filling,
    removes: bool,
    asks: bool,
    /// What it has added for certain and not removed.
    own: Vec<(Key, Value)>,
    /// What it has added or removed last.
    recent: Vec<(Key, Value)>,
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let (choice, number) = (draw.below(100), draw.below(self.sets.numbers()));
        let (key, fresh) = (self.sets.key(number), draw.fresh_value());
        let place = draw.below(1_000);
        match choice {
            _ if choice < ADDS => Op::Add { key, value: fresh },
            _ if choice < ADDS + REMOVES && self.removes && !self.own.is_empty() => {
                let (key, value) = self.own.swap_remove(usize::from(place) % self.own.len());
                Op::Remove { key, value }
            }
            _ if choice < ADDS + REMOVES + ASKS && self.asks && !self.recent.is_empty() => {
                let (key, value) = self.recent[usize::from(place) % self.recent.len()].clone();
                Op::Contains { key, value }
            }
            _ => Op::ReadAll { key },
        }
    }

    fn learn(&mut self, op: &Op, completion: &Completion) {
        note(&mut self.sets, op, completion);
        let (Op::Add { key, value } | Op::Remove { key, value }) = op else { return };
        let element = (key.clone(), value.clone());
        match (op, completion) {
            (Op::Add { .. }, Completion::Ok { .. }) => self.own.push(element.clone()),
            // It is there still, and nobody else removes it.
            (Op::Remove { .. }, Completion::Fail { .. }) => self.own.push(element.clone()),
            _ => {}
        }
        self.recent.push(element);
        if self.recent.len() > RECENT {
            self.recent.remove(0);
        }
    }
}

/// Reads all of one set after the other.
struct Reader(Filling);

impl Stream for Reader {
    fn next(&mut self, draw: &mut Draw) -> Op {
        Op::ReadAll { key: self.0.key(draw.below(self.0.numbers())) }
    }

    fn learn(&mut self, op: &Op, completion: &Completion) {
        note(&mut self.0, op, completion);
    }
}

/// Takes notice of how many elements a set was seen to have.
fn note(sets: &mut Filling, op: &Op, completion: &Completion) {
    if let Completion::Ok { outcome: Outcome::ReadAll { values }, .. } = completion
        && let Some(key) = op.key()
    {
        sets.saw(key, values.len());
    }
}
