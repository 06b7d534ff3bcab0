//! What entries of the log do to objects, one table for each kind, and what the planted bugs in
//! them do.

use fracas_regent::bugs::Bug;
use fracas_regent::identity::RequestId;
use fracas_regent::messages::{Answer, Command, Content, Outcome, Query, Refusal};
use fracas_regent::objects::transactions::Part;
use fracas_regent::objects::{
    Objects, counters, ids, locks, mutexes, queues, registers, sets, texts, transactions, versioned,
};

/// Applies the commands in order, the first at index 1; none is a client's.
#[track_caller]
fn check(bug: Option<Bug>, steps: &[(Command, Outcome)]) -> Objects {
    let mut objects = Objects::new(bug);
    for (done, (command, expect)) in steps.iter().enumerate() {
        assert_eq!(objects.apply(command, None, false), *expect, "{command:?}");
        assert_eq!(objects.applied(), done as u64 + 1);
    }
    objects
}

fn done() -> Outcome {
    Ok(Answer::Done {})
}

fn conflict(why: &'static str) -> Outcome {
    Err(Refusal::Conflict(why))
}

fn number(value: Option<i64>) -> Answer {
    Answer::Value { value }
}

fn register(change: registers::Change) -> Command {
    Command::Register { key: "x".into(), change }
}

fn lock(change: locks::Change) -> Command {
    Command::Lock { key: "l".into(), change }
}

#[test]
fn a_swap_of_what_was_never_written_finds_nothing() {
    let swap = register(registers::Change::Swap { value: 1 });
    check(None, &[(swap.clone(), Ok(number(None))), (swap, Ok(number(Some(1))))]);
}

#[test]
fn registers_are_set_and_compared() {
    let put = |value| register(registers::Change::Put { value });
    let cas = |old, new| register(registers::Change::Cas { old, new });
    let swapped = |swapped| Ok(Answer::Swapped { swapped });
    let swap = |value| register(registers::Change::Swap { value });
    let objects = check(
        None,
        &[
            (Command::Noop, done()),
            (cas(Some(0), 1), swapped(false)),
            (cas(None, 1), swapped(true)),
            (put(2), done()),
            (cas(Some(1), 3), swapped(false)),
            (cas(Some(2), 4), swapped(true)),
            (swap(5), Ok(number(Some(4)))),
            (swap(4), Ok(number(Some(5)))),
        ],
    );
    let look = |key: &str| {
        objects.look(&Query::Register { key: key.into(), query: registers::Query::Value })
    };
    assert_eq!((look("x"), look("y")), (number(Some(4)), number(None)));
}

#[test]
fn the_guard_takes_no_token_lower_than_one_it_took() {
    let guarded = |token| register(registers::Change::GuardedPut { token, value: 1 });
    let old = || conflict("the token is too old");
    check(
        None,
        &[(guarded(3), done()), (guarded(3), done()), (guarded(2), old()), (guarded(4), done())],
    );
    check(Some(Bug::LockWithoutFencing), &[(guarded(3), done()), (guarded(2), done())]);
}

fn acquire(holder: u64) -> Command {
    lock(locks::Change::Acquire { holder, ttl_ms: Some(100) })
}

fn renew(holder: u64) -> Command {
    lock(locks::Change::Renew { holder, ttl_ms: Some(100) })
}

fn granted(token: u64) -> Outcome {
    Ok(Answer::Granted { token })
}

#[test]
fn a_lock_has_one_holder_who_alone_gives_it_back() {
    let release = |holder| lock(locks::Change::Release { holder });
    let (held, other) = (|| conflict("it is held"), || conflict("it is not yours"));
    check(
        None,
        &[
            (release(1), other()),
            (acquire(1), granted(2)),
            (acquire(2), held()),
            (acquire(1), held()),
            (release(2), other()),
            (renew(2), other()),
            (release(1), done()),
            (acquire(2), granted(8)),
        ],
    );
}

#[test]
fn a_lease_that_was_extended_does_not_end_where_it_would_have() {
    let expire = |since| lock(locks::Change::Expire { since });
    check(
        None,
        &[
            (acquire(1), granted(1)),
            (renew(1), done()),
            (expire(1), done()),
            (acquire(2), conflict("it is held")),
            (expire(2), done()),
            (acquire(2), granted(6)),
            (renew(1), conflict("it is not yours")),
        ],
    );
}

