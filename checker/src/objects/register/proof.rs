//! Which calls show a conflict: those it is about, and the writes that they rest on.
//!
//! Taking away whatever comes before, or after, is left to [`super::minimise`].

use super::conflict::{Conflict, Crossing, Refused};
use super::groups::{Groups, INITIAL, NONE, Place};
use super::sweep::Sweep;

/// Calls that have no legal order, whatever else the register did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    /// Why they have none.
    pub(super) conflict: Conflict,
    /// Places in the slice of calls, ascending.
    pub(super) places: Vec<usize>,
    /// Those among them that are changes whose condition proves nothing.
    pub(super) loose: Vec<usize>,
}

/// How far down a chain of changes a proof goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// To the write it begins with, so that every value that is seen was written.
    Whole,
    /// As far as the conflict does.
    Needed,
}

impl Proof {
    pub(super) fn new(sweep: &Sweep<'_>, conflict: Conflict, depth: Depth) -> Self {
        let mut proof = Self { conflict, places: Vec::new(), loose: Vec::new() };
        let (members, alone) = members(&conflict);
        proof.places.extend(alone);
        let groups = &sweep.groups;
        let mut wanted: Vec<Place> =
            members.iter().map(|member| groups.of(*member as Place)).collect();
        if let (Conflict::Twice { .. }, Some(first)) = (conflict, wanted.first()) {
            wanted.push(groups.after(*first));
        }
        for (member, group) in members.iter().zip(&wanted) {
            proof.places.push(*member);
            let shown = sweep.rests_on(*group);
            if shown != NONE {
                proof.places.push(shown as usize);
                proof.chain(groups, groups.of(shown), (depth, &wanted));
            }
        }
        proof.places.sort_unstable();
        proof.places.dedup();
        proof
    }

    /// Adds the writes from the group `top` down.
    fn chain(&mut self, groups: &Groups<'_>, top: Place, (depth, wanted): (Depth, &[Place])) {
        let ring = matches!(self.conflict, Conflict::Ring { .. });
        let after = |place: &Place| Some(groups.after(*place));
        let below = |place: &Place| after(place).filter(|after| *after != NONE && *after != top);
        // A chain may lead into a ring; then it is cut off after as many groups as there are.
        let down = std::iter::successors(Some(top), below).take(groups.list.len());
        let known = |place: &Place| !groups.list[*place as usize].many || *place == top;
        let mut down: Vec<Place> = down.take_while(known).collect();
        if depth == Depth::Needed && !ring {
            let lowest = down.iter().rposition(|group| wanted.contains(group));
            down.truncate(lowest.map_or(1, |lowest| lowest + 1));
        }
        let writers = down.iter().map(|place| groups.list[*place as usize].writer);
        self.places.extend(writers.filter(|writer| *writer != NONE).map(|writer| writer as usize));
        let lowest = down.last().copied().unwrap_or(INITIAL);
        let below = groups.after(lowest);
        let found = |below: &super::groups::Group| below.writer != NONE;
        // What was absent before was so without anybody's doing.
        if !ring && (below == INITIAL || groups.list.get(below as usize).is_some_and(found)) {
            self.loose.push(groups.list[lowest as usize].writer as usize);
        }
    }
}

/// The calls that a conflict is about: those in groups, and others.
fn members(conflict: &Conflict) -> (Vec<usize>, Vec<usize>) {
    match *conflict {
        Conflict::Impossible { answered } => (Vec::new(), vec![answered]),
        Conflict::Unwritten { seen_by, changed: false } => (Vec::new(), vec![seen_by]),
        Conflict::Unwritten { seen_by, .. } | Conflict::Ring { seen_by } => {
            (vec![seen_by], Vec::new())
        }
        Conflict::Twice { first, second } => (vec![first, second], Vec::new()),
        Conflict::Inverted { late, done } => (vec![late, done], Vec::new()),
        Conflict::Crossed(Crossing { late, done, early, after }) => {
            ([late, done, after].into_iter().chain(early).collect(), Vec::new())
        }
        Conflict::Refused(refused) => {
            (refused.until.into_iter().chain([refused.since]).collect(), vec![refused.refused])
        }
    }
}

impl Proof {
    /// The same proof, for calls of which each stands at another place.
    pub(super) fn renumbered(mut self, places: &[usize]) -> Self {
        let moved = |place: &mut usize| *place = places[*place];
        self.places.iter_mut().for_each(moved);
        self.loose.iter_mut().for_each(moved);
        self.places.sort_unstable();
        match &mut self.conflict {
            Conflict::Impossible { answered: first }
            | Conflict::Unwritten { seen_by: first, .. }
            | Conflict::Ring { seen_by: first } => moved(first),
            Conflict::Twice { first, second }
            | Conflict::Inverted { late: first, done: second } => {
                moved(first);
                moved(second);
            }
            Conflict::Crossed(crossing) => {
                let Crossing { late, done, early, after } = crossing;
                [late, done, after].into_iter().chain(early).for_each(moved);
            }
            Conflict::Refused(refused) => {
                let Refused { refused, since, until } = refused;
                [refused, since].into_iter().chain(until).for_each(moved);
            }
        }
        self
    }
}
