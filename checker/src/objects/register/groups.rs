//! The calls on a register, grouped: each write with the operations that saw its value.
//!
//! Of the reads of a value only two matter to any rule: the one that ended first and the one that
//! began last. So a group is a few numbers, however many reads it has. Nothing is decided here.

use super::facts::{Fact, Ids};
use crate::linearizability::call::Call;

/// The place of a call in the slice of calls, or of a group in the list of groups.
pub(super) type Place = u32;

/// No place.
pub(super) const NONE: Place = Place::MAX;

/// The group of the initial state.
pub(super) const INITIAL: Place = 0;

/// A value with its writer and what saw it. Places are [`NONE`] where there is no such call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// The call that wrote it; where there are more, the one that began first.
    pub(super) writer: Place,
    /// Of the calls that saw the value and left it, the one that ended first …
    pub(super) first: Place,
    /// … and the one that began last.
    pub(super) last: Place,
    /// Whether the writer took effect for certain.
    pub(super) certain: bool,
    /// Whether there are more writers, so that nobody can tell which one was seen.
    pub(super) many: bool,
}

const EMPTY: Group = Group { writer: NONE, first: NONE, last: NONE, certain: false, many: false };

/// How compare-and-sets, and swaps of which the answer is known, chain a group to others. Here and
/// below both are *changes*: they found one value and left another.
#[derive(Debug, Clone, Copy)]
struct Links {
    /// The group that the change which replaced the value began.
    next: Place,
    /// The group whose value the writer replaced, if it is a change.
    after: Place,
}

const UNLINKED: Links = Links { next: NONE, after: NONE };

/// Two changes of one value: the groups they began, and the one they began from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clash {
    pub(super) of: Place,
    pub(super) first: Place,
    pub(super) second: Place,
}

/// All groups. Every write has one of its own: where a value has several writers, the first has
/// the group of the value, and nobody may ask who was seen.
pub(super) struct Groups<'a> {
    calls: &'a [Call<'a>],
    ids: Ids<'a>,
    pub(super) list: Vec<Group>,
    /// Those of the groups up to the last one that has any: most histories have none at all, and
    /// then a million groups need no room for them.
    links: Vec<Links>,
    pub(super) clashes: Vec<Clash>,
    /// Calls that saw a value not to be there, with its group.
    pub(super) refusals: Vec<(Place, Place)>,
    /// Calls that were answered what no register answers.
    pub(super) impossible: Vec<Place>,
    /// Whether a value that matters has more than one possible writer.
    pub(super) ambiguous: bool,
}

impl<'a> Groups<'a> {
    /// Groups `calls`, which are in the order of invocation and fewer than [`NONE`].
    pub(super) fn new(calls: &'a [Call<'a>]) -> Self {
        let mut groups = Self {
            calls,
            ids: Ids::new(calls.len()),
            list: vec![Group { certain: true, ..EMPTY }],
            links: Vec::new(),
            clashes: Vec::new(),
            refusals: Vec::new(),
            impossible: Vec::new(),
            ambiguous: false,
        };
        for (place, call) in (0..).zip(calls) {
            groups.add(place, Fact::of(call));
        }
        (0..groups.list.len() as Place).for_each(|group| groups.settle(group));
        groups
    }

    fn add(&mut self, place: Place, fact: Fact<'a>) {
        match fact {
            Fact::Sees(value) => {
                let group = value.map_or(INITIAL, |value| self.group(value));
                self.read(place, group);
            }
            Fact::Writes(value) => {
                let group = self.group(value);
                self.write(place, group, NONE);
            }
            Fact::Changes { old, new } => {
                let after = old.map_or(INITIAL, |old| self.group(old));
                let group = self.group(new);
                self.write(place, group, after);
            }
            Fact::Differs(value) => {
                let group = self.group(value);
                self.refusals.push((place, group));
            }
            Fact::Impossible => self.impossible.push(place),
            Fact::Nothing => {}
        }
    }

    /// The group of `value`.
    fn group(&mut self, value: &'a crate::op::Value) -> Place {
        let (group, fresh) = self.ids.of(value);
        if fresh {
            self.list.push(EMPTY);
        }
        group
    }

    fn read(&mut self, place: Place, group: Place) {
        let first = self.list[group as usize].first;
        let group = &mut self.list[group as usize];
        if first == NONE || self.calls[place as usize].end < self.calls[first as usize].end {
            group.first = place;
        }
        // Calls come in the order of invocation.
        group.last = place;
    }

    fn write(&mut self, place: Place, mut group: Place, after: Place) {
        if self.list[group as usize].writer != NONE {
            self.list[group as usize].many = true;
            group = self.list.len() as Place;
            self.list.push(Group { many: true, ..EMPTY });
            self.ids.skip();
        }
        let certain = self.calls[place as usize].end.is_some();
        let own = &mut self.list[group as usize];
        (own.writer, own.certain) = (place, certain);
        if after != NONE {
            self.links(group).after = after;
            if certain {
                self.link(after, group);
            }
        }
    }

    /// The writer of `next` certainly replaced the value of `group`.
    fn link(&mut self, group: Place, next: Place) {
        let from = self.links(group);
        match from.next {
            NONE => from.next = next,
            first => self.clashes.push(Clash { of: group, first, second: next }),
        }
    }

    /// The links of `group`, to be changed.
    fn links(&mut self, group: Place) -> &mut Links {
        let place = group as usize;
        if self.links.len() <= place {
            self.links.resize(place + 1, UNLINKED);
        }
        &mut self.links[place]
    }

    fn linked(&self, group: Place) -> Links {
        self.links.get(group as usize).copied().unwrap_or(UNLINKED)
    }

    /// The group that the change which replaced the value of `group` began.
    pub(super) fn next(&self, group: Place) -> Place {
        self.linked(group).next
    }

    /// The group whose value the writer of `group` replaced, if it is a change.
    pub(super) fn after(&self, group: Place) -> Place {
        self.linked(group).after
    }

    /// Whether something that took effect for certain saw the value of `group`.
    fn is_needed(&self, group: Place) -> bool {
        self.list[group as usize].first != NONE || self.next(group) != NONE
    }

    /// What was seen was written for certain, and so was what that rests on.
    fn settle(&mut self, mut place: Place) {
        loop {
            let (needed, after) = (self.is_needed(place), self.after(place));
            let group = &mut self.list[place as usize];
            if !needed || group.certain && !group.many || group.writer == NONE {
                return;
            }
            if group.many {
                self.ambiguous = true;
                return;
            }
            group.certain = true;
            if after == NONE {
                return;
            }
            self.link(after, place);
            place = after;
        }
    }

    /// Whether a group begins a block: its writer took effect for certain and rests on nothing
    /// that is known.
    pub(super) fn is_head(&self, place: Place) -> bool {
        let group = &self.list[place as usize];
        let after = self.after(place);
        let rests = after != NONE && !self.list[after as usize].many;
        group.certain && !rests
    }

    /// The group in which a call wrote, else the one whose value it saw.
    pub(super) fn of(&self, call: Place) -> Place {
        let fact = Fact::of(&self.calls[call as usize]);
        let (leaves, sees) = (fact.leaves(), fact.needs().flatten());
        let group = leaves.or(sees).map_or(INITIAL, |value| self.ids.known(value));
        if leaves.is_none() || self.list[group as usize].writer == call {
            return group;
        }
        // One of several writers of a value: it has a group that no value leads to.
        let own = self.list.iter().position(|group| group.writer == call);
        own.map_or(INITIAL, |place| place as Place)
    }
}
