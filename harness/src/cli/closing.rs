//! What the outer process does for a run around it: before, whether the machine has enough for it;
//! after, that its record says how it ended, whatever became of the process inside.

use std::path::Path;

use fracas_reports::Ended;

use crate::output::tell;
use fracas_engine::plan::RunPlan;
use fracas_engine::store;
use fracas_lab::leftovers::Identity;
use fracas_lab::resources::{Memory, file_limit, memory, room};

/// A run of the usual length takes a tenth of this.
const ROOM: u64 = 64 << 20;

/// How many descriptors a client may need: a connection to its own node and one to the leader.
const DESCRIPTORS_EACH: u64 = 2;
/// How many descriptors a run needs besides: logs, polls, the lab.
const DESCRIPTORS_BESIDES: u64 = 200;

/// How much memory the smallest server needs, and the harness besides. With less the kernel would
/// end processes in the middle of the run.
const MEMORY_EACH: u64 = 8 << 20;
const MEMORY_BESIDES: u64 = 64 << 20;

/// What this machine has too little of for a run, and what to do about it; none if it has enough, or
/// if that is told better when it is tried.
pub(super) fn scarce(plan: &RunPlan) -> Option<String> {
    let descriptors = fracas_lab::resources::descriptors();
    let (clients, nodes) = (u64::from(plan.load.clients), plan.spec.nodes.len() as u64);
    few_descriptors(descriptors, clients)
        .or_else(|| little_memory(&memory()?, nodes))
        .or_else(|| no_room(&plan.place.out))
}

/// The same for a run beside others: those that began a moment ago may not have taken their part yet,
/// so there must be room for all of them.
pub(super) fn scarce_beside(plan: &RunPlan, running: usize) -> Option<String> {
    let nodes = plan.spec.nodes.len() as u64 * (running as u64 + 1);
    little_memory(&memory()?, nodes).or_else(|| no_room(&plan.place.out))
}

/// Megabytes, for people.
fn mega(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// Without descriptors the harness could not ask, and the target would look as if it refused.
fn few_descriptors(most: u64, clients: u64) -> Option<String> {
    let needed = DESCRIPTORS_BESIDES + DESCRIPTORS_EACH * clients;
    let raise = "raise the limit (`ulimit -n`, `ulimit -Hn`), or have fewer clients (`--clients`)";
    (most < needed).then(|| {
        format!(
            "error: a process may have {most} open files here, expected at least {needed} for {clients} \
             clients: {raise}"
        )
    })
}

/// With too little memory the kernel would end servers, or the harness.
fn little_memory(memory: &Memory, nodes: u64) -> Option<String> {
    let needed = MEMORY_BESIDES + MEMORY_EACH * nodes;
    (memory.available < needed).then(|| {
        format!(
            "error: {} MB of memory are available (`{}`), expected at least {} MB for {nodes} servers: \
             end other programs, raise the limit of the group, or have fewer servers (`--nodes`)",
            mega(memory.available),
            memory.file.display(),
            mega(needed)
        )
    })
}

/// Why a run could not be kept in `out`.
fn no_room(out: &Path) -> Option<String> {
    if let Some(limit) = file_limit().filter(|limit| *limit < ROOM) {
        return Some(format!(
            "error: no file may have more than {} MB here, expected at least {} MB for a history: raise \
             the limit (`ulimit -f`)",
            mega(limit),
            mega(ROOM)
        ));
    }
    let there = out.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("."));
    let free = room(there).filter(|free| *free < ROOM)?;
    Some(format!(
        "error: {} MB are free in `{}`, expected at least {} MB to keep a run: free some space there, or \
         keep it elsewhere (`--out`)",
        mega(free),
        there.display(),
        mega(ROOM)
    ))
}

/// Has the record of a run that could not say so itself say how it ended.
pub(super) fn close(plan: &RunPlan, how: &str) {
    let own = Identity::own();
    for run in store::list(&plan.place.out).unwrap_or_default() {
        if run.supervisor() != Some(own) {
            continue;
        }
        let Ok(mut record) = run.record() else { continue };
        if record.ended == Ended::Running {
            record.ended = Ended::Failed { reason: how.to_owned() };
            run.use_reserve();
            if let Err(error) = run.write_record(&record) {
                tell(&format!("fracas: warning: failed to {error}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_just_enough_is_enough() {
        assert_eq!(few_descriptors(1024, 412), None);
        let few = few_descriptors(1024, 413).expect("too few");
        assert!(few.contains("1024 open files") && few.contains("at least 1026"), "{few}");
        let memory = |mega: u64| Memory { available: mega << 20, file: "/proc/meminfo".into() };
        assert_eq!(little_memory(&memory(104), 5), None);
        let little = little_memory(&memory(103), 5).expect("too little");
        assert!(little.contains("103.0 MB") && little.contains("at least 104.0 MB"), "{little}");
    }
}
