//! Everything that is decided before a run starts, merged from flags, variables and the target.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use fracas_checker::event::OpKind;
use fracas_checker::fault::FaultKind;
use fracas_checker::history::{self, Coverage};
use fracas_targets::Target;
use fracas_workloads::{Size, Workload};

use crate::nemesis;
use crate::spec::RunSpec;
use crate::store::Readers;
use crate::targets;
use fracas_lab::NODES_MAX;
use fracas_lab::leftovers::Identity;

/// Until the first answer after the last heal, where a target does not say.
const RECOVERY: Duration = Duration::from_secs(30);

/// How often a lock must go from one holder to another for a pass to mean something.
const HANDOVERS: u64 = 3;

/// A run, decided, with all that its spec names looked up.
pub struct RunPlan {
    /// What was decided.
    pub spec: RunSpec,
    /// The system under test.
    pub target: Target,
    /// What clients do.
    pub workloads: Vec<&'static dyn Workload>,
    /// How much they do.
    pub size: Size,
    /// Where and for whom it is carried out.
    pub place: Place,
    /// What there is to tell of the decision.
    pub notes: Notes,
}

/// Where a run is carried out, and for whom: nothing that decides what happens in it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where runs are kept.
    pub out: PathBuf,
    /// Who may look into the run's directory.
    pub readers: Readers,
    /// What repeats this run.
    pub command: String,
    /// The process that answers for this run, as the machine outside numbers it.
    pub supervisor: Identity,
    /// Test hook: partitions claim to work but do nothing.
    pub ineffective_cut: bool,
}

/// What there is to tell of a decision.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// The workloads that were left out, and why.
    pub skipped: Vec<String>,
    /// What the load may be too little for.
    pub warning: Option<String>,
    /// The kinds of faults that nobody asked for by name and this machine cannot bring about, with
    /// the reason.
    pub left_out: BTreeMap<FaultKind, String>,
    /// Which kinds are possible, and how long a run with room for all of them is; none if its faults
    /// are not drawn from the usual mix.
    pub fits: Option<nemesis::Fits>,
}

impl RunPlan {
    /// Looks up what a spec names.
    ///
    /// # Errors
    /// A text for the user: what is not here, or makes no sense.
    pub fn of(spec: RunSpec, place: Place, notes: Notes) -> Result<Self, String> {
        let target = targets::parse(&spec.target)?;
        let workloads = spec.workloads.iter().map(|name| {
            let unknown = || format!("error: there is no workload `{name}`");
            fracas_workloads::find(name).ok_or_else(unknown)
        });
        let workloads = workloads.collect::<Result<_, _>>()?;
        sensible(&spec).map_err(|why| format!("error: {why}"))?;
        if let Some(kind) = spec.schedule.kinds().difference(&target.allowed_faults()).next() {
            return Err(format!(
                "error: target `{}` does not allow the fault `{kind}`",
                target.name()
            ));
        }
        let size = Size {
            clients: spec.clients,
            nodes: spec.nodes.clone(),
            rate: spec.rate,
            keys: spec.keys,
            serves: target.serves(),
        };
        Ok(Self { spec, target, workloads, size, place, notes })
    }

    /// How the history is to be judged.
    #[must_use]
    pub fn judging(&self) -> history::Plan {
        let (promised, promises) = (promised(&self.target), self.target.promises());
        let wanted = self.workloads.iter().flat_map(|workload| workload.checks());
        let wanted = wanted.copied().filter(|id| promised.contains(id));
        let mut checks: Vec<String> = Vec::new();
        for id in wanted.chain(["liveness/recovers", "nodes/stay-up"]) {
            if !checks.iter().any(|known| known == id) {
                checks.push(id.to_owned());
            }
        }
        history::Plan {
            checks,
            recovery_ms: millis(self.recovery()),
            step_down_ms: promises.step_down.map(millis),
            clock_error_ms: promises.clock_error.map_or(0, millis),
            gives_up_on: promises.gives_up_on.clone(),
            faults: self.spec.faults.clone(),
            coverage: self.spec.coverage.clone(),
            ..history::Plan::default()
        }
    }

    /// How long after the last heal the cluster may take to answer again.
    #[must_use]
    pub fn recovery(&self) -> Duration {
        self.target.promises().recovery.unwrap_or(RECOVERY)
    }

