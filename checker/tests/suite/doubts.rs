//! What a file leaves open, and what that does to a verdict.

use fracas_checker::formats::{self, Hint};
use fracas_checker::recorded::Judge;
use fracas_checker::{Algorithm, Budget};

use crate::support::maps::{judged, written};

#[track_caller]
fn check(text: &str, model: Option<&str>, expect: &str) {
    assert_eq!(judged(text, model, None), expect, "{text}");
}

/// Notes on a file.
fn notes(text: &str) -> Vec<String> {
    formats::read(text.as_bytes(), &Hint::default()).expect("a history").notes
}

/// A write, and a read that did not see it, with these times; none where the time is empty.
fn stale(times: [&str; 4]) -> String {
    let ops = [
        "0, :type :invoke, :f :write, :value 1",
        "0, :type :ok, :f :write, :value 1",
        "1, :type :invoke, :f :read, :value nil",
        "1, :type :ok, :f :read, :value nil",
    ];
    let line = |(op, time): (&str, &str)| match time {
        "" => format!("{{:process {op}}}\n"),
        time => format!("{{:process {op}, :time {time}}}\n"),
    };
    ops.into_iter().zip(times).map(line).collect()
}

const LOST: &str = "register/linearizable: anomaly lost-write";

#[test]
fn the_order_of_a_list_is_the_order_of_its_records() {
    for times in [
        ["", "", "", ""],
        ["1", "2", "3", ""],
        ["0", "0", "0", "0"],
        ["7", "7", "7", "7"],
        ["1000000", "2000000", "2000000", "3000000"],
        ["-9", "-8", "-8", "-2"],
        ["1.5e6", "2.5e6", "2.5e6", "3.5e6"],
        ["-9223372036854775808", "0", "0", "9223372036854775807"],
        ["#inst \"2026\"", "#object[a 0x1f]", "nil", "\"late\""],
    ] {
        check(&stale(times), None, LOST);
    }
    // The times say as much as the list, only with another beginning.
    check(
        &stale(["5", "6", "2", "9"]),
        None,
        LOST.replace("anomaly lost-write", CONTRADICTED).as_str(),
    );
}

const CONTRADICTED: &str = "inconclusive not legal in the order of the list, but the times \
                            contradict that order, and in theirs no anomaly was found";

#[test]
fn times_that_contradict_the_list_are_told_loudly() {
    let warned = notes(&stale(["5", "6", "2", "9"]));
    assert_eq!(
        warned,
        [
            "WARNING: the times contradict the order of the list: 1 records are earlier than one before \
          them, the first in line 3; the order of the list is followed"
        ]
    );
    // Wrong either way: it stays an anomaly.
    let third = written("2 i :f :read, :value nil, :time 1\n2 o :f :read, :value 9, :time 20");
    let text = stale(["10", "11", "12", "13"]) + &third;
    check(&text, None, "register/linearizable: anomaly lost-write");
    // Right in the order of the list: the times are not asked.
    let seen = stale(["10", "11", "5", "6"])
        .replace(":ok, :f :read, :value nil", ":ok, :f :read, :value 1");
    check(&seen, None, "register/linearizable: pass");
}

#[test]
fn what_clojure_prints_and_nobody_needs_is_skipped() {
    for print in [
        "#object[java.net.SocketTimeoutException 0x5e1ab2 \"timed out\"]",
        "[:unknown #object[a.b$c__1 0x07 \"a\"]]",
        "#\"a.*\\d\"",
        "#<Client app.Client@5e1>",
        "#<Ref a -> b <c>>",
        "#'user/x",
        "\"\\q\"",
        "0x1F",
        "2r101",
        "007",
        "a@b",
        ":a@b",
        "\\unknown",
        "##Nothing",
    ] {
        let op = format!(
            "0 i :f :write, :value 1, :client {print}\n0 o :f :write, :value 1, :error {print}"
        );
        check(&written(&op), None, "register/linearizable: pass");
    }
    check(
        &written("0 i :f :write, :value 0x1F"),
        None,
        "refused: line 1, column 47: `0x1F`, expected a number",
    );
    check(
        &written("0 i :f :write, :value #<A b>"),
        None,
        "refused: line 1, column 47: `#<A b>`, expected a value",
    );
    check(
        &written("0 i :f :write, :value 1, :client #<A b"),
        None,
        "refused: line 1, column 58: `#<` without an end, expected `>` in the same line",
    );
}

