//! Do servers stay up until the harness ends them?
//!
//! A server that ends by itself has crashed: it broke an assertion, ran out of something, or gave
//! up. That is the target's doing, whatever faults were on, and never silently passed over. With
//! one exception: where it endures what the plan lets it give up on ([`Plan::may_give_up_on`]): as
//! a rule that its disk answers errors, or that its memory is refused.

use crate::budget::Budget;
use crate::catalogue;
use crate::event::{EventKind, Nanos, NodeChange, NodeId, Phase};
use crate::fault::{Fault, Hardship, Trouble};
use crate::harness::{self, Mishap};
use crate::history::{FaultSpan, History, Plan};
use crate::story::Shown;
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// The stable name of the check.
pub const ID: &str = "nodes/stay-up";
/// What it promises.
pub(crate) const PROMISE: &str =
    "no server ends by itself: only faults and the end of the run stop one";

/// How long after a fault was healed a server may still end because of it …
const SOON: Nanos = 1_000_000_000;
/// … and how long if the last lines of its log name what the fault did to it: a refused write may
/// come to light long after it.
pub const LATE: Nanos = 10_000_000_000;

/// How a server ends that the kernel kills.
const KILLED: &str = "signal 9";

/// How many excused ends are told of.
const EXCUSED: usize = 10;

/// Looks for servers that ended by themselves.
#[must_use]
pub fn check(history: &History, _budget: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    let faults = history.faults();
    let (mut starts, mut excused) = (0_u32, 0_usize);
    for event in history.others() {
        let EventKind::Node { node, incarnation, change } = &event.kind else { continue };
        starts += u32::from(*change == NodeChange::Started);
        let NodeChange::Exited { process, how, log } = change else { continue };
        let (node, time, life, process) = (*node, event.time, *incarnation, process.as_deref());
        let (faults, index) = (&faults, event.index);
        let ended = Ended { history, faults, index, node, process, time, life, how, log };
        if history.phase(Phase::Load).is_none_or(|load| time < load) {
            result.inconclusive(ended.before_testing());
        } else if let Some(span) = ended.excuse() {
            excused += 1;
            if excused <= EXCUSED {
                result.assumptions.push(ended.excused(span));
            }
        } else if let Some(mishap) = ended.killed_for_memory() {
            result.inconclusive(format!(
                "{} ended with {how}, but {mishap}: whether the target or something \
                 else used it up is not known; give the machine more memory, or a limit to the server",
                ended.subject()
            ));
        } else if let Some(why) = ended.untimely() {
            result.inconclusive(why);
        } else {
            result.anomaly(ended.anomaly());
        }
    }
    if starts == 0 {
        result.inconclusive("no server was started");
    }
    result.metrics.insert("starts".to_owned(), f64::from(starts));
    result.metrics.insert("gave-up".to_owned(), excused as f64);
    result
}

/// A server that ended by itself.
struct Ended<'a> {
    history: &'a History,
    faults: &'a [FaultSpan],
    index: u64,
    node: NodeId,
    /// Which process of it, where it has several.
    process: Option<&'a str>,
    time: Nanos,
    /// How many times it had been started.
    life: u32,
    how: &'a str,
    log: &'a [String],
}

impl<'a> Ended<'a> {
    /// What ended, in words.
    fn subject(&self) -> String {
        match self.process {
            Some(process) => format!("the process `{process}` of {}", self.node),
            None => format!("the server of {}", self.node),
        }
    }

    fn before_testing(&self) -> String {
        let last = self.last_lines().map_or(String::new(), |lines| format!("; {lines}"));
        let subject = self.subject();
        format!("the target broke before testing: {subject} ended with {}{last}", self.how)
    }

