//! The faults that were begun, for the word that is said at once when a server ends by itself. The
//! verdict is the checker's: it has the whole history, this has the last moments of it.

use std::collections::BTreeMap;

use fracas_checker::event::{EventKind, Nanos};
use fracas_checker::fault::FaultEvent;
use fracas_checker::history::Plan;
use fracas_checker::lifecycle::{Crashed, Endured, LATE, may_end};

/// Faults by their number.
#[derive(Debug, Default)]
pub(crate) struct Begun(BTreeMap<u32, Endured>);

impl Begun {
    /// Takes note of what was recorded at `time`; what ended long ago excuses nobody any more.
    pub(crate) fn note(&mut self, kind: &EventKind, time: Nanos) {
        match kind {
            EventKind::Fault(FaultEvent::Begin { id, fault, .. }) => {
                let endured = Endured { fault: fault.clone(), begin: time, end: None };
                self.0.insert(*id, endured);
            }
            EventKind::Fault(FaultEvent::End { id, .. }) => {
                if let Some(endured) = self.0.get_mut(id) {
                    endured.end = Some(time);
                }
            }
            _ => return,
        }
        self.0.retain(|_, endured| endured.end.is_none_or(|end| end + LATE > time));
    }

    /// Which fault lets this server end by itself, if one does: its number, and that in words.
    pub(crate) fn excuse(&self, plan: &Plan, crashed: Crashed<'_>) -> Option<(u32, String)> {
        let (id, endured) = self.0.iter().find(|(_, it)| may_end(plan, it, crashed))?;
        let Endured { fault, .. } = endured;
        let words = format!(
            "fault {id} ({}: {}) allows it, because the target may give up on that (`gives-up-on`)",
            fault.kind, fault.manner
        );
        Some((*id, words))
    }

    /// Whether fault `id` is over.
    pub(crate) fn is_over(&self, id: u32) -> bool {
        self.0.get(&id).is_none_or(|endured| endured.end.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fracas_checker::event::{Nanos, NodeId};
    use fracas_checker::fault::{Effect, Fault, FaultKind, Hardship, Trouble};

    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn of_disk(of: Trouble) -> Fault {
        let (kind, manner) = (FaultKind::new("disk").unwrap(), "in some way".to_owned());
        Fault { kind, manner, effects: vec![Effect::Hardship { nodes: vec![NodeId(1)], of }] }
    }

    /// What is said of the end of n1 at `time`, after this fault from 10 s to 20 s.
    fn said(
        gives_up_on: Option<BTreeSet<Hardship>>,
        trouble: Trouble,
        end: (u16, Nanos),
    ) -> Option<String> {
        let (node, time) = end;
        let (id, fault) = (3, of_disk(trouble));
        let mut begun = Begun::default();
        let begin = FaultEvent::Begin { id, fault, mechanism: "fuse".to_owned() };
        begun.note(&EventKind::Fault(begin), 10 * SECOND);
        if time > 20 * SECOND {
            let end = FaultEvent::End { id, effective: None, problems: Vec::new() };
            begun.note(&EventKind::Fault(end), 20 * SECOND);
        }
        let plan = Plan { gives_up_on, ..Plan::default() };
        assert_eq!(begun.is_over(id), time > 20 * SECOND);
        let excuse = begun.excuse(&plan, Crashed { node: NodeId(node), time, log: &[] });
        excuse.map(|(fault, words)| {
            assert_eq!(fault, id);
            words
        })
    }

    #[test]
    fn the_fault_that_allows_an_end_is_named() {
        let named = Some("fault 3 (disk: in some way) allows it");
        let none = None;
        let full = Some(BTreeSet::from([Hardship::DiskFull]));
        let cases = [
            (None, Trouble::DiskErrors, (1, 15 * SECOND), named),
            (None, Trouble::DiskErrors, (1, 20 * SECOND + SECOND / 2), named),
            (None, Trouble::DiskErrors, (1, 22 * SECOND), none),
            (None, Trouble::DiskErrors, (2, 15 * SECOND), none),
            (full, Trouble::DiskErrors, (1, 15 * SECOND), none),
            (None, Trouble::DiskFull, (1, 15 * SECOND), none),
        ];
        for (gives_up_on, trouble, end, expect) in cases {
            let said = said(gives_up_on, trouble, end);
            let begin = said.as_deref().and_then(|said| said.split(", because").next());
            assert_eq!(begin, expect, "{trouble:?}, {end:?}");
        }
    }
}
