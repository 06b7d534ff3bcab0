//! Nodes that are removed from their cluster and join it again: what is excused of them meanwhile, and
//! what binds them afterwards.

use super::support::checked::{result, told};

const LEADERS: &str = "leader/one-per-generation";
const LIFECYCLE: &str = "nodes/stay-up";

#[track_caller]
fn leaders(expect: &str, text: &str) {
    let result = result(LEADERS, &[LEADERS], text);
    assert_eq!(told(&result), expect, "{result:#?}");
}

/// A node that is removed and joins with an empty disk is another one by the same name. One that keeps
/// its disk is not, nor is one that was started before it was removed.
#[test]
fn a_node_that_joins_anew_is_bound_by_nothing_that_it_told_before() {
    let before = "poll n2 leader g3 [0..1]\nserver n1/1 started 2\n";
    let votes = "log n1/1 - g5 [3..5] voted n2\n";
    for (fault, back, twice) in [
        ("fault 1 replace n1 [6..20]\n", "pass", "pass"),
        ("fault 1 remove n1 [6..20]\n", "generation-went-back", "double-vote"),
        ("fault 1 replace n2 [6..20]\n", "generation-went-back", "double-vote"),
        ("fault 1 replace n1 [12..20]\n", "generation-went-back", "double-vote"),
    ] {
        let joins = format!("{before}{votes}{fault}server n1/2 started 10\n");
        leaders(back, &format!("{joins}poll n1/2 follower g4 [11..15]"));
        leaders(twice, &format!("{joins}log n1/2 - g5 [11..15] voted n3"));
    }
    // In its new life it is bound again.
    let joined = format!("{before}{votes}fault 1 replace n1 [6..20]\nserver n1/2 started 10\n");
    let again = "log n1/2 - g4 [11..15] voted n3\nlog n1/2 - g4 [16..17] voted n2";
    leaders("double-vote", &format!("{joined}{again}"));
}

/// From its removal until it joins again, and at no other time.
#[test]
fn the_server_of_a_node_that_is_no_member_may_end() {
    let run = "phase load 0\nphase stop 90000\nserver n1/1 started 0\n";
    for (fault, ended, expect) in [
        ("remove n1 [1000..2000]", 1000, "pass"),
        ("replace n1 [1000..2000]", 2000, "pass"),
        ("replace n1 [1000..]", 80_000, "pass"),
        ("replace n1 [1000..2000]", 999, "node-crashed"),
        ("replace n1 [1000..2000]", 2001, "node-crashed"),
        ("replace n2 [1000..2000]", 1500, "node-crashed"),
    ] {
        let text = format!("{run}fault 1 {fault}\nserver n1/1 exited {ended}\n");
        let result = result(LIFECYCLE, &[LIFECYCLE], &text);
        assert_eq!(told(&result), expect, "{fault}, ended at {ended}");
        let told: Vec<bool> =
            result.assumptions.iter().map(|it| it.ends_with("no member of the cluster")).collect();
        assert_eq!(told.first(), (expect == "pass").then_some(&true), "{fault}");
    }
}