    /// The fault for which the plan lets it end.
    fn excuse(&self) -> Option<&'a FaultSpan> {
        self.excuse_if(&named(self.log))
    }

    /// The fault for which the plan lets it end if the last lines of its log name these.
    fn excuse_if(&self, named: &[Hardship]) -> Option<&'a FaultSpan> {
        let plan = &self.history.header().plan;
        self.faults.iter().find(|span| {
            let end = span.end.map(|(_, time)| time);
            let excuse = Excuse::of(plan, &span.fault, span.begin.1, end);
            excuse.covers(self.node, self.time, named)
        })
    }

    /// Why it is not known whether it ended because of a fault that it may give up on: how long that
    /// takes is judged by time, and the reason is looked for in its log.
    fn untimely(&self) -> Option<String> {
        let span = self.excuse_if(&Hardship::ALL)?;
        let healed = span.end.map_or(self.time, |(_, end)| end);
        let skipped = self.history.mishaps().find(|(time, mishap)| {
            let own = matches!(mishap, Mishap::LogSkipped { node, .. } if *node == self.node);
            own && span.begin.1 <= *time && *time <= self.time.saturating_add(LATE)
        });
        let still = harness::stood_still(self.history, (healed, self.time));
        let why = still.or_else(|| skipped.map(|(_, mishap)| mishap.to_string()))?;
        Some(format!(
            "{} ended with {} at {}, after fault {} ({}), on which the target may give \
             up (`gives-up-on`); but {why}, so whether it ended because of that is not known; run it \
             again on a machine that is less busy",
            self.subject(),
            self.how,
            words::at(self.time),
            span.id,
            span.fault.manner
        ))
    }

    /// What the kernel says of a server that it may have killed.
    fn killed_for_memory(&self) -> Option<&'a Mishap> {
        if self.how != KILLED {
            return None;
        }
        let told = self.history.mishaps().find(|(time, mishap)| {
            let of_it = matches!(mishap, Mishap::OutOfMemory { node, .. } if *node == self.node);
            of_it && time.abs_diff(self.time) <= SOON
        });
        told.map(|(_, mishap)| mishap)
    }

    fn excused(&self, span: &FaultSpan) -> String {
        let over = span.end.is_some_and(|(_, end)| end.saturating_add(SOON) < self.time);
        let why = if over { "had been in effect, its log names that," } else { "was in effect," };
        let (node, how, at, id) = (self.node, self.how, words::at(self.time), span.id);
        let ended = format!("{} may end, as it did with {how} at {at}", self.subject());
        if span.fault.removed().contains(&node) {
            return format!("{ended}: by fault {id} it was no member of the cluster");
        }
        let manner = &span.fault.manner;
        format!(
            "{ended}: fault {id} ({manner}) {why} and the target may give up on that (`gives-up-on`)"
        )
    }

    /// The faults of its node within which it ended, or just after: the nearest first.
    fn within(&self) -> Vec<&'a FaultSpan> {
        let on = |span: &&FaultSpan| {
            let (from, to) = span.window(self.history.end());
            span.fault.touches(&[self.node])
                && from <= self.time
                && self.time <= to.saturating_add(SOON)
        };
        let mut all: Vec<&FaultSpan> = self.faults.iter().filter(on).collect();
        all.sort_by_key(|span| std::cmp::Reverse(span.begin));
        all
    }

    /// The power failure in whose wake it had been started, if that was its last start.
    fn power(&self) -> Option<&'a FaultSpan> {
        let killed = |span: &&FaultSpan| {
            let all = [span.fault.killed(), span.fault.killed_in_part()].concat();
            all.contains(&self.node) && span.begin.1 <= self.time
        };
        let last = self.faults.iter().filter(killed).max_by_key(|span| span.begin)?;
        last.fault.loss_of(self.node).is_some().then_some(last)
    }

    /// The hardship in which it ended, for the headline: ` while its disk was full (fault 3)`.
    fn hardship(&self) -> String {
        let hard = self.within().into_iter().find_map(|span| {
            let all = span.fault.troubles_of(self.node);
            Some((span, all.into_iter().find(|trouble| *trouble != Trouble::NoProcessor)?))
        });
        let power = self.power();
        match (hard, power) {
            (Some((span, suffers)), _) => {
                let over = span.end.is_some_and(|(_, end)| end < self.time);
                let when = if over { "just after" } else { "while" };
                format!(", {when} {} (fault {})", trouble(suffers, &span.fault.manner), span.id)
            }
            (None, Some(span)) => {
                format!(", in its first life after a power failure (fault {})", span.id)
            }
            (None, None) => String::new(),
        }
    }

    /// The last lines of its log, the most telling first.
    fn last_lines(&self) -> Option<String> {
        let telling = telling(self.log)?;
        let rest = self.log.iter().rev().filter(|line| *line != telling && !line.trim().is_empty());
        let mut shown: Vec<&String> = rest.take(LINES - 1).collect();
        shown.reverse();
        shown.insert(0, telling);
        let shown = shown.iter().map(|line| words::quoted(line));
        let log = self.process.map_or("its log".to_owned(), |it| format!("the log of `{it}`"));
        Some(format!("{log} ends with {}", shown.collect::<Vec<_>>().join(", ")))
    }

    fn anomaly(&self) -> Anomaly {
        let (node, how, at, subject) = (self.node, self.how, words::at(self.time), self.subject());
        let others = match self.process {
            Some(_) => " The other processes of the node were ended then.",
            None => "",
        };
        let life = match self.process {
            Some(_) => format!("The node had been started {}", times(self.life)),
            None => format!("It had been started {}", times(self.life)),
        };
        let mut facts =
            vec![(self.time, format!("At {at} {subject} ended with {how}. {life}.{others}"))];
        if let Some(lines) = self.last_lines() {
            facts.push((self.time, format!("Before that {lines}.")));
        }
        Shown {
            class: catalogue::NODE_CRASHED,
            headline: format!(
                "Crash: {subject} ended by itself with {how} at {at}{}",
                self.hardship()
            ),
            facts,
            because: self.because(),
            likely_cause: None,
            witness: vec![self.index],
            key: None,
            nodes: vec![node],
            generation: None,
            window: (self.time, self.time),
            moment: self.time,
        }
        .anomaly(self.history)
    }

    /// Why that counts against the target.
    fn because(&self) -> String {
        let hard = self.within().into_iter().find(|span| {
            span.fault.troubles_of(self.node).any(|effect| effect.hardship().is_some())
        });
        let ended = "The harness did not end it: what it kills it records as killed.";
        match hard {
            Some(span) => format!(
                "{ended} The target file does not let its servers give up on fault {} ({}): name it \
                 in `gives-up-on` if they may.",
                span.id, span.fault.manner
            ),
            None if self.within().is_empty() => {
                format!("{ended} No fault was in effect on {}.", self.node)
            }
            None => format!("{ended} None of the faults in effect lets a server end."),
        }
    }
}

