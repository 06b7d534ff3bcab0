//! The runs of a series side by side: each in a process of its own, as many as the machine has room
//! for, and every line of theirs with the run that wrote it.

use std::collections::{BTreeMap, VecDeque};

use fracas_engine::plan::RunPlan;
use fracas_engine::store::RunDir;
use fracas_lab::leftovers::Identity;
use fracas_lab::{Done, LabError, News, Workers};

use super::aftermath;
use super::closing::scarce_beside;
use super::item::Item;
use crate::exit::Exit;
use crate::output::{Format, print, tell};

/// Runs that are to come, and those that are decided already.
pub(super) type Queue = VecDeque<(Item, Option<RunPlan>)>;

/// The runs of a series that go on side by side.
pub(super) struct SideBySide<'a> {
    workers: Workers,
    /// How many there may be at once.
    jobs: usize,
    queue: &'a mut Queue,
    /// Those that go on, each with its process.
    running: BTreeMap<usize, (Item, Identity)>,
    /// How many were started.
    started: usize,
}

impl<'a> SideBySide<'a> {
    /// None has begun.
    pub(super) fn of(queue: &'a mut Queue, jobs: usize) -> Result<Self, LabError> {
        Ok(Self { workers: Workers::new()?, jobs, queue, running: BTreeMap::new(), started: 0 })
    }

    /// Carries them out; `ended` hears of each, and says whether others may follow it.
    pub(super) fn carry_out(
        mut self,
        mut ended: impl FnMut(Item, Exit, Option<&RunDir>) -> bool,
    ) -> Result<(), LabError> {
        let mut more = true;
        loop {
            while more && self.workers.count() < self.jobs {
                match self.start()? {
                    Next::Started => {}
                    Next::Refused(item) => more &= ended(item, Exit::Usage, None),
                    Next::None => break,
                }
            }
            if self.workers.count() == 0 {
                return Ok(());
            }
            for news in self.workers.news()? {
                match news {
                    News::Line(worker, line) => tell(&format!("{}{line}", self.mark(worker))),
                    News::Signal(_) => more = false,
                    News::Done(done) => {
                        if let Some((item, exit, dir)) = self.done(&done) {
                            more &= ended(item, exit, dir.as_ref());
                        }
                    }
                }
            }
        }
    }

    /// Starts the next run, if there is one and room for it.
    fn start(&mut self) -> Result<Next, LabError> {
        let Some((item, decided)) = self.queue.pop_front() else { return Ok(Next::None) };
        let plan = match decided.map_or_else(|| item.decide(), Ok) {
            Ok(plan) => plan,
            Err(error) => {
                tell(&error);
                return Ok(Next::Refused(item));
            }
        };
        // Alone it is refused where it is carried out, with the reason.
        let running = self.workers.count();
        if running > 0 && scarce_beside(&plan, running).is_some() {
            self.queue.push_front((item, Some(plan)));
            return Ok(Next::None);
        }
        let work = || {
            let mut plan = plan;
            plan.place.supervisor = Identity::own();
            aftermath::carried_out(&item.args, &item.target, &plan).code()
        };
        let process = self.workers.start(self.started, work)?;
        self.running.insert(self.started, (item, process));
        self.started += 1;
        Ok(Next::Started)
    }

    /// What stands before a line of a run.
    fn mark(&self, worker: usize) -> String {
        let mark = |(item, _): &(Item, Identity)| format!("[{} {}] ", item.name(), item.seed);
        self.running.get(&worker).map(mark).unwrap_or_default()
    }

    /// Tells what came of a run.
    fn done(&mut self, done: &Done) -> Option<(Item, Exit, Option<RunDir>)> {
        let (item, process) = self.running.remove(&done.worker)?;
        let exit = Exit::of_code(done.code);
        if item.args.format == Format::Text && !done.output.is_empty() {
            print(&format!("{} seed {}:\n", item.name(), item.seed));
        }
        print(&done.output);
        let dir = aftermath::made(&item.args.out.out, process).into_values().next();
        Some((item, exit, dir))
    }
}

/// What became of the next run.
enum Next {
    Started,
    /// It could not be decided.
    Refused(Item),
    /// There is none, or no room for it now.
    None,
}
