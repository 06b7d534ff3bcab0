//! Who led which generation, by what evidence, and how long nobody was seen to lead.
//!
//! Evidence only: two leaders of one generation are pointed out, but whether that is an anomaly is
//! for the leadership check to say.

use std::collections::BTreeMap;

use fracas_checker::event::Nanos;
use fracas_checker::leadership::Reign;
use maud::{Markup, html};

use super::page::{Page, left_out, short};
use super::witness::{grade, source};
use crate::text::{count, duration, plural, seconds};

/// How many reigns are listed.
const MAX_REIGNS: usize = 200;

/// The whole section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    html! {
        section #cluster {
            h2 { "Leaders" }
            @if page.reigns.is_empty() {
                p { "No node was seen to lead: this target does not tell who leads, or it was never asked." }
            } @else {
                p { (in_short(page)) }
                div.scroll { (table(page)) }
                @if let Some(note) = left_out(page.reigns.len(), MAX_REIGNS) { p.note { (note) } }
            }
        }
    }
}

fn in_short(page: &Page<'_>) -> String {
    let per_generation = leaders_per_generation(&page.reigns);
    let led = plural(per_generation.len() as u64, "generation");
    let doubled = per_generation.values().filter(|leaders| **leaders > 1).count() as u64;
    let longest = gaps(&page.reigns).into_iter().flatten().max();
    let mut text = format!("{led} had a leader");
    if doubled > 0 {
        text += &format!(", {} more than one", count(doubled));
    }
    if let Some(longest) = longest {
        text +=
            &format!("; the longest time in which no leader was seen was {}", duration(longest));
    }
    text + "."
}

fn leaders_per_generation(reigns: &[Reign]) -> BTreeMap<(Option<&str>, u64), usize> {
    let mut leaders = BTreeMap::new();
    for reign in reigns {
        *leaders.entry(of_group(reign)).or_default() += 1;
    }
    leaders
}

/// Which generation, and of which group of nodes.
fn of_group(reign: &Reign) -> (Option<&str>, u64) {
    (reign.group.as_deref(), reign.generation)
}

/// For each reign the time since the last sign of any earlier generation of its group; none for the
/// first generation, where reigns overlap, and for a second leader of one generation.
fn gaps(reigns: &[Reign]) -> Vec<Option<Nanos>> {
    let (mut last, mut group): (Option<Nanos>, _) = (None, None);
    let mut gaps = Vec::with_capacity(reigns.len());
    for generation in reigns.chunk_by(|a, b| of_group(a) == of_group(b)) {
        if group != Some(&generation[0].group) {
            (last, group) = (None, Some(&generation[0].group));
        }
        gaps.push(last.and_then(|last| generation[0].first.checked_sub(last)));
        gaps.resize(gaps.len() + generation.len() - 1, None);
        last = generation.iter().map(|reign| reign.last).max().max(last);
    }
    gaps
}

fn table(page: &Page<'_>) -> Markup {
    let leaders = leaders_per_generation(&page.reigns);
    html! {
        table {
            thead { tr {
                th { "generation" } th { "leader" } th { "first seen" } th { "last seen" }
                th { "no leader before it for" } th { "observations" } th { "strongest evidence" }
                th { "source" }
            } }
            tbody { @for (reign, gap) in page.reigns.iter().zip(gaps(&page.reigns)).take(MAX_REIGNS) {
                (row(reign, gap, leaders.get(&of_group(reign)) > Some(&1)))
            } }
        }
    }
}

fn row(reign: &Reign, gap: Option<Nanos>, shared: bool) -> Markup {
    let told: Vec<&str> = reign.sources.iter().map(|one| source(*one)).collect();
    html! {
        tr.shared[shared] {
            td.number { @if let Some(group) = &reign.group { (short(group)) " " } (reign.generation) }
            td { (reign.node) @if shared { " " strong { "not the only leader" } } }
            td.number { (seconds(reign.first)) }
            td.number { (seconds(reign.last)) }
            td.number { (gap.map_or_else(|| "–".to_owned(), duration)) }
            td.number { (count(reign.signs)) }
            td { (grade(reign.grade)) }
            td { (told.join(", ")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fracas_checker::event::NodeId;
    use fracas_checker::observation::Grade;

    use super::*;

    fn reign(generation: u64, first: Nanos, last: Nanos) -> Reign {
        let (node, grade, sources) = (NodeId(1), Grade::Claim, BTreeSet::new());
        Reign { group: None, generation, node, first, last, grade, sources, signs: 1 }
    }

    #[test]
    fn a_gap_is_from_the_last_sign_of_any_earlier_generation() {
        let reigns = [reign(7, 0, 50), reign(8, 10, 20), reign(9, 60, 70), reign(9, 65, 66)];
        assert_eq!(gaps(&reigns), [None, None, Some(10), None]);
        let other = |reign: Reign| Reign { group: Some("meta".into()), ..reign };
        let reigns = [reign(7, 0, 50), other(reign(7, 70, 80)), other(reign(8, 90, 95))];
        assert_eq!(gaps(&reigns), [None, None, Some(10)]);
        assert_eq!(gaps(&[]), []);
    }
}
