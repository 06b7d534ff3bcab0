//! Near-linear decision for registers in which every value that matters was written once.
//!
//! Group each write with the operations that saw its value. A compare-and-set sees one value and
//! writes the next with nothing in between, and so does a swap; so groups chain into *blocks*, and a
//! block is contiguous in every legal order. Inside a block the order is forced; between blocks only real
//! time speaks. After Gibbons and Korach, “Testing shared memories” (1997), extended by chains and
//! indeterminate operations.
//!
//! *Indeterminate operations.* One that nothing certain rests on need not have happened, and a
//! legal order without it is legal, so it is dropped. One that something rests on did happen; it
//! has no end of its own. A swap of which the answer is lost may have found anything: it is a write.
//!
//! *Values with several writers* are left out: whoever saw one is dropped (it only looked), and a
//! change from one counts as a write. Both only allow more orders. So what is refuted
//! here stays refuted whatever else the register did, and what is not is [`Answer::Ambiguous`].
//!
//! *Refused compare-and-sets* that tell what they found are reads of it. What those that do not
//! tell ask for is decided in [`super::refusals`]. Nothing is put into words here.

use super::conflict::{Answer, Block, Conflict, Crossing};
use super::groups::{Clash, Groups, INITIAL, NONE, Place};
use super::refusals::{self, Blocks};
use crate::event::Nanos;
use crate::linearizability::call::Call;

/// A sweep over calls that are in the order of invocation.
pub(super) struct Sweep<'a> {
    pub(super) calls: &'a [Call<'a>],
    pub(super) groups: Groups<'a>,
    /// The conflict that shows first, with the time at which it does.
    found: Option<(Nanos, Conflict)>,
    /// How many groups are in some block.
    walked: usize,
    forward: Vec<Block>,
    /// The heads of the backward blocks, which are most. They are walked again when they are needed.
    backward: Vec<Place>,
}

