//! A name for an anomaly that stays the same over seeds and nights.
//!
//! It is a hash of the check, the class and the shape of the witness, in which keys, values,
//! clients, nodes and generations are renumbered by first use. Times never enter: the same defect
//! never strikes twice at the same instant.

use std::collections::BTreeMap;
use std::fmt::Display;

use fracas_checker::event::{Completion, Event, EventKind, Op, Outcome, Stamp};
use fracas_checker::history::History;
use fracas_checker::observation::Observation;
use fracas_checker::verdict::Anomaly;
use sha2::{Digest, Sha256};

/// Begins every fingerprint; changes when the recipe does.
const RECIPE: &str = "f1-";

/// How many bytes of the hash are kept.
const BYTES: usize = 6;

/// The fingerprint of an anomaly that `check` found.
pub(crate) fn fingerprint(check: &str, anomaly: &Anomaly, history: &History) -> String {
    let mut shape = Shape::default();
    let lines = anomaly.witness.iter().filter_map(|index| {
        let event = history.events().get(usize::try_from(*index).ok()?)?;
        Some(shape.event(event))
    });
    let text = format!("{check}\n{}\n{}", anomaly.class, lines.collect::<Vec<_>>().join("\n"));
    RECIPE.to_owned() + &hex(&Sha256::digest(text.as_bytes())[..BYTES])
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Renumbers names by first use, each sort apart.
#[derive(Default)]
struct Shape {
    seen: BTreeMap<(char, String), usize>,
    used: BTreeMap<char, usize>,
}

impl Shape {
    fn name(&mut self, sort: char, name: impl Display) -> String {
        let next = self.used.entry(sort).or_default();
        let number = *self.seen.entry((sort, name.to_string())).or_insert_with(|| {
            *next += 1;
            *next
        });
        format!("{sort}{number}")
    }

    fn maybe(&mut self, sort: char, name: Option<impl Display>) -> String {
        name.map_or_else(|| "-".to_owned(), |name| self.name(sort, name))
    }

    fn event(&mut self, event: &Event) -> String {
        match &event.kind {
            EventKind::Invoke { process, op, .. } => {
                format!("invoke {} {}", self.name('p', process), self.op(op))
            }
            EventKind::Complete { process, completion } => {
                format!("{} {}", self.name('p', process), self.completion(completion))
            }
            EventKind::Observe(seen) => self.observation(seen),
            EventKind::Fault(_) => "fault".to_owned(),
            EventKind::Node { node, .. } => format!("server {}", self.name('n', node)),
            EventKind::Phase { .. } | EventKind::Note { .. } => "mark".to_owned(),
        }
    }

    fn op(&mut self, op: &Op) -> String {
        let mut words = vec![op.kind().to_string()];
        words.extend(op.key().map(|key| self.name('k', key)));
        words.extend(op.values().into_iter().map(|value| self.name('v', value)));
        match op {
            Op::Acquire { holder, .. } | Op::Renew { holder, .. } | Op::Release { holder, .. } => {
                words.push(self.name('h', holder));
            }
            Op::GuardedWrite { token, .. } => words.push(self.name('t', token)),
            Op::Update { expected, .. } => words.push(self.name('g', expected)),
            Op::Claim { generation, node } => {
                words.extend([self.name('g', generation), self.name('n', node)]);
            }
            _ => {}
        }
        words.join(" ")
    }

    /// What a successful operation told; none if that was nothing.
    fn outcome(&mut self, outcome: &Outcome) -> Option<String> {
        match outcome {
            Outcome::Read { value } | Outcome::Dequeue { value } => {
                Some(self.maybe('v', value.as_ref()))
            }
            Outcome::CasFound { value } => {
                Some(format!("found {}", self.maybe('v', value.as_ref())))
            }
            Outcome::Acquire { token } => Some(self.maybe('t', *token)),
            Outcome::Generate { value } => Some(self.name('v', value)),
            Outcome::ReadVersion { generation, value } => {
                let generation = self.name('g', generation);
                Some(format!("{generation} {}", self.maybe('v', value.as_ref())))
            }
            Outcome::Update { generation } => Some(self.name('g', generation)),
            Outcome::CasDiffers | Outcome::Contains { .. } => outcome.told(),
            _ => None,
        }
    }

    fn completion(&mut self, completion: &Completion) -> String {
        match completion {
            Completion::Ok { outcome, stamp } => match self.outcome(outcome) {
                Some(told) => format!("ok {told} {}", self.stamp(*stamp)),
                None => format!("ok {}", self.stamp(*stamp)),
            },
            Completion::Fail { .. } => "fail".to_owned(),
            Completion::Info { .. } => "info".to_owned(),
        }
    }

    fn stamp(&mut self, stamp: Stamp) -> String {
        format!("{} {}", self.maybe('n', stamp.node), self.maybe('g', stamp.generation))
    }

    fn observation(&mut self, seen: &Observation) -> String {
        let (node, generation) = (self.name('n', seen.node), self.maybe('g', seen.generation));
        format!("observe {node} {:?} {generation}", seen.role)
    }
}
