//! Which part of the time processes run: data, and whether it makes sense.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest period, and the shortest turn: the kernel counts in milliseconds here.
const PERIOD_MAX: Duration = Duration::from_secs(10);

const TURN_MIN: Duration = Duration::from_millis(1);

/// Which part of the time processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// For how long they run.
    pub run: Duration,
    /// For how long they run and stand still.
    pub period: Duration,
}

impl Duty {
    /// The share of the time that they run.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.run.as_secs_f64() / self.period.as_secs_f64()
    }

    /// Whether processes can be made to keep to it.
    pub(super) fn is_sensible(&self) -> bool {
        self.run >= TURN_MIN && self.run + TURN_MIN <= self.period && self.period <= PERIOD_MAX
    }

    /// How long to stand still after having run for so long: on a busy machine a turn may end late,
    /// and is paid for.
    pub(super) fn rest(&self, ran: Duration) -> Duration {
        let rest = self.period - self.run;
        rest.max(ran.mul_f64(rest.as_secs_f64() / self.run.as_secs_f64())).min(PERIOD_MAX)
    }
}
