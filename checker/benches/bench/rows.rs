//! What is measured: one row per shape of history and way of judging it.

use std::time::Duration;

use fracas_checker::{Algorithm, objects};

use crate::generator::{Kind, Refusal, Shape};

/// How a history is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// By the cheapest means that can: what everybody gets.
    Check,
    /// The same without the words for what is found: only whether there is a legal order.
    Decide,
    /// What a register that is not linearizable breaks besides.
    Guarantees,
    /// By this algorithm alone, even where a cheaper one could tell.
    By(Algorithm),
    /// As everybody gets it, with the reading of the file.
    File,
    /// By the watch that is fed event by event during a run.
    Watch,
}

/// The parts of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Unique,
    Few,
    Many,
    Others,
    Compared,
    Watched,
}

impl Part {
    pub(crate) const ALL: [Self; 6] =
        [Self::Unique, Self::Few, Self::Many, Self::Others, Self::Compared, Self::Watched];

    /// What the last column compares each row with; none where it says how time grows.
    pub(crate) fn usual(self) -> Option<How> {
        match self {
            Self::Compared => Some(How::Check),
            Self::Watched => Some(How::Decide),
            _ => None,
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Unique => "Registers whose values are written once",
            Self::Few => "Compare-and-set registers of five values",
            Self::Many => "Queues, and stores of many keys",
            Self::Others => "Other kinds of objects",
            Self::Compared => "Held against the general search and brute force",
            Self::Watched => "Decided afterwards, and watched meanwhile",
        }
    }

    pub(crate) fn goal(self) -> &'static str {
        match self {
            Self::Unique => {
                "Goal: 50 clients, 5 % indeterminate, valid and with one late stale read: 10^6 \
                 operations in at most 150 ms and 150 MB after reading, from file to verdict in at \
                 most 0.6 s and 200 MB, slope at most 1.15."
            }
            Self::Few => {
                "Goal: 10^4 operations in at most 10 ms with 10 clients and 0.3 s with 20; 10^3 \
                 with 50 clients decided for at least 9 of 10 seeds; where the budget runs out the \
                 verdict is inconclusive and says how far it came. A refused compare-and-set does \
                 not tell what it found."
            }
            Self::Many => {
                "Goal: a queue of 10 clients and 10^5 operations within a second; a store of 100 \
                 keys and 10^6 operations in at most 0.3 s on two cores."
            }
            Self::Others => "Goal: near-linear, as for registers.",
            Self::Compared => {
                "Goal: the near-linear check is never slower than the search. The last column \
                 says how many times as long the same history takes."
            }
            Self::Watched => {
                "Goal: a watch that is exact and takes at most 1.5 times as long as the decision \
                 is the decision. The last column says how many times as long it takes."
            }
        }
    }
}

/// One history, judged in one way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) part: Part,
    pub(crate) shape: Shape,
    pub(crate) how: How,
    /// The check, where it is not that of the kind: a lock is a mutex, too.
    pub(crate) judged_as: Option<&'static str>,
    /// How many seeds are tried.
    pub(crate) seeds: u64,
    /// After this the check is told that the time is up.
    pub(crate) limit: Duration,
}

/// The most that a row may take where it is not said otherwise.
const LIMIT: Duration = Duration::from_secs(5);

/// How long drawing a history may take, and finding words for what was found.
const DRAWING: Duration = Duration::from_secs(10);

/// What a kind of object is called.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Register => "register",
        Kind::CasRegister => "cas-register",
        Kind::Counter => "counter",
        Kind::Set => "set",
        Kind::Queue => "queue",
        Kind::MultisetQueue => "multiset-queue",
        Kind::Lock => "lock",
        Kind::FencedLock => "fencing",
        Kind::Ids => "unique-ids",
        Kind::Configuration => "versioned",
    }
}

impl Row {
    fn new(part: Part, shape: Shape) -> Self {
        Self { part, shape, how: How::Check, judged_as: None, seeds: 1, limit: LIMIT }
    }

