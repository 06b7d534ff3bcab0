//! Coverage: for everything that may be missing of load, leaders and promises the history that lacks
//! it, and the nearest one that does not. Faults are in `coverage_faults`.

use fracas_checker::verdict::Status;

use super::support::checked::result;

/// What a reason may advise.
const REMEDIES: [&str; 9] = [
    "`--time`",
    "`--rate`",
    "`--fault-every`",
    "`--keys`",
    "`--min-elections 0`",
    "logs may tell",
    "to its end",
    "in the target",
    "the target's `[",
];

/// The coverage check gives exactly these reasons, each of which begins so and says what helps.
#[track_caller]
pub(super) fn lacks(expect: &[&str], checks: &[&str], text: &str) {
    let result = result("coverage", checks, text);
    assert_eq!(result.reasons.len(), expect.len(), "{text}: {:#?}", result.reasons);
    for (reason, begins) in result.reasons.iter().zip(expect) {
        assert!(reason.starts_with(begins), "{reason:?} does not begin with {begins:?}");
        let helps = REMEDIES.iter().any(|remedy| reason.contains(remedy));
        assert!(helps || reason.contains("`fracas doctor`"), "{reason:?} names no remedy");
    }
    let status = if expect.is_empty() { Status::Pass } else { Status::Inconclusive };
    assert_eq!(result.status, status);
}

#[test]
fn the_end_of_a_run_is_part_of_it() {
    lacks(&[], &[], "phase load 0\nphase stop 900");
    lacks(&["the run was cut short: it never came to its stop"], &[], "phase load 0");
}

/// The load ends where the recovery begins, and operations before and after it count for nothing.
#[test]
fn only_operations_under_load_count() {
    let plan = "phase start 0\nphase load 100\nphase recover 500\nphase stop 900\n\
                plan ok_per_kind write 2\np9 - r k [300..310] ok 1\n";
    let write = "p1 - w k 1 [200..210] ok\n";
    let lacking = "only 1 ok write under load, expected at least 2: ";
    lacks(&[], &[], &format!("{plan}{write}p2 - w k 2 [490..500] ok"));
    lacks(&[lacking], &[], &format!("{plan}{write}p2 - w k 2 [490..501] ok"));
    lacks(&[lacking], &[], &format!("{plan}{write}p2 - w k 2 [600..610] ok"));
    lacks(&[lacking], &[], &format!("{plan}{write}p2 - w k 2 [99..110] ok"));
    lacks(&[lacking], &[], &format!("{plan}{write}p2 - w k 2 [300..310] fail"));
    lacks(&[lacking], &[], &format!("{plan}{write}p2 - w k 2 [300..310] info"));
}

/// Where little was asked more time helps; where much was asked and refused it does not.
#[test]
fn the_remedy_follows_from_what_was_asked() {
    let plan = "phase load 0\nphase stop 900\nplan ok_per_kind cas 2\np9 - r k [300..310] ok 1\n";
    let asked = |count: u64| -> String {
        (1..=count).map(|p| format!("p{p} - cas k 1 2 [20..30] fail\n")).collect()
    };
    let lacking = "only 0 ok cas under load, expected at least 2";
    lacks(
        &[&format!("{lacking}: 7 were asked, and a longer `--time`")],
        &[],
        &format!("{plan}{}", asked(7)),
    );
    let refused = format!("{lacking}: of 8 that were asked 8 were refused");
    lacks(&[&refused], &[], &format!("{plan}{}", asked(8)));
}

/// A cluster that serves nothing has one reason, whatever else is missing for it.
#[test]
fn a_cluster_that_serves_nothing_is_told_as_such() {
    let plan = "phase load 0\nphase recover 500\nphase stop 900\nplan ok_per_kind write 5\n\
                plan ok_per_kind read 5\nplan elections 1\n";
    let refused = "p1 - w k 1 [20..30] fail\np1 - r k [40..50] info\n";
    let later = "p2 - w k 2 [600..610] ok\n";
    let told = "the cluster served nothing under load: of 2 operations 1 was refused";
    lacks(&[told], &["register/linearizable"], &format!("{plan}{refused}{later}"));
}