#[test]
fn a_set_has_what_was_added_and_not_removed_since() {
    let set = |change| Command::Set { key: "s".into(), change };
    let add = |value| set(sets::Change::Add { value });
    let remove = |value| set(sets::Change::Remove { value });
    let objects = check(
        None,
        &[
            (remove(1), done()),
            (add(1), done()),
            (add(1), done()),
            (add(-2), done()),
            (add(3), done()),
            (remove(3), done()),
        ],
    );
    let look = |query| objects.look(&Query::Set { key: "s".into(), query });
    assert_eq!(look(sets::Query::All), Answer::Values { values: vec![-2, 1] });
    for (value, present) in [(1, true), (3, false)] {
        assert_eq!(look(sets::Query::Contains { value }), Answer::Present { present });
    }
}

fn queue(change: queues::Change) -> Command {
    Command::Queue { key: "q".into(), change }
}

fn enqueue(value: i64) -> Command {
    queue(queues::Change::Enqueue { value })
}

fn dequeue() -> Command {
    queue(queues::Change::Dequeue)
}

#[test]
fn a_queue_hands_out_in_order_and_once() {
    check(
        None,
        &[
            (dequeue(), Ok(number(None))),
            (enqueue(5), done()),
            (enqueue(4), done()),
            (dequeue(), Ok(number(Some(5)))),
            (dequeue(), Ok(number(Some(4)))),
            (dequeue(), Ok(number(None))),
        ],
    );
}

#[test]
fn only_a_planted_bug_takes_back_what_was_not_confirmed() {
    let give_back = || queue(queues::Change::Return { taken: 3 });
    let steps = |back| {
        [
            (enqueue(5), done()),
            (enqueue(4), done()),
            (dequeue(), Ok(number(Some(5)))),
            (give_back(), done()),
            (dequeue(), Ok(number(Some(back)))),
        ]
    };
    check(None, &steps(4));
    check(Some(Bug::QueueRedeliversAfterTimeout), &steps(5));
    let confirm = (queue(queues::Change::Confirm { taken: vec![3] }), done());
    let [a, b, c, d, _] = steps(0);
    let last = (dequeue(), Ok(number(Some(4))));
    check(Some(Bug::QueueRedeliversAfterTimeout), &[a, b, c, confirm, d, last]);
}

#[test]
fn a_counter_is_the_sum_and_an_id_is_given_once() {
    let add = |by| Command::Counter { key: "c".into(), change: counters::Change::Add { by } };
    let next = |key: &str| Command::Ids { key: key.into(), change: ids::Change::Next };
    let objects = check(
        None,
        &[
            (add(7), done()),
            (add(-9), done()),
            (next("i"), Ok(number(Some(1)))),
            (next("i"), Ok(number(Some(2)))),
            (next("j"), Ok(number(Some(1)))),
        ],
    );
    let look = |key: &str| {
        objects.look(&Query::Counter { key: key.into(), query: counters::Query::Value })
    };
    assert_eq!((look("c"), look("d")), (number(Some(-2)), number(Some(0))));
}

#[test]
fn a_mutex_is_held_until_its_holder_gives_it_back() {
    let mutex = |change| Command::Mutex { key: "m".into(), change };
    let acquire = |holder| mutex(mutexes::Change::Acquire { holder });
    let release = |holder| mutex(mutexes::Change::Release { holder });
    check(
        None,
        &[
            (release(1), conflict("it is not yours")),
            (acquire(1), done()),
            (acquire(1), conflict("it is held")),
            (acquire(2), conflict("it is held")),
            (release(2), conflict("it is not yours")),
            (release(1), done()),
            (release(1), conflict("it is not yours")),
            (acquire(2), done()),
        ],
    );
}

#[test]
fn an_update_names_the_version_that_it_replaces() {
    let update = |expected, value| Command::Versioned {
        key: "v".into(),
        change: versioned::Change::Update { expected, value },
    };
    let another = || conflict("it has another version");
    let objects = check(
        None,
        &[
            (update(1, 5), another()),
            (update(0, 5), Ok(Answer::Version { version: 1 })),
            (update(0, 6), another()),
            (update(1, 7), Ok(Answer::Version { version: 2 })),
        ],
    );
    let look = |key: &str| {
        objects.look(&Query::Versioned { key: key.into(), query: versioned::Query::Both })
    };
    assert_eq!(look("v"), Answer::Versioned { value: Some(7), version: 2 });
    assert_eq!(look("w"), Answer::Versioned { value: None, version: 0 });
}

