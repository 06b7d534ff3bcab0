//! What the outer process does for a run around it: before, whether there is room to keep it; after,
//! that its record says how it ended, whatever became of the process inside.

use std::path::Path;

use fracas_reports::Ended;

use crate::output::tell;
use fracas_engine::plan::RunPlan;
use fracas_engine::store;
use fracas_lab::leftovers::Identity;
use fracas_lab::resources::{file_limit, room};

/// A run of the usual length takes a tenth of this.
const ROOM: u64 = 64 << 20;

/// Why a run could not be kept in `out`, and what to do about it; none if it can, or if that is told
/// better when it is tried.
pub(super) fn no_room(out: &Path) -> Option<String> {
    let mega = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
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
