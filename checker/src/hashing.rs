//! Hash tables that iterate in the same order in every run.
//!
//! A randomly seeded hasher would make the moment at which a budget runs out differ from run to
//! run. Nothing here resists an adversary: a budget bounds what a bad key can cost.

use std::hash::{BuildHasherDefault, Hasher};

/// A hash map with a fixed, fast hasher.
pub(crate) type Map<K, V> = hashbrown::HashMap<K, V, Hashed>;

/// What makes the hashers of [`Map`], for tables that keep their keys elsewhere.
pub(crate) type Hashed = BuildHasherDefault<Mixer>;

/// Multiplies and folds word by word.
#[derive(Default, Clone, Copy)]
pub(crate) struct Mixer(u64);

/// An odd constant with well-spread bits: the fraction of the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0.rotate_left(23) ^ word) * u128::from(SPREAD);
        // Folding both halves lets high input bits reach the low output bits that pick a bucket.
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
