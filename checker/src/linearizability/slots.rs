//! Sets of open operations as a few machine words. Nothing here knows what an operation is.

/// A set of slots, of which there are 64 per word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slots<const W: usize>([u64; W]);

/// The number of an open definite operation; free again once it has ended.
pub(crate) type Slot = u16;

impl<const W: usize> Slots<W> {
    pub(crate) const NONE: Self = Self([0; W]);

    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.0[usize::from(slot) / 64] & bit(slot) != 0
    }

    pub(crate) fn add(&mut self, slot: Slot) {
        self.0[usize::from(slot) / 64] |= bit(slot);
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        self.0[usize::from(slot) / 64] &= !bit(slot);
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// What is here and in `other`.
    #[must_use]
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        self
    }

    /// What is here and not in `other`.
    #[must_use]
    pub(crate) fn minus(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
        self
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Every slot of the set, the lowest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Slot> {
        self.0.into_iter().zip(0..).flat_map(|(mut word, place): (u64, Slot)| {
            std::iter::from_fn(move || {
                let lowest = word.trailing_zeros();
                word &= word.wrapping_sub(1);
                (lowest < 64).then_some(64 * place + lowest as Slot)
            })
        })
    }

    /// The words, for a total order.
    pub(crate) fn words(&self) -> &[u64; W] {
        &self.0
    }
}

fn bit(slot: Slot) -> u64 {
    1 << (slot % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_added() {
        let mut slots = Slots::<3>::NONE;
        assert_eq!(slots.len(), 0);
        [0, 63, 64, 130, 191].into_iter().for_each(|slot| slots.add(slot));
        slots.remove(64);
        assert_eq!(slots.iter().collect::<Vec<_>>(), [0, 63, 130, 191]);
        assert_eq!((slots.len(), slots.has(130), slots.has(64)), (4, true, false));
        let mut few = Slots::NONE;
        few.add(130);
        few.add(5);
        assert_eq!(slots.and(&few).iter().collect::<Vec<_>>(), [130]);
        assert_eq!(slots.minus(&few).iter().collect::<Vec<_>>(), [0, 63, 191]);
        few.add_all(&slots);
        assert_eq!(few.len(), 5);
    }
}
