//! Everything that is decided before a run starts, merged from flags, variables and the target.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::OpKind;
use fracas_checker::history::{self, Coverage};
use fracas_checker::leadership;
use fracas_reports::PlanRow;
use fracas_targets::Target;
use fracas_workloads::{Chosen, Load};

use crate::faults::{DeclaredProcess, Kind};
use crate::judging::Outputs;
use crate::nemesis;
use crate::spec::RunSpec;
use crate::store::Readers;
use crate::targets;
use fracas_lab::NODES_MAX;
use fracas_lab::leftovers::Identity;

/// Until the first answer after the last heal, where a target does not say.
const RECOVERY: Duration = Duration::from_secs(30);

/// What is said where a target prepares something and there is no place for it.
const NO_CACHE: &str = "find the cache folder, which `[prepare]` needs: name it with `--cache-dir` or \
    `FRACAS_CACHE_DIR`";

/// A run, decided, with all that its spec names looked up.
pub struct RunPlan {
    /// What was decided.
    pub spec: RunSpec,
    /// The system under test.
    pub target: Target,
    /// What clients do.
    pub workloads: Chosen,
    /// How much they do.
    pub load: Load,
    /// Where the run is carried out, and for which user.
    pub place: Place,
    /// Notes on the decision, for the user.
    pub notes: Notes,
}

/// Where a run is carried out, and for which user. Nothing here decides what happens in the run.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where runs are kept.
    pub out: PathBuf,
    /// Who may look into the run's directory.
    pub readers: Readers,
    /// The command that repeats this run.
    pub command: String,
    /// The row of the plan that asks for this run; none if no plan does.
    pub planned: Option<PlanRow>,
    /// The reports that are written.
    pub outputs: Outputs,
    /// The folder of what is prepared once on this machine; none where nobody says which.
    pub cache: Option<PathBuf>,
    /// The process that answers for this run, as the machine outside numbers it.
    pub supervisor: Identity,
    /// Test hook: partitions claim to work but do nothing.
    pub ineffective_cut: bool,
}

