//! An axis for a handful of events: in true order, with every short gap widened to be seen.
//!
//! Real time alone would hide a 2 ms operation in a 20 s window. Here each gap has a least width,
//! longer gaps get more in proportion, and two labels on one lane never overlap.

use std::collections::BTreeMap;

use fracas_checker::event::Nanos;

/// The least distance of two different times.
const LEAST: f64 = 26.0;

/// The width that all gaps together fill, if they need no more.
const FULL: f64 = 960.0;

/// The least width that is shared out in proportion to real time.
const SHARED: f64 = 200.0;

/// A label on a lane: its left edge is at `time`, and nothing else may begin within its width.
pub(super) struct Label<L> {
    pub(super) lane: L,
    pub(super) time: Nanos,
    pub(super) width: f64,
}

/// A monotonic map from time to place.
#[derive(Debug)]
pub(super) struct Warp {
    stops: BTreeMap<Nanos, f64>,
}

impl Warp {
    /// Places all `times` such that no two of the `labels` overlap.
    pub(super) fn new<L: Ord + Copy>(times: &[Nanos], labels: &[Label<L>]) -> Self {
        let mut begins: BTreeMap<Nanos, Vec<&Label<L>>> =
            times.iter().map(|time| (*time, Vec::new())).collect();
        for label in labels {
            begins.entry(label.time).or_default().push(label);
        }
        let needed = Self { stops: place(&begins, 0.0) }.width();
        Self { stops: place(&begins, (FULL - needed).max(SHARED)) }
    }

    /// The place of a time; between two known times in proportion, outside at the edge.
    pub(super) fn x(&self, time: Nanos) -> f64 {
        let before = self.stops.range(..=time).next_back();
        let after = self.stops.range(time..).next();
        match (before, after) {
            (Some((t0, x0)), Some((t1, x1))) if t1 > t0 => {
                x0 + (x1 - x0) * (time - t0) as f64 / (t1 - t0) as f64
            }
            (Some((_, x)), _) | (None, Some((_, x))) => *x,
            (None, None) => 0.0,
        }
    }

    /// All known times with their places.
    pub(super) fn stops(&self) -> impl Iterator<Item = (Nanos, f64)> {
        self.stops.iter().map(|(time, x)| (*time, *x))
    }

    /// The right edge of the known times.
    pub(super) fn width(&self) -> f64 {
        self.stops.last_key_value().map_or(0.0, |(_, x)| *x)
    }
}

/// Places times from left to right, each as near to the one before as gaps and labels allow, plus
/// its part of the `shared` width.
fn place<L: Ord + Copy>(
    begins: &BTreeMap<Nanos, Vec<&Label<L>>>,
    shared: f64,
) -> BTreeMap<Nanos, f64> {
    let first = begins.keys().next().copied().unwrap_or(0);
    let last = begins.keys().next_back().copied().unwrap_or(0);
    let per_nano = shared / (last - first).max(1) as f64;
    let mut free: BTreeMap<L, f64> = BTreeMap::new();
    let mut stops: BTreeMap<Nanos, f64> = BTreeMap::new();
    for (&time, labels) in begins {
        let flow = stops
            .last_key_value()
            .map_or(0.0, |(before, x)| x + LEAST + (time - before) as f64 * per_nano);
        let bound = |label: &&Label<L>| free.get(&label.lane).copied().unwrap_or(0.0);
        let x = labels.iter().map(bound).fold(flow, f64::max);
        for label in labels {
            free.insert(label.lane, x + label.width);
        }
        stops.insert(time, x);
    }
    stops
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_labels_do_not_overlap() {
        let label = |lane, time| Label { lane, time, width: 150.0 };
        let labels = [label(1, 0), label(2, 1), label(1, 2), label(1, 1_000_000)];
        let warp = Warp::new(&[3, 4], &labels);
        let places: Vec<f64> = warp.stops().map(|(_, x)| x).collect();
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= LEAST), "{places:?}");
        assert!(warp.x(2) - warp.x(0) >= 150.0);
        assert!(warp.x(1_000_000) - warp.x(2) >= 150.0);
        assert!(warp.x(500) > warp.x(4) && warp.x(500) < warp.x(1_000_000));
        assert_eq!(warp.x(u64::MAX), warp.width());
    }

    #[test]
    fn nothing_to_place_is_no_trouble() {
        assert_eq!(Warp::new::<u8>(&[], &[]).x(7), 0.0);
    }
}
