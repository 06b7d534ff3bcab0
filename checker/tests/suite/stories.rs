//! What a story tells, in which words, and in which order anomalies are told.

use crate::support;

use fracas_checker::hallmark::Hallmarks;
use fracas_checker::leadership::reigns;
use fracas_checker::observation::Grade;
use fracas_checker::{Budget, Verdict, judge};
use support::language::history;

const LEADERS: &str = "leader/one-per-generation";
const REGISTER: &str = "register/linearizable";
const UP: &str = "nodes/stay-up";

fn verdict(text: &str, checks: &[&str]) -> Verdict {
    judge(&history(text, checks), Budget::unlimited_time())
}

/// The story of the gravest anomaly.
#[track_caller]
fn story(text: &str, checks: &[&str]) -> Vec<String> {
    verdict(text, checks).anomalies().next().expect("an anomaly").1.story.clone()
}

#[test]
fn the_faults_in_effect_at_the_moment_are_told_before_those_that_only_touch_the_window() {
    // The kill of n1 is in effect when n3 votes again; faults 1 and 2 were over long before.
    let text = "log n3/1 - g4 [100..110] voted n1
        fault 1 cut n1|n2,n3 [200..300]
        fault 2 pause n2 [400..500]
        fault 3 kill n1 [8000..9000]
        fault 4 kill n3 [7000..7600]
        log n3/2 - g4 [8100..8110] voted n2
        poll n1/1 leader g4 [120..125]";
    let story = story(text, &[LEADERS]);
    let expect = [
        "n3 had voted for n1 in generation 4 at a moment from 0.100 s to 0.110 s, says its own log.",
        "From 7.000 s to 7.600 s n3 was down after a kill (fault 4).",
        "From 8.000 s to 9.000 s n1 was down after a kill (fault 3).",
        "n3 had voted for n2 in generation 4 at a moment from 8.100 s to 8.110 s, says its own log.",
        "Other faults of that time: fault 1 (partition, halves, 0.200 s to 0.300 s) and fault 2 (pause of n2, 0.400 s to 0.500 s).",
    ];
    assert_eq!(story[..5], expect, "{story:#?}");
    assert_eq!(story.len(), 6);
}

#[test]
fn a_story_of_many_facts_and_faults_stays_short() {
    let faults: String =
        (1..=9).map(|id| format!("fault {id} kill n1 [{}..{}]\n", 10 + id, 500 + id)).collect();
    let text = format!(
        "{faults}p1 n1 w k 1 [0..10] ok\np1 n1 w k 2 [20..30] ok\np2 n1 r k [40..50] ok 1\n\
         p2 n1 r k [60..70] ok 2"
    );
    let story = story(&text, &[REGISTER]);
    assert!(story.len() <= 9, "{story:#?}");
    let told = |text: &str| story.iter().filter(|fact| fact.contains(text)).count();
    assert_eq!(told("was down after a kill"), 3, "{story:#?}");
    assert_eq!(told("Other faults of that time: "), 1);
    assert_eq!(told("Process "), 3);
}

#[test]
fn what_did_not_succeed_is_not_told_as_done_and_its_answer_is_quoted() {
    let text = "p1 n1 w k 1 [0..10] ok
        p2 n2 w k 2 [0..20] info HTTP 503 too few backups
        p3 n3 r k [30..40] ok 2
        p4 n1 r k [50..60] ok 1";
    let story = story(text, &[REGISTER]);
    let told = "Process 2 asked for `write k = 2` through n2 at 0.000 s; at 0.020 s that ended \
                without a known outcome: “HTTP 503 too few backups”.";
    assert!(story.iter().any(|fact| fact == told), "{story:#?}");
    let failed = "p1 n1 w k 1 [0..10] fail conflict\u{1b}[31m\np2 n1 r k [20..30] ok 1";
    let story = self::story(failed, &[REGISTER]);
    let told = "Process 1 asked for `write k = 1` through n1 from 0.000 s to 0.010 s and it failed, \
                so it never took effect: “conflict\\u{1b}[31m”.";
    assert!(story.iter().any(|fact| fact == told), "{story:#?}");
}