/// Notes on a decision, for the user.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// The workloads that were left out, and why.
    pub skipped: Vec<String>,
    /// A warning that the load may be too little for a pass.
    pub warning: Option<String>,
    /// The kinds of faults that the user did not name and that this machine cannot bring about,
    /// with the reason.
    pub left_out: BTreeMap<Kind, String>,
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
        let workloads = workloads.collect::<Result<Vec<_>, _>>()?;
        sensible(&spec, &targets::processes(&target)).map_err(|why| format!("error: {why}"))?;
        if let Some(kind) =
            spec.schedule.kinds().difference(&targets::allowed_faults(&target)).next()
        {
            return Err(format!(
                "error: target `{}` does not allow the fault `{kind}`",
                target.name()
            ));
        }
        must_have_nodes_of_setup(&target, spec.nodes.len())?;
        if target.has_preparation() && place.cache.is_none() {
            return Err(format!("error: failed to {NO_CACHE}"));
        }
        let load = Load {
            clients: spec.clients,
            nodes: spec.nodes.clone(),
            rate: spec.rate,
            keys: spec.keys,
            serves: target.serves(),
        };
        let workloads = Chosen::new(&workloads, &load);
        Ok(Self { spec, target, workloads, load, place, notes })
    }

    /// How the history is to be judged.
    #[must_use]
    pub fn judging(&self) -> history::Plan {
        let (promised, promises) = (promised(&self.target), self.target.promises());
        let wanted = self.workloads.all().flat_map(fracas_workloads::Workload::checks);
        // Leaders are watched, whatever clients can ask: without writes there is no workload for them.
        let watched = (!self.target.serves().contains(&OpKind::Write)).then_some(leadership::ID);
        let wanted = wanted.copied().chain(watched).filter(|id| promised.contains(id));
        let mut checks: Vec<String> = Vec::new();
        for id in wanted.chain(["liveness/recovers", "nodes/stay-up"]) {
            if !checks.iter().any(|known| known == id) {
                checks.push(id.to_owned());
            }
        }
        history::Plan {
            checks,
            objects: self.workloads.objects(),
            recovery_ms: millis(self.recovery()),
            step_down_ms: promises.step_down.map(millis),
            new_leader_ms: promises.new_leader.map(millis),
            clock_error_ms: promises.clock_error.map_or(0, millis),
            gives_up_on: promises.gives_up_on.clone(),
            faults: self.spec.faults.iter().map(|kind| kind.recorded()).collect(),
            coverage: self.spec.coverage.clone(),
            ..history::Plan::default()
        }
    }

    /// How long after the last heal the cluster may take to answer again.
    #[must_use]
    pub fn recovery(&self) -> Duration {
        self.target.promises().recovery.unwrap_or(RECOVERY)
    }

    /// The directory of the target file; this one for a target that is built in.
    #[must_use]
    pub fn target_dir(&self) -> &Path {
        self.spec.target.dir.as_deref().unwrap_or(Path::new("."))
    }

    /// The folder of what is prepared once on this machine, by its true name.
    ///
    /// # Errors
    /// When there is none, or it cannot be made.
    pub fn cache(&self) -> Result<PathBuf, String> {
        let Some(cache) = &self.place.cache else { return Err(NO_CACHE.to_owned()) };
        fracas_lab::prepared::folder(cache).map_err(|error| error.to_string())
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
        let workloads: Vec<&str> =
            self.workloads.all().map(fracas_workloads::Workload::name).collect();
        format!(
            "{}, {}, {:?}, workloads: {}, faults: {}",
            counted(self.spec.nodes.len(), "node"),
            counted(self.load.clients.into(), "client"),
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

    /// The name of the run, without its time stamp: of many workloads the first one is named.
    #[must_use]
    pub fn name(&self) -> String {
        let workloads: Vec<&str> =
            self.workloads.all().map(fracas_workloads::Workload::name).collect();
        let workloads = match workloads.as_slice() {
            [first, rest @ ..] if rest.len() > 2 => format!("{first}+{}-more", rest.len()),
            few => few.join("+"),
        };
        format!("{}-{workloads}-{}", self.target.name(), self.spec.seed)
    }
}

/// Fails if a step before the load is to be run on a node that a cluster of `count` has not.
fn must_have_nodes_of_setup(target: &Target, count: usize) -> Result<(), String> {
    let missing = target.setup_node().filter(|node| usize::from(node.0) > count);
    let Some(node) = missing else { return Ok(()) };
    Err(format!(
        "error: a step of `setup` of target `{}` runs on {node}, and the cluster has {}: give it more \
         (`--nodes`)",
        target.name(),
        counted(count, "node")
    ))
}

/// Whether the values of a spec can be carried out by any machine; what cannot be, if not.
fn sensible(spec: &RunSpec, processes: &[DeclaredProcess]) -> Result<(), String> {
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
    match spec.schedule.mistake(nodes, processes) {
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

/// The coverage that a pass needs by default: no more than these workloads can give in so long a
/// time, with faults or without.
#[must_use]
pub fn coverage(workloads: &Chosen, time: Duration, faults: bool) -> Coverage {
    Coverage {
        objects: workloads.least(time),
        ok_per_fault_window: 1,
        elections: if faults { workloads.elections() } else { 0 },
        effective_faults: u64::from(faults),
        look_first: true,
        ..Coverage::default()
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::{NodeId, OpKind};

    use super::*;

    #[test]
    fn without_faults_no_election_is_asked_for() {
        let (nodes, serves) = (vec![NodeId(1)], OpKind::asked().collect());
        let load = Load { nodes, clients: 1, rate: None, keys: 1, serves };
        let all = Chosen::new(fracas_workloads::ALL, &load);
        let register = fracas_workloads::find("register").expect("a workload");
        let register = Chosen::new(&[register], &load);
        for (workloads, faults, elections) in
            [(&all, true, 1), (&all, false, 0), (&register, true, 0)]
        {
            let coverage = coverage(workloads, Duration::from_secs(9), faults);
            assert_eq!(coverage.elections, elections);
            assert_eq!(coverage.effective_faults, u64::from(faults));
        }
    }
}
