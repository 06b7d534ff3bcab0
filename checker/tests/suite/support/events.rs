//! Events in order, and histories made of them. What happens in them is drawn elsewhere.

use fracas_checker::event::{Event, EventKind, Nanos};
use fracas_checker::history::{Header, History, Plan, SCHEMA};

/// Numbers events in order of time, and of `rank` where times are equal.
pub(crate) fn in_order<R: Ord + Copy>(mut events: Vec<(Nanos, R, EventKind)>) -> Vec<Event> {
    events.sort_by_key(|(time, rank, _)| (*time, *rank));
    let events = events.into_iter().zip(0..);
    events.map(|((time, _, kind), index)| Event { index, time, kind }).collect()
}

/// A history of these events, for these checks.
pub(crate) fn history(events: &[Event], checks: &[&str]) -> History {
    let checks = checks.iter().map(|&check| check.to_owned()).collect();
    let header = Header {
        schema: SCHEMA.to_owned(),
        run: String::new(),
        target: String::new(),
        seed: 0,
        nodes: Vec::new(),
        plan: Plan { checks, ..Plan::default() },
    };
    History::new(header, events.to_vec()).expect("a valid history")
}