#[test]
fn who_answers_a_read_is_not_said_to_lead() {
    let text = "p1 n1 w k 1 [0..10] ok @n1/g4
        p1 n1 w k 2 [20..30] ok @n1/g4
        p2 n2 r k [40..50] ok 1 @n2/g4
        p2 n2 r k [60..70] ok 2";
    let story = story(text, &[REGISTER]).join("\n");
    assert!(story.contains("got 1; the answer named n2 and generation 4."), "{story}");
    assert!(story.contains("n1 acknowledged it as leader of generation 4."), "{story}");
    assert!(!story.contains("n2 acknowledged"), "{story}");
}

#[test]
fn reigns_rest_on_claims_and_acknowledged_changes_only() {
    let text = "poll n1 leader g4 [0..5]
        p1 n1 w k 1 [10..20] ok @n1/g4
        p1 n2 r k [30..40] ok 1 @n2/g4
        p1 n2 cas k 7 8 [50..60] ok differs @n2/g4
        hear n3 leader g5 [70..80] names n2
        log n1 follower g5 [90..95]";
    let history = history(text, &[]);
    let reigns: Vec<_> = reigns(&history)
        .into_iter()
        .map(|reign| {
            let ms = |time: u64| time / 1_000_000;
            let span = (ms(reign.first), ms(reign.last));
            (reign.generation, reign.node.to_string(), span, reign.grade, reign.signs)
        })
        .collect();
    let expect = [
        (4, "n1".to_owned(), (5, 20), Grade::Effect, 2),
        (5, "n3".to_owned(), (80, 80), Grade::Hearsay, 1),
    ];
    assert_eq!(reigns, expect);
}

#[test]
fn the_headline_is_the_gravest_anomaly_and_causes_come_before_what_they_explain() {
    let crash = "phase load 0
        server n1/1 started 0
        server n1/1 exited 150
        phase recover 200
        p1 - r k [210..310] fail
        phase stop 400";
    let verdict = verdict(crash, &["liveness/recovers", UP]);
    let classes: Vec<&str> =
        verdict.anomalies().map(|(_, anomaly)| anomaly.class.as_str()).collect();
    assert_eq!(classes, ["node-crashed", "no-recovery"]);
    assert!(verdict.headline.starts_with("Crash: the server of n1"), "{}", verdict.headline);

    let split = "log n3 - g4 [0..5] voted n1
        log n3 - g4 [10..15] voted n2
        poll n1 leader g4 [20..25]
        poll n2 leader g4 [30..35]";
    let verdict = self::verdict(split, &[LEADERS]);
    let classes: Vec<&str> =
        verdict.anomalies().map(|(_, anomaly)| anomaly.class.as_str()).collect();
    assert_eq!(classes, ["split-brain", "double-vote"]);
    assert!(verdict.headline.starts_with("Split brain: "), "{}", verdict.headline);
}

/// The headline of a crash of n2 at 0.500 s, without its beginning, and its story.
#[track_caller]
fn crash(text: &str) -> (String, String) {
    let text = format!("phase load 1\nserver n2/1 started 0\nserver n2/1 exited 500{text}");
    let verdict = verdict(&text, &[UP]);
    let (_, found) = verdict.anomalies().next().expect("a crash");
    let begin = "Crash: the server of n2 ended by itself with status 101 at 0.500 s";
    let rest = found.headline.strip_prefix(begin).expect("the same beginning");
    (rest.to_owned(), found.story.join("\n"))
}

#[test]
fn the_card_of_a_crash_names_what_was_on_and_what_the_server_wrote() {
    let none = "No fault was in effect on n2.";
    for (text, headline, said) in [
        ("", "", none),
        ("\nfault 1 kill n3 [400..600]", "", none),
        ("\nfault 1 full n2 [100..200]", ", just after its disk was full (fault 1)", "fault 1"),
        (
            "\nfault 1 full n2 [400..600]",
            ", while its disk was full (fault 1)",
            "The target file does not let its servers give up on fault 1 (full)",
        ),
        (
            "\nfault 1 power n2 [100..200]",
            ", in its first life after a power failure (fault 1)",
            "n2 was down after a power failure",
        ),
        (
            "\nfault 1 power n2 [100..200]\nfault 2 kill n2 [300..400]",
            "",
            "n2 was down after a kill (fault 2)",
        ),
        ("\nfault 1 cut n1|n2 [400..600]", "", "the network was cut: n1⇄n2 (fault 1)"),
        ("\nfault 1 cut n1|n2 [400..600]", "", "None of the faults in effect lets a server end."),
        (
            " log listening on 7_fatal: no room at 0x3f_goodbye",
            "",
            "its log ends with “fatal: no room at 0x3f”, “goodbye”.",
        ),
    ] {
        let (got, story) = crash(text);
        assert_eq!(got, headline, "{text}");
        assert!(story.contains(said), "{text}: {story}");
        let (fault, denied) = (text.contains("n2 ["), story.contains(none));
        assert!(!(fault && denied), "{text}: {story}");
    }
}

