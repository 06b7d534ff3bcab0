//! About how many operations of each kind a load asks, before anybody has asked any: what a pass
//! needs follows from it.
//!
//! The streams are asked themselves, as if everything succeeded; a cluster that refuses changes what
//! is asked next, so these are estimates.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::Completion;
use fracas_checker::event::{OpKind, Stamp};

use crate::{Draw, Lane};

/// A lane's stream is asked so often; beyond that its share of each kind is taken to stay the same.
const STEPS: u32 = 400;

/// The rate that is assumed of a client that is as fast as possible.
const FAST: f64 = 20.0;

/// About how many operations of each kind `lanes` ask in `time`.
pub(crate) fn expected(lanes: Vec<Lane>, time: Duration) -> BTreeMap<OpKind, f64> {
    let count = u32::try_from(lanes.len()).unwrap_or(u32::MAX);
    let mut sum = BTreeMap::new();
    for (lane, number) in lanes.into_iter().zip(0..) {
        add(lane, Draw::new(0, number, count), time.as_secs_f64(), &mut sum);
    }
    sum
}

/// Adds what one lane asks in `seconds`.
fn add(mut lane: Lane, mut draw: Draw, seconds: f64, sum: &mut BTreeMap<OpKind, f64>) {
    let pause = 1.0 / lane.rate.unwrap_or(FAST);
    let (mut asked, mut elapsed) = (BTreeMap::<OpKind, f64>::new(), 0.0);
    for step in 1..=STEPS {
        if elapsed >= seconds {
            break;
        }
        let op = lane.stream.next(&mut draw);
        *asked.entry(op.kind()).or_default() += 1.0;
        let (outcome, stamp) = (op.succeeded(u64::from(step)), Stamp::default());
        lane.stream.learn(&op, &Completion::Ok { outcome, stamp });
        elapsed += pause + lane.stream.rest().as_secs_f64();
    }
    let scale = if elapsed > 0.0 { (seconds / elapsed).max(1.0) } else { 0.0 };
    asked.into_iter().for_each(|(kind, count)| *sum.entry(kind).or_default() += count * scale);
}

#[cfg(test)]
mod tests {
    use fracas_checker::event::NodeId;

    use super::*;
    use crate::{ALL, Load};

    fn load(rate: f64) -> Load {
        let nodes = (1..=5).map(NodeId).collect();
        Load { nodes, clients: 10, rate: Some(rate), keys: 5, serves: OpKind::asked().collect() }
    }

    /// The sum is the rate times the time, whether the streams are asked that often or not.
    #[test]
    fn all_operations_together_follow_from_rate_and_time() {
        for (rate, seconds) in [(20.0, 15), (150.0, 30), (3_000.0, 600)] {
            let lanes = crate::find("register").unwrap().lanes(&load(rate));
            let expected = expected(lanes, Duration::from_secs(seconds));
            let (all, wanted) = (expected.values().sum::<f64>(), rate * seconds as f64);
            assert!((0.95..1.15).contains(&(all / wanted)), "{all} of {wanted}");
        }
    }

    #[test]
    fn every_kind_that_a_workload_asks_is_expected() {
        for workload in ALL {
            let load = load(150.0);
            let expected = expected(workload.lanes(&load), Duration::from_secs(30));
            for kind in workload.asks(&load.serves) {
                let count = expected.get(&kind);
                assert!(count.is_some_and(|count| *count > 1.0), "{}: {kind}", workload.name());
            }
        }
    }

    #[test]
    fn nothing_is_asked_in_no_time() {
        let lanes = crate::find("register").unwrap().lanes(&load(150.0));
        assert!(expected(lanes, Duration::ZERO).values().all(|count| *count == 0.0));
    }
}
