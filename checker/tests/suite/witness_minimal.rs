//! No witness is legal by itself, and none would prove as much with fewer operations: random small
//! histories of every kind of object, counted.

use crate::support;
use crate::{counters, locks};

use fracas_checker::models::{Bag, Kv, ListAppend, Queue, RwRegister, Set};
use support::{samples, sampling};

/// How many histories of each sort the quick tier looks at, and the slow one.
const QUICK: u32 = 600;
const SLOW: u32 = 20_000;

fn every_kind(cases: u32) {
    let (count, seed) = (cases as usize, 5);
    let mut all = vec![
        ("set", samples::witnesses::<Set>(cases)),
        ("queue", samples::witnesses::<Queue>(cases)),
        ("bag", samples::witnesses::<Bag>(cases)),
        ("store", samples::witnesses::<Kv>(cases)),
        ("rw-register", samples::witnesses::<RwRegister>(cases)),
        ("list-append", samples::witnesses::<ListAppend>(cases)),
        ("versioned", sampling::witnesses(&counters::versioned(), count, seed)),
        ("updates", sampling::witnesses(&counters::updates(), count, seed)),
        ("ids", sampling::witnesses(&counters::ids(), count, seed)),
        ("mutex", sampling::witnesses(&locks::mutex(), count, seed)),
        ("lock", sampling::witnesses(&locks::lock(), count, seed)),
    ];
    let counters = counters::counters();
    all.extend(counters.iter().map(|one| ("counter", sampling::witnesses(one, count, seed))));
    let fencing = locks::fencing();
    all.extend(fencing.iter().map(|one| ("fencing", sampling::witnesses(one, count, seed))));
    let bad: Vec<_> = all.into_iter().filter(|(kind, found)| !found.holds(kind)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn witnesses_say_enough_and_no_more() {
    every_kind(QUICK);
}

#[test]
#[ignore = "slow: 20,000 histories of each sort"]
fn very_many_witnesses_say_enough_and_no_more() {
    every_kind(SLOW);
}