/// A read that was not answered in time was refused by nobody, and what succeeded a moment after the
/// load has a known outcome.
#[test]
fn what_was_not_answered_is_not_told_as_refused() {
    let plan = "phase load 0\nphase recover 500\nphase stop 900\nplan ok_per_kind write 5\n";
    let reads = "p1 - r k [10..20] fail timed out\np2 - r k [10..20] fail timed out\n";
    let others = "p3 - w k 1 [30..40] fail not leader\np4 - w k 2 [30..40] info timed out\n";
    let later = "p5 - w k 3 [490..510] ok\n";
    let told = "the cluster served nothing under load: of 5 operations 1 was refused, most often with \
                “not leader”, 1 ended without a known outcome, 2 reads were not answered in time, and 1 \
                succeeded after the load";
    lacks(&[told], &["register/linearizable"], &format!("{plan}{reads}{others}{later}"));
    let text = format!("{plan}{reads}{others}{later}p6 - w k 4 [50..]\n");
    let metrics = result("coverage", &["register/linearizable"], &text).metrics;
    assert_eq!((metrics["fail"], metrics["info"]), (3.0, 2.0), "{metrics:?}");
}

#[test]
fn elections_count_under_load_and_their_lack_says_what_helps() {
    let plan = "phase load 100\nphase recover 500\nphase stop 900\nplan elections 1\n";
    let hit = "fault 1 kill n1 [110..120]\n";
    let before = "poll n1 leader g1 [50..60]\n";
    let lacking = "only 0 elections under load, expected at least 1: ";
    lacks(&[], &[], &format!("{plan}{before}poll n2 leader g2 [190..200]"));
    let unseen = format!("{lacking}no leader was seen at all");
    lacks(&[&unseen], &[], plan);
    let no_hit = format!("{lacking}no fault hit the leader");
    lacks(&[&no_hit], &[], &format!("{plan}{before}"));
    lacks(&[&no_hit], &[], &format!("{plan}{before}poll n2 leader g2 [590..600]"));
    // Without any fault that is the reason.
    let asked = format!("{plan}plan faults kill\n{before}");
    lacks(&["faults were asked for (kill) and none was injected: "], &[], &asked);
    let hit_in_vain = format!("{lacking}faults hit the leader");
    lacks(&[&hit_in_vain], &[], &format!("{plan}{before}{hit}"));
}

#[test]
fn enough_is_seen_of_leaders() {
    let stop = "phase load 0\nphase stop 900\n";
    let seen = "poll n1 leader g1 [0..5]\npoll n2 follower g1 [0..5]\npoll n3 - g1 [0..5]\n\
                fault 1 kill n1 [10..20]\nlog n2 leader g2 [15..18]\npoll n2 leader g2 [15..19]\n";
    for (key, name, count) in [
        ("changes", "leader changes", 1),
        ("distinct", "distinct leaders", 2),
        ("generations", "generations seen", 2),
        ("hits", "faults that hit the leader", 1),
        ("node_polls", "fewest polls of a node", 1),
        ("generation_polls", "fewest polls in a generation", 1),
    ] {
        lacks(&[], &[], &format!("{stop}{seen}plan {key} {count}"));
        let needed = count + 1;
        let lacking = format!("only {count} {name}, expected at least {needed}: ");
        lacks(&[&lacking], &[], &format!("{stop}{seen}plan {key} {needed}"));
    }
    // A hit that is not proven is none.
    for wrong in ["unproven", "problem"] {
        let seen = seen.replace("20]", &format!("20] {wrong}"));
        let told = result("coverage", &[], &format!("{stop}{seen}plan hits 1")).reasons;
        assert!(told.iter().any(|reason| reason.starts_with("only 0 faults that hit")), "{told:?}");
    }
}

