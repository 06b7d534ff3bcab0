//! The faults that were begun, for the word that is said at once when a server ends by itself. The
//! verdict is the checker's: it has the whole history, this has the last moments of it.

use std::collections::BTreeMap;

use fracas_checker::event::{EventKind, Nanos, NodeId};
use fracas_checker::fault::{Fault, FaultEvent};
use fracas_checker::history::Plan;
use fracas_checker::lifecycle::{LATE, may_end};

/// Faults by their number: what each is, and from when to when.
#[derive(Debug, Default)]
pub(crate) struct Begun(BTreeMap<u32, (Fault, Nanos, Option<Nanos>)>);

impl Begun {
    /// Takes note of what was recorded at `time`; what ended long ago excuses nobody any more.
    pub(crate) fn note(&mut self, kind: &EventKind, time: Nanos) {
        match kind {
            EventKind::Fault(FaultEvent::Begin { id, fault, .. }) => {
                self.0.insert(*id, (fault.clone(), time, None));
            }
            EventKind::Fault(FaultEvent::End { id, .. }) => {
                if let Some((_, _, end)) = self.0.get_mut(id) {
                    *end = Some(time);
                }
            }
            _ => return,
        }
        self.0.retain(|_, (_, _, end)| end.is_none_or(|end| end + LATE > time));
    }

    /// Which fault lets the server of `node` end by itself at `time`, its log ending with these
    /// lines, in words.
    pub(crate) fn excuse(
        &self,
        plan: &Plan,
        (node, time, log): (NodeId, Nanos, &[String]),
    ) -> String {
        let lets = |(_, (fault, begin, end)): &(&u32, &(Fault, Nanos, Option<Nanos>))| {
            may_end(plan, fault, (*begin, *end), (node, time, log))
        };
        match self.0.iter().find(lets) {
            Some((id, (fault, ..))) => format!(
                "fault {id} ({}: {}) allows it, because the target may give up on that \
                 (`gives-up-on`)",
                fault.kind(),
                fault.manner()
            ),
            None => "no fault in effect allows it".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fracas_checker::fault::{Disk, Hardship};

    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn of_disk(id: u32, trouble: Disk) -> (u32, Fault) {
        (id, Fault::Disk { nodes: vec![NodeId(1)], trouble })
    }

    /// What is said of the end of n1 at `time`, after this fault from 10 s to 20 s.
    fn said(
        gives_up_on: Option<BTreeSet<Hardship>>,
        trouble: Disk,
        (node, time): (u16, Nanos),
    ) -> String {
        let (id, fault) = of_disk(3, trouble);
        let mut begun = Begun::default();
        let begin = FaultEvent::Begin { id, fault, mechanism: "fuse".to_owned() };
        begun.note(&EventKind::Fault(begin), 10 * SECOND);
        if time > 20 * SECOND {
            let end = FaultEvent::End { id, effective: None, problems: Vec::new() };
            begun.note(&EventKind::Fault(end), 20 * SECOND);
        }
        let plan = Plan { gives_up_on, ..Plan::default() };
        begun.excuse(&plan, (NodeId(node), time, &[]))
    }

    #[test]
    fn the_fault_that_allows_an_end_is_named() {
        let named = "fault 3 (disk: fsync fails) allows it";
        let none = "no fault in effect allows it";
        let full = Some(BTreeSet::from([Hardship::DiskFull]));
        let cases = [
            (None, Disk::FsyncFails, (1, 15 * SECOND), named),
            (None, Disk::FsyncFails, (1, 20 * SECOND + SECOND / 2), named),
            (None, Disk::FsyncFails, (1, 22 * SECOND), none),
            (None, Disk::FsyncFails, (2, 15 * SECOND), none),
            (full, Disk::FsyncFails, (1, 15 * SECOND), none),
            (None, Disk::Full, (1, 15 * SECOND), none),
        ];
        for (gives_up_on, trouble, end, expect) in cases {
            let said = said(gives_up_on, trouble, end);
            assert!(said.starts_with(expect), "{trouble:?}, {end:?}: {said}");
        }
    }
}