impl<'a> Sweep<'a> {
    /// Looks at `calls`, which are in the order of invocation and fewer than [`NONE`].
    pub(super) fn new(calls: &'a [Call<'a>]) -> Self {
        let groups = Groups::new(calls);
        let (forward, backward) = (Vec::new(), Vec::new());
        Self { calls, groups, found: None, walked: 0, forward, backward }
    }

    /// Decides.
    pub(super) fn run(&mut self) -> Answer {
        self.answers();
        for head in 0..self.groups.list.len() as Place {
            if self.groups.is_head(head) {
                self.add(head);
            }
        }
        self.forward.sort_unstable_by_key(|block| (block.f, block.s, block.head));
        self.crossings();
        self.rings();
        if let Some((_, conflict)) = self.found {
            return Answer::Refuted(conflict);
        }
        match self.groups.ambiguous {
            true => Answer::Ambiguous,
            false if self.groups.refusals.is_empty() => Answer::Legal,
            false => {
                let backward: Vec<Block> = self.backward().collect();
                let blocks = Blocks { forward: &self.forward, backward: &backward };
                refusals::decide(self.calls, &self.groups, blocks)
            }
        }
    }

    /// Keeps the conflict that shows first.
    fn conflict(&mut self, shown_by: &[Place], conflict: Conflict) {
        let ends = shown_by.iter().filter_map(|place| self.calls[*place as usize].end);
        let time = ends.max().unwrap_or(Nanos::MAX);
        let better = |(known, other): (Nanos, Conflict)| {
            time < known || (time == known && self.is_newer(&conflict, &other))
        };
        if self.found.is_none_or(better) {
            self.found = Some((time, conflict));
        }
    }

    /// Whether a look missed a newer value in one crossing than in another: that one should have
    /// been seen, the other had been replaced.
    fn is_newer(&self, first: &Conflict, second: &Conflict) -> bool {
        let (Conflict::Crossed(first), Conflict::Crossed(second)) = (first, second) else {
            return false;
        };
        first.late == second.late && self.calls[first.done].end > self.calls[second.done].end
    }

    /// Answers that are wrong by themselves: impossible ones, values never written, and two
    /// successors of one value.
    fn answers(&mut self) {
        for place in std::mem::take(&mut self.groups.impossible) {
            self.conflict(&[place], Conflict::Impossible { answered: place as usize });
        }
        for place in 1..self.groups.list.len() {
            let (group, next) = (self.groups.list[place], self.groups.next(place as Place));
            let writer = group.writer;
            if group.first != NONE && (writer == NONE || self.precedes(group.first, writer)) {
                let seen_by = group.first as usize;
                self.conflict(&[group.first], Conflict::Unwritten { seen_by, changed: false });
            } else if next != NONE {
                let change = self.groups.list[next as usize].writer;
                let seen_by = change as usize;
                if writer == NONE {
                    let shown = self.rests_on(next);
                    self.conflict(&[shown], Conflict::Unwritten { seen_by, changed: true });
                } else if self.precedes(change, writer) {
                    self.conflict(&[change], Conflict::Unwritten { seen_by, changed: false });
                }
            }
        }
        for Clash { of, first, second } in std::mem::take(&mut self.groups.clashes) {
            if !self.groups.list[of as usize].many {
                let writer = |group: Place| self.groups.list[group as usize].writer as usize;
                let (former, latter) = (writer(first), writer(second));
                let shown = [self.rests_on(first), self.rests_on(second)];
                self.conflict(&shown, Conflict::Twice { first: former, second: latter });
            }
        }
    }

    /// A call that shows for certain that the writer of `group` took effect: itself, or one that
    /// rests on it.
    pub(super) fn rests_on(&self, mut place: Place) -> Place {
        for _ in 0..self.groups.list.len() {
            let group = &self.groups.list[place as usize];
            if group.writer != NONE && self.calls[group.writer as usize].end.is_some() {
                return group.writer;
            }
            let next = self.groups.next(place);
            if group.first != NONE || next == NONE {
                return group.first;
            }
            place = next;
        }
        NONE
    }

    fn precedes(&self, first: Place, second: Place) -> bool {
        self.calls[first as usize].precedes(&self.calls[second as usize])
    }

    /// Checks the order that the chain forces which starts with `head`.
    fn add(&mut self, head: Place) {
        let (block, walked) = self.block(head);
        self.walked += walked;
        match block {
            Ok(block) if block.f < block.s => self.forward.push(block),
            Ok(_) => self.backward.push(head),
            Err((began, ended)) => {
                let (late, done) = (began as usize, ended as usize);
                self.conflict(&[began, ended], Conflict::Inverted { late, done });
            }
        }
    }

    /// The backward blocks, in the order of their heads.
    fn backward(&self) -> impl Iterator<Item = Block> {
        self.backward.iter().filter_map(|head| self.block(*head).0.ok())
    }

    /// Follows the chain that starts with `head`: the block, and how many groups were walked. If no
    /// order of it is possible, what began last and what had ended before.
    fn block(&self, head: Place) -> (Result<Block, (Place, Place)>, usize) {
        let f = if head == INITIAL { 0 } else { u64::MAX };
        let mut block = Block { f, s: 0, ended: NONE, began: NONE, head, tail: head };
        let mut walked = 0;
        loop {
            walked += 1;
            let group = self.groups.list[block.tail as usize];
            if group.writer != NONE && !self.level(group.writer, group.writer, &mut block) {
                return (Err((block.began, group.writer)), walked);
            }
            let read = group.first != NONE && !group.many;
            if read && !self.level(group.first, group.last, &mut block) {
                return (Err((block.began, group.first)), walked);
            }
            match self.groups.next(block.tail) {
                next if next != NONE && !group.many => block.tail = next,
                _ => return (Ok(block), walked),
            }
        }
    }

    /// Adds operations that come after all earlier ones of the block, in any order among them: the
    /// first to end and the last to begin stand for all. Whether the order is possible.
    fn level(&self, first: Place, last: Place, block: &mut Block) -> bool {
        let ended = self.calls[first as usize].end.map_or(u64::MAX, |end| end.saturating_add(1));
        if ended < block.s {
            return false;
        }
        if ended < block.f {
            (block.f, block.ended) = (ended, first);
        }
        let began = self.calls[last as usize].start.saturating_add(1);
        if began > block.s {
            (block.s, block.began) = (began, last);
        }
        true
    }

    /// Finds blocks of which each must come before the other: one has an operation that ended
    /// before one of the other began, and the reverse.
    ///
    /// Pairs suffice. Write A → B for `f(A) < s(B)`. In any cycle let A be a member with the
    /// smallest `f`, and P the one before it. The one before any other member B has `f` at least
    /// `f(A)` and below `s(B)`, so A → B for all of them, and so A → P → A.
    ///
    /// Sorting finds a pair: two *forward* blocks (`f < s`) cross if they overlap, and then some
    /// two neighbours do; a *backward* one (`s ≤ f`) crosses a forward one that contains it; two
    /// backward ones never cross.
    fn crossings(&mut self) {
        let (forward, backward) =
            (std::mem::take(&mut self.forward), std::mem::take(&mut self.backward));
        for pair in forward.windows(2) {
            if pair[1].f < pair[0].s {
                self.crossed(&pair[0], &pair[1]);
            }
        }
        let mut before = 0;
        for head in &backward {
            let Ok(inner) = self.block(*head).0 else { continue };
            before = began_before(&forward, before, inner.s);
            if let Some(outer) = before.checked_sub(1).map(|place| &forward[place])
                && inner.f < outer.s
            {
                self.crossed(outer, &inner);
            }
        }
        (self.forward, self.backward) = (forward, backward);
    }

    /// Names the operations of a crossing, seen from the block of which something began last. The
    /// initial state always counts as that one: nothing can be told of what ended before all time.
    fn crossed(&mut self, first: &Block, second: &Block) {
        let initial = |block: &Block| block.ended == NONE;
        let one_late = initial(first) || (!initial(second) && first.s >= second.s);
        let (late, done) = if one_late { (first, second) } else { (second, first) };
        let crossing = Crossing {
            late: late.began as usize,
            done: done.ended as usize,
            early: (late.ended != NONE).then_some(late.ended as usize),
            after: done.began as usize,
        };
        self.conflict(&[late.began, done.began], Conflict::Crossed(crossing));
    }

    /// Finds a ring: what took effect for certain but is in no block, though nothing else is wrong.
    fn rings(&mut self) {
        let certain = |group: &&super::groups::Group| group.certain;
        if self.found.is_some() || self.walked == self.groups.list.iter().filter(certain).count() {
            return;
        }
        let mut reached = vec![false; self.groups.list.len()];
        let heads = self.forward.iter().map(|block| block.head);
        for mut place in heads.chain(self.backward.iter().copied()) {
            while place != NONE && !reached[place as usize] {
                reached[place as usize] = true;
                place = self.groups.next(place);
            }
        }
        let left = |place: &usize| self.groups.list[*place].certain && !reached[*place];
        if let Some(place) = (0..reached.len()).find(left) {
            let seen_by = self.groups.list[place].writer;
            self.conflict(&[seen_by], Conflict::Ring { seen_by: seen_by as usize });
        }
    }
}

/// How many of `forward`, which is sorted, have `f` before `s`. Walks from `guess` in growing
/// steps: blocks come nearly in the order of time.
fn began_before(forward: &[Block], guess: usize, s: u64) -> usize {
    let is_before = |place: usize| forward[place].f < s;
    let (mut low, mut high, mut step) = (guess, guess, 1);
    while low > 0 && !is_before(low - 1) {
        high = low - 1;
        low = low.saturating_sub(step);
        step *= 2;
    }
    step = 1;
    while high < forward.len() && is_before(high) {
        low = high + 1;
        high = (high + step).min(forward.len());
        step *= 2;
    }
    low + forward[low..high].partition_point(|block| block.f < s)
}
