//! Verdicts on the invented histories, written by hand as the checks would write them.

use fracas_checker::event::{EventKind, NodeId, Op};
use fracas_checker::guarantees::broken_register;
use fracas_checker::history::{History, Operation};
use fracas_checker::observation::Role;
use fracas_checker::verdict::{Anomaly, CheckResult, Placed, Refutation};
use fracas_checker::{Status, Verdict};

pub(crate) fn clean() -> Verdict {
    Verdict::of(vec![linearizable(), leadership(), coverage()])
}

pub(crate) fn inconclusive() -> Verdict {
    let mut coverage = coverage();
    coverage.inconclusive("2 of 5 faults were not proven to take effect: 1 and 4");
    coverage.inconclusive("61 writes succeeded, at least 100 were expected");
    let mut linearizable = linearizable();
    linearizable.inconclusive("the memory budget ran out on 1 of 5 keys");
    linearizable.not_checked.push("k4 after 41.200 s: 1,204 operations".to_owned());
    Verdict::of(vec![linearizable, leadership(), coverage])
}

pub(crate) fn stale_read(history: &History) -> Verdict {
    let mut check = linearizable();
    let ops: Vec<&Operation> =
        history.operations().iter().filter(|it| it.op.key() == Some(&"k3".into())).collect();
    let is_read = |it: &&&Operation| matches!(it.op, Op::Read { .. });
    let read = ops.iter().find(is_read).expect("the stale read was invented");
    let at = |place: usize| ops[place].invoked.0;
    check.anomaly(Anomaly {
        class: "stale-read".to_owned(),
        headline: format!("Process {} read k3 = 12 at 15.207 s, 1.8 s after 15 had been acknowledged", read.process),
        story: [
            format!("At 11.024 s the write of 12 to k3 by process {} was acknowledged by n1.", ops[0].process),
            "At 12.040 s the network was cut: n1, n2 │ n3, n4, n5 (fault 1, still on).".to_owned(),
            format!("Process {} wrote k3 = 15 through n4, acknowledged at 13.402 s.", ops[1].process),
            format!("Process {} read k3 through n1 from 15.180 s to 15.207 s and got 12.", read.process),
            "The write of 15 ended before the read began, so any order that respects real time puts the write first; no other write of 12 could come between.".to_owned(),
            "A linearizable register must not return 12.".to_owned(),
        ]
        .to_vec(),
        likely_cause: Some("n1 still called itself leader of generation 7 while n4 led generation 8 since 12.600 s; reads answered by an old leader without asking a quorum have this shape.".to_owned()),
        refuted: vec![Refutation { op: read.invoked.0, reason: "it returned 12, but here the register held 15".to_owned() }],
        witness: ops.iter().flat_map(|it| it.indices()).collect(),
        prefix: vec![
            Placed { op: at(0), state: "k3 = 12".to_owned() },
            Placed { op: at(1), state: "k3 = 15".to_owned() },
        ],
        key: Some("k3".into()),
        nodes: vec![NodeId(1), NodeId(4)],
        generation: None,
        window: (ops[0].invoked.1, read.completed.as_ref().map_or(0, |(_, time, _)| *time)),
        guarantees: broken_register(history, Some(&"k3".into()), history.end()),
    });
    Verdict::of(vec![check, leadership(), coverage()])
}

pub(crate) fn split_brain(history: &History) -> Verdict {
    let mut check = leadership();
    let claims = |node: u16| {
        history.events().iter().filter(move |event| match &event.kind {
            EventKind::Observe(seen) => {
                (seen.node, seen.role, seen.generation)
                    == (NodeId(node), Some(Role::Leader), Some(9))
            }
            _ => false,
        })
    };
    let (before, second, after) = (claims(2).nth(40), claims(4).next(), claims(2).next_back());
    let witness: Vec<_> = [before, second, after].into_iter().flatten().collect();
    let (from, to) = (witness[0].time, witness[2].time);
    check.anomaly(Anomaly {
        class: "split-brain".to_owned(),
        headline: "n2 and n4 both led generation 9".to_owned(),
        story: vec![
            "n2 said that it leads generation 9 at 39.514 s.".to_owned(),
            "n2 was paused from 40.040 s to 43.940 s (fault 3).".to_owned(),
            "n4 said that it leads generation 9 at 43.000 s.".to_owned(),
            "n2 said so again at 44.100 s: both claims are of one generation, which must have one leader.".to_owned(),
        ],
        likely_cause: None,
        refuted: Vec::new(),
        witness: witness.iter().map(|event| event.index).collect(),
        prefix: Vec::new(),
        key: None,
        nodes: vec![NodeId(2), NodeId(4)],
        generation: Some(9),
        window: (from, to),
        guarantees: Vec::new(),
    });
    Verdict::of(vec![linearizable(), check, coverage()])
}

fn linearizable() -> CheckResult {
    let mut check = CheckResult::new(
        "register/linearizable",
        "Every register behaves as if each operation took effect at one instant between its invocation and its completion.",
    );
    check.assumptions.push("an indeterminate write may take effect at any later time".to_owned());
    check.metrics.insert("keys".to_owned(), 5.0);
    check.metrics.insert("operations".to_owned(), 1_150.0);
    check.metrics.insert("states-explored".to_owned(), 918_221.0);
    check
}

fn leadership() -> CheckResult {
    let mut check = CheckResult::new("leader/one-per-generation", "No generation has two leaders.");
    check.suspicions.push(
        "n3 took n1 for the leader at 19.271 s, 6.7 s after n4 was elected (hearsay)".to_owned(),
    );
    check.not_checked.push("12 observations of hearsay grade".to_owned());
    check.metrics.insert("elections".to_owned(), 5.0);
    check.metrics.insert("time-to-leader-max-ms".to_owned(), 1_407.0);
    check
}

fn coverage() -> CheckResult {
    let mut check = CheckResult::new(
        "coverage",
        "Enough was asked, enough leaders were elected and enough faults were proven for a pass to mean something.",
    );
    check.metrics.insert("effective-faults".to_owned(), 5.0);
    check.status = Status::Pass;
    check
}
