//! The interval of a rate, from how often something was seen.

/// How unlikely what was seen may be at either end of an interval of 95 %.
const TAIL: f64 = 0.025;

/// How often an interval's end is halved: far finer than a percent.
const HALVINGS: u32 = 40;

/// The interval of a rate that was seen as `hits` of `times`, after Clopper and Pearson (1934): the
/// rates under which so many hits or more, and so many or fewer, are no less likely than 2.5 %.
#[must_use]
pub fn interval(hits: u32, times: u32) -> (f64, f64) {
    let end = |grows: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if grows(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    };
    let more = |rate: f64| 1.0 - at_most(hits.wrapping_sub(1), times, rate);
    let low = if hits == 0 { 0.0 } else { end(&|rate| more(rate) < TAIL) };
    let high = if hits >= times { 1.0 } else { end(&|rate| at_most(hits, times, rate) > TAIL) };
    (low, high)
}

/// How likely at most `hits` of `times` are, each with probability `rate`. In logarithms: of many
/// times each single count is less likely than the smallest number.
fn at_most(hits: u32, times: u32, rate: f64) -> f64 {
    let odds = (rate / (1.0 - rate)).ln();
    let (mut log, mut sum) = (f64::from(times) * (1.0 - rate).ln(), 0.0);
    for hit in 0..=hits {
        sum += log.exp();
        log += (f64::from(times - hit) / f64::from(hit + 1)).ln() + odds;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From tables of Clopper and Pearson's intervals.
    #[test]
    fn intervals_are_those_of_the_tables() {
        for (hits, times, low, high) in [
            (0, 10, 0.0, 0.308),
            (1, 10, 0.0025, 0.445),
            (5, 10, 0.187, 0.813),
            (10, 10, 0.692, 1.0),
            (0, 1, 0.0, 0.975),
            (0, 0, 0.0, 1.0),
            (5_000, 10_000, 0.490, 0.510),
        ] {
            let (a, b) = interval(hits, times);
            assert!((a - low).abs() < 0.001 && (b - high).abs() < 0.001, "{hits}/{times}: {a} {b}");
        }
    }
}
