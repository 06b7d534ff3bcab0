//! From when to when a fault was in effect follows from its proofs, and from nothing that whoever
//! injected it concludes.

use fracas_checker::event::{Event, EventKind, Nanos, NodeId};
use fracas_checker::fault::{FaultEvent, Measurement, Stage};
use fracas_checker::history::{FaultSpan, fault_spans};

use crate::support::faults::pause;

/// A proof: its stage, since when it was measured if that is told, when it was over, and whether
/// each measurement holds.
type Proved<'a> = (Stage, Option<Nanos>, Nanos, &'a [bool]);

/// From when to when.
type Span = Option<(Nanos, Nanos)>;

const END: Nanos = 40;

/// A fault with these proofs, whose end says this.
fn span(proofs: &[Proved<'_>], told: Span) -> FaultSpan {
    let begin = FaultEvent::Begin { id: 1, fault: pause(vec![NodeId(1)]), mechanism: "m".into() };
    let proof = |(stage, since, time, holds): &Proved<'_>| {
        let (name, result) = ("threads of n1".to_owned(), "9 of 9".to_owned());
        let measurement = |holds: &bool| Measurement {
            what: name.clone(),
            result: result.clone(),
            holds: *holds,
        };
        let measurements = holds.iter().map(measurement).collect();
        (*time, FaultEvent::Proof { id: 1, stage: *stage, since: *since, measurements })
    };
    let end = FaultEvent::End { id: 1, effective: told, problems: Vec::new() };
    let mut events = vec![(1, begin)];
    events.extend(proofs.iter().map(proof));
    events.push((END, end));
    events.sort_by_key(|(time, _)| *time);
    let events = (0..).zip(events);
    let events =
        events.map(|(index, (time, fault))| Event { index, time, kind: EventKind::Fault(fault) });
    fault_spans(&events.collect::<Vec<_>>()).remove(0)
}

#[test]
fn the_time_in_effect_follows_from_the_proofs() {
    use Stage::{Healed, Held, Injected};
    let (yes, no): (&[bool], &[bool]) = (&[true, true], &[true, false]);
    let injected = (Injected, Some(5), 10, yes);
    let held = (Held, Some(20), 25, yes);
    let cases: [(&str, &[Proved<'_>], Span, Span); 11] = [
        ("proven twice", &[injected, held], None, Some((10, 20))),
        (
            "what is told besides counts for nothing",
            &[injected, held],
            Some((1, 39)),
            Some((10, 20)),
        ),
        ("never proven", &[], None, None),
        ("told, and never measured", &[], Some((10, 39)), None),
        (
            "not proven when it was injected",
            &[(Injected, Some(5), 10, no), held],
            Some((1, 39)),
            None,
        ),
        ("it did not hold", &[injected, (Held, Some(20), 25, no)], None, None),
        ("nothing was measured", &[injected, (Held, Some(20), 25, &[])], None, None),
        ("whether it held is not known", &[injected], None, None),
        ("since when is not told", &[(Injected, None, 10, yes)], Some((10, 39)), Some((10, 39))),
        ("what is told is contradicted", &[(Injected, None, 10, no)], Some((10, 39)), None),
        (
            "it was in effect, and is not gone",
            &[injected, held, (Healed, Some(30), 35, no)],
            None,
            Some((10, 20)),
        ),
    ];
    for (name, proofs, told, expect) in cases {
        assert_eq!(span(proofs, told).effective, expect, "{name}");
    }
}

#[test]
fn what_does_not_hold_is_a_problem_of_the_fault() {
    use Stage::{Healed, Held, Injected};
    let (yes, no): (&[bool], &[bool]) = (&[true, true], &[true, false]);
    let (injected, held) = ((Injected, Some(5), 10, yes), (Held, Some(20), 25, yes));
    let problem = |proofs: &[Proved<'_>]| span(proofs, None).problems.join("; ");
    assert_eq!(problem(&[injected, held]), "");
    assert_eq!(
        problem(&[injected, held, (Healed, Some(30), 35, no)]),
        "after it was healed: threads of n1: 9 of 9"
    );
    assert_eq!(problem(&[injected, (Held, Some(20), 25, &[])]), "nothing could be measured");
    let later = [injected, held, (Healed, Some(50), 55, no)];
    assert_eq!(problem(&later), "", "what is looked at after its end is no part of it");
    assert!(span(&later, None).is_effective() && !span(&later, None).is_healed());
}