#[test]
fn what_excuses_the_end_of_a_server_is_told() {
    let text = "phase load 1\nserver n2/1 started 0\nserver n2/1 exited 500\n\
                fault 3 full n2 [400..600]\n";
    let mut history = history(text, &[UP]);
    let full = fracas_checker::fault::Hardship::DiskFull;
    let mut header = history.header().clone();
    header.plan.gives_up_on = Some([full].into());
    history = fracas_checker::History::new(header, history.events().to_vec()).expect("valid");
    let verdict = judge(&history, Budget::unlimited_time());
    assert_eq!(verdict.anomalies().count(), 0);
    let told = &verdict.checks[0].assumptions;
    assert!(told.iter().any(|reason| reason.contains("fault 3 (full) was in effect")), "{told:?}");
}

/// The hallmarks of the gravest anomaly.
#[track_caller]
fn marks(text: &str, check: &str, expect: &[&str]) {
    let history = history(text, &[check]);
    let verdict = judge(&history, Budget::unlimited_time());
    let (_, found) = verdict.anomalies().next().expect("an anomaly");
    assert_eq!(Hallmarks::new(&history).of(found), expect, "{}: {text}", found.class);
}

#[test]
fn hallmarks_tell_defects_of_one_class_apart() {
    let writes = "p1 n1 w k 1 [0..10] ok @n1/g4\np1 n2 w k 2 [20..30] ok @n2/g5\n";
    let seen = "p3 n2 r k [70..80] ok 2 @n2/g5\n";
    let read = |read: &str| format!("{writes}p2 {read}\n{seen}");
    marks(&read("n2 r k [40..50] ok 1 @n2/g5"), REGISTER, &[]);
    marks(&read("n1 r k [40..50] ok 1 @n1/g4"), REGISTER, &["of an old generation"]);
    marks(&read("n3 r k [40..50] ok 1 @n2/g5"), REGISTER, &["through another node"]);
    let lost = "p1 n2 w k 1 [0..10] ok\np1 n2 w k 2 [20..30] ok\np2 n2 r k [40..50] ok 1\n";
    marks(&format!("{lost}fault 1 power n2 [35..38]"), REGISTER, &["across a power failure"]);
    marks(&format!("{lost}fault 1 power n3 [35..38]"), REGISTER, &[]);
    marks(&format!("{lost}fault 1 kill n2 [35..38]"), REGISTER, &[]);
    // What the node acknowledged last outlived the failure: it did not take the older write.
    let last = "p4 n2 w other 7 [31..34] ok\np4 - r other [70..80] ok 7\n";
    marks(&format!("{lost}{last}fault 1 power n2 [35..38]"), REGISTER, &[]);
    let votes = "log n3/1 - g4 [0..5] voted n1\nlog n3/2 - g4 [60..65] voted n2\n\
                 poll n1 leader g3 [0..1]\n";
    marks(&format!("{votes}fault 1 kill n3 [20..30]"), LEADERS, &["across a kill"]);
    marks(votes, LEADERS, &[]);
}