    /// What the object is judged as.
    fn kind(&self) -> &'static str {
        self.judged_as.unwrap_or_else(|| name(self.shape.kind))
    }

    /// The check that judges this kind of object; none if this version has none.
    pub(crate) fn check(&self) -> Option<&'static objects::Kind> {
        objects::named(self.kind())
    }

    /// The shape in words, without its size.
    pub(crate) fn name(&self) -> String {
        let Shape { clients, indeterminate, keys, values, planted, .. } = self.shape;
        let mut name = format!("{}, {clients} clients", self.kind());
        if keys > 1 {
            name += &format!(", {keys} keys");
        }
        if let Some(values) = values {
            name += &format!(", {values} values");
        }
        if indeterminate > 0 {
            name += &format!(", {} % indeterminate", f64::from(indeterminate) / 10.0);
        }
        if planted {
            name += ", one wrong answer";
        }
        match self.how {
            How::Check => name,
            How::Decide => name + ", the decision alone",
            How::Guarantees => name + ", weaker guarantees",
            How::By(algorithm) => format!("{name}, {algorithm}"),
            How::File => name + ", from the file",
            How::Watch => name + ", watched",
        }
    }

    /// After this its process is ended: what draws the history and words the anomaly asks no clock.
    pub(crate) fn patience(&self) -> Duration {
        self.limit * self.seeds as u32 + DRAWING
    }

    /// Whether it is too small for one run to be seen by a clock.
    pub(crate) fn is_tiny(&self) -> bool {
        self.shape.operations <= 8
    }

    /// Whether `other` is the same history.
    pub(crate) fn same_history(&self, other: &Self) -> bool {
        self.shape == other.shape && self.judged_as == other.judged_as
    }
}

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Every row, in the order of the page.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = unique();
    rows.extend(few());
    rows.extend(many());
    rows.extend(others());
    rows.extend(compared());
    rows.extend(watched());
    rows
}

/// The same histories, decided when all is known and watched while it becomes known.
fn watched() -> Vec<Row> {
    let kinds = [
        Kind::Register,
        Kind::CasRegister,
        Kind::Queue,
        Kind::MultisetQueue,
        Kind::Set,
        Kind::Counter,
        Kind::Lock,
        Kind::FencedLock,
        Kind::Ids,
        Kind::Configuration,
    ];
    let row = |kind, how| {
        let shape = Shape { indeterminate: 10, ..Shape::new(kind, 1_000_000, 10) };
        Row { how, limit: Duration::from_secs(20), ..Row::new(Part::Watched, shape) }
    };
    let both = |kind| [row(kind, How::Decide), row(kind, How::Watch)];
    let mutex = both(Kind::Lock).map(|row| Row { judged_as: Some("mutex"), ..row });
    kinds.into_iter().flat_map(both).chain(mutex).collect()
}

/// `shape` in several sizes.
fn sized(part: Part, shape: Shape, sizes: &[usize]) -> impl Iterator<Item = Row> {
    sizes.iter().map(move |operations| Row::new(part, Shape { operations: *operations, ..shape }))
}

fn unique() -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in [Kind::Register, Kind::CasRegister] {
        for planted in [false, true] {
            let shape = Shape { indeterminate: 50, planted, ..Shape::new(kind, 0, 50) };
            rows.extend(sized(Part::Unique, shape, &SIZES));
            if planted {
                let decide = |row| Row { how: How::Decide, ..row };
                rows.extend(sized(Part::Unique, shape, &SIZES).map(decide));
            }
        }
        let shape = Shape { indeterminate: 50, ..Shape::new(kind, 1_000_000, 50) };
        let limit = Duration::from_secs(20);
        rows.push(Row { how: How::File, limit, ..Row::new(Part::Unique, shape) });
        rows.push(Row { how: How::Guarantees, ..Row::new(Part::Unique, shape) });
        rows.extend(sized(Part::Unique, Shape::new(kind, 0, 10), &SIZES[1..3]));
    }
    for (clients, indeterminate) in [(5, 0), (10, 1), (10, 10), (10, 50), (20, 0)] {
        let shape = Shape { indeterminate, ..Shape::new(Kind::Register, 0, clients) };
        rows.extend(sized(Part::Unique, shape, &SIZES[2..3]));
    }
    rows
}

