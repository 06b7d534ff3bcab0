//! Coverage of faults: those that were asked for happened, were proven, and met a cluster that was
//! asked meanwhile. Every refusal has a history that is refused and the nearest one that is not.

use fracas_checker::Budget;
use fracas_checker::judge;
use fracas_checker::tried::Tried;
use fracas_checker::verdict::Status;

use super::coverage::lacks;
use super::support::checked::result;
use super::support::faults::kind;
use super::support::language::history;

const RUN: &str = "phase load 0\nphase stop 9000\n";

#[test]
fn faults_that_were_asked_for_must_happen() {
    let none = "faults were asked for (kill and pause) and none was injected: ";
    lacks(&[none], &[], &format!("{RUN}plan faults kill,pause"));
    lacks(
        &["faults were asked for and none was injected: "],
        &[],
        &format!("{RUN}plan effective 1"),
    );
    lacks(&[], &[], &format!("{RUN}plan faults kill,pause\nfault 1 kill n1 [10..20]"));
    lacks(&[], &[], RUN);
    let few = "only 1 proven faults, expected at least 2: ";
    lacks(&[few], &[], &format!("{RUN}plan effective 2\nfault 1 kill n1 [10..20]"));
}

#[test]
fn planned_faults_that_did_not_happen_are_named_and_refused_where_all_must() {
    let missed = format!("{RUN}fault 1 kill n1 [10..20]\nmissed 2 kill 900\nmissed 3 pause 900\n");
    let told = "2 planned faults did not happen: 2 (kill) and 3 (pause): the run ended";
    lacks(&[told], &[], &format!("{missed}plan every"));
    lacks(&[], &[], &missed);
    assert_eq!(result("coverage", &[], &missed).not_checked, [told]);
    lacks(&[], &[], &format!("{RUN}fault 1 kill n1 [10..20]\nplan every"));
}

/// Whatever is wrong with a fault, it is not proven: each of these was measured as it must be but
/// for one thing.
#[test]
fn a_fault_counts_only_if_it_is_proven_and_nothing_went_wrong() {
    for (wrong, doubt, took_effect) in [
        ("[10..20] unproven", "probe: answer", false),
        ("[10..20] problem", "the lab failed", true),
        ("[10..20] lapsed", "no span of time is known in which it was in effect", true),
        ("[10..20] unmeasured", "no span of time is known in which it was in effect", false),
        ("[10..]", "it never ended", true),
    ] {
        let text = format!("{RUN}plan effective 1\nfault 1 kill n1 {wrong}");
        let told = format!("fault 1 (kill n1) was not proven: {doubt}");
        lacks(&["only 0 proven faults, expected at least 1: ", &told], &[], &text);
        let span = &history(&text, &[]).faults()[0];
        assert!(!span.is_effective(), "{wrong}");
        assert_eq!(span.took_effect(), took_effect, "{wrong}");
    }
    lacks(&[], &[], &format!("{RUN}plan effective 1\nfault 1 kill n1 [10..20]"));
    // That it was not measured to be gone afterwards is not about its effect.
    lacks(&[], &[], &format!("{RUN}plan effective 1\nfault 1 kill n1 [10..20] unhealed"));
}

#[test]
fn one_fault_of_four_may_lack_its_proof_if_others_of_its_kind_took_effect() {
    let kills = |count: u32| -> String {
        (1..=count).map(|id| format!("fault {id} kill n1 [{id}0..{id}5]\n")).collect()
    };
    for wrong in ["unproven", "problem"] {
        let doubt = |id: u32, fault: &str| format!("fault {id} ({fault}) was not proven: ");
        let text = |proven: u32, fault: &str| {
            let last = proven + 1;
            format!("{RUN}plan effective 1\n{}fault {last} {fault} [90..95] {wrong}", kills(proven))
        };
        lacks(&[], &[], &text(3, "kill n1"));
        let found = result("coverage", &[], &text(3, "kill n1"));
        assert!(found.not_checked[0].starts_with(&doubt(4, "kill n1")), "{:?}", found.not_checked);
        lacks(&[&doubt(3, "kill n1")], &[], &text(2, "kill n1"));
        // Of a kind that was tried something must have been measured to take effect.
        let pause = text(4, "pause n1");
        let (expect, took_effect) = (doubt(5, "pause n1"), wrong == "problem");
        let expect = [expect.as_str()];
        lacks(if took_effect { &[] } else { &expect }, &[], &pause);
    }
}

