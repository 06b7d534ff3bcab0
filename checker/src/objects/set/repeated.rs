//! Sets to which a few elements were added or from which they were removed more than once.
//!
//! Once the order of the adds and removals of such an element is known, it is in the set for some
//! spans of time: each begins with an add that found it absent and ends with the removal that
//! follows. Once it is known in which span each call saw it, every span is as good as an element of
//! its own, which is added once and removed once, and the near-linear check decides. An add that
//! found the element present saw it.

use std::collections::BTreeSet;

use super::elements::{Element, Elements, Reads};
use super::fast::{Conflict, FastDecision, decision_in_order};
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::objects::precedence::NEVER;
use crate::objects::repeated::{self, Choices, Chosen};

/// The most calls that saw a repeated element: more are no few repetitions.
const LOOKS: usize = 4_096;

/// The most orders of the adds and removals of one element.
const ORDERS: usize = 200;

/// How many calls of a register one of a set counts for: to order them takes that much longer.
const WEIGHT: usize = 8;

/// Decides `calls` of which some elements repeat; ambiguous where this cannot tell either.
pub(super) fn decide(calls: &[Call<'_>], elements: &Elements<'_>) -> Finding {
    let Some(repeated) = Repeated::of(calls, elements) else { return Finding::Ambiguous };
    repeated::decide(&repeated, WEIGHT * calls.len())
}

/// Who saw an element.
#[derive(Clone, Copy)]
enum Sight {
    /// The call at this place asked for it alone.
    Alone(usize),
    /// The read of everything of this number showed it.
    Shown(usize),
}

/// An element that was added or removed more than once.
struct Again {
    /// Its number among the elements.
    number: usize,
    /// The orders in which its adds and removals can have come, the likely one first. Those whose
    /// end nobody saw need not have come.
    orders: Vec<Vec<usize>>,
    sights: Vec<Sight>,
    /// The choice of its order; those of its sights follow.
    first: usize,
}

/// A span in which an element was in the set.
#[derive(Default)]
struct Span {
    add: usize,
    /// Adds that found the element present.
    again: Vec<usize>,
    remove: Option<usize>,
}

struct Repeated<'a> {
    calls: &'a [Call<'a>],
    elements: &'a Elements<'a>,
    again: Vec<Again>,
    ways: Vec<usize>,
}

