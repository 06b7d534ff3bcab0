//! What has ended by itself: servers, which is their own doing, and our own processes and threads
//! around them, which never is. A server's end counts only if everything of ours that it needs was
//! seen to live afterwards.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use fracas_checker::event::{EventKind, NodeChange, NodeId, Text};
use fracas_checker::harness::Mishap;

use super::{Cluster, Crash, RestartAs, State};
use fracas_lab::agent::{Fate, Order};
use fracas_lab::resources::{MemoryWord, room};
use fracas_lab::{Helper, LabError};

/// How servers and helpers end that the kernel kills.
const KILLED: &str = "signal 9";

/// How many last lines of each output of a server that ended are kept.
const LINES: usize = 20;

/// With less room than this on the disk that the run is kept on nothing can be learnt.
const LEAST_ROOM: u64 = 4 << 20;

/// A server that has ended, before anything is said of it.
struct Death {
    node: NodeId,
    incarnation: u32,
    fate: Fate,
    /// Its outputs, with the offset of its first byte in each.
    outputs: Vec<(PathBuf, u64)>,
}

impl Cluster {
    /// The servers that ended by themselves since last asked. They stay down. None once something of
    /// our own has ended.
    #[must_use]
    pub fn crashed(&self) -> Vec<Crash> {
        let ended: Vec<Death> = self.nodes().filter_map(|node| self.end_of(node)).collect();
        if self.look_for_helpers(!ended.is_empty()) {
            return Vec::new();
        }
        ended.into_iter().map(|end| self.record_end(end)).collect()
    }

    /// The same; says at once which fault allows each of these ends, if one does.
    pub fn notice_crashes(&self) {
        for Crash { node, process, how, log, .. } in self.crashed() {
            let (excuse, process) = (self.recorder.excuse(node, &log), process.unwrap_or_default());
            let (fault, words) = excuse.unzip();
            let words = words.unwrap_or_else(|| "no fault in effect allows it".to_owned());
            tracing::warn!(%node, process, how, "a node's server ended by itself: {words}");
            self.server(node).gave_up = fault;
        }
    }

    /// Starts servers again that gave up on a fault which is over, once for each fault: those that
    /// give up while it lasts are started when it is healed, but a server may take longer to end.
    pub fn start_late_ends(&self) {
        for node in self.nodes().filter(|node| self.gave_up_late(*node)) {
            for problem in self.start_again(&[node], RestartAs::Same) {
                tracing::warn!(%node, "a server that gave up: {problem}");
            }
        }
    }

    /// Whether the server of a node gave up on a fault which is over, and was not started again since.
    fn gave_up_late(&self, node: NodeId) -> bool {
        let mut server = self.server(node);
        let over = server.gave_up.filter(|fault| self.recorder.is_over(*fault));
        let late = server.state == State::Ended && over.is_some() && over != server.started_after;
        if late {
            server.started_after = over;
        }
        late
    }

    /// What of our own has ended, if anything has: what happens afterwards tells nothing.
    #[must_use]
    pub fn broken(&self) -> Option<&Mishap> {
        self.broken.get().map(|(mishap, _)| mishap)
    }

    /// The same as an error of a run whose test has not begun.
    #[must_use]
    pub fn broken_before(&self) -> Option<LabError> {
        let (mishap, mend) = self.broken.get()?;
        Some(match mend {
            Some(mend) => LabError::Unavailable {
                what: "start the cluster".to_owned(),
                why: mishap.to_string(),
                mend: mend.clone(),
            },
            None => LabError::Asked(format!("start the cluster: {mishap}")),
        })
    }

    /// Asks everything of ours whether it still lives, as before a verdict.
    pub fn ask_helpers(&self) {
        self.look_for_helpers(true);
    }

    /// Whether something of our own has ended; looks, or even asks. The first time it is recorded.
    fn look_for_helpers(&self, ask: bool) -> bool {
        if self.broken.get().is_some() {
            return true;
        }
        let now = self.recorder.now();
        let Some(Helper { name, how, mend }) = self.ended_helper(ask) else {
            self.whole_at.store(now, Ordering::Relaxed);
            return false;
        };
        let how = if how == KILLED { format!("{how}{}", self.memory_words()) } else { how };
        let since = self.whole_at.load(Ordering::Relaxed);
        let mishap = Mishap::HelperEnded { helper: name, how, since };
        tracing::error!("{}", crate::text::plain(&mishap.to_string()));
        self.recorder.record(EventKind::mishap(mishap.clone()));
        self.broken.get_or_init(|| (mishap, mend));
        true
    }

    fn ended_helper(&self, ask: bool) -> Option<Helper> {
        let helper = self.ask(&Order::Lost { ask }).unwrap_or_else(|error| {
            let name = "the agent of the lab".to_owned();
            Some(Helper { name, how: error.to_string(), mend: None })
        });
        helper.or_else(|| self.no_room())
    }

    /// A server that finds the disk full which the run is kept on cannot help it either.
    fn no_room(&self) -> Option<Helper> {
        let free = room(self.run.path()).filter(|free| *free < LEAST_ROOM)?;
        Some(Helper::full(self.run.path(), free))
    }

    /// The end of a node's server, if it has come.
    fn end_of(&self, node: NodeId) -> Option<Death> {
        let mut server = self.server(node);
        if server.state != State::Running {
            return None;
        }
        let fate = self.ask::<Option<Fate>>(&Order::Ended(node)).unwrap_or_else(|error| {
            tracing::warn!("{error}");
            None
        })?;
        server.state = State::Ended;
        let mut begins = server.begins.last().cloned().unwrap_or_default();
        let own = self.outputs_of(node, fate.process.as_deref());
        begins.retain(|log, _| own.contains(log));
        let outputs = begins.into_iter().map(|(log, begin)| (log, begin.size)).collect();
        Some(Death { node, incarnation: server.incarnation, fate, outputs })
    }

    fn record_end(&self, end: Death) -> Crash {
        let Death { node, incarnation, fate, outputs } = end;
        let Fate { process, how, background } = fate;
        let last = |(log, from): &(PathBuf, u64)| self.last_lines(node, log, *from, LINES);
        let log: Vec<String> = outputs.iter().flat_map(last).collect();
        if how == KILLED {
            self.tell_memory(node);
        }
        let name = process.as_deref().map(Text::from);
        let change = NodeChange::Exited { process: name, how: how.clone(), log: log.clone() };
        self.tell(node, incarnation, change);
        self.view.forget(node);
        Crash { node, process, how, background, log }
    }

    /// What the kernel says of lack of memory since it was asked last.
    fn memory(&self) -> MemoryWord {
        self.ask(&Order::Memory).unwrap_or(MemoryWord::Unknown)
    }

    /// Records what the kernel says of a server that was killed, and not by us.
    fn tell_memory(&self, node: NodeId) {
        match self.memory() {
            MemoryWord::Killed(word) => {
                self.recorder.record(EventKind::mishap(Mishap::OutOfMemory { node, word }));
            }
            MemoryWord::Unknown => {
                let text = format!(
                    "whether the kernel killed the server of {node} for lack of memory is unknown: \
                     nothing that counts that can be read here"
                );
                self.recorder.record(EventKind::note(text));
            }
            MemoryWord::Not => {}
        }
    }

    /// The same of a helper, as the end of a sentence.
    fn memory_words(&self) -> String {
        match self.memory() {
            MemoryWord::Killed(word) => format!(" (for lack of memory: {word})"),
            MemoryWord::Unknown => " (whether for lack of memory is unknown)".to_owned(),
            MemoryWord::Not => String::new(),
        }
    }
}
