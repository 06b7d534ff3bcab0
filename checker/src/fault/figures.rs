//! Figures of effects: how a clock is wrong, what a link does to packets, what is lost, as what a
//! node comes back.

use std::fmt;

use serde::{Deserialize, Serialize};

/// In which form a killed node is started again.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum RestartAs {
    /// With the same command line.
    #[default]
    Same,
    /// With the flags that were given for restarts.
    OtherFlags,
    /// With the other binary that was given: mixed versions.
    NextBinary,
    /// With the binary that was started first, after another one.
    FirstBinary,
}

impl RestartAs {
    /// All forms but the same, in the order in which lists show them.
    pub const OTHERS: [Self; 3] = [Self::OtherFlags, Self::NextBinary, Self::FirstBinary];

    /// Whether nothing is different.
    #[must_use]
    pub fn is_same(&self) -> bool {
        *self == Self::Same
    }
}

impl fmt::Display for RestartAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "",
            Self::OtherFlags => "comes back with other flags",
            Self::NextBinary => "comes back with the next binary",
            Self::FirstBinary => "comes back with the first binary",
        })
    }
}

/// What is lost at a power failure, of what was written and not yet made durable by an fsync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// All of it.
    All,
    /// A random part of its pages of 4 KiB: whatever the kernel happened to write back survives.
    Pages,
    /// A random part of its sectors of 512 bytes: writes are torn within a page.
    Sectors,
}

impl Loss {
    /// All ways, in the order in which lists show them.
    pub const ALL: [Self; 3] = [Self::All, Self::Pages, Self::Sectors];
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all that was not synced is lost",
            Self::Pages => "some pages that were not synced are lost",
            Self::Sectors => "some sectors that were not synced are lost",
        })
    }
}

/// What a wall clock does wrong. Healing sets it right at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "kebab-case")]
pub enum Clock {
    /// It jumps once.
    Step {
        /// By how much; negative: back.
        by_ms: i64,
    },
    /// It runs at another speed.
    Drift {
        /// Millionths faster than true; negative: slower.
        ppm: i64,
    },
    /// It jumps to and fro.
    Strobe {
        /// By how much.
        by_ms: i64,
        /// How long it stays on each side.
        every_ms: u64,
    },
    /// It stands still.
    Freeze,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step { by_ms } => write!(f, "step of {}", signed(*by_ms)),
            Self::Drift { ppm } => write!(f, "drift of {ppm:+} ppm"),
            Self::Strobe { by_ms, every_ms } => {
                write!(f, "strobe of {} every {every_ms} ms", signed(*by_ms))
            }
            Self::Freeze => f.write_str("stands still"),
        }
    }
}

/// Milliseconds with a sign: `+60 s`, `-250 ms`.
fn signed(milliseconds: i64) -> String {
    if milliseconds % 1_000 == 0 {
        format!("{:+} s", milliseconds / 1_000)
    } else {
        format!("{milliseconds:+} ms")
    }
}

/// What a link does to packets. All zero: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Link {
    /// Every packet comes this much later.
    #[serde(skip_serializing_if = "is_zero")]
    pub delay_us: u64,
    /// And up to this much more, at random; packets keep their order.
    #[serde(skip_serializing_if = "is_zero")]
    pub jitter_us: u64,
    /// Of a million packets, this many are lost.
    #[serde(skip_serializing_if = "is_zero")]
    pub loss_ppm: u64,
    /// Of a million packets, this many come twice.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicate_ppm: u64,
    /// Of a million packets, this many do not wait, and overtake those that do.
    #[serde(skip_serializing_if = "is_zero")]
    pub reorder_ppm: u64,
    /// No more than this many bits pass in a second; 0: as many as can.
    #[serde(skip_serializing_if = "is_zero")]
    pub bits_per_s: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Link {
    /// Whether packets are lost, doubled or overtake each other, and do not only come late.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        self.loss_ppm > 0 || self.duplicate_ppm > 0 || self.reorder_ppm > 0
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| format!("{} ms", us as f64 / 1e3);
        let percent = |ppm: u64| format!("{} %", ppm as f64 / 1e4);
        let said = [
            (self.delay_us, format!("{} late", ms(self.delay_us))),
            (self.jitter_us, format!("up to {} more", ms(self.jitter_us))),
            (self.loss_ppm, format!("{} lost", percent(self.loss_ppm))),
            (self.duplicate_ppm, format!("{} twice", percent(self.duplicate_ppm))),
            (self.reorder_ppm, format!("{} overtake", percent(self.reorder_ppm))),
            (self.bits_per_s, format!("{} Mbit/s", self.bits_per_s as f64 / 1e6)),
        ];
        let said = said.into_iter().filter(|(figure, _)| *figure > 0).map(|(_, words)| words);
        f.write_str(&said.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_read_well() {
        assert_eq!(Clock::Step { by_ms: 60_000 }.to_string(), "step of +60 s");
        assert_eq!(Clock::Step { by_ms: -250 }.to_string(), "step of -250 ms");
        assert_eq!(Clock::Drift { ppm: 100_000 }.to_string(), "drift of +100000 ppm");
        let link = Link { delay_us: 10_000, jitter_us: 1_500, loss_ppm: 50_000, ..Link::default() };
        assert_eq!(link.to_string(), "10 ms late, up to 1.5 ms more, 5 % lost");
    }
}
