//! Has what a target prepares made, unless an earlier run has done so, and gives every node a copy of
//! it. A preparation that fails leaves nothing and ends the run: there is no test then, and no anomaly.

use std::time::Duration;

use fracas_checker::event::EventKind;
use fracas_lab::agent::{Fate, Order, Preparation};
use fracas_lab::prepared::Size;
use tokio::time::Instant;

use super::context::{GLANCE, RunContext};
use super::error::RunError;
use super::ready::{LAST_LINES, Patience, is_late};
use super::setup::quote;
use crate::preparation::Preparing;
use crate::progress::{Prepared, Progress};
use crate::start_error::StartError;

/// How often somebody else's preparation is looked at.
const AGAIN: Duration = Duration::from_millis(200);

/// How a preparation ends that went well.
const WELL: &str = "status 0";

impl RunContext<'_> {
    /// Gives every node a copy of what is prepared. False if the run was interrupted before that.
    pub(super) async fn prepare(&self) -> Result<bool, RunError> {
        let Some(preparing) = &self.preparing else { return Ok(true) };
        let began = Instant::now();
        let Some((size, made)) = self.prepared(preparing).await? else { return Ok(false) };
        let (took, began) = (began.elapsed(), Instant::now());
        tokio::task::block_in_place(|| {
            preparing.into.iter().try_for_each(|(node, dir)| {
                self.cluster.ask::<()>(&Order::Furnish(*node, dir.clone()))
            })
        })
        .map_err(StartError::Lab)?;
        let Size { files, bytes } = size;
        let made = made.then(|| preparing.command.clone());
        let told = Prepared { made, took, files, bytes, copied: began.elapsed() };
        self.recorder.record(EventKind::note(told.to_string()));
        self.listener.hear(&Progress::Prepared(told));
        Ok(true)
    }

    /// The size of the preparation, and whether it was made now; none if the run was interrupted.
    async fn prepared(&self, preparing: &Preparing) -> Result<Option<(Size, bool)>, RunError> {
        let mut waited = false;
        while self.interrupts.now().is_none() {
            let order = Order::Prepare(Box::new(preparing.order.clone()));
            let come_to = tokio::task::block_in_place(|| self.cluster.ask(&order));
            match come_to.map_err(StartError::Lab)? {
                Preparation::There(size) => return Ok(Some((size, false))),
                Preparation::Begun => return self.made(preparing).await,
                Preparation::Awaited => {
                    if !waited {
                        self.listener.hear(&Progress::PreparationAwaited);
                    }
                    waited = true;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        Ok(None)
    }

    /// Waits for the end of the program that makes it, and keeps what it has made.
    async fn made(&self, preparing: &Preparing) -> Result<Option<(Size, bool)>, RunError> {
        let ended = self.end_of_program(preparing).await;
        let node = preparing.order.start.node;
        tokio::task::block_in_place(|| {
            let missed = match ended? {
                Some(Fate { how, background: false, .. }) if how == WELL => {
                    let kept = self.cluster.ask(&Order::Keep).map_err(StartError::Lab)?;
                    let Preparation::There(size) = kept else { return Ok(None) };
                    return Ok(Some((size, true)));
                }
                Some(Fate { background: true, .. }) => "it left processes behind".to_owned(),
                Some(Fate { how, .. }) => format!("it ended with {how}, expected {WELL}"),
                None => {
                    self.cluster.ask::<()>(&Order::Kill(node))?;
                    format!("it did not end within {:?}", preparing.within)
                }
            };
            let lines: Vec<String> = self.cluster.ask(&Order::Abandon(LAST_LINES))?;
            if self.interrupts.now().is_some() {
                return Ok(None);
            }
            Err(RunError::Target(format!(
                "start the cluster: `prepare` failed: {missed}: `{}`{}",
                preparing.command,
                quote(&lines)
            )))
        })
    }

    /// How the program ended; none if it goes on though its time is over, or the run interrupted.
    async fn end_of_program(&self, preparing: &Preparing) -> Result<Option<Fate>, RunError> {
        let (began, patience) = (Instant::now(), Patience::begin());
        let order = Order::Ended(preparing.order.start.node);
        loop {
            let fate: Option<Fate> = tokio::task::block_in_place(|| self.cluster.ask(&order))?;
            let late = is_late(began.elapsed(), patience.stood_still(), preparing.within);
            if fate.is_some() || late || self.interrupts.now().is_some() {
                return Ok(fate);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
}