#[test]
fn completions_alone_order_each_process_only() {
    let open = "inconclusive only completions are recorded: when operations began is not told, so that \
                only the order within each process was held against them; that was kept";
    let lists =
        "4 o :f :txn, :value [[:append :a 7] [:r :b [8]]]\n5 o :f :txn, :value [[:append :b 8]]";
    check(&written(lists), None, &format!("list-append/linearizable: {open}"));
    // Another process may have read it before it was written, the same process may not.
    let stale =
        |process| written(&format!("0 o :f :write, :value 1\n{process} o :f :read, :value nil"));
    check(&stale(1), None, &format!("register/linearizable: {open}"));
    check(&stale(0), None, LOST);
    check(
        &written("0 o :f :write, :value 1\n0 o :f :read, :value 9"),
        None,
        "register/linearizable: inconclusive only completions are recorded, and 9 was read, which no \
         record writes: records are missing",
    );
}

#[test]
fn a_drain_took_its_elements_in_its_order() {
    let queued = "0 i :f :enqueue, :value 1\n0 o :f :enqueue, :value 1\n\
                  0 i :f :enqueue, :value 2\n0 o :f :enqueue, :value 2\n";
    let drain = |taken: &str| {
        written(&format!("{queued}0 i :f :drain, :value nil\n0 o :f :drain, :value {taken}"))
    };
    let fifo = Some("queue");
    check(&drain("[1 2]"), fifo, "queue/linearizable: pass");
    check(&drain("[2 1]"), fifo, "queue/linearizable: anomaly out-of-order-dequeue");
    check(&drain("[2 1]"), Some("bag"), "multiset-queue/linearizable: pass");
    // An enqueue that was open all the time may have come in between.
    let open =
        format!("3 i :f :enqueue, :value 3\n{queued}4 i :f :drain\n4 o :f :drain, :value [1 3 2]");
    check(&written(&open), fifo, "queue/linearizable: pass");
    let overlapping = format!(
        "{queued}4 i :f :drain\n5 i :f :dequeue\n5 f :f :dequeue\n4 o :f :drain, :value [2 1]"
    );
    check(&written(&overlapping), fifo, "queue/linearizable: anomaly out-of-order-dequeue");
}

#[test]
fn a_broadcast_need_not_have_arrived() {
    let ops = "0 i :f :broadcast, :value 7\n0 o :f :broadcast, :value 7\n\
               1 i :f :read\n1 o :f :read, :value []\n";
    check(
        &written(ops),
        None,
        "set/linearizable: inconclusive a broadcast promises that every element arrives some time, \
         not that whoever reads next has it, expected `--model set` to hold that against it",
    );
    check(&written(ops), Some("set"), "set/linearizable: anomaly lost-element");
    let also = format!("{ops}1 i :f :read\n1 o :f :read, :value [8]");
    check(
        &written(&also),
        None,
        "set/linearizable: inconclusive a broadcast promises that every element arrives some time, \
         not that whoever reads next has it, expected `--model set` to hold that against it; but 8 \
         was read and never broadcast",
    );
    let phantom = "0 i :f :broadcast, :value 7\n1 i :f :read\n1 o :f :read, :value [8]";
    check(&written(phantom), None, "set/linearizable: anomaly phantom-element");
}

#[test]
fn a_set_that_lists_an_element_twice_is_none() {
    let add = "0 i :f :add, :value 1\n0 o :f :add, :value 1\n";
    let read = "0 i :f :read\n0 o :f :read, :value [1 1]";
    check(
        &written(&format!("{add}{read}")),
        None,
        "set/linearizable: inconclusive process 0 read all of set and got `1` 2 times, which was \
         added once: a set holds an element once",
    );
    check(&written(&format!("{add}{add}{read}")), None, "set/linearizable: pass");
}

/// Our own lines of a write, with or without the plan that judges it.
fn own(plan: &str) -> String {
    format!(
        "{{\"schema\":\"fracas.history/1\",\"run\":\"r\",\"target\":\"t\",\"seed\":1,\"nodes\":[\"n1\"],\"plan\":{plan}}}\n\
         {{\"index\":0,\"time\":0,\"event\":\"invoke\",\"process\":0,\"op\":{{\"f\":\"write\",\"key\":\"k\",\"value\":1}}}}\n\
         {{\"index\":1,\"time\":1,\"event\":\"complete\",\"process\":0,\"completion\":{{\"type\":\"ok\",\"outcome\":{{\"f\":\"write\"}}}}}}\n"
    )
}