/// What a voter had forgotten when it voted again tells defects apart that all end in two votes, and
/// in two leaders.
#[test]
fn what_a_voter_had_forgotten_is_a_hallmark() {
    let votes = "log n3/1 - g4 [0..5] voted n1\nlog n3/2 - g4 [60..65] voted n2\n\
                 poll n1 leader g3 [0..1]\nfault 1 power n3 [20..30]\n";
    let led = "poll n1 leader g4 [6..7]\npoll n2 leader g4 [70..71]\n";
    let check = |more: &str, expect: &[&str]| {
        marks(&format!("{votes}{more}"), LEADERS, expect);
        let elected: Vec<&str> =
            std::iter::once("by votes given twice").chain(expect.to_vec()).collect();
        marks(&format!("{votes}{more}{led}"), LEADERS, &elected);
    };
    let power = "across a power failure";
    check("", &[power]);
    check("poll n3/2 follower g4 [40..41]\n", &[power]);
    let last = "with the voter's last generation forgotten";
    check("poll n3/2 follower g3 [40..41]\n", &[power, last]);
    check("poll n3/2 follower g0 [40..41]\n", &[power, "with every generation forgotten"]);
    // Before the first vote, after the second, and of another node.
    check("poll n3/1 follower g3 [0..1]\n", &[power]);
    check("poll n3/2 follower g3 [60..70]\n", &[power]);
    check("poll n2/2 follower g4 [40..41]\n", &[power]);
    // Where a node votes twice in one life, no restart is why.
    let running = "log n2/1 - g5 [60..65] voted n1\nlog n2/1 - g5 [70..75] voted n2\n";
    check(running, &["by a running node"]);
}

/// A restart that has nothing to do with the votes is no hallmark of two leaders.
#[test]
fn two_leaders_whose_votes_are_known_are_not_of_a_restart() {
    let led = "poll n1 leader g4 [6..7]\npoll n1/2 leader g4 [50..51]\n\
               poll n2 leader g4 [70..71]\nfault 1 kill n1 [20..30]\n";
    marks(led, LEADERS, &["across a kill"]);
    marks(&format!("{led}log n3/1 - g4 [0..5] voted n1\n"), LEADERS, &[]);
}

/// A quorum that is too small shows in its leaders: they are elected by fewer nodes than a majority.
#[test]
fn a_leader_that_a_minority_elected_is_a_hallmark() {
    let read = "p1 n1 w k 1 [0..5] ok @n1/g4\np1 n1 w k 2 [6..9] ok @n1/g4\n\
                p2 n2 r k [40..50] ok 1 @n2/g5\np3 n1 r k [60..70] ok 2 @n1/g4\n\
                poll n1 leader g4 [1..2]\n";
    let before = "poll n2 follower g4 [21..25]\npoll n2 leader g5 [31..35]\n";
    let cut = "fault 1 cut n2|n1,n3 [20..80]\n";
    let check = |more: &str, expect: &[&str]| marks(&format!("{read}{more}"), REGISTER, expect);
    check(&format!("{before}{cut}"), &["elected by a minority"]);
    check(before, &[]);
    // It may have been elected before the cut, or by a majority.
    check(&format!("{before}fault 1 cut n2|n1,n3 [22..80]"), &[]);
    check(&format!("poll n2 follower g4 [11..15]\npoll n2 leader g5 [31..35]\n{cut}"), &[]);
    check(&format!("{before}fault 1 cut n3|n1,n2 [20..80]"), &[]);
    check(&format!("{before}fault 1 cut n2|n1,n3 [20..80] unproven"), &[]);
}

/// A leader that takes entries from a deposed one takes back what it had applied. Where a follower
/// acknowledged what it did not have, nobody takes back anything.
#[test]
fn a_running_node_that_takes_back_what_it_had_applied_is_a_hallmark() {
    let read = "p1 n1 w k 1 [0..5] ok @n1/g4\np1 n1 w k 2 [16..19] ok @n1/g4\n\
                p2 n2 r k [40..50] ok 1 @n2/g5\np3 n1 r k [60..70] ok 2 @n2/g5\n\
                poll n1 leader g4 [1..2]\n";
    let check = |more: &str, expect: &[&str]| marks(&format!("{read}{more}"), REGISTER, expect);
    let more = "poll n3 follower g4 [20..21] applied 9\n";
    let taken = "a running node took back what it had applied";
    check(&format!("{more}poll n3 follower g4 [30..31] applied 7"), &[taken]);
    check(&format!("{more}poll n3 follower g4 [30..31] applied 9"), &[]);
    // Another life, another node, and two answers at the same time.
    check(&format!("{more}poll n3/2 follower g4 [30..31] applied 7"), &[]);
    check(&format!("{more}poll n2 follower g4 [30..31] applied 7"), &[]);
    check(&format!("{more}poll n3 follower g4 [20..22] applied 7"), &[]);
    // Before what is missed was acknowledged.
    let early = "poll n3 follower g4 [10..11] applied 9\npoll n3 follower g4 [12..13] applied 7";
    check(early, &[]);
}