impl<'a> Repeated<'a> {
    /// None if nothing repeats, or too much.
    fn of(calls: &'a [Call<'a>], elements: &'a Elements<'a>) -> Option<Self> {
        let mut repeated = Self { calls, elements, again: Vec::new(), ways: Vec::new() };
        for (number, element) in elements.list.iter().enumerate() {
            if element.adds.len() > 1 || element.removes.len() > 1 {
                repeated.element(number, element)?;
            }
        }
        let looks = repeated.ways.len();
        (!repeated.again.is_empty() && looks <= LOOKS).then_some(repeated)
    }

    fn element(&mut self, number: usize, element: &Element) -> Option<()> {
        let orders = self.orders(element)?;
        let alone = element.present.iter().map(|place| Sight::Alone(*place));
        let shown = element.shown_by.iter().map(|read| Sight::Shown(*read));
        let sights: Vec<Sight> = alone.chain(shown).collect();
        let first = self.ways.len();
        self.ways.push(orders.len());
        let spans: Vec<Vec<Span>> = orders.iter().map(|order| self.spans(element, order)).collect();
        for sight in &sights {
            let most = spans.iter().map(|spans| self.seen_in(*sight, spans).len()).max();
            self.ways.push(most.unwrap_or_default().max(1));
        }
        self.again.push(Again { number, orders, sights, first });
        Some(())
    }

    /// In which orders the adds and removals of an element can have come; none if in too many.
    fn orders(&self, element: &Element) -> Option<Vec<Vec<usize>>> {
        let all = || element.adds.iter().chain(&element.removes).copied();
        let (mut known, unseen): (Vec<usize>, Vec<usize>) =
            all().partition(|place| self.calls[*place].end.is_some());
        known.sort_by_key(|place| (self.calls[*place].end, *place));
        let (mut orders, subsets) = (Vec::new(), 1_usize.checked_shl(unseen.len() as u32)?);
        for subset in 0..subsets.min(2 * ORDERS) {
            let taken = unseen.iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1);
            let mut left = known.clone();
            left.extend(taken.map(|(_, place)| *place));
            self.continued(&mut Vec::new(), &mut left, &mut orders);
            if orders.len() > ORDERS {
                return None;
            }
        }
        Some(orders)
    }

    /// Adds every order that begins with `order` and goes on with all that is `left`.
    fn continued(
        &self,
        order: &mut Vec<usize>,
        left: &mut Vec<usize>,
        orders: &mut Vec<Vec<usize>>,
    ) {
        if left.is_empty() {
            return orders.push(order.clone());
        }
        for at in 0..left.len() {
            let next = left[at];
            let too_early = left.iter().any(|other| self.calls[*other].precedes(&self.calls[next]));
            if too_early || orders.len() > ORDERS {
                continue;
            }
            order.push(left.remove(at));
            self.continued(order, left, orders);
            left.insert(at, next);
            order.pop();
        }
    }

    /// The spans in which an element was in the set, if its adds and removals came in `order`.
    fn spans(&self, element: &Element, order: &[usize]) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for place in order {
            let adds = element.adds.contains(place);
            match spans.last_mut().filter(|span| span.remove.is_none()) {
                Some(span) if adds => span.again.push(*place),
                Some(span) => span.remove = Some(*place),
                None if adds => spans.push(Span { add: *place, ..Span::default() }),
                None => {}
            }
        }
        spans
    }

    /// In which of the spans somebody can have seen the element, as far as their own times tell.
    fn seen_in(&self, sight: Sight, spans: &[Span]) -> Vec<usize> {
        let place = self.place(sight);
        let (start, end) = (self.calls[place].start, self.calls[place].end.unwrap_or(NEVER));
        let within = |span: &Span| {
            let gone = span.remove.and_then(|remove| self.calls[remove].end).unwrap_or(NEVER);
            self.calls[span.add].start <= end && start <= gone
        };
        (0..spans.len()).filter(|number| within(&spans[*number])).collect()
    }

    fn place(&self, sight: Sight) -> usize {
        match sight {
            Sight::Alone(place) => place,
            Sight::Shown(read) => self.elements.reads.list[read].0,
        }
    }

    /// The elements that the spans of `again` are as good as, if it is chosen in these ways; none
    /// if somebody saw it in none.
    fn split(&self, again: &Again, ways: &[usize]) -> Option<Vec<Element>> {
        let element = &self.elements.list[again.number];
        let order = &again.orders[ways[again.first]];
        let spans = self.spans(element, order);
        let mut list: Vec<Element> = spans
            .iter()
            .map(|span| Element {
                adds: vec![span.add],
                removes: span.remove.into_iter().collect(),
                present: span.again.clone(),
                absent: element.absent.clone(),
                shown_by: Vec::new(),
                in_order: true,
            })
            .collect();
        for (sight, way) in again.sights.iter().zip(&ways[again.first + 1..]) {
            let within = self.seen_in(*sight, &spans);
            let span = *within.get(way % within.len().max(1))?;
            match sight {
                Sight::Alone(place) => list[span].present.push(*place),
                Sight::Shown(read) => list[span].shown_by.push(*read),
            }
        }
        Some(list)
    }

    /// The choices that are about `again`.
    fn choices<'s>(&'s self, again: &Again) -> impl Iterator<Item = usize> + 's {
        let all = again.first..=again.first + again.sights.len();
        all.filter(|choice| self.ways[*choice] > 1)
    }
}

impl Choices for Repeated<'_> {
    fn ways(&self) -> &[usize] {
        &self.ways
    }

    fn choose(&self, ways: &[usize]) -> Chosen {
        let reads = Reads::clone(&self.elements.reads);
        let mut elements =
            Elements { values: self.elements.values.clone(), list: Vec::new(), reads };
        elements.list = self.elements.list.clone();
        let (mut owners, mut order) = (vec![None; elements.list.len()], Vec::new());
        for (owner, again) in self.again.iter().enumerate() {
            let Some(list) = self.split(again, ways) else {
                return Chosen::Refuted(self.choices(again).collect());
            };
            elements.list[again.number] = Element::default();
            owners[again.number] = Some(owner);
            let in_order = again.orders[ways[again.first]].windows(2);
            order.extend(in_order.map(|pair| (pair[0], pair[1], again.number)));
            owners.extend(list.iter().map(|_| Some(owner)));
            let value = self.elements.values[again.number];
            elements.values.extend(list.iter().map(|_| value));
            elements.list.extend(list);
        }
        debug_assert_eq!(elements.list.len(), owners.len(), "each element has an owner or none");
        let rests = match decision_in_order(self.calls, &elements, &order) {
            FastDecision::Legal => return Chosen::Legal,
            FastDecision::Ambiguous => return Chosen::Ambiguous,
            FastDecision::Refuted(Conflict::Clash(clash)) => clash.elements,
            FastDecision::Refuted(Conflict::Phantom { .. }) => (0..owners.len()).collect(),
        };
        let about: BTreeSet<usize> =
            rests.iter().filter_map(|number| *owners.get(*number)?).collect();
        Chosen::Refuted(about.iter().flat_map(|owner| self.choices(&self.again[*owner])).collect())
    }
}