fn few() -> Vec<Row> {
    let five = |clients, indeterminate| Shape {
        values: Some(5),
        refusal: Refusal::Differs,
        indeterminate,
        ..Shape::new(Kind::CasRegister, 0, clients)
    };
    let mut rows: Vec<Row> = sized(Part::Few, five(10, 0), &SIZES[..3]).collect();
    rows.extend(sized(Part::Few, five(20, 0), &SIZES[..2]));
    let seeds = |row| Row { seeds: 10, limit: Duration::from_secs(3), ..row };
    rows.extend(sized(Part::Few, five(50, 0), &SIZES[..1]).map(seeds));
    rows.extend(sized(Part::Few, five(10, 10), &SIZES[..2]));
    rows.extend(sized(Part::Few, five(10, 50), &SIZES[..1]).map(seeds));
    rows.extend(sized(Part::Few, five(10, 50), &SIZES[1..2]));
    rows
}

fn many() -> Vec<Row> {
    let queue = Shape::new(Kind::Queue, 0, 10);
    let mut rows: Vec<Row> = sized(Part::Many, queue, &SIZES).collect();
    rows.extend(sized(Part::Many, Shape { planted: true, ..queue }, &SIZES[1..3]));
    rows.extend(sized(Part::Many, Shape { indeterminate: 50, ..queue }, &SIZES[1..3]));
    let store = Shape { keys: 100, ..Shape::new(Kind::CasRegister, 0, 20) };
    rows.extend(sized(Part::Many, store, &SIZES[1..]));
    rows.extend(sized(Part::Many, Shape { planted: true, ..store }, &SIZES[1..]));
    rows
}

fn others() -> Vec<Row> {
    let kinds = [
        Kind::MultisetQueue,
        Kind::Set,
        Kind::Counter,
        Kind::Lock,
        Kind::FencedLock,
        Kind::Ids,
        Kind::Configuration,
    ];
    let mut rows = Vec::new();
    for kind in kinds {
        let shape = Shape { indeterminate: 10, ..Shape::new(kind, 0, 10) };
        rows.extend(sized(Part::Others, shape, &SIZES[1..3]));
        rows.extend(sized(Part::Others, Shape { planted: true, ..shape }, &SIZES[2..3]));
    }
    rows
}

/// The same histories, judged in several ways.
fn compared() -> Vec<Row> {
    let searches = [How::Check, How::By(Algorithm::Frontier), How::By(Algorithm::DepthFirst)];
    let mut rows = Vec::new();
    let mut all = |shape: Shape, hows: &[How]| {
        let row = Row { limit: Duration::from_secs(2), ..Row::new(Part::Compared, shape) };
        rows.extend(hows.iter().map(|how| Row { how: *how, ..row }));
    };
    for kind in [Kind::Register, Kind::CasRegister] {
        let tiny = Shape { indeterminate: 100, ..Shape::new(kind, 8, 4) };
        all(tiny, &searches);
        all(tiny, &[How::By(Algorithm::BruteForce)]);
        for (operations, clients) in [(1_000, 5), (10_000, 5), (10_000, 10), (1_000, 20)] {
            all(Shape::new(kind, operations, clients), &searches);
        }
        let planted = Shape { planted: true, ..Shape::new(kind, 1_000, 10) };
        all(planted, &searches);
    }
    for kind in [Kind::Queue, Kind::Set, Kind::Counter, Kind::Lock] {
        all(Shape::new(kind, 1_000, 4), &searches);
    }
    rows
}