/// How many lines of a log a sentence quotes.
const LINES: usize = 2;

/// Words that a line has which tells why a server ends, the surest first.
const TELLING: [&[&str]; 2] = [
    &["panic", "fatal", "assert", "abort", "uncaught", "unhandled", "sigsegv", "sigbus"],
    &["error", "fail", "exception", "corrupt", "no space", "cannot", "unable", "refus"],
];

/// The line of a log that tells best why its server ended: the last one with a telling word, else
/// the last one.
#[must_use]
pub fn telling(log: &[String]) -> Option<&String> {
    let with = |words: &&[&str]| {
        log.iter().rfind(|line| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(word))
        })
    };
    let filled = |line: &&String| !line.trim().is_empty();
    TELLING.iter().find_map(with).or_else(|| log.iter().rfind(filled))
}

/// What was wrong, as a clause; the manner of the fault says more of some of it.
fn trouble(suffers: Trouble, manner: &str) -> String {
    match suffers {
        Trouble::DiskFull => "its disk was full".to_owned(),
        Trouble::DiskSlow => "its disk was slow".to_owned(),
        Trouble::DiskErrors if manner.is_empty() => "its disk failed".to_owned(),
        Trouble::DiskErrors => format!("its disk failed ({manner})"),
        Trouble::NoDescriptors => "it could open no more files".to_owned(),
        Trouble::NoMemory => "it was short of memory".to_owned(),
        Trouble::NoProcessor => "it had too little processor time".to_owned(),
    }
}

/// `once`, `2 times`.
fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

