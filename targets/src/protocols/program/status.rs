//! Asking nodes for their status through client programs: one program for each node, so that a node
//! that hangs keeps no other waiting, and none of them is one that performs operations.
//!
//! It deliberately does not say what an answer tells: the rules of the target do.

use std::collections::BTreeMap;
use std::sync::Arc;

use fracas_checker::NodeId;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::messages::{status_of, tells_of};
use super::pool::Pool;
use super::talk::{GRACE, Talk, Trouble};
use crate::reply::{Failure, Reply};
use crate::session::{AsksStatus, Later};

/// The programs that tell of nodes.
pub(super) struct StatusPrograms {
    pool: Arc<Pool>,
    /// The program of each node, once it was started.
    talks: BTreeMap<NodeId, Mutex<Option<Talk>>>,
}

impl StatusPrograms {
    pub(super) fn of(pool: &Arc<Pool>) -> Self {
        let nodes = pool.hello().nodes.keys();
        Self {
            pool: Arc::clone(pool),
            talks: nodes.map(|node| (*node, Mutex::default())).collect(),
        }
    }

    /// Asks once. The program is kept for the next time unless it is lost.
    async fn answer(&self, node: NodeId) -> Result<Reply, Failure> {
        let Some(place) = self.talks.get(&node) else {
            return Err(Failure::NotSent(format!("the cluster has no node `{node}`")));
        };
        let mut place = place.lock().await;
        let mut talk = match place.take() {
            Some(talk) => talk,
            None => {
                let taken = self.pool.take().await;
                taken.map_err(|lost| Failure::NotSent(lost.why))?.muted()
            }
        };
        let until = Instant::now() + self.pool.timeout();
        let answer = match talk.ask(&status_of(node), until).await {
            Ok(line) => tells_of(&line, node).map(|()| line).map_err(Trouble::Broken),
            Err(trouble) => Err(trouble),
        };
        match answer {
            Ok(line) => {
                self.pool.note_answer(talk.number());
                *place = Some(talk);
                Ok(Reply::Text(line.into_bytes()))
            }
            Err(Trouble::Late) => {
                *place = self.waited_for(talk, node).await;
                Err(Failure::Unknown("timed out".to_owned()))
            }
            Err(trouble) => Err(Failure::Unknown(self.pool.lost(talk, trouble).await.why)),
        }
    }

    /// A program whose answer is late: the same once it has come, or none. What it tells is of no use.
    async fn waited_for(&self, mut talk: Talk, node: NodeId) -> Option<Talk> {
        let trouble = match talk.hear(Instant::now() + GRACE).await {
            Ok(line) => match tells_of(&line, node) {
                Ok(()) => return Some(talk),
                Err(wrong) => Trouble::Broken(wrong),
            },
            Err(trouble) => trouble,
        };
        self.pool.lost(talk, trouble).await;
        None
    }
}

impl AsksStatus for StatusPrograms {
    fn ask(&self, node: NodeId) -> Later<'_, Result<Reply, Failure>> {
        Box::pin(self.answer(node))
    }
}