/// What is forgotten in a restart is the last generation, or every one.
#[test]
fn a_node_that_starts_from_nothing_is_a_hallmark() {
    let back = |to: u32| {
        format!(
            "poll n1/1 follower g4 [0..5]\npoll n1/2 follower g{to} [60..65]\n\
             fault 1 power n1 [20..30]"
        )
    };
    marks(&back(3), LEADERS, &["across a power failure"]);
    marks(&back(0), LEADERS, &["across a power failure", "to the beginning"]);
}

/// What a deposed leader acknowledged is lost because it was deposed. A power failure later on did
/// not do it.
#[test]
fn a_power_failure_is_no_hallmark_of_what_a_deposed_leader_acknowledged() {
    let text = "p1 n1 w k 1 [0..5] ok @n1/g4\np2 n2 w k 2 [6..10] ok @n2/g5\n\
                p1 n1 w k 3 [12..15] ok @n1/g4\np3 n2 r k [40..50] ok 2 @n2/g5\n\
                fault 1 power n1 [20..30]";
    let history = history(text, &[LEADERS]);
    let verdict = judge(&history, Budget::unlimited_time());
    let lost = verdict.anomalies().find(|(_, anomaly)| anomaly.class == "stale-leader-ack-lost");
    let (_, lost) = lost.expect("it is lost");
    assert_eq!(Hallmarks::new(&history).of(lost), Vec::<String>::new());
}

/// A token that is counted anew is lost alone; a log that lost its end has lost all that followed.
#[test]
fn a_token_that_is_lost_alone_differs_from_one_that_is_lost_with_the_rest() {
    let grants = "p1 n1 acq l 1 [0..10] ok 5\np2 n2 acq l 2 [40..50] ok 4\n";
    let rest = "p3 n1 w k 7 [20..30] ok\n";
    let marks = |text: &str| {
        let history = history(&format!("{grants}{text}"), &["fencing/linearizable"]);
        let verdict = judge(&history, Budget::unlimited_time());
        let (_, found) = verdict.anomalies().next().expect("an anomaly");
        (found.class.clone(), Hallmarks::new(&history).of(found))
    };
    let class = || "token-went-back".to_owned();
    let lost = || vec!["with what followed".to_owned()];
    assert_eq!(marks(rest), (class(), lost()));
    assert_eq!(marks(&format!("{rest}p3 - r k [60..70] ok 7")), (class(), vec![]));
    assert_eq!(marks("p3 n2 w k 7 [20..30] ok\np3 - r k [60..70] ok 7"), (class(), lost()));
}

/// That logs show no agreement proves nothing; the reason says what each node told last.
#[test]
fn nodes_whose_logs_do_not_agree_are_told_with_their_last_words() {
    let text = "p1 - r k [1001..1002] ok nil
        phase recover 1000
        phase stop 2000
        log n1 follower g50 [900..900]
        log n2 leader g50 [900..900]
        log n3 leader g28 [100..100]";
    let checks = ["liveness/recovers", LEADERS];
    let verdict = judge(&history(text, &checks), Budget::unlimited_time());
    let reasons: Vec<&String> = verdict.checks.iter().flat_map(|check| &check.reasons).collect();
    let told = "n1 follows in generation 50, n2 leads generation 50, n3 leads generation 28";
    assert!(reasons.iter().any(|reason| reason.contains(told)), "{reasons:?}");
}

/// A lock that stays held is refused by a cluster that works: that is no sign of one that does not.
#[test]
fn refusals_that_a_lock_may_cause_are_no_lack_of_recovery() {
    let text = "plan recovery 100
        phase recover 1000
        phase stop 2000
        p1 - acq l 4 [1001..1002] fail
        p2 - rel l 5 [1003..1004] fail";
    let status = |text: &str| verdict(text, &["liveness/recovers"]).status.to_string();
    assert_eq!(status(text), "inconclusive");
    assert_eq!(status(&format!("{text}\np3 - r k [1005..1006] fail")), "anomaly");
    // A lock that nobody answers about is no such refusal.
    let silent = text.replace("1002] fail", "1002] info").replace("1004] fail", "1004] info");
    assert_eq!(status(&silent), "anomaly");
}
