//! Histories in which a few values repeat: which of several writers was it?
//!
//! Where a value was written twice, a near-linear check cannot tell which of the two writes a read
//! saw. But it can decide the history once somebody says so: then the two are different values. So
//! the choices are made one way, and made differently where that leads to a contradiction, but only
//! those that the contradiction rests on. If some way is legal, so is the history; if every way is
//! refuted, so is the history: in a legal order each read saw one of the writes.
//!
//! What the choices are, and what a history looks like once they are made, is said by each kind of
//! object.

use std::collections::BTreeSet;

use crate::catalogue;
use crate::linearizability::finding::Finding;
use crate::op::Value;

/// Values that occur nowhere in a history, one for every number.
pub(super) struct Names(String);

impl Names {
    /// Names that are none of `values`.
    pub(super) fn beside<'a>(values: impl Iterator<Item = &'a Value>) -> Self {
        let length = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Int(_) => 0,
        };
        Self("#".repeat(values.map(length).max().unwrap_or_default() + 1))
    }

    /// The name with this number.
    pub(super) fn of(&self, number: usize) -> Value {
        Value::text(&format!("{}{number}", self.0))
    }

    /// A name that no value has.
    pub(super) fn unused(&self) -> Value {
        Value::text(&self.0)
    }
}

/// What came of one way to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    Legal,
    /// The near-linear check cannot tell, whatever the choices.
    Ambiguous,
    /// No legal order exists as long as these choices stay as they are, by number.
    Refuted(BTreeSet<usize>),
}

/// The choices that a history leaves open.
pub(super) trait Choices {
    /// For each choice, how many ways there are to make it; the likely one has number 0.
    fn ways(&self) -> &[usize];

    /// What comes of making each choice in one way.
    fn choose(&self, ways: &[usize]) -> Chosen;
}

/// How many calls may be looked at, over all ways that are tried.
const EFFORT: usize = 10_000_000;

/// The most ways that are tried, however few calls there are.
const TRIES: usize = 5_000;

/// How many choices may rest on each other.
const DEPTH: usize = 64;

/// Tries ways to choose until one is legal or none is left. No few calls show that: whichever way is
/// taken, others refute it.
pub(super) fn decide(choices: &impl Choices, calls: usize) -> Finding {
    let tries = (EFFORT / calls.max(1)).clamp(1, TRIES);
    let made = vec![0; choices.ways().len()];
    let mut trial = Trial { choices, made, fixed: BTreeSet::new(), tries };
    match trial.go_on() {
        Chosen::Legal => Finding::Legal,
        Chosen::Ambiguous => Finding::Ambiguous,
        Chosen::Refuted(_) => Finding::refuted(catalogue::NON_LINEARIZABLE, Vec::new()),
    }
}

struct Trial<'a, C> {
    choices: &'a C,
    /// How each choice is made.
    made: Vec<usize>,
    /// Those that stay so for now.
    fixed: BTreeSet<usize>,
    /// How many ways may still be tried.
    tries: usize,
}

impl<C: Choices> Trial<'_, C> {
    /// What comes of all ways in which the fixed choices stay as they are; if refuted, on which of
    /// them that rests.
    fn go_on(&mut self) -> Chosen {
        if self.tries == 0 || self.fixed.len() > DEPTH {
            return Chosen::Ambiguous;
        }
        self.tries -= 1;
        let rests = match self.choices.choose(&self.made) {
            Chosen::Refuted(rests) => rests,
            found => return found,
        };
        match rests.iter().find(|choice| !self.fixed.contains(choice)).copied() {
            Some(choice) => self.otherwise(choice, rests),
            None => Chosen::Refuted(rests),
        }
    }

    /// Makes one choice in every way: the one it is made in now is refuted, for what it `rests` on.
    fn otherwise(&mut self, choice: usize, mut rests: BTreeSet<usize>) -> Chosen {
        let own = self.made[choice];
        self.fixed.insert(choice);
        let others = rests.iter().any(|rest| !self.fixed.contains(rest));
        let mut all = BTreeSet::new();
        for way in 0..self.choices.ways()[choice] {
            self.made[choice] = way;
            // The way it is made in now may do, once other choices are made differently.
            let found = match way == own && !others {
                true => Chosen::Refuted(std::mem::take(&mut rests)),
                false => self.go_on(),
            };
            match found {
                Chosen::Refuted(rests) if rests.contains(&choice) => all.extend(rests),
                found => {
                    if matches!(found, Chosen::Refuted(_)) {
                        (self.made[choice], _) = (own, self.fixed.remove(&choice));
                    }
                    return found;
                }
            }
        }
        (self.made[choice], _) = (own, self.fixed.remove(&choice));
        all.remove(&choice);
        Chosen::Refuted(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Choices with rules: pairs of ways that exclude each other.
    struct Rules {
        ways: Vec<usize>,
        excluded: Vec<[(usize, usize); 2]>,
    }

    impl Choices for Rules {
        fn ways(&self) -> &[usize] {
            &self.ways
        }

        fn choose(&self, ways: &[usize]) -> Chosen {
            let broken = |rule: &&[(usize, usize); 2]| {
                rule.iter().all(|(choice, way)| ways[*choice] == *way)
            };
            match self.excluded.iter().find(broken) {
                Some(rule) => Chosen::Refuted(rule.iter().map(|(choice, _)| *choice).collect()),
                None => Chosen::Legal,
            }
        }
    }

    /// Whether some way breaks no rule, by looking at all.
    fn possible(rules: &Rules) -> bool {
        let all: usize = rules.ways.iter().product();
        (0..all).any(|mut number| {
            let way = |count: &usize| {
                let way = number % count;
                number /= count;
                way
            };
            let ways: Vec<usize> = rules.ways.iter().map(way).collect();
            rules.choose(&ways) == Chosen::Legal
        })
    }

    #[test]
    fn a_way_is_found_if_there_is_one() {
        let mut dice = crate::objects::register::drawn::Dice(7);
        let (mut legal, mut refuted) = (0, 0);
        for _ in 0..3_000 {
            let ways: Vec<usize> =
                (0..1 + dice.below(5)).map(|_| 1 + dice.below(3) as usize).collect();
            let mut draw = || {
                let choice = dice.below(ways.len() as u64) as usize;
                (choice, dice.below(ways[choice] as u64) as usize)
            };
            let excluded = (0..12).map(|_| [draw(), draw()]).collect();
            let rules = Rules { ways, excluded };
            let (expect, finding) = (possible(&rules), decide(&rules, 1));
            assert!(finding == Finding::Legal || finding.is_refuted(), "{finding:?}");
            assert_eq!(finding == Finding::Legal, expect);
            (legal, refuted) = (legal + usize::from(expect), refuted + usize::from(!expect));
        }
        assert!(legal > 300 && refuted > 300, "{legal} {refuted}");
    }
}