#[test]
fn a_text_is_what_was_written_and_appended_since() {
    let text = |change| Command::Text { key: "t".into(), change };
    let append = |value: &str| text(texts::Change::Append { value: value.into() });
    let put = |value: &str| text(texts::Change::Put { value: value.into() });
    let mut objects = Objects::new(None);
    let steps = [(append("a "), "a "), (append("b "), "a b "), (put("c "), "c "), (put(""), "")];
    let query = Query::Text { key: "t".into(), query: texts::Query::Value };
    assert_eq!(objects.look(&query), Answer::Text { value: None });
    for (command, expect) in steps {
        assert_eq!(objects.apply(&command, None, false), done(), "{command:?}");
        assert_eq!(objects.look(&query), Answer::Text { value: Some(expect.into()) });
    }
}

fn read(key: &str) -> Part {
    Part::Read { key: key.into() }
}

fn write(key: &str, value: i64) -> Part {
    Part::Write { key: key.into(), value }
}

fn append(key: &str, value: i64) -> Part {
    Part::Append { key: key.into(), value }
}

fn commit(parts: Vec<Part>) -> Command {
    let change = transactions::Change::Commit { parts };
    Command::Transaction { key: "txn".into(), change }
}

fn results(results: Vec<Option<Content>>) -> Outcome {
    Ok(Answer::Results { results })
}

#[test]
fn a_transaction_is_done_as_a_whole_or_not_at_all() {
    let list = |values: &[i64]| Some(Content::List(values.to_vec()));
    let number = Some(Content::Number(1));
    check(
        None,
        &[
            (commit(vec![read("x"), read("l")]), results(vec![None, None])),
            (
                commit(vec![write("x", 1), read("x"), append("l", 7), append("l", 8), read("l")]),
                results(vec![None, number.clone(), None, None, list(&[7, 8])]),
            ),
            (
                commit(vec![write("x", 2), write("l", 3)]),
                Err(Refusal::Invalid("a list is not written, expected `append`")),
            ),
            (
                commit(vec![append("l", 9), append("x", 3)]),
                Err(Refusal::Invalid("a number is not appended to, expected `write`")),
            ),
            (commit(vec![read("x"), read("l")]), results(vec![number, list(&[7, 8])])),
        ],
    );
}

#[test]
fn only_a_planted_bug_skips_transactions_that_were_found_at_the_start() {
    let both = commit(vec![append("l", 7), read("l")]);
    for (bug, found, expect) in [
        (None, true, Some(Content::List(vec![7]))),
        (Some(Bug::TransactionSkippedAtReplay), false, Some(Content::List(vec![7]))),
        (Some(Bug::TransactionSkippedAtReplay), true, None),
    ] {
        let mut objects = Objects::new(bug);
        // Whoever asked was answered in an earlier life.
        let _ = objects.apply(&both, None, found);
        let outcome = objects.apply(&commit(vec![read("l")]), None, false);
        assert_eq!(outcome, results(vec![expect]), "{bug:?} {found}");
    }
}

#[test]
fn a_request_that_comes_again_counts_twice_by_a_planted_bug_only() {
    let add = Command::Counter { key: "c".into(), change: counters::Change::Add { by: 1 } };
    let change = texts::Change::Append { value: "a".into() };
    let append = Command::Text { key: "t".into(), change };
    for (bug, counted, text) in [
        (None, 1, "a"),
        (Some(Bug::CounterRetryCountedTwice), 2, "a"),
        (Some(Bug::TextRetryAppendedTwice), 1, "aa"),
    ] {
        let mut objects = Objects::new(bug);
        for (number, command) in [(1, &add), (2, &append)] {
            let request = RequestId { session: 9, number, floor: 1 };
            assert_eq!(objects.apply(command, Some(&request), false), done());
            let again = objects.apply(command, Some(&request), false);
            assert!(again == Err(Refusal::Repeated) || bug.is_some(), "{bug:?}: {again:?}");
        }
        let query = Query::Counter { key: "c".into(), query: counters::Query::Value };
        assert_eq!(objects.look(&query), number(Some(counted)), "{bug:?}");
        let query = Query::Text { key: "t".into(), query: texts::Query::Value };
        assert_eq!(objects.look(&query), Answer::Text { value: Some(text.into()) }, "{bug:?}");
    }
}

/// Its second answer would be the value that it wrote itself.
#[test]
fn a_swap_that_comes_again_finds_itself_by_a_planted_bug_only() {
    let request = RequestId { session: 9, number: 1, floor: 1 };
    let swap = register(registers::Change::Swap { value: 1 });
    for (bug, again) in
        [(None, Err(Refusal::Repeated)), (Some(Bug::SwapRetryAnswersItself), Ok(number(Some(1))))]
    {
        let mut objects = Objects::new(bug);
        assert_eq!(objects.apply(&swap, Some(&request), false), Ok(number(None)));
        assert_eq!(objects.apply(&swap, Some(&request), false), again, "{bug:?}");
    }
}