    /// The number of nodes that make a majority.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.spec.nodes.len() / 2 + 1
    }

    /// The run in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let kinds: Vec<&str> = self.spec.faults.iter().map(|kind| kind.word()).collect();
        let workloads: Vec<&str> = self.workloads.iter().map(|workload| workload.name()).collect();
        format!(
            "{}, {}, {:?}, workloads: {}, faults: {}",
            counted(self.spec.nodes.len(), "node"),
            counted(self.size.clients.into(), "client"),
            self.spec.time,
            workloads.join(", "),
            if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }
        )
    }

    /// The kinds that the time has no room for, and how long all kinds need; none if all have room.
    #[must_use]
    pub fn no_room(&self) -> Option<String> {
        let fits = self.notes.fits.as_ref()?;
        let planned = self.spec.schedule.kinds();
        let missing: Vec<&str> = fits.kinds.difference(&planned).map(|kind| kind.word()).collect();
        let all = fits.all_ms.map_or(String::new(), |all_ms| {
            let kinds = match fits.kinds.len() {
                1 => "it needs".to_owned(),
                many => format!("all {many} kinds need"),
            };
            format!("; {kinds} `--time {}s`", all_ms / 1_000)
        });
        let (time, missing_words) = (self.spec.time, missing.join(", "));
        (!missing.is_empty()).then(|| format!("{time:?} has no room for {missing_words}{all}"))
    }

    /// The spec as JSON, with what follows from it.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = serde_json::to_value(&self.spec).expect("a spec can be written");
        let planned = self.spec.schedule.kinds();
        let kinds = self.notes.fits.as_ref().map(|fits| {
            serde_json::json!({
                "room": planned,
                "no_room": &fits.kinds - &planned,
                "all_need_ms": fits.all_ms,
            })
        });
        shown["judging"] = serde_json::json!(self.judging());
        shown["kinds"] = serde_json::json!(kinds);
        shown["repeat"] = serde_json::json!(self.place.command);
        serde_json::to_string_pretty(&shown).expect("JSON values can be written")
    }

    /// The name of the run, without its time stamp.
    #[must_use]
    pub fn name(&self) -> String {
        let workloads: Vec<&str> = self.workloads.iter().map(|workload| workload.name()).collect();
        format!("{}-{}-{}", self.target.name(), workloads.join("+"), self.spec.seed)
    }
}

/// Whether the values of a spec can be carried out by any machine; what cannot be, if not.
fn sensible(spec: &RunSpec) -> Result<(), String> {
    let (nodes, most) = (&spec.nodes, usize::from(NODES_MAX));
    if !(1..=most).contains(&nodes.len()) {
        return Err(format!("`nodes` has {}, expected 1 to {most}", nodes.len()));
    }
    let mut known = BTreeSet::new();
    if let Some(twice) = nodes.iter().find(|node| !known.insert(**node)) {
        return Err(format!("`nodes` names {twice} twice"));
    }
    if spec.clients == 0 || spec.keys == 0 {
        return Err("`clients` or `keys` is 0, expected at least 1 client and 1 object".to_owned());
    }
    if spec.rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
        return Err("`rate` makes no sense, expected a rate above 0, or none".to_owned());
    }
    match spec.schedule.mistake(nodes) {
        Some((act, why)) => Err(format!("act {act} of `schedule`: {why}")),
        None => Ok(()),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A count with its noun: `1 node`, `5 nodes`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The checks that a target's promises call for, by id.
#[must_use]
pub fn promised(target: &Target) -> BTreeSet<&'static str> {
    target.promises().checks().into_iter().collect()
}

/// Of so many operations that are asked one may be expected to succeed: most servers refuse what
/// only their leader may do, a compare-and-set often comes too late, and faults take their part.
const ASKED_PER_OK: f64 = 20.0;

/// What is asked of a cluster, as far as it decides what a pass needs.
pub struct Asked<'a> {
    /// What clients do.
    pub workloads: &'a [&'static dyn Workload],
    /// How much they do.
    pub size: &'a Size,
    /// How long.
    pub time: Duration,
    /// Whether leaders are judged.
    pub leaders: bool,
    /// Whether there are to be faults.
    pub faults: bool,
}