#[test]
fn locks_must_change_hands_under_load() {
    let plan = "phase load 0\nphase recover 500\nphase stop 900\nplan handovers 1\n\
                p1 - acq l 4 [0..10] ok\np1 - rel l 4 [20..30] ok\n";
    let lacking = "only 0 handovers, expected at least 1: ";
    lacks(&[], &[], &format!("{plan}p2 - acq l 5 [40..50] ok"));
    lacks(&[lacking], &[], &format!("{plan}p2 - acq l 4 [40..50] ok"));
    lacks(&[lacking], &[], &format!("{plan}p2 - acq m 5 [40..50] ok"));
    lacks(&[lacking], &[], &format!("{plan}p2 - acq l 5 [540..550] ok"));
}

/// For every promise the history that puts it to the test, and what must be taken from it, or come
/// after the load, so that it does not.
#[test]
fn every_promise_is_put_to_the_test() {
    let phases = "phase load 0\nphase recover 500\nphase stop 900\n";
    for (check, tested, tests_not) in [
        (
            "register/linearizable",
            "p1 - w k 1 [0..10] ok\np1 - r k [20..30] ok 1",
            "p1 - r k [20..30] ok nil",
        ),
        (
            "register/linearizable",
            "p1 - w k 1 [0..10] ok\np1 - r k [20..30] ok 1",
            "p1 - w k 1 [0..10] ok",
        ),
        ("set/linearizable", "p1 - add s 1 [0..10] ok", "p1 - add s 1 [0..10] fail"),
        ("lock/linearizable", "p1 - acq l 4 [0..10] ok", "p1 - acq l 4 [600..610] ok"),
        ("lock/linearizable", "p1 - acq l 4 [0..10] ok", "p1 - acq l 4 ttl 50 [0..10] ok"),
        ("lease/exclusive", "p1 - acq l 4 ttl 50 [0..10] ok", "p1 - acq l 4 [0..10] ok"),
        ("fencing/linearizable", "p1 - acq l 4 [0..10] ok 33", "p1 - acq l 4 [0..10] ok"),
        ("leader/one-per-generation", "poll n1 leader g1 [0..5]", "hear n1 leader g1 [0..5]"),
        ("leader/one-per-generation", "poll n1 leader g1 [0..5]", "poll n1 leader g1 [600..605]"),
    ] {
        lacks(&[], &[check], &format!("{phases}{tested}"));
        let lacking = format!("`{check}` was not put to the test: ");
        lacks(&[&lacking], &[check], &format!("{phases}{tests_not}"));
    }
}

/// What was written must be looked for at the end.
#[test]
fn what_was_written_is_read_at_the_end() {
    let written = "phase load 0\nphase final 100\nphase stop 900\np1 - w k 1 [5..9] ok\n";
    let lacking = "no final read of k succeeded";
    lacks(&[lacking], &[], &format!("{written}p2 - r k [50..60] ok 1"));
    lacks(&[lacking], &[], &format!("{written}p2 - r k [100..110] fail"));
    lacks(&[], &[], &format!("{written}p2 - r k [100..110] ok 1"));
}

/// What a fault took is seen only by who looks before anybody writes.
#[test]
fn what_was_written_is_read_after_the_last_heal_before_it_is_written_again() {
    let written = "phase load 0\nphase recover 100\nphase stop 900\nplan look\n\
                   p1 - w k 1 [5..9] ok\n";
    let read = "p2 - r k [110..120] ok 1\n";
    let lacking = "after the last heal k was changed again before it was read";
    lacks(&[], &[], &format!("{written}{read}p1 - w k 2 [130..140] ok"));
    lacks(&[], &[], &format!("{written}{read}"));
    lacks(&[], &[], &format!("{written}p1 - w other 2 [105..106] ok"));
    lacks(&[], &[], &format!("{}p1 - w k 2 [110..140] ok", written.replace("plan look\n", "")));
    for again in [
        "p1 - w k 2 [105..106] ok\np2 - r k [110..120] ok 2",
        "p1 - w k 2 [115..150] ok\np2 - r k [110..120] ok 1",
        "p1 - w k 2 [115..150] info\np2 - r k [110..120] ok 1",
        "p2 - r k [110..120] fail\np1 - w k 2 [130..140] ok",
        "p2 - r k [90..99] ok 1\np1 - w k 2 [130..140] ok",
    ] {
        lacks(&[lacking], &[], &format!("{written}{again}"));
    }
}
