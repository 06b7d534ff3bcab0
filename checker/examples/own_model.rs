//! A model with operations of its own: a theatre that sells every seat once. Judged by the general
//! search; nothing of this crate's own kinds of objects is used.

use std::collections::BTreeSet;
use std::fmt;

use fracas_checker::Budget;
use fracas_checker::linearizability::{call::Call, search_linearizable};
use fracas_checker::models::{Model, Refusal};

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Ask {
    Buy(u32),
    Free,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buy(seat) => write!(f, "buy seat {seat}"),
            Self::Free => f.write_str("count the free seats"),
        }
    }
}

/// What can be answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Answer {
    Sold,
    Taken,
    Count(usize),
}

/// The seats that were sold; none before the first operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Theatre(BTreeSet<u32>);

/// How many seats there are.
const SEATS: usize = 3;

impl fmt::Display for Theatre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "has sold {:?}", self.0)
    }
}

impl Model for Theatre {
    type Op = Ask;
    type Outcome = Answer;

    fn step(&self, ask: &Ask, answer: Option<&Answer>) -> Result<Self, Refusal> {
        let mut after = self.clone();
        let truth = match ask {
            Ask::Buy(seat) if after.0.insert(*seat) => Answer::Sold,
            Ask::Buy(_) => Answer::Taken,
            Ask::Free => Answer::Count(SEATS - self.0.len()),
        };
        match answer {
            Some(answer) if *answer != truth => Err(Refusal(format!("here the theatre {self}"))),
            _ => Ok(after),
        }
    }
}

/// What was asked, what was answered, from when to when; no answer: nobody saw one.
type Explanation = (Ask, Option<Answer>, u64, u64);

/// Whether a theatre can have answered so.
fn is_legal(told: &[Explanation]) -> Option<bool> {
    let mut calls: Vec<Call<'_, Ask, Answer>> = Vec::new();
    for (id, (op, answer, start, end)) in (0..).zip(told) {
        let end = answer.as_ref().map(|_| *end);
        calls.push(Call { id, op, outcome: answer.as_ref(), start: *start, end });
    }
    search_linearizable::<Theatre>(&calls, &Budget::unlimited_time())
}

pub(crate) fn main() {
    let sold = |start, end| (Ask::Buy(1), Some(Answer::Sold), start, end);
    let twice = [sold(0, 10), sold(5, 15)];
    println!("one seat sold twice is legal: {:?}", is_legal(&twice));
    assert_eq!(is_legal(&twice), Some(false));

    // The first buyer never heard, and may have got a seat: so two or three are free.
    let unheard = (Ask::Buy(1), None, 0, 10);
    for (free, legal) in [(3, true), (2, true), (1, false)] {
        let told = [unheard.clone(), (Ask::Free, Some(Answer::Count(free)), 20, 30)];
        println!("then {free} free seats are legal: {:?}", is_legal(&told));
        assert_eq!(is_legal(&told), Some(legal));
    }
    let told = [sold(0, 10), (Ask::Buy(1), Some(Answer::Taken), 20, 30)];
    assert_eq!(is_legal(&told), Some(true));
}
