//! What a server, or the way to it, refused, and what became of the transaction: by the SQLSTATE.

use std::fmt;

use crate::answer::Wrong;

/// Why there is no good answer to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The five letters of the server's answer, if it gave one.
    pub(crate) state: Option<String>,
    pub(crate) why: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Some(state) => write!(f, "{state}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl Refusal {
    /// Without an answer of the server.
    pub(crate) fn lost(why: impl fmt::Display) -> Self {
        Self { state: None, why: why.to_string() }
    }

    /// Of a statement before `COMMIT`: whatever it is, the transaction never takes effect.
    pub(crate) fn of_body(self) -> Wrong {
        Wrong::Fail(self.to_string())
    }

    /// Of `COMMIT`: only a server that says that it rolled back has not committed.
    pub(crate) fn of_commit(self) -> Wrong {
        let rolled_back = self.state.as_deref().is_some_and(is_rolled_back);
        match rolled_back {
            true => Wrong::Fail(self.to_string()),
            false => Wrong::Info(format!("of COMMIT: {self}")),
        }
    }
}

/// Whether a SQLSTATE of `COMMIT` says that the transaction was rolled back: class 40 does, but for
/// 40003 (`statement_completion_unknown`), and so does 23, a constraint that was looked at last. All
/// others, such as 08 (connection), 57 (shutdown), 58 (disk) or XX (internal), may come after the fact.
fn is_rolled_back(state: &str) -> bool {
    state != "40003" && (state.starts_with("40") || state.starts_with("23"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(state: Option<&str>) -> Refusal {
        Refusal { state: state.map(str::to_owned), why: "no".to_owned() }
    }

    #[test]
    fn only_a_rollback_that_the_server_tells_of_is_the_end_of_a_commit() {
        for (state, failed) in [
            (Some("40001"), true), // could not serialize; in Galera also a lost certification
            (Some("40P01"), true), // deadlock
            (Some("23505"), true), // a deferred constraint
            (Some("40003"), false), // the server does not know
            (Some("08006"), false),
            (Some("08S01"), false), // Galera: not prepared for use
            (Some("57P01"), false), // shutdown
            (Some("57014"), false), // cancelled: PostgreSQL may have committed before
            (Some("58030"), false), // the disk
            (Some("XX000"), false),
            (Some("HY000"), false),
            (None, false), // the connection broke
        ] {
            let wrong = refusal(state).of_commit();
            assert_eq!(matches!(wrong, Wrong::Fail(_)), failed, "{state:?}: {wrong:?}");
        }
    }

    #[test]
    fn what_goes_wrong_before_a_commit_has_failed() {
        for state in [Some("57P01"), Some("40001"), None] {
            assert!(matches!(refusal(state).of_body(), Wrong::Fail(_)), "{state:?}");
        }
    }
}
