//! Likely causes: for each rule a history that it must explain, and the nearest ones that it must
//! not.

use crate::support;

use fracas_checker::{Budget, judge};
use support::language::history;

/// A rule: what it says, a history that it explains, and others that it must not.
struct Case {
    checks: &'static [&'static str],
    class: &'static str,
    says: &'static str,
    /// What all of its histories share.
    base: &'static str,
    explained: &'static [&'static str],
    not: &'static [&'static str],
}

const REGISTER: &[&str] = &["register/linearizable"];
const LEADERS: &[&str] = &["leader/one-per-generation"];
const STALE: &str = "p1 - w k 1 [0..10] ok\np1 n2 w k 2 [20..30] ok\np2 n1 r k [40..50] ok 1\n";
const COUNTER: &[&str] = &["counter/linearizable"];
const SHORT: &str =
    "p1 n2 inc c 1 [20..30] ok\np1 n2 inc c 1 [31..33] ok\np2 n1 r c [70..80] ok 0\n";
const SPLIT: &str = "poll n1 leader g4 [5000..5005]\npoll n2 leader g4 [5300..5305]\n";

const CASES: [Case; 17] = [
    Case {
        checks: REGISTER,
        class: "read-of-unwritten",
        says: "The lead went from n1 to n2, generation 5, between 0.015 s and 0.055 s, and this swap was \
               open for a part of that time.",
        base: "p1 - w k 1 [0..10] ok\npoll n1 leader g4 [15..19]\n",
        explained: &[
            "p2 n1 swap k 2 [30..70] ok 2\npoll n2 leader g5 [50..55]",
            "p2 n1 swap k 2 [30..51] ok 2\npoll n2 leader g5 [50..55]",
            // It may have changed then.
            "p2 n1 swap k 2 [30..40] ok 2\npoll n2 leader g5 [50..55]",
        ],
        not: &[
            // The lead had changed before, or did so later.
            "p2 n1 swap k 2 [56..70] ok 2\npoll n2 leader g5 [50..55]",
            "p2 n1 swap k 2 [12..14] ok 2\npoll n2 leader g5 [50..55]",
            "p2 n1 swap k 2 [30..70] ok 2\npoll n1 leader g5 [50..55]",
            // It found what nobody wrote, itself included.
            "p2 n1 swap k 2 [30..70] ok 3\npoll n2 leader g5 [50..55]",
        ],
    },
    Case {
        checks: REGISTER,
        class: "stale-read",
        says: "n1 still took itself for the leader of generation 4, while n2 had led generation 5 \
               since 0.019 s",
        base: "p1 - w k 1 [0..10] ok\np1 n2 w k 2 [20..30] ok\np2 - r k [70..80] ok 2\n\
               poll n2 leader g5 [15..19]\n",
        explained: &[
            "p2 n1 r k [40..50] ok 1\npoll n1 leader g4 [41..45]",
            "p2 n1 r k [40..50] ok 1 @n1/g4\npoll n1 leader g4 [31..35]",
            "p2 n1 r k [40..50] ok 1\npoll n1 leader g4 [41..45]\nfault 1 kill n1 [10..20]",
        ],
        not: &[
            // It knew already that it leads no more.
            "p2 n1 r k [40..50] ok 1\npoll n1 follower g5 [41..45]",
            "p2 n1 r k [40..50] ok 1\npoll n1 leader g4 [21..25]\npoll n1 follower g5 [26..28]",
            // It answered under another generation.
            "p2 n1 r k [40..50] ok 1 @n1/g5\npoll n1 leader g4 [41..45]",
            // It claimed so in an earlier life.
            "p2 n1 r k [40..50] ok 1\npoll n1 leader g4 [21..25]\nfault 1 kill n1 [30..35]",
            // Another node answered.
            "p2 n1 r k [40..50] ok 1 @n3/-\npoll n1 leader g4 [41..45]",
        ],
    },
    Case {
        checks: REGISTER,
        class: "lost-write",
        says: "n1 answered at 0.050 s while it was cut from the majority n2 and n3 (fault 1)",
        base: STALE,
        explained: &["fault 1 cut n1|n2,n3 [35..60]", "fault 1 cut n1|n2,n3 [40..50]"],
        not: &[
            // The question, or the answer, passed while it was whole.
            "fault 1 cut n1|n2,n3 [41..60]",
            "fault 1 cut n1|n2,n3 [35..49]",
            "fault 1 cut n3|n1,n2 [35..60]",
            "fault 1 cut n1|n2,n3 [35..60] unproven",
        ],
    },
    Case {
        checks: REGISTER,
        class: "lost-write",
        says: "n2 acknowledged it at 0.030 s while it was cut from the majority n1 and n3 (fault 1)",
        base: STALE,
        explained: &["fault 1 cut n2|n1,n3 [15..60]"],
        not: &[
            // It was asked before the cut: the others may have it.
            "fault 1 cut n2|n1,n3 [21..60]",
            "fault 1 cut n3|n1,n2 [15..60]",
        ],
    },
    Case {
        checks: REGISTER,
        class: "lost-write",
        says: "n2, which had acknowledged it, was killed at 0.035 s (fault 1), and no later answer \
               shows it",
        base: STALE,
        explained: &["fault 1 kill n2 [35..38]"],
        not: &[
            "fault 1 kill n3 [35..38]",
            // It was down before, or is not back yet.
            "fault 1 kill n2 [12..18]",
            "fault 1 kill n2 [35..60]",
            "fault 1 kill n2 [35..38] unproven",
        ],
    },
    Case {
        checks: REGISTER,
        class: "stale-read",
        says: "n2, which had acknowledged it, lost its power at 0.035 s (fault 1)",
        base: STALE,
        // A write that nobody answered for may have brought the value that is seen later.
        explained: &[
            "fault 1 power n2 [35..38]\np3 - w k 3 [60..70] ok\np3 - r k [71..72] ok 3",
            // What was seen later was older, or another node's, or acknowledged after the failure.
            "fault 1 power n2 [35..38]\np3 - w k 3 [60..70] ok\np3 - r k [71..72] ok 3\n\
             p4 n2 w other 7 [21..29] ok\np4 - r other [70..80] ok 7",
            "fault 1 power n2 [35..38]\np3 - w k 3 [60..70] ok\np3 - r k [71..72] ok 3\n\
             p4 n1 w other 7 [31..34] ok\np4 - r other [70..80] ok 7",
            "fault 1 power n2 [35..38]\np3 - w k 3 [60..70] ok\np3 - r k [71..72] ok 3\n\
             p4 n2 w other 7 [39..41] ok\np4 - r other [70..80] ok 7",
        ],
        not: &[
            // It was seen later: nothing is lost.
            "fault 1 power n2 [35..38]\np2 - r k [70..80] ok 2",
            // What the node acknowledged after it was seen later: it took no older write with it.
            "fault 1 power n2 [35..38]\np3 - w k 3 [60..70] ok\np3 - r k [71..72] ok 3\n\
             p4 n2 w other 7 [31..34] ok\np4 - r other [70..80] ok 7",
            "fault 1 power n2 [35..38]\np3 - w k 3 [60..70] ok\np3 - r k [71..72] ok 3\n\
             p4 n1 w other 7 [31..34] ok @n2/-\n\
             p4 - r other [70..80] ok 7\np5 n2 w other 8 [32..34] ok",
        ],
    },
    Case {
        checks: LEADERS,
        class: "generation-went-back",
        says: "n1 was killed at 0.020 s (fault 1), in between",
        base: "poll n1/1 leader g5 [0..5]\n",
        explained: &["poll n1/2 follower g4 [60..70]\nfault 1 kill n1 [20..40]"],
        not: &[
            "poll n1/2 follower g4 [60..70]\nfault 1 kill n2 [20..40]",
            "poll n1/1 follower g4 [60..70]\nfault 1 kill n1 [20..40]",
            "poll n1/2 follower g4 [60..70]\nfault 1 kill n1 [80..90]",
        ],
    },
    Case {
        checks: LEADERS,
        class: "split-brain",
        says: "n3 voted for n1 by 4.995 s and for n2 by 5.295 s, in one life",
        base: SPLIT,
        explained: &["log n3/1 - g4 [4990..4995] voted n1\nlog n3/1 - g4 [5290..5295] voted n2"],
        not: &[
            "log n3/1 - g3 [4990..4995] voted n1\nlog n3/1 - g4 [5290..5295] voted n2",
            "hear n3/1 - g4 [4990..4995] voted n1\nlog n3/1 - g4 [5290..5295] voted n2",
            "log n3/1 - g4 [4990..4995] voted n1\nlog n3/2 - g4 [5290..5295] voted n2",
        ],
    },
    Case {
        checks: LEADERS,
        class: "split-brain",
        says: "n3 was killed at 5.100 s (fault 1) and was back by 5.200 s, between these elections",
        base: SPLIT,
        explained: &["fault 1 kill n3 [5100..5200]"],
        not: &[
            // Long before, not back in time, not proven, not at all.
            "fault 1 kill n3 [100..200]",
            "fault 1 kill n3 [5100..5900]",
            "fault 1 kill n3 [5100..5200] unproven",
            "fault 1 pause n3 [5100..5200]",
            // It remembered its vote.
            "fault 1 kill n3 [5100..5200]\nlog n3/1 - g4 [4990..4995] voted n1\n\
             log n3/2 - g4 [5290..5295] voted n1",
        ],
    },
    Case {
        checks: &["liveness/recovers"],
        class: "no-recovery",
        says: "Servers had ended by themselves: that of n1 with status 101 at 0.150 s and that of \
               n2 with status 101 at 0.160 s. 1 of 3 nodes were up",
        base: "phase load 0\nphase recover 200\np1 - r k [210..310] fail\nphase stop 400\n\
               server n1/1 exited 150\n",
        explained: &["server n2/1 exited 160"],
        not: &["", "server n2/1 exited 160\nserver n2/2 started 170", "server n2/1 killed 160"],
    },
    Case {
        checks: COUNTER,
        class: "counter-out-of-bounds",
        says: "n2 led generation 5 after n1 by 0.035 s, and increments that were open meanwhile add up \
               to the 1 too many",
        base: "p1 n1 inc c 1 [0..10] ok\np2 - r c [12..14] ok 1\np3 - r c [60..70] ok 3\n\
               poll n1 leader g4 [11..15]\n",
        explained: &[
            "p1 n1 inc c 1 [20..50] info\npoll n2 leader g5 [30..35]",
            "p1 n1 inc c 1 [20..50] ok\npoll n2 leader g5 [30..35]",
        ],
        not: &[
            // It was over before, or began after, or was refused; the old leader led on.
            "p1 n1 inc c 1 [20..22] ok\npoll n1 leader g4 [23..25]\npoll n2 leader g5 [30..35]",
            "p1 n1 inc c 1 [40..50] ok\npoll n2 leader g5 [30..35]",
            "p1 n1 inc c 1 [20..50] fail\npoll n2 leader g5 [30..35]",
            "p1 n1 inc c 1 [20..50] info\npoll n1 leader g5 [30..35]",
            // A read after it was right.
            "p1 n1 inc c 1 [20..50] info\npoll n2 leader g5 [30..35]\np4 - r c [40..45] ok 1",
        ],
    },
    Case {
        checks: COUNTER,
        class: "counter-out-of-bounds",
        says: "n2 acknowledged increments of 2 together while it was cut from the majority n1 and n3 \
               (fault 1): as much as is missing",
        base: SHORT,
        explained: &["fault 1 cut n2|n1,n3 [15..60]"],
        not: &[
            // One of the two was asked before the cut.
            "fault 1 cut n2|n1,n3 [25..60]",
            "fault 1 cut n3|n1,n2 [15..60]",
            "fault 1 cut n2|n1,n3 [15..60] unproven",
        ],
    },
    Case {
        checks: COUNTER,
        class: "counter-out-of-bounds",
        says: "n2, which had acknowledged 2 increments of 2 together last, was killed at 0.040 s \
               (fault 1): as much as is missing",
        base: SHORT,
        explained: &["fault 1 kill n2 [40..45]"],
        not: &[
            "fault 1 kill n3 [40..45]",
            "fault 1 kill n2 [32..34]",
            "fault 1 kill n2 [40..90]",
            "fault 1 kill n2 [40..45] unproven",
            // They were there after it.
            "fault 1 kill n2 [40..45]\np3 - r c [50..55] ok 2",
            // What it acknowledged last is more than is missing.
            "fault 1 kill n2 [40..45]\np4 n2 inc c 3 [34..36] ok\np5 n1 inc c -3 [34..36] ok",
        ],
    },
    Case {
        checks: &["unique-ids/unique"],
        class: "duplicate-id",
        says: "n1 gave both, and was killed at 0.020 s (fault 1) in between",
        base: "p1 n1 gen i [0..10] ok 7\n",
        explained: &["p2 n1 gen i [50..60] ok 7\nfault 1 kill n1 [20..30]"],
        not: &[
            "p2 n2 gen i [50..60] ok 7\nfault 1 kill n1 [20..30]",
            "p2 n1 gen i [50..60] ok 7\nfault 1 kill n2 [20..30]",
            "p2 n1 gen i [50..60] ok 7\nfault 1 kill n1 [20..70]",
            "p2 n1 gen i [50..60] ok 7\nfault 1 kill n1 [20..30] unproven",
        ],
    },
    Case {
        checks: &["timestamps/increasing"],
        class: "timestamp-went-back",
        says: "n1 gave both, and was killed at 0.020 s (fault 1) in between",
        base: "p1 n1 gen i [0..10] ok 7\np2 n1 gen i [50..60] ok 3\n",
        explained: &["fault 1 kill n1 [20..30]"],
        not: &["fault 1 kill n2 [20..30]", "fault 1 pause n1 [20..30]"],
    },
    Case {
        checks: &["fencing/linearizable"],
        class: "token-went-back",
        says: "n1 gave both, and lost its power at 0.020 s (fault 1) in between",
        base: "p1 n1 acq l 1 [0..10] ok 7\np2 n1 acq l 2 [50..60] ok 3\n",
        explained: &["fault 1 power n1 [20..30]"],
        not: &["fault 1 power n2 [20..30]", "fault 1 power n1 [20..30] unproven"],
    },
    Case {
        checks: &["mutex/linearizable"],
        class: "lock-held-twice",
        says: "n1, which had acknowledged it, was killed at 0.020 s (fault 1). ",
        base: "p1 n1 acq l 1 [0..10] ok\np2 n2 acq l 2 [50..60] ok\n",
        explained: &["fault 1 kill n1 [20..30]"],
        not: &[
            "fault 1 kill n2 [20..30]",
            "fault 1 kill n1 [20..70]",
            "fault 1 kill n1 [20..30] unproven",
        ],
    },
];

