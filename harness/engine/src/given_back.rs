//! What the end of a session gives back: the locks that its process held.
//!
//! A server that hears that a session has ended may free them at once. The history says so before the
//! session is closed, as releases of unknown outcome; else the next holder would look like a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fracas_checker::event::{Completion, EventKind, ProcessId};
use fracas_targets::Ended;

use crate::recorder::Recorder;

/// Process ids of such releases begin here, far above those of any client.
const FIRST: u64 = 1 << 40;

/// Records what ends of sessions give back. Clones share their count.
#[derive(Clone, Default)]
pub(crate) struct GivenBack(Arc<AtomicU64>);

impl GivenBack {
    /// Records what the end of this session may give back, then closes it.
    pub(crate) fn close(&self, ended: Option<Ended>, recorder: &Recorder) {
        let Some(ended) = ended else { return };
        let node = Some(ended.node());
        for op in ended.releases() {
            let process = ProcessId(FIRST + self.0.fetch_add(1, Ordering::Relaxed));
            recorder.record(EventKind::Invoke { process, node, op });
            let error = "the session ended".to_owned();
            recorder
                .record(EventKind::Complete { process, completion: Completion::Info { error } });
        }
        drop(ended);
    }
}
