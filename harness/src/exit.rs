//! Exit codes: a documented part of the public interface.

use fracas_checker::Status;
use fracas_engine::interrupt::Interrupt;
use fracas_engine::run::RunError;
use fracas_lab::LabError;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Every check passed, enough was asked, and enough faults measurably took effect.
    Pass,
    /// At least one promise was broken.
    Anomaly,
    /// No promise was seen to be broken, but too little was seen.
    Inconclusive,
    /// The target failed before the test began.
    TargetBroke,
    /// This machine cannot do what was asked.
    Machine,
    /// Wrong usage or configuration.
    Usage,
    /// A failure of fracas itself.
    Internal,
    /// Interrupted by SIGINT, after clean-up.
    Interrupted,
    /// Terminated by SIGTERM, after clean-up.
    Terminated,
}

/// Every exit with its code and meaning, for `--help` and the docs.
pub const TABLE: [(Exit, u8, &str); 9] = [
    (
        Exit::Pass,
        0,
        "pass: every check passed, clients asked enough, and at least 3 of 4 faults, and one of each kind tried, measurably took effect",
    ),
    (Exit::Anomaly, 1, "anomaly: the target broke at least one of its promises"),
    (
        Exit::Inconclusive,
        2,
        "inconclusive: no broken promise was found, but the run saw too little for a pass; the verdict says what was missing",
    ),
    (
        Exit::TargetBroke,
        3,
        "the target failed before the test began: a server did not start, or the cluster was not ready in time; or its client program is broken",
    ),
    (
        Exit::Machine,
        4,
        "this machine cannot do what was asked; `fracas doctor` says why, and how to change it",
    ),
    (
        Exit::Usage,
        64,
        "wrong usage or configuration: the message names the flag, or the file, line and key",
    ),
    (Exit::Internal, 70, "a failure of fracas itself; please report it"),
    (Exit::Interrupted, 130, "interrupted by Ctrl-C (SIGINT), after clean-up"),
    (Exit::Terminated, 143, "terminated by SIGTERM, after clean-up"),
];

impl Exit {
    /// The code that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        let row = TABLE.iter().find(|(exit, ..)| *exit == self);
        row.map_or(70, |(_, code, _)| *code)
    }

    /// The exit that a code means; an unknown one is a failure of fracas.
    #[must_use]
    pub fn of_code(code: u8) -> Self {
        TABLE.iter().find(|(_, known, _)| *known == code).map_or(Self::Internal, |(exit, ..)| *exit)
    }

    /// How a verdict ends the program.
    #[must_use]
    pub fn of(status: Status) -> Self {
        match status {
            Status::Pass => Self::Pass,
            Status::Anomaly => Self::Anomaly,
            Status::Inconclusive => Self::Inconclusive,
        }
    }

    /// How a run that could not take place ends the program.
    #[must_use]
    pub fn of_error(error: &RunError) -> Self {
        match error {
            RunError::Target(_) | RunError::Client(_) => Self::TargetBroke,
            RunError::Lab(LabError::Unavailable { .. }) => Self::Machine,
            _ if error.mend().is_some() => Self::Machine,
            RunError::Render(_) | RunError::Out(_) => Self::Usage,
            RunError::Lab(_)
            | RunError::Store(_)
            | RunError::Bug(_)
            | RunError::History(_)
            | RunError::Runtime(_) => Self::Internal,
        }
    }

    /// How an interrupted run ends the program.
    #[must_use]
    pub fn of_interrupt(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::Int => Self::Interrupted,
            Interrupt::Term => Self::Terminated,
        }
    }

    /// How a run ended, in the list of several.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Anomaly => "anomaly",
            Self::Inconclusive => "inconclusive",
            Self::TargetBroke => "the target broke before testing",
            Self::Machine => "this machine cannot do it",
            Self::Usage => "refused",
            Self::Internal => "fracas failed",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// The exit of several runs together: an interrupt ends them, then a failure of ours, an
    /// anomaly, a broken target and an undecided run count in this order.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Interrupted | Self::Terminated => 8,
            Self::Internal => 7,
            Self::Usage => 6,
            Self::Machine => 5,
            Self::Anomaly => 4,
            Self::TargetBroke => 3,
            Self::Inconclusive => 2,
            Self::Pass => 1,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_both_ways() {
        for (exit, code, _) in TABLE {
            assert_eq!(exit.code(), code);
            assert_eq!(Exit::of_code(code), exit);
        }
        assert_eq!(Exit::of_code(99), Exit::Internal);
        for interrupt in [Interrupt::Int, Interrupt::Term] {
            assert_eq!(Exit::of_interrupt(interrupt).code(), interrupt.code());
        }
    }

    #[test]
    fn an_anomaly_is_not_hidden_by_an_undecided_run() {
        assert_eq!(Exit::Inconclusive.worst(Exit::Anomaly), Exit::Anomaly);
        assert_eq!(Exit::Anomaly.worst(Exit::Pass), Exit::Anomaly);
        assert_eq!(Exit::Anomaly.worst(Exit::Internal), Exit::Internal);
    }
}