/// The likely cause of the first anomaly of a class.
#[track_caller]
fn cause(case: &Case, text: &str) -> String {
    let history = history(&format!("{}{text}", case.base), case.checks);
    let verdict = judge(&history, Budget::unlimited_time());
    let of_class = |(_, found): &(_, &fracas_checker::Anomaly)| found.class == case.class;
    let mut anomalies = verdict.anomalies();
    let found = anomalies.find(of_class);
    let (_, found) = found.unwrap_or_else(|| panic!("no {}: {verdict:#?}", case.class));
    found.likely_cause.clone().unwrap_or_default()
}

#[test]
fn each_rule_explains_what_it_must_and_nothing_near_it() {
    for case in &CASES {
        for text in case.explained {
            let cause = cause(case, text);
            assert!(cause.starts_with(case.says), "`{cause}` does not say `{}`: {text}", case.says);
        }
        for text in case.not {
            let cause = cause(case, text);
            assert!(!cause.starts_with(case.says), "`{cause}` is not borne out: {text}");
        }
    }
}

#[test]
fn without_evidence_there_is_no_cause() {
    for (class, checks, text) in [
        ("lost-write", REGISTER, STALE),
        ("split-brain", LEADERS, SPLIT),
        (
            "generation-went-back",
            LEADERS,
            "poll n1/1 leader g5 [0..5]\npoll n1/2 follower g4 [6..9]",
        ),
    ] {
        let case = Case { checks, class, says: "", base: "", explained: &[], not: &[] };
        assert_eq!(cause(&case, text), "");
    }
}

#[test]
fn a_wrong_clock_explains_leases_that_overlap_and_is_never_said_to_be_right() {
    let leases = "p1 n1 acq l 1 ttl 50 [0..10] ok\np2 n2 acq l 2 ttl 50 [20..30] ok\n";
    let of = |fault: &str| {
        let history = history(&format!("{leases}{fault}"), &["lease/exclusive"]);
        let verdict = judge(&history, Budget::unlimited_time());
        let (check, found) = verdict.anomalies().next().expect("the leases overlap");
        assert!(!format!("{:?}{:?}", found.story, check.assumptions).contains("exactly alike"));
        found.likely_cause.clone().unwrap_or_default()
    };
    assert!(of("fault 1 clock n1 [5..40]").starts_with("The clock of n1, which answered one"));
    assert_eq!(of("fault 1 clock n3 [5..40]"), "");
    assert_eq!(of("fault 1 clock n1 [40..50]"), "");
    assert_eq!(of("fault 1 clock n1 [5..40] unproven"), "");
}