#[test]
fn a_torn_tail_never_passes() {
    let text = own("{}");
    check(&text, None, "register/linearizable: pass");
    let torn = "register/linearizable: inconclusive the last line of the history is torn: nobody \
                knows what it said";
    check(&text[..text.len() - 9], None, torn);
    check(&text[..text.len() - 9], Some("register"), torn);
}

#[test]
fn a_history_in_which_nothing_took_effect_says_so() {
    let said = |failed: usize, read: usize| {
        format!(
            "inconclusive none of its {} operations can have changed or shown anything: {failed} \
             failed, and {read} only read and were never answered",
            failed + read
        )
    };
    let text = "0 i :f :write, :value 1\n0 f :f :write, :value 1\n1 i :f :read\n1 x :f :read";
    check(&written(text), None, &format!("register/linearizable: {}", said(1, 1)));
    check(&written("0 i :f :read"), Some("kv"), &format!("kv/linearizable: {}", said(0, 1)));
    check(
        &written("0 i :f :enqueue, :value 1\n0 f :f :enqueue, :value 1"),
        None,
        &format!("queue/linearizable: {}", said(1, 0)),
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_text() {
    check(&format!("\u{feff}{}", own("{}")), None, "register/linearizable: pass");
    let maps = written("0 i :f :write, :value 1\n0 o :f :write, :value 1");
    check(&format!("\u{feff}{maps}"), None, "register/linearizable: pass");
    let log = "\u{feff}0\t:invoke\t:write\t1\n0\t:ok\t:write\t1\n";
    check(log, None, "register/linearizable: pass");
}

#[test]
fn a_history_txt_is_read_like_a_log() {
    let text = ":nemesis\t:info\t:start\tnil\n0\t:invoke\t:write\t3\n1\t:invoke\t:read\tnil\n\
                0\t:info\t:write\t:timed-out\n1\t:ok\t:read\t3\n";
    check(text, None, "register/linearizable: pass");
    let aligned = "12   :invoke  :cas   [1 2]\n12   :fail    :cas   [1 2]  no leader\n";
    let recorded = formats::read(aligned.as_bytes(), &Hint::default()).expect("a history");
    assert_eq!(recorded.format, formats::Format::JepsenLog);
    assert_eq!(recorded.history.operations().len(), 1);
}

#[test]
fn a_binary_file_of_jepsen_says_what_to_give() {
    check(
        "JEPSEN\0\0\0\u{1}",
        None,
        "refused: line 1: Jepsen's binary file of a test, which is not read here, expected the \
         `history.edn` or `history.txt` that Jepsen writes beside it",
    );
}

/// All that is told of the first anomaly of a file.
fn told(text: &str) -> String {
    let recorded = formats::read(text.as_bytes(), &Hint::default()).expect("a history");
    let judge = Judge { kind: None, algorithm: Algorithm::Auto, budget: Budget::unlimited_time() };
    let verdict = judge.verdict(recorded).expect("a model fits").verdict;
    let anomaly = &verdict.checks[0].anomalies[0];
    let texts = [&verdict.headline, &anomaly.headline].into_iter().chain(&anomaly.story);
    texts.cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn a_file_without_times_is_told_by_its_events() {
    let moments = ["11000000", "12000000", "23000000", "24000000"];
    let timed = told(&stale(moments));
    assert!(timed.contains("at 0.024 s"), "{timed}");
    let untimed = told(&stale(["", "", "", ""]));
    assert!(untimed.contains("at event 3"), "{untimed}");
    assert!(untimed.contains("from event 0 to event 1"), "{untimed}");
    let overtaken = "0 i :f :write, :value 1\n0 o :f :write, :value 1\n\
                     0 i :f :write, :value 2\n0 o :f :write, :value 2\n\
                     1 i :f :read, :value nil\n1 o :f :read, :value 1\n\
                     1 i :f :read, :value nil\n1 o :f :read, :value 2\n";
    let overtaken = told(&written(overtaken));
    assert!(overtaken.contains("read register = 1 at event 5 after 2 had been"), "{overtaken}");
    for text in [untimed, overtaken] {
        assert!(!text.contains(" ms") && !text.contains(" s "), "no time is told: {text}");
    }
}
