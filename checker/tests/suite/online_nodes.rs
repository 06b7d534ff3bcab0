//! The watch on servers against the offline check of random histories, at every instant.

use crate::support::events::{history, in_order};
use crate::support::faults::{pause, suffers};
use crate::support::language;
use crate::support::sampling::Dice;
use fracas_checker::event::{Event, EventKind, Nanos, NodeChange, NodeId, Phase};
use fracas_checker::fault::{FaultEvent, Trouble};
use fracas_checker::online::Watch;
use fracas_checker::{Budget, Status, judge};

const UP: &str = "nodes/stay-up";
/// Times are so many nanoseconds apart that an excuse ends after a few of them.
const STEP: Nanos = 300_000_000;

/// What happens at one time, and in which order at that time.
type Drawn = (Nanos, u64, EventKind);

/// Two servers, faults on their disks, memory and time, and ends that nobody asked for.
fn draw(dice: &mut Dice) -> Vec<Event> {
    let load = dice.below(5) * STEP;
    let mut drawn: Vec<Drawn> =
        vec![(load, dice.below(9), EventKind::Phase { phase: Phase::Load })];
    for id in 1..=dice.below(4) as u32 {
        let nodes = vec![NodeId(1 + dice.below(2) as u16)];
        let fault = match dice.below(5) {
            0 => suffers("fsync fails", nodes, Trouble::DiskErrors),
            1 => suffers("", nodes, Trouble::DiskErrors),
            2 => suffers("", nodes, Trouble::NoMemory),
            3 => suffers("full", nodes, Trouble::DiskFull),
            _ => pause(nodes),
        };
        let (begin, lasts) = (dice.below(12) * STEP, dice.below(6) * STEP);
        let mechanism = String::new();
        let event = FaultEvent::Begin { id, fault, mechanism };
        drawn.push((begin, dice.below(9), EventKind::Fault(event)));
        if dice.chance(80) {
            let event = FaultEvent::End { id, effective: None, problems: Vec::new() };
            drawn.push((begin + lasts, 9, EventKind::Fault(event)));
        }
    }
    for _ in 0..dice.below(3) {
        let change = match dice.below(4) {
            0 => NodeChange::Killed,
            _ => NodeChange::Exited { process: None, how: "status 1".to_owned(), log: Vec::new() },
        };
        let node = NodeId(1 + dice.below(2) as u16);
        let kind = EventKind::Node { node, incarnation: 1, change };
        drawn.push((dice.below(20) * STEP, dice.below(9), kind));
    }
    in_order(drawn)
}

/// Whether the offline check refutes `events`.
fn refuted(events: &[Event]) -> bool {
    let verdict = judge(&history(events, &[UP]), Budget::unlimited_time());
    verdict.checks.iter().any(|check| check.id == UP && check.status == Status::Anomaly)
}

#[test]
fn a_server_that_ends_by_itself_is_told_at_once_and_no_other() {
    let mut dice = Dice::new(7);
    let (mut told, mut excused) = (0, 0);
    for _ in 0..3_000 {
        let events = draw(&mut dice);
        let mut watch = Watch::new(&[UP]);
        assert_eq!((watch.watched(), watch.unwatched()), (vec![UP], &[][..]));
        events.iter().for_each(|event| drop(watch.feed(event).cloned()));
        let alarm = watch.settle().cloned();
        assert_eq!(watch.blind(), []);
        for (place, event) in events.iter().enumerate() {
            if events.get(place + 1).is_none_or(|next| next.time > event.time) {
                let by_now = alarm.as_ref().is_some_and(|alarm| alarm.time <= event.time);
                assert_eq!(by_now, refuted(&events[..=place]), "at {}: {events:#?}", event.time);
            }
        }
        let exited = |event: &Event| {
            matches!(event.kind, EventKind::Node { change: NodeChange::Exited { .. }, .. })
        };
        assert!(alarm.as_ref().is_none_or(|alarm| exited(&events[alarm.index as usize])));
        told += usize::from(alarm.is_some());
        excused += usize::from(alarm.is_none() && events.iter().any(exited));
    }
    assert!(told > 500 && excused > 200, "the histories are all alike: {told}, {excused}");
}

/// A leader that was cut off claims to lead too long: known once the cut was proven to its end.
#[test]
fn a_leader_that_does_not_step_down_is_noticed_when_its_fault_has_ended() {
    let cut = "plan step_down 50\nfault 1 cut n1|n2,n3 [10..200]\npoll n1 leader g1 [100..101]";
    for (text, expect) in [
        (cut.to_owned(), Some(200)),
        (cut.replace("[100..101]", "[40..41]"), None),
        (cut.replace("[10..200]", "[10..200] unproven"), None),
        (cut.replace("[10..200]", "[10..]"), None),
        (cut.replace("n1|n2,n3", "n3|n1,n2"), None),
        (cut.replace("plan step_down 50\n", ""), None),
    ] {
        let checks = ["leader/one-per-generation", "liveness/recovers"];
        let history = language::history(&text, &checks);
        let mut watch = Watch::of_run(history.header());
        history.events().iter().for_each(|event| drop(watch.feed(event).cloned()));
        let alarm = watch.settle().map(|alarm| (alarm.check, alarm.time / 1_000_000));
        assert_eq!(alarm, expect.map(|time| (checks[1], time)), "{text}");
    }
}