#[test]
fn clients_are_served_where_a_majority_is_left() {
    let stop = format!("{RUN}plan window 1\n");
    let ok = "p1 - r k [11..12] ok nil\n";
    let missing = "only 0 operations succeeded during fault 1 (0.010 s to 2.010 s), which left a \
                   majority connected; expected at least 1: ";
    lacks(&[missing], &[], &format!("{stop}fault 1 kill n1 [10..2010]"));
    lacks(&[], &[], &format!("{stop}{ok}fault 1 kill n1 [10..2010]"));
    // Nobody takes over so soon.
    lacks(&[], &[], &format!("{stop}p1 - r k [11..12] fail\nfault 1 kill n1 [10..2009]"));
    lacks(&[], &[], &format!("{stop}{ok}fault 1 cut n1|n2,n3 [10..2010]"));
    // During one of four it may serve nobody, which looks odd.
    let served: String = (1..4).map(|id| format!("fault {id} kill n1 [10..2010]\n")).collect();
    let three = format!("{stop}{ok}{served}");
    let found = result("coverage", &[], &format!("{three}fault 4 kill n1 [3000..5000]"));
    assert_eq!((found.status, found.suspicions.len()), (Status::Pass, 1));
    let two = format!("{three}fault 4 kill n1 [3000..5000]\nfault 5 kill n1 [3000..5000]");
    assert_eq!(result("coverage", &[], &two).reasons.len(), 2);
}

/// A server that ended by itself is down as well: its target may let it, as on a full disk.
#[test]
fn a_majority_whose_servers_have_ended_serves_nobody() {
    let asked = format!("{RUN}plan window 1\np1 - r k [11..12] fail\nfault 1 kill n1 [10..2010]\n");
    let missing = "only 0 operations succeeded during fault 1 (0.010 s to 2.010 s), which left a \
                   majority connected; expected at least 1: ";
    let ended = |text: &str| result("coverage", &[], &format!("{asked}{text}")).reasons;
    for down in [
        "server n2/1 exited 15",
        "server n2/1 exited 5",
        "server n2/1 exited 5\nserver n2/2 started 1000",
        "server n2/1 exited 2010",
    ] {
        assert_eq!(ended(down), [""; 0], "{down}");
    }
    for up in [
        "",
        "server n2/1 exited 2011",
        "server n2/1 exited 5\nserver n2/2 started 9",
        "server n1/1 exited 15",
    ] {
        assert!(ended(up)[0].starts_with(missing), "{up}");
    }
}

/// Nobody knows which of its processes a node serves by: of one that is hit in part nothing is demanded.
#[test]
fn a_majority_that_is_hit_in_part_need_not_serve() {
    let asked = format!("{RUN}plan window 1\np1 - r k [11..12] fail\n");
    for (faults, demanded) in [
        ("fault 1 kill-process n1 [10..2010]", true),
        ("fault 1 pause-process n1 [10..2010]", true),
        ("fault 1 pause-process n1,n2 [10..2010]", false),
        ("fault 1 kill-process n1,n2 [10..2010]", false),
        ("fault 1 kill n1 [10..2010]\nfault 2 kill-process n2 [10..2010]", false),
    ] {
        let reasons = result("coverage", &[], &format!("{asked}{faults}")).reasons;
        assert_eq!(!reasons.is_empty(), demanded, "{faults}: {reasons:?}");
    }
}

