//! The observer: asks every node for role and generation, and follows the nodes' logs.
//!
//! It writes down what it was told, with its grade and the interval in which it was true; judging
//! it is the checker's part. A node that does not answer is unknown, which is not an observation.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::{EventKind, Nanos, NodeId};
use fracas_checker::observation::Observation;
use fracas_targets::{Deployment, Poller, Sighting};
use tokio::task::JoinSet;

use crate::cluster::{Cluster, NodeLog};
use crate::recorder::Recorder;
use crate::view::View;

/// How often logs are looked at: a log line's time is known to this.
const LOG_EVERY: Duration = Duration::from_millis(10);
/// At most this much of a log is read at once.
const CHUNK: u64 = 1 << 20;
/// A longer line is cut: no rule needs more, and a target may write without end.
const LONGEST_LINE: usize = 64 * 1024;

/// Watches a cluster until it is dropped.
pub struct Observer {
    tasks: JoinSet<()>,
}

/// What every watching task needs.
#[derive(Clone)]
struct Context {
    cluster: Arc<Cluster>,
    recorder: Recorder,
    view: View,
}

impl Observer {
    /// Begins to watch. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(
        cluster: &Arc<Cluster>,
        deployment: &Arc<Deployment>,
        recorder: &Recorder,
        view: &View,
    ) -> Self {
        let context = Context {
            cluster: Arc::clone(cluster),
            recorder: recorder.clone(),
            view: view.clone(),
        };
        let mut tasks = JoinSet::new();
        for node in cluster.nodes() {
            if let Some(poller) = deployment.poller() {
                tasks.spawn(poll(context.clone(), node, poller));
            }
            for log in cluster.logs(node) {
                if deployment.log_rules().concerns(log.place) {
                    tasks.spawn(follow(context.clone(), node, log, Arc::clone(deployment)));
                }
            }
        }
        Self { tasks }
    }
}

impl Observer {
    /// Ends the watch.
    ///
    /// # Errors
    /// When a part of it had ended before, which is a bug of ours: it may have missed something.
    pub fn stop(mut self) -> Result<(), String> {
        match self.tasks.try_join_next() {
            None => Ok(()),
            Some(Ok(())) => Err("a part of the observer ended early".to_owned()),
            Some(Err(error)) => Err(format!("a part of the observer failed: {error}")),
        }
    }
}

impl Context {
    fn observe(&self, node: NodeId, incarnation: u32, since: Nanos, seen: Sighting) {
        let observation = Observation {
            node: seen.node.unwrap_or(node),
            incarnation,
            source: seen.source,
            grade: seen.grade,
            since,
            role: seen.role,
            generation: seen.generation,
            leader: seen.leader,
            applied: seen.applied,
            voted: seen.voted,
            entry: None,
            text: seen.text,
        };
        let at = self.recorder.record(EventKind::Observe(observation.clone()));
        self.view.observe(&observation, at);
    }
}

/// Asks one node again and again.
async fn poll(context: Context, node: NodeId, poller: Poller) {
    loop {
        let (since, before) = (context.recorder.now(), context.cluster.incarnation(node));
        if let Some(seen) = poller.ask(node).await {
            // An answer across a restart could be of either incarnation: it tells nothing certain.
            if context.cluster.incarnation(node) == before {
                context.observe(node, before, since, seen);
            }
        }
        tokio::time::sleep(poller.every()).await;
    }
}

/// Follows one log file.
async fn follow(context: Context, node: NodeId, log: NodeLog, deployment: Arc<Deployment>) {
    let mut tail = Tail::new(log.path.clone());
    let mut since = context.recorder.now();
    loop {
        let before = context.recorder.now();
        for (offset, line) in tail.lines() {
            if let Some(seen) = deployment.log_rules().sight(node, log.place, &line) {
                let incarnation = context.cluster.incarnation_at(node, &log.path, offset);
                context.observe(node, incarnation, since, seen);
            }
        }
        since = before;
        tokio::time::sleep(LOG_EVERY).await;
    }
}

/// The lines that are appended to a file, each with its offset.
struct Tail {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
    rest: Vec<u8>,
}

impl Tail {
    fn new(path: PathBuf) -> Self {
        Self { path, file: None, offset: 0, rest: Vec::new() }
    }

    /// The whole lines that were appended since last asked. A file that is not there has none.
    fn lines(&mut self) -> Vec<(u64, String)> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return Vec::new() };
        let mut fresh = Vec::new();
        let read = file
            .seek(SeekFrom::Start(self.offset + self.rest.len() as u64))
            .and_then(|_| file.take(CHUNK).read_to_end(&mut fresh));
        if let Err(error) = read {
            tracing::warn!(path = %self.path.display(), %error, "failed to read a log");
            return Vec::new();
        }
        self.rest.extend(fresh);
        self.split()
    }

    fn split(&mut self) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let kept = &line[..end.min(LONGEST_LINE)];
            lines.push((self.offset, String::from_utf8_lossy(kept).into_owned()));
            self.offset += line.len() as u64;
        }
        if self.rest.len() > LONGEST_LINE {
            self.offset += self.rest.len() as u64;
            self.rest.clear();
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_come_whole_and_with_their_offset() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut tail = Tail::new(path.clone());
        assert!(tail.lines().is_empty(), "the file is not there yet");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(tail.lines(), [(0, "one".to_owned())]);
        file.write_all(b"o\n\xffthree\n").unwrap();
        assert_eq!(tail.lines(), [(4, "two".to_owned()), (8, "\u{fffd}three".to_owned())]);
        assert!(tail.lines().is_empty());
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, vec![b'x'; LONGEST_LINE * 3]).unwrap();
        let mut tail = Tail::new(path);
        for _ in 0..5 {
            assert!(tail.lines().is_empty());
            assert!(tail.rest.len() <= LONGEST_LINE);
        }
    }
}
