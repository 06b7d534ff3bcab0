//! The workloads of one run, and how they share its load.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fracas_checker::event::{Key, Op, OpKind};
use fracas_checker::history;

use crate::expected::expected;
use crate::{Lane, Load, Look, Part, Workload};

/// Operations per second and node of a workload that shares the load, beside one that has the whole;
/// fewer where the user asks for less in all.
const BESIDE: f64 = 3.0;

/// Of so many operations that are asked one may be expected to succeed: most servers refuse what
/// only their leader may do, a compare-and-set often comes too late, and faults take their part.
const ASKED_PER_OK: f64 = 20.0;

/// The workloads of one run, each with its part of the load.
pub struct Chosen(Vec<(&'static dyn Workload, Load)>);

impl Chosen {
    /// `workloads` under this load.
    ///
    /// Those that can share it do so evenly; beside one that has the whole they have a light load of
    /// one client per node.
    #[must_use]
    pub fn new(workloads: &[&'static dyn Workload], load: &Load) -> Self {
        let count = |part| workloads.iter().filter(|workload| workload.part() == part).count();
        let (whole, shared) = (count(Part::Whole) > 0, count(Part::Shared).max(1));
        let own = |workload: &&'static dyn Workload| match workload.part() {
            Part::Shared if whole => (*workload, beside(load)),
            Part::Shared => (*workload, share(load, shared)),
            Part::Whole | Part::Light => (*workload, load.clone()),
        };
        Self(workloads.iter().map(own).collect())
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &'static dyn Workload> {
        self.0.iter().map(|(workload, _)| *workload)
    }

    /// One lane for every client.
    #[must_use]
    pub fn lanes(&self) -> Vec<Lane> {
        self.0.iter().flat_map(|(workload, load)| workload.lanes(load)).collect()
    }

    /// What shows that a cluster answers; none if nothing can be asked to see it.
    #[must_use]
    pub fn probe(&self) -> Option<Op> {
        let served = |(workload, load): &(&'static dyn Workload, Load)| {
            workload.probe().filter(|op| load.has(op.kind()))
        };
        self.0.iter().find_map(served)
    }

    /// How to look at the objects that clients have `asked` about, before anybody changes them again.
    #[must_use]
    pub fn looks(&self, asked: &BTreeSet<Key>) -> Vec<Look> {
        self.asked(asked, |workload, keys| workload.looks(keys))
    }

    /// What is asked of them at the end.
    #[must_use]
    pub fn finals(&self, asked: &BTreeSet<Key>) -> Vec<Look> {
        self.asked(asked, |workload, keys| workload.finals(keys))
    }

    /// What each workload asks of its keys, as far as the target serves it.
    fn asked(
        &self,
        keys: &BTreeSet<Key>,
        looks: impl Fn(&dyn Workload, &[Key]) -> Vec<Look>,
    ) -> Vec<Look> {
        let kinds = self.objects();
        let of = |(workload, load): &(&'static dyn Workload, Load)| {
            let name = name(*workload);
            let own = keys.iter().filter(|key| kinds.name(key) == Some(name.as_str()));
            let mut looks = looks(*workload, &own.cloned().collect::<Vec<_>>());
            looks.retain(|look| look.ops.iter().all(|op| load.has(op.kind())));
            looks
        };
        self.0.iter().flat_map(of).collect()
    }

    /// Which key is what, for the header of the history.
    #[must_use]
    pub fn objects(&self) -> history::Kinds {
        let mut kinds = history::Kinds::default();
        self.all().for_each(|workload| kinds.say(&name(workload), workload.kinds()));
        kinds
    }

    /// How many generations must come to be led for a pass, where there are faults.
    #[must_use]
    pub fn elections(&self) -> u64 {
        self.all().map(|workload| workload.least().elections).max().unwrap_or(0)
    }

    /// How much must have been seen of the objects of each, for a pass after a load of this `time`:
    /// no more than the load can give.
    #[must_use]
    pub fn least(&self, time: Duration) -> BTreeMap<String, history::Least> {
        let of = |(workload, load): &(&'static dyn Workload, Load)| {
            let asked = asked(*workload, load, time);
            let ok = needed(*workload, &asked);
            let handovers = ok
                .get(&OpKind::Acquire)
                .map_or(0, |grants| workload.least().handovers.min(*grants));
            (name(*workload), history::Least { ok, handovers })
        };
        self.0.iter().map(of).collect()
    }

    /// The operations of which so few are asked that a pass is not to be expected, in words; none if
    /// there are none.
    #[must_use]
    pub fn too_little(&self, time: Duration) -> Option<String> {
        let few = |(workload, load): &(&'static dyn Workload, Load)| {
            let asked = asked(*workload, load, time).into_iter();
            let (kind, count) = asked.min_by(|first, second| first.1.total_cmp(&second.1))?;
            let few = || format!("{count:.0} {kind} (`{}`)", workload.name());
            (count < ASKED_PER_OK).then(few)
        };
        let few: Vec<String> = self.0.iter().filter_map(few).collect();
        (!few.is_empty()).then(|| {
            format!(
                "in {time:?} clients ask about {}: that may be too little for a pass; a longer \
                 `--time` or a higher `--rate` asks more",
                few.join(", ")
            )
        })
    }
}

/// How the names of a workload's objects are written in the header.
fn name(workload: &dyn Workload) -> String {
    format!("{}*", workload.prefix())
}

/// The part of one of so many that share the load evenly.
fn share(load: &Load, shared: usize) -> Load {
    let shared = u16::try_from(shared).unwrap_or(u16::MAX);
    let least = u16::try_from(load.nodes.len()).unwrap_or(u16::MAX).min(load.clients);
    Load {
        clients: (load.clients / shared).max(least),
        rate: load.rate.map(|rate| rate / f64::from(shared)),
        ..load.clone()
    }
}

/// A light load beside that of another workload.
fn beside(load: &Load) -> Load {
    let (nodes, light) = (load.nodes.len(), BESIDE * load.nodes.len() as f64);
    Load {
        clients: u16::try_from(nodes).unwrap_or(u16::MAX),
        rate: Some(load.rate.map_or(light, |rate| rate.min(light))),
        ..load.clone()
    }
}

/// About how many operations of each kind that a pass needs will be asked.
fn asked(workload: &'static dyn Workload, load: &Load, time: Duration) -> BTreeMap<OpKind, f64> {
    let mut asked = expected(workload.lanes(load), time);
    // What is never drawn in so short a time is asked for all the same.
    for kind in workload.asks(&load.serves) {
        asked.entry(kind).or_default();
    }
    let needed: BTreeSet<OpKind> = workload.least().ok.iter().map(|(kind, _)| *kind).collect();
    asked.retain(|kind, _| needed.contains(kind));
    asked
}

/// How many operations of each kind must succeed, where so many are asked.
fn needed(workload: &dyn Workload, asked: &BTreeMap<OpKind, f64>) -> BTreeMap<OpKind, u64> {
    let least = |(kind, most): &(OpKind, u64)| {
        let asked = asked.get(kind)?;
        Some((*kind, (*most).min((asked / ASKED_PER_OK) as u64).max(1)))
    };
    workload.least().ok.iter().filter_map(least).collect()
}

#[cfg(test)]
mod tests {
    use fracas_checker::event::NodeId;

    use super::*;
    use crate::{ALL, find};

    fn load(rate: Option<f64>) -> Load {
        let nodes = (1..=5).map(NodeId).collect();
        Load { nodes, clients: 10, rate, keys: 5, serves: OpKind::asked().collect() }
    }

    fn chosen(names: &[&str], rate: Option<f64>) -> Chosen {
        let workloads: Vec<&'static dyn Workload> =
            names.iter().map(|name| find(name).expect("a workload")).collect();
        Chosen::new(&workloads, &load(rate))
    }

    fn rate(chosen: &Chosen) -> f64 {
        chosen.lanes().iter().filter_map(|lane| lane.rate).sum()
    }

    /// Whoever is alone has the whole rate, several without the register share it.
    #[test]
    fn workloads_share_the_rate() {
        for (names, expect) in [
            (&["register"][..], 150.0),
            (&["set"], 150.0),
            (&["queue"], 150.0),
            (&["ids"], 150.0),
            (&["set", "counter", "ids"], 150.0),
            (&["register", "set", "counter"], 150.0 + 15.0 + 15.0),
        ] {
            let rate = rate(&chosen(names, Some(150.0)));
            assert!((rate - expect).abs() < 0.01, "{names:?}: {rate}");
        }
        // No workload asks more beside the register than the user asks for in all.
        let rate = rate(&chosen(&["register", "set"], Some(5.0)));
        assert!((rate - 10.0).abs() < 0.01, "{rate}");
    }

    #[test]
    fn whoever_is_as_fast_as_possible_has_no_rate() {
        for name in ["register", "set", "queue", "kv", "rw-register"] {
            let lanes = chosen(&[name], None).lanes();
            let clients: Vec<&Lane> = lanes.iter().filter(|lane| !lane.overlaps).collect();
            assert!(
                clients.len() == 10 && clients.iter().all(|lane| lane.rate.is_none()),
                "{name}"
            );
        }
    }

    /// A rate of 20/s for 15 s cannot give five compare-and-sets.
    #[test]
    fn a_pass_needs_no_more_than_the_load_can_give() {
        let all = |rate| Chosen::new(ALL, &load(Some(rate)));
        let seconds = Duration::from_secs;
        let usual = all(150.0).least(seconds(30));
        assert_eq!(usual.len(), ALL.len());
        assert_eq!(usual["k*"].ok[&OpKind::Cas], 5);
        assert_eq!((usual["lock-*"].handovers, all(150.0).too_little(seconds(60))), (3, None));
        let little = all(20.0).least(seconds(15));
        assert!((1..=2).contains(&little["k*"].ok[&OpKind::Cas]), "{little:?}");
        assert!(little.values().flat_map(|coverage| coverage.ok.values()).all(|least| *least >= 1));
        let nothing = all(20.0).least(Duration::ZERO);
        assert!(
            nothing.values().flat_map(|coverage| coverage.ok.values()).all(|least| *least == 1)
        );
        assert!(all(20.0).too_little(Duration::ZERO).is_some());
    }

    /// Every object that clients use is named in the header, and looked at as its workload says.
    #[test]
    fn every_key_is_named_and_looked_at() {
        let chosen = Chosen::new(ALL, &load(Some(150.0)));
        let (kinds, lanes) = (chosen.objects(), chosen.lanes());
        let mut asked = BTreeSet::new();
        for (mut lane, number) in lanes.into_iter().zip(0..) {
            let mut draw = crate::Draw::new(1, number, 200);
            (0..20).for_each(|_| {
                asked.extend(lane.stream.next(&mut draw).keys().into_iter().cloned());
            });
        }
        assert!(asked.iter().all(|key| kinds.of_key(key).is_some()), "{asked:?}");
        for looks in [chosen.looks(&asked), chosen.finals(&asked)] {
            let looked: BTreeSet<&Key> =
                looks.iter().flat_map(|look| &look.ops).flat_map(Op::keys).collect();
            assert!(looked.iter().all(|key| asked.contains(*key)));
            assert!(looked.len() > asked.len() / 2);
        }
        assert!(chosen.probe().is_some());
    }
}