/// Where no majority is left being asked is enough, and who waits for an answer has asked.
#[test]
fn an_operation_that_is_open_during_a_fault_was_asked() {
    let stop = format!("{RUN}plan window 1\n");
    let nothing = "nothing was asked of the cluster during fault 1 (0.010 s to 2.010 s): ";
    let kill = format!("{stop}fault 1 kill n1,n2 [10..2010]\n");
    lacks(&[nothing], &[], &kill);
    for outside in ["p1 - r k [1..9] ok nil", "p1 - r k [2011..2020] ok nil"] {
        lacks(&[nothing], &[], &format!("{kill}{outside}"));
    }
    for open in [
        "p1 - r k [11..12] fail",
        "p1 - r k [1..3000] info",
        "p1 - w k 1 [1..]",
        "p1 - r k [1..10] fail",
        "p1 - r k [2010..2020] ok nil",
    ] {
        lacks(&[], &[], &format!("{kill}{open}"));
    }
    let pause = "fault 1 pause n1 [10..2010]\nfault 2 cut n2|n3 [10..2010]";
    lacks(&[], &[], &format!("{stop}p1 - r k [11..12] fail\n{pause}"));
}

#[test]
fn a_verdict_tells_which_kinds_were_allowed_and_never_tried() {
    let told = |text: &str| judge(&history(&format!("{RUN}{text}"), &[]), Budget::unlimited_time());
    let none = told("");
    assert!(none.headline.ends_with("No fault was injected: this says nothing of faults."));
    let some = told(
        "plan faults kill,pause,power\nfault 1 kill n1 [10..20]\nfault 2 pause n1 [30..40] unproven\n",
    );
    assert_eq!(
        some.faults.as_ref().map(Tried::kinds).unwrap(),
        "1 of 3 allowed kinds of faults were tried; never tried: pause and power."
    );
    let all = told("plan faults kill\nfault 1 kill n1 [10..20]");
    assert_eq!(all.headline, "`coverage` passed. Kinds of faults tried: kill.");
    // A run that failed tells it, too, beside its headline.
    assert_eq!(told("plan faults kill").faults.unwrap().never_tried, [kind("kill")].into());
}

/// A pass that looked at no answer must not read as if it had.
#[test]
fn the_headline_of_a_pass_tells_where_nothing_was_promised_of_answers() {
    let headline = |checks: &[&str]| {
        let text =
            format!("{RUN}server n1/1 started 0\np1 - w k 1 [1..2] ok\np1 - r k [3..4] ok 1\n");
        judge(&history(&text, checks), Budget::unlimited_time()).headline
    };
    let told = "Nothing is promised of what clients are answered: this says nothing of it.";
    let up = headline(&["nodes/stay-up"]);
    assert!(up.starts_with(&format!("All 2 checks passed. {told} ")), "{up}");
    for checks in [&[][..], &["register/linearizable"], &["nodes/stay-up", "register/linearizable"]]
    {
        let headline = headline(checks);
        assert!(headline.contains("passed.") && !headline.contains(told), "{headline}");
    }
}

#[test]
fn a_verdict_tells_what_was_asked_during_each_fault() {
    let text = "p1 - r k [5..15] ok nil\np1 - r k [16..17] fail\np2 - w k 1 [18..25] ok\n\
                p3 - r k [26..30] ok 1\nfault 1 kill n1 [10..20]\nfault 2 pause n1 [40..50]";
    let tried = Tried::of(&history(&format!("{RUN}{text}"), &[]));
    let counts: Vec<_> = tried
        .windows
        .iter()
        .map(|window| (window.fault, window.open, window.asked, window.ok, window.refused))
        .collect();
    assert_eq!(counts, [(1, 3, 2, 1, 1), (2, 0, 0, 0, 0)]);
    assert_eq!(
        tried.load().unwrap(),
        "During each of 2 faults clients asked at least 0 operations; the fewest succeeded during \
         fault 2 (pause n1): 0 succeeded, 0 were asked."
    );
    assert_eq!(Tried::of(&history(RUN, &[])).load(), None);
}
