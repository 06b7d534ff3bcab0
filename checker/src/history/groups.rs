//! Histories of clusters whose nodes are in several groups, each with leaders and generations of its
//! own: each group is judged by itself.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::validated::History;
use crate::event::{Completion, Event, Stamp};
use crate::text::Text;

impl History {
    /// The groups that observations tell of. None stands for those that name no group.
    #[must_use]
    pub fn groups(&self) -> BTreeSet<Option<&Text>> {
        let observed = self.others.iter().filter_map(Event::observation);
        observed.map(|seen| seen.group.as_ref()).collect()
    }

    /// The same history as if nodes had told of one group only. What operations were answered tells
    /// of no group, so stamps of generations are left out.
    #[must_use]
    pub fn of_group(&self, group: Option<&Text>) -> Self {
        let others = self
            .others
            .iter()
            .filter(|event| event.observation().is_none_or(|seen| seen.group.as_ref() == group));
        let mut group =
            Self { events: OnceLock::new(), others: others.cloned().collect(), ..self.clone() };
        for operation in &mut group.operations {
            if let Some((_, _, Completion::Ok { stamp, .. })) = &mut operation.completed {
                *stamp = Stamp::default();
            }
        }
        group
    }
}
