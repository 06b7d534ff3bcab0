//! What becomes of each packet of one direction: seeded, and a function of nothing but the packet's
//! number, its length and the time it came.

use std::time::{Duration, Instant};

use fracas_checker::fault::Cut;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Shaping;

/// The longest time that a packet waits for its turn on a link with a bandwidth.
pub(super) const QUEUE_MAX: Duration = Duration::from_millis(200);

/// One direction.
pub(super) struct Flow {
    shaping: Shaping,
    dice: ChaCha8Rng,
    /// When the link will have sent all it has been given; none before the first packet.
    free: Option<Instant>,
    /// When the last packet that kept its place is due.
    last: Option<Instant>,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is lost.
    Lost,
    /// It is dropped, because too much is waiting already.
    Refused,
    /// It arrives at this time; twice, if it is doubled; before others, if it is early.
    Due { at: Instant, doubled: bool, early: bool },
}

impl Flow {
    /// The beginning of a direction's fate.
    pub(super) fn new((from, to): Cut, shaping: Shaping) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(shaping.seed);
        dice.set_stream(u64::from(from.0) << 16 | u64::from(to.0));
        Self { shaping, dice, free: None, last: None }
    }

    /// How it is shaped.
    pub(super) fn shaping(&self) -> &Shaping {
        &self.shaping
    }

    /// Decides the fate of a packet of so many bytes that came now.
    ///
    /// Every die is thrown for every packet, so that the fate of the tenth does not depend on what
    /// happened to the ninth.
    pub(super) fn fate(&mut self, now: Instant, bytes: usize) -> Fate {
        let [lost, doubled, early, place] = std::array::from_fn(|_| self.dice.random::<f64>());
        if lost < self.shaping.loss {
            return Fate::Lost;
        }
        let Some(sent) = self.transmit(now, bytes) else { return Fate::Refused };
        let doubled = doubled < self.shaping.duplicate;
        let early = early < self.shaping.reorder;
        let at = if early { sent } else { self.in_order(sent + self.later(place)) };
        Fate::Due { at, doubled, early }
    }

    /// When the link has sent the packet; none if it would have to wait too long for its turn.
    fn transmit(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let Some(rate) = self.shaping.bandwidth else { return Some(now) };
        let turn = self.free.map_or(now, |free| free.max(now));
        if turn - now > QUEUE_MAX {
            return None;
        }
        let sent = turn + transmission(bytes, rate);
        self.free = Some(sent);
        Some(sent)
    }

    /// The delay at this place, from 0 to 1, between the shortest and the longest.
    fn later(&self, place: f64) -> Duration {
        let jitter = self.shaping.jitter;
        (self.shaping.delay + jitter.mul_f64(2.0 * place)).saturating_sub(jitter)
    }

    /// Not before the packet before it: jitter alone must not change the order.
    fn in_order(&mut self, at: Instant) -> Instant {
        let at = self.last.map_or(at, |last| last.max(at));
        self.last = Some(at);
        at
    }
}

/// How long sending so many bytes takes at so many bits per second.
pub(super) fn transmission(bytes: usize, rate: u64) -> Duration {
    const NANOS: u128 = 1_000_000_000;
    let nanos = bytes as u128 * 8 * NANOS / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use fracas_checker::NodeId;

    use super::{Fate, Flow, Shaping};

    const MS: Duration = Duration::from_millis(1);

    fn flow(shaping: Shaping) -> Flow {
        Flow::new((NodeId(1), NodeId(2)), shaping)
    }

    /// The fates of packets of 1000 bytes, one each millisecond.
    fn fates(shaping: Shaping, count: u32) -> Vec<(Instant, Fate)> {
        let (mut flow, start) = (flow(shaping), Instant::now());
        (0..count).map(|n| start + MS * n).map(|now| (now, flow.fate(now, 1000))).collect()
    }

    /// How many of a thousand have a fate like this.
    fn count(shaping: Shaping, is: impl Fn(Fate) -> bool) -> usize {
        fates(shaping, 1000).into_iter().filter(|(_, fate)| is(*fate)).count()
    }

    #[test]
    fn a_delay_is_exact() {
        for (came, fate) in fates(Shaping { delay: 10 * MS, ..Shaping::default() }, 50) {
            assert_eq!(fate, Fate::Due { at: came + 10 * MS, doubled: false, early: false });
        }
    }

    #[test]
    fn jitter_stays_in_its_bounds_and_keeps_the_order() {
        let shaping = Shaping { delay: 10 * MS, jitter: 5 * MS, ..Shaping::default() };
        let mut last = None;
        for (came, fate) in fates(shaping, 1000) {
            let Fate::Due { at, .. } = fate else { panic!("{fate:?}") };
            assert!((5 * MS..=15 * MS).contains(&(at - came)), "{:?}", at - came);
            assert!(last <= Some(at));
            last = Some(at);
        }
    }

    #[test]
    fn shares_are_met_and_repeat_with_the_seed() {
        let half = Shaping { loss: 0.5, ..Shaping::default() };
        assert!((400..600).contains(&count(half, |fate| fate == Fate::Lost)));
        let doubled = |fate| matches!(fate, Fate::Due { doubled: true, .. });
        let tenth = Shaping { duplicate: 0.1, ..Shaping::default() };
        assert!((50..150).contains(&count(tenth, doubled)));
        let lost = |seed| {
            let all = fates(Shaping { seed, ..half }, 200).into_iter();
            all.map(|(_, fate)| fate == Fate::Lost).collect::<Vec<_>>()
        };
        assert_eq!(lost(7), lost(7));
        assert_ne!(lost(7), lost(8));
    }

    #[test]
    fn the_early_ones_overtake() {
        let shaping = Shaping { delay: 20 * MS, reorder: 0.2, ..Shaping::default() };
        let early = fates(shaping, 1000)
            .into_iter()
            .filter(|(came, fate)| *fate == Fate::Due { at: *came, doubled: false, early: true });
        assert!((150..250).contains(&early.count()));
    }

    /// 1 Mbit/s carries a packet of 1000 bytes in 8 ms, and one comes each millisecond.
    #[test]
    fn a_narrow_link_sends_one_by_one_and_drops_what_waits_too_long() {
        let shaping = Shaping { bandwidth: Some(1_000_000), ..Shaping::default() };
        let all = fates(shaping, 100);
        let due = all.iter().filter_map(|(_, fate)| match fate {
            Fate::Due { at, .. } => Some(*at),
            _ => None,
        });
        let due: Vec<Instant> = due.collect();
        assert!(due.windows(2).all(|two| two[1] - two[0] == 8 * MS));
        assert!(all.iter().any(|(_, fate)| *fate == Fate::Refused));
        let longest = all.iter().filter_map(|(came, fate)| match fate {
            Fate::Due { at, .. } => Some(*at - *came),
            _ => None,
        });
        assert!(longest.max().expect("some are sent") <= 208 * MS);
    }
}
