//! What a clock shall show, as data, and the arithmetic of it. The stub does the same sums in
//! machine code; a test compares the two.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::error::LabError;

/// The parts of one in a rate: 2³².
const ONE: i64 = 1 << 32;

/// Parts per million.
const MILLION: i64 = 1_000_000;

/// The fastest drift, in parts per million: twice as fast; the slowest is standing still.
const DRIFT_MAX: i32 = 1_000_000;

/// The shortest and the longest time between two flips of a strobe. Shorter ones cannot be told
/// from noise, longer ones cannot be proven while somebody waits.
const FLIP: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(5));

/// The largest step, in nanoseconds: a hundred years.
const STEP_MAX: u64 = 100 * 366 * 86_400 * 1_000_000_000;

/// How a wall clock is wrong. Always measured from the true clock, never from an earlier fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// It is ahead by so many nanoseconds, at once; behind if negative.
    Step {
        /// The offset, in nanoseconds.
        nanos: i64,
    },
    /// It runs too fast by so many parts per million, from now on and without a jump; too slow if
    /// negative.
    Drift {
        /// The rate, in parts per million.
        ppm: i32,
    },
    /// It jumps ahead by so many nanoseconds and back, again and again. Beginning now.
    Strobe {
        /// The offset in every other interval, in nanoseconds.
        nanos: i64,
        /// How long each interval is.
        flip: Duration,
    },
    /// It stands still, from now on.
    Freeze,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step { nanos } => write!(f, "{} s", seconds(*nanos)),
            Self::Drift { ppm } => write!(f, "{ppm:+} ppm"),
            Self::Strobe { nanos, flip } => {
                write!(f, "{} s in every other interval of {flip:?}", seconds(*nanos))
            }
            Self::Freeze => f.write_str("to stand still"),
        }
    }
}

/// Nanoseconds as signed seconds, such as `+60.000000`.
pub(super) fn seconds(nanos: i64) -> String {
    let (sign, size) = (if nanos < 0 { '-' } else { '+' }, nanos.unsigned_abs());
    format!("{sign}{}.{:06}", size / 1_000_000_000, size % 1_000_000_000 / 1_000)
}

/// The four words that the stub reads. All zero: the true clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Setting {
    /// Nanoseconds that are always added.
    pub(super) offset: i64,
    /// What is added per nanosecond since the anchor, in 2⁻³²; −2³² stands still.
    pub(super) rate: i64,
    /// The true time from which `rate` and `flips` count, in nanoseconds since 1970.
    pub(super) anchor: i64,
    /// 2⁶⁴ divided by the nanoseconds between two flips; 0 for none.
    pub(super) flips: u64,
}

impl Setting {
    /// What `clock` asks for, if it begins at `now` (nanoseconds since 1970).
    pub(super) fn of(clock: &Clock, now: i64) -> Result<Self, LabError> {
        let refuse =
            |expected: String| Err(LabError::Asked(format!("set a clock {clock}: {expected}")));
        let from_now = Self { anchor: now, ..Self::default() };
        match *clock {
            Clock::Step { nanos } | Clock::Strobe { nanos, .. }
                if nanos == 0 || nanos.unsigned_abs() > STEP_MAX =>
            {
                refuse("expected a step of at most a hundred years, and not of nothing".into())
            }
            Clock::Drift { ppm } if ppm == 0 || !(-DRIFT_MAX..=DRIFT_MAX).contains(&ppm) => {
                refuse(format!("expected ±{DRIFT_MAX} ppm at most, and not 0"))
            }
            Clock::Strobe { flip, .. } if !(FLIP.0..=FLIP.1).contains(&flip) => {
                refuse(format!("expected an interval from {:?} to {:?}", FLIP.0, FLIP.1))
            }
            Clock::Step { nanos } => Ok(Self { offset: nanos, ..from_now }),
            Clock::Drift { ppm } => Ok(Self { rate: i64::from(ppm) * ONE / MILLION, ..from_now }),
            Clock::Strobe { nanos, flip } => {
                Ok(Self { offset: nanos, flips: reciprocal(flip), ..from_now })
            }
            Clock::Freeze => Ok(Self { rate: -ONE, ..from_now }),
        }
    }

    /// How far ahead of the true time `at` the clock is, in nanoseconds.
    pub(super) fn ahead(&self, at: i64) -> i64 {
        let elapsed = (at - self.anchor).max(0);
        let passed = (u128::from(elapsed.unsigned_abs()) * u128::from(self.flips)) >> 64;
        if passed % 2 == 1 {
            return 0;
        }
        let drifted = (i128::from(elapsed) * i128::from(self.rate)) >> 32;
        self.offset + i64::try_from(drifted).expect("a rate is at most one")
    }

    /// The words in the order in which the stub reads them.
    pub(super) fn bytes(&self) -> [u8; 32] {
        let words = [self.offset, self.rate, self.anchor, self.flips.cast_signed()];
        let mut bytes = [0; 32];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// 2⁶⁴ divided by an interval in nanoseconds: multiplying by it is quicker than dividing.
fn reciprocal(interval: Duration) -> u64 {
    let nanos = interval.as_nanos().max(2);
    u64::try_from((1_u128 << 64) / nanos).expect("divided by two at least")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Clock, Setting, seconds};

    const NOW: i64 = 1_790_000_000_000_000_000;

    #[track_caller]
    fn check(clock: Clock, later: Duration, expect: i64) {
        let setting = Setting::of(&clock, NOW).expect("a sensible clock");
        let later = i64::try_from(later.as_nanos()).expect("soon");
        let ahead = setting.ahead(NOW + later);
        assert!((ahead - expect).abs() <= 1, "{clock} after {later} ns: {ahead}, not {expect}");
    }

    #[test]
    fn clocks_are_wrong_as_they_are_asked_to_be() {
        const DAY: Duration = Duration::from_secs(86_400);
        let (none, second) = (Duration::ZERO, Duration::from_secs(1));
        check(Clock::Step { nanos: -5 }, none, -5);
        check(Clock::Step { nanos: 60_000_000_000 }, DAY, 60_000_000_000);
        check(Clock::Drift { ppm: 100_000 }, none, 0);
        check(Clock::Drift { ppm: 100_000 }, second, 100_000_000);
        check(Clock::Drift { ppm: -200 }, second, -200_000);
        check(Clock::Freeze, DAY, -86_400_000_000_000);
        let strobe = Clock::Strobe { nanos: 7, flip: Duration::from_millis(10) };
        for (millis, expect) in [(1, 7), (9, 7), (11, 0), (19, 0), (21, 7), (86_399_999, 0)] {
            check(strobe, Duration::from_millis(millis), expect);
        }
    }

    #[test]
    fn clocks_that_make_no_sense_are_refused() {
        let strobe = |millis| Clock::Strobe { nanos: 1, flip: Duration::from_millis(millis) };
        let far = Clock::Step { nanos: i64::MAX };
        let none = [Clock::Step { nanos: 0 }, Clock::Drift { ppm: 0 }];
        for clock in none.into_iter().chain([far, Clock::Drift { ppm: i32::MIN }]) {
            assert!(Setting::of(&clock, NOW).is_err(), "{clock}");
        }
        assert!(Setting::of(&strobe(0), NOW).is_err() && Setting::of(&strobe(6_000), NOW).is_err());
        assert_eq!(
            (seconds(60_000_000_000), seconds(-1_500_000_000)),
            ("+60.000000".into(), "-1.500000".into())
        );
    }
}