impl Asked<'_> {
    /// What a pass needs where nobody says otherwise: no more than the load can give.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let expected = self.expected();
        let least = |(kind, most): (OpKind, u64)| {
            let asked = expected.get(&kind)?;
            Some((kind, most.min((asked / ASKED_PER_OK) as u64).max(1)))
        };
        let ok_per_kind: BTreeMap<OpKind, u64> = LEAST.into_iter().filter_map(least).collect();
        let grants = ok_per_kind.get(&OpKind::Acquire).copied().unwrap_or(0);
        Coverage {
            handovers: HANDOVERS.min(grants),
            ok_per_kind,
            ok_per_fault_window: 1,
            elections: u64::from(self.leaders && self.faults),
            effective_faults: u64::from(self.faults),
            look_first: true,
            ..Coverage::default()
        }
    }

    /// The kinds of operations of which so few are asked that a pass is not to be expected, in
    /// words; none if there are none.
    #[must_use]
    pub fn too_little(&self) -> Option<String> {
        let expected = self.expected();
        let few = |(kind, _): &(OpKind, u64)| {
            let asked = *expected.get(kind)?;
            (asked < ASKED_PER_OK).then(|| format!("{asked:.0} {kind}"))
        };
        let few: Vec<String> = LEAST.iter().filter_map(few).collect();
        let time = self.time;
        (!few.is_empty()).then(|| {
            format!(
                "in {time:?} clients ask about {}: that may be too little for a pass; a longer \
                 `--time` or a higher `--rate` asks more",
                few.join(", ")
            )
        })
    }

    /// About how many operations of each kind will be asked.
    fn expected(&self) -> BTreeMap<OpKind, f64> {
        let lanes = self.workloads.iter().flat_map(|workload| workload.lanes(self.size)).collect();
        let served = &self.size.serves;
        let mut expected = fracas_workloads::expected(lanes, self.time);
        // What is never drawn in so short a time is asked for all the same.
        for kind in self.workloads.iter().flat_map(|workload| workload.asks(served)) {
            expected.entry(kind).or_default();
        }
        expected
    }
}

/// How many operations of a kind must succeed for a pass, where enough are asked.
const LEAST: [(OpKind, u64); 7] = [
    (OpKind::Read, 10),
    (OpKind::Write, 10),
    (OpKind::Cas, 5),
    (OpKind::Acquire, 10),
    (OpKind::Renew, 5),
    (OpKind::Release, 5),
    (OpKind::GuardedWrite, 10),
];

#[cfg(test)]
mod tests {
    use fracas_checker::NodeId;

    use super::*;

    fn asked(rate: f64, seconds: u64) -> (Coverage, bool) {
        let nodes = (1..=5).map(NodeId).collect();
        let serves = OpKind::asked().collect();
        let size = Size { nodes, clients: 10, rate: Some(rate), keys: 5, serves };
        let time = Duration::from_secs(seconds);
        let workloads = &fracas_workloads::ALL;
        let asked = Asked { workloads, size: &size, time, leaders: true, faults: true };
        (asked.coverage(), asked.too_little().is_some())
    }

    /// A rate of 20/s for 15 s cannot give five compare-and-sets.
    #[test]
    fn a_pass_needs_no_more_than_the_load_can_give() {
        let (usual, warned) = asked(150.0, 30);
        assert_eq!(usual.ok_per_kind, LEAST.into());
        assert_eq!((usual.handovers, warned), (HANDOVERS, false));
        let (little, _) = asked(20.0, 15);
        assert!((1..=2).contains(&little.ok_per_kind[&OpKind::Cas]), "{little:?}");
        assert!(little.ok_per_kind.values().all(|least| *least >= 1));
        let (nothing, warned) = asked(20.0, 0);
        assert!(nothing.ok_per_kind.values().all(|least| *least == 1) && warned);
        assert_eq!(nothing.ok_per_kind.len(), LEAST.len());
    }

    #[test]
    fn without_faults_no_election_is_asked_for() {
        let nodes = vec![NodeId(1)];
        let size =
            Size { nodes, clients: 1, rate: None, keys: 1, serves: OpKind::asked().collect() };
        for (leaders, faults, elections) in [(true, true, 1), (true, false, 0), (false, true, 0)] {
            let (workloads, time) = (&fracas_workloads::ALL, Duration::from_secs(9));
            let asked = Asked { workloads, size: &size, time, leaders, faults };
            let coverage = asked.coverage();
            assert_eq!(coverage.elections, elections);
            assert_eq!(coverage.effective_faults, u64::from(faults));
        }
    }
}
