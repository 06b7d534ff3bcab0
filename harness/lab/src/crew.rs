//! The processes of a node that were asked for, as its init keeps them: each by its name, and with all
//! that descends from it. What went to the background descends from nobody, and only what is done to
//! the whole node reaches it.
//!
//! A process that ends by itself ends its node. One that is killed alone does not: it is no process
//! that was asked for any more before the signal is sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::channel::Exit;
use super::error::{Doing, LabError};
use super::launch::{Standing, Threads};
use super::resources::turns::Turns;
use super::sys::{self, Ended};
use super::threads::{self, Individual};
use super::tree;
use super::wait::look;

/// How long the end of a process that is killed may take.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// The processes of a node that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    /// Those that run, in the order of their starts. The one of a node that has but one has no name.
    running: Vec<(Option<String>, Pid)>,
    /// What was killed alone, process by process.
    killed: BTreeMap<String, Vec<Individual>>,
    /// Whether all were asked to end, and how those have that did.
    asked: Option<Vec<(Option<String>, String)>>,
}

impl Crew {
    /// A process was started.
    pub(crate) fn started(&mut self, name: Option<String>, pid: Pid) {
        if let Some(name) = &name {
            self.killed.remove(name);
        }
        self.running.push((name, pid));
    }

    /// Whether a process of this name runs.
    pub(crate) fn has(&self, name: Option<&str>) -> bool {
        self.running.iter().any(|(known, _)| known.as_deref() == name)
    }

    fn root(&self, name: &str) -> Result<Pid, LabError> {
        let found = self.running.iter().find(|(known, _)| known.as_deref() == Some(name));
        let missing = || LabError::Asked(format!("reach process `{name}`: it does not run"));
        found.map(|(_, pid)| *pid).ok_or_else(missing)
    }

    /// Takes note of an end. The report that it is worth: the first end is that of the node, unless
    /// all were asked to end; then the last is.
    pub(crate) fn ended(&mut self, pid: Pid, how: &Ended) -> Result<Option<Exit>, LabError> {
        let Some(place) = self.running.iter().position(|(_, known)| *known == pid) else {
            return Ok(None);
        };
        let (process, how) = (self.running.remove(place).0, how.to_string());
        if let Some(all) = &mut self.asked {
            all.push((process, how));
            let over =
                self.running.is_empty().then(|| Exit { process: None, how: summed(all), left: 0 });
            return Ok(over);
        }
        // They end with the init. A server that went to the background has some.
        let others: Vec<Pid> = self.running.iter().map(|(_, pid)| *pid).collect();
        let apart = threads::apart(&tree::numbers(&others)).doing(|| "count threads".into())?;
        Ok(Some(Exit { process, how, left: apart.1.total }))
    }

    /// Asks all to end by a signal, the one started last first.
    pub(crate) fn ask_to_end(&mut self, signal: Signal) -> Result<(), LabError> {
        self.asked.get_or_insert_default();
        self.running.iter().rev().try_for_each(|(_, pid)| tree::signal_to(*pid, signal))
    }

    /// Stops one.
    pub(crate) fn pause(&self, name: &str, turns: &mut Turns) -> Result<Threads, LabError> {
        turns.pause_process(self.root(name)?)
    }

    /// Lets it go on.
    pub(crate) fn resume(&self, name: &str, turns: &mut Turns) -> Result<Threads, LabError> {
        turns.resume_process(self.root(name)?)
    }

    /// Kills one with all that descends from it, and waits until they are gone. It is stopped first:
    /// nobody can be born between the look at them and the kill.
    pub(crate) fn kill(&mut self, name: &str, turns: &mut Turns) -> Result<Standing, LabError> {
        let root = self.root(name)?;
        let Threads { total, stopped } = turns.pause_process(root)?;
        if total == 0 {
            turns.forget(root);
            return Err(LabError::Reported(format!("kill process `{name}`: it has ended")));
        }
        if stopped != total {
            turns.resume_process(root)?;
            let text =
                format!("kill process `{name}`: {stopped} of its {total} threads were stopped");
            return Err(LabError::Reported(text));
        }
        let members = threads::trees(&[root.as_raw()]).doing(|| "list processes".into())?;
        let members: Vec<Individual> = members.into_iter().filter_map(Individual::of).collect();
        self.running.retain(|(_, pid)| *pid != root);
        turns.forget(root);
        for member in &members {
            tree::signal_to(Pid::from_raw(member.pid), Signal::SIGKILL)?;
        }
        // Those that another one of them should have reaped become children of this process.
        look(Instant::now() + GONE_WITHIN, || {
            for member in &members {
                let _not_ours_yet = sys::reap(Pid::from_raw(member.pid));
            }
            Ok::<_, LabError>((!members.iter().any(Individual::is_there)).then_some(()))
        })?;
        self.killed.insert(name.to_owned(), members);
        self.standing(name, turns)
    }

    /// How one stands, and the others beside it.
    pub(crate) fn standing(&self, name: &str, turns: &mut Turns) -> Result<Standing, LabError> {
        let (own, others) = turns.count_apart(self.root(name).ok())?;
        let left = |members: &Vec<Individual>| {
            (members.len(), members.iter().filter(|member| member.is_there()).count())
        };
        Ok(Standing { own, others, killed: self.killed.get(name).map(left) })
    }
}

/// How all ended, each with its name where they did not all end the same way.
fn summed(all: &[(Option<String>, String)]) -> String {
    let first = all.first().map(|(_, how)| how.clone()).unwrap_or_default();
    if all.iter().all(|(_, how)| *how == first) {
        return first;
    }
    let each = all.iter().map(|(name, how)| match name {
        Some(name) => format!("{name}: {how}"),
        None => how.clone(),
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart_where_they_differ() {
        let end = |name: &str, how: &str| (Some(name.to_owned()), how.to_owned());
        assert_eq!(summed(&[(None, "status 3".to_owned())]), "status 3");
        assert_eq!(summed(&[end("a", "status 0"), end("b", "status 0")]), "status 0");
        let differ = [end("a", "status 0"), end("b", "signal 15")];
        assert_eq!(summed(&differ), "a: status 0, b: signal 15");
    }

    /// Numbers that no process of a test can have.
    const FIRST: Pid = Pid::from_raw(i32::MAX);
    const SECOND: Pid = Pid::from_raw(i32::MAX - 1);

    #[test]
    fn the_end_of_a_node_is_that_of_the_first_process_unless_all_were_asked() {
        let crew = || {
            let mut crew = Crew::default();
            crew.started(Some("server".to_owned()), FIRST);
            crew.started(Some("agent".to_owned()), SECOND);
            crew
        };
        let ended = Ended::Status(3);
        let exit = crew().ended(SECOND, &ended).unwrap().unwrap();
        assert_eq!((exit.process.as_deref(), exit.how.as_str()), (Some("agent"), "status 3"));
        let mut asked = crew();
        asked.asked = Some(Vec::new());
        assert_eq!(asked.ended(SECOND, &ended).unwrap(), None);
        let exit = asked.ended(FIRST, &ended).unwrap().unwrap();
        assert_eq!((exit.process, exit.how.as_str()), (None, "status 3"));
        assert_eq!(crew().ended(Pid::from_raw(1), &ended).unwrap(), None, "an orphan");
    }
}
