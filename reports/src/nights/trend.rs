//! How the numbers of a row went over the nights, and within which band they usually are.
//!
//! The band is for the eye: it is no test, and no verdict depends on it.

/// A number of `results.json` and its name for people.
pub(super) const METRICS: [(&str, &str); 5] = [
    ("ops_per_s", "operations per second"),
    ("p99_ms", "99th percentile, ms"),
    ("availability", "availability"),
    ("recovery_ms", "recovery, ms"),
    ("new_leader_ms", "new leader, ms"),
];

/// How many nights before the last make the band.
const BAND_NIGHTS: usize = 14;

/// With fewer there is no band.
const FEWEST_NIGHTS: usize = 5;

/// How many deviations the band is wide, to either side.
const DEVIATIONS: f64 = 3.0;

/// The median absolute deviation of normal numbers is their standard deviation divided by this.
const NORMAL: f64 = 1.4826;

/// The band is at least this part of the median wide, to either side: a number that never changed
/// does not make every change an event.
const LEAST: f64 = 0.02;

/// One number over the nights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trend {
    /// The places of the nights, each with the median of its runs.
    pub(super) points: Vec<(usize, f64)>,
    /// Within what the nights before the last one were; none if there were too few.
    pub(super) band: Option<(f64, f64)>,
}

impl Trend {
    /// The trend of the runs of each night; none if no run tells the number.
    pub(super) fn of(nights: impl Iterator<Item = (usize, Vec<f64>)>) -> Option<Self> {
        let told = nights.filter_map(|(place, runs)| Some((place, median(runs)?)));
        let points: Vec<(usize, f64)> = told.collect();
        let (_, earlier) = points.split_last()?;
        let recent = &earlier[earlier.len().saturating_sub(BAND_NIGHTS)..];
        let recent: Vec<f64> = recent.iter().map(|(_, value)| *value).collect();
        let band = band(&recent);
        Some(Self { points, band })
    }

    /// The last number, and the place of its night.
    pub(super) fn last(&self) -> (usize, f64) {
        *self.points.last().expect("a trend has a point")
    }

    /// Whether the last number is below or above the band; none if it is within, or if there is none.
    pub(super) fn outside(&self) -> Option<&'static str> {
        let ((_, last), (low, high)) = (self.last(), self.band?);
        match last {
            _ if last < low => Some("below"),
            _ if last > high => Some("above"),
            _ => None,
        }
    }
}

/// The middle of some numbers; none of none.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let above = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(above) } else { Some(f64::midpoint(values[middle - 1], above)) }
}

fn band(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < FEWEST_NIGHTS {
        return None;
    }
    let middle = median(values.to_owned())?;
    let deviation = median(values.iter().map(|value| (value - middle).abs()).collect())?;
    let width = (DEVIATIONS * NORMAL * deviation).max(LEAST * middle.abs());
    Some(((middle - width).max(0.0), middle + width)) // none of the numbers can be negative
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(values: &[f64]) -> Trend {
        let nights = values.iter().enumerate().map(|(place, value)| (place, vec![*value]));
        Trend::of(nights).expect("there are values")
    }

    #[test]
    fn a_band_needs_nights() {
        assert_eq!(trend(&[100.0, 1.0]).outside(), None);
        assert_eq!(trend(&[100.0, 101.0, 99.0, 100.0, 50.0]).band, None);
        assert!(trend(&[100.0, 101.0, 99.0, 100.0, 102.0, 50.0]).band.is_some());
        assert_eq!(Trend::of(std::iter::empty()), None);
        assert_eq!(Trend::of([(0, Vec::new())].into_iter()), None);
    }

    #[test]
    fn what_leaves_the_band_is_told() {
        let usual = [100.0, 104.0, 97.0, 101.0, 99.0];
        let outside = |last: f64| trend(&[&usual[..], &[last]].concat()).outside();
        for (last, expected) in [
            (100.0, None),
            (104.0, None),
            (96.0, None),
            (130.0, Some("above")),
            (70.0, Some("below")),
        ] {
            assert_eq!(outside(last), expected, "{last}");
        }
    }

    #[test]
    fn numbers_that_never_changed_may_change_a_little() {
        let outside = |last: f64| trend(&[1.0, 1.0, 1.0, 1.0, 1.0, last]).outside();
        assert_eq!((outside(0.99), outside(0.9)), (None, Some("below")));
    }

    #[test]
    fn no_band_begins_below_nothing() {
        let trend = trend(&[1.0, 100.0, 50.0, 120.0, 2.0, 90.0]);
        assert!(trend.band.is_some_and(|(low, high)| low == 0.0 && high > 120.0), "{trend:?}");
    }

    /// What happened long ago does not make the band, nor does the last night.
    #[test]
    fn the_band_is_of_the_nights_before_the_last() {
        let mut values = vec![1_000.0; 20];
        values.extend([10.0; 14]);
        values.push(1_000.0);
        assert_eq!(trend(&values).outside(), Some("above"));
    }

    #[test]
    fn a_night_is_the_median_of_its_runs() {
        let trend = Trend::of([(3, vec![9.0, 1.0, 2.0]), (4, vec![4.0, 2.0])].into_iter());
        assert_eq!(trend.expect("there are values").points, [(3, 2.0), (4, 3.0)]);
    }
}