/// The hardships that a log names, by what operating systems call them, in the line that tells why
/// its server ended: what an earlier line tells was survived.
pub(crate) fn named(log: &[String]) -> Vec<Hardship> {
    const NAMES: [(Hardship, &str); 7] = [
        (Hardship::DiskErrors, "input/output error"),
        (Hardship::DiskErrors, "sync() returned 5"), // InnoDB gives it its number
        (Hardship::DiskFull, "no space left"),
        (Hardship::NoMemory, "cannot allocate memory"),
        (Hardship::NoMemory, "out of memory"),
        (Hardship::NoDescriptors, "too many open files"),
        (Hardship::DiskFull, "enospc"),
    ];
    let Some(line) = telling(log).map(|line| line.to_lowercase()) else { return Vec::new() };
    let told = |name: &str| line.contains(name);
    NAMES.iter().filter(|(_, name)| told(name)).map(|(hardship, _)| *hardship).collect()
}

/// A fault for which a server may end: while it lasts, soon after, or later if its log names it.
#[derive(Debug)]
pub(crate) struct Excuse {
    /// Who endures what, of that which a server may give up on.
    hardships: Vec<(NodeId, Hardship)>,
    /// Who is no member of the cluster, and may end for that.
    removed: Vec<NodeId>,
    begin: Nanos,
    /// When the fault was healed, if it has been.
    end: Option<Nanos>,
}

/// A server that ended by itself.
#[derive(Debug, Clone, Copy)]
pub struct Crashed<'a> {
    /// The node of the server.
    pub node: NodeId,
    /// When it ended.
    pub time: Nanos,
    /// The last lines of its log.
    pub log: &'a [String],
}

/// A fault, and from when to when it was there.
#[derive(Debug, Clone)]
pub struct Endured {
    /// The fault.
    pub fault: Fault,
    /// When it began.
    pub begin: Nanos,
    /// When it was healed, if it has been.
    pub end: Option<Nanos>,
}

/// Whether `plan` lets this server end by itself then, because of a fault.
#[must_use]
pub fn may_end(plan: &Plan, endured: &Endured, crashed: Crashed<'_>) -> bool {
    let Endured { fault, begin, end } = endured;
    let excuse = Excuse::of(plan, fault, *begin, *end);
    excuse.covers(crashed.node, crashed.time, &named(crashed.log))
}

impl Excuse {
    /// The excuse that `fault` gives under `plan`; it may be none.
    pub(crate) fn of(plan: &Plan, fault: &Fault, begin: Nanos, end: Option<Nanos>) -> Self {
        let nodes = fault.nodes().into_iter();
        let hardships = nodes.flat_map(|node| {
            let all = fault.troubles_of(node).filter_map(Trouble::hardship);
            all.map(move |hardship| (node, hardship))
        });
        let allowed = hardships.filter(|(_, hardship)| plan.may_give_up_on(*hardship));
        Self { hardships: allowed.collect(), removed: fault.removed(), begin, end }
    }

    /// Whether it excuses nobody, whenever it is.
    pub(crate) fn is_none(&self) -> bool {
        self.hardships.is_empty() && self.removed.is_empty()
    }

    /// The fault was healed.
    pub(crate) fn end(&mut self, time: Nanos) {
        self.end = Some(time);
    }

    /// Whether the server of `node` may end at `time`, with a log whose last lines name these.
    pub(crate) fn covers(&self, node: NodeId, time: Nanos, named: &[Hardship]) -> bool {
        let lasts = |hardship: &Hardship| {
            let grace = if named.contains(hardship) { LATE } else { SOON };
            self.end.is_none_or(|end| time <= end.saturating_add(grace))
        };
        let own = self.hardships.iter().filter(|(other, _)| *other == node);
        let removed = self.removed.contains(&node) && self.end.is_none_or(|end| time <= end);
        self.begin <= time && (removed || own.map(|(_, hardship)| hardship).any(lasts))
    }

    /// Whether it excuses nobody at `time` or later.
    pub(crate) fn is_over(&self, time: Nanos) -> bool {
        self.end.is_some_and(|end| end.saturating_add(LATE) < time)
    }
}

#[cfg(test)]
mod tests;
