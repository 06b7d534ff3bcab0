//! A map that is copied at no cost: two copies share all that they have in common.
//!
//! A search holds many states that differ by one entry. This is a trie over the hash of the key,
//! sixteen ways at every level, at most sixteen levels deep. Its shape depends on its content only,
//! so equal maps are equal trees, and a shared part is equal at a glance. It keeps no order; what
//! is shown is sorted by whoever shows it.

use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use crate::hashing::Mixer;

/// Bits of the hash that one level looks at.
const BITS: u32 = 4;

/// How many children a branch has.
const WAYS: usize = 1 << BITS;

type Child<K, V> = Option<Arc<Node<K, V>>>;

/// A map; see the head of this file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trie<K, V> {
    root: Child<K, V>,
    len: usize,
    /// The hashes of all entries, combined in a way that does not depend on their order.
    mark: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node<K, V> {
    /// Entries with the same hash, sorted; nearly always one.
    Leaf(u64, Vec<(K, V)>),
    Branch([Child<K, V>; WAYS]),
}

impl<K, V> Default for Trie<K, V> {
    fn default() -> Self {
        Self { root: None, len: 0, mark: 0 }
    }
}

impl<K, V> Hash for Trie<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.len, self.mark).hash(state);
    }
}

fn hash(key: &impl Hash) -> u64 {
    BuildHasherDefault::<Mixer>::default().hash_one(key)
}

fn way(hash: u64, level: u32) -> usize {
    (hash >> (BITS * level)) as usize % WAYS
}

impl<K: Hash + Ord + Clone, V: Hash + Eq + Clone> Trie<K, V> {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What `key` holds.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let hash = hash(key);
        let (mut node, mut level) = (self.root.as_deref()?, 0);
        loop {
            match node {
                Node::Branch(children) => node = children[way(hash, level)].as_deref()?,
                Node::Leaf(_, entries) => {
                    return entries.iter().find(|(known, _)| known == key).map(|(_, value)| value);
                }
            }
            level += 1;
        }
    }

    /// The bytes that one change to a map of this size takes: the nodes on the way to the entry are
    /// new, all others are shared with the map before.
    pub(crate) fn bytes_of_a_change(&self) -> usize {
        let levels = self.len.checked_ilog2().map_or(0, |bits| bits / BITS + 1) as usize;
        let counts = 2 * size_of::<usize>();
        (levels + 1) * (counts + size_of::<Node<K, V>>()) + size_of::<(K, V)>()
    }

    /// The same map with `value` at `key`.
    pub(crate) fn with(&self, key: K, value: V) -> Self {
        let old = self.get(&key).map_or(0, |old| hash(&(&key, old)));
        let mark = self.mark ^ old ^ hash(&(&key, &value));
        let len = self.len + usize::from(self.get(&key).is_none());
        Self { root: Some(put(self.root.as_ref(), hash(&key), 0, (key, value))), len, mark }
    }

    /// The same map without `key`.
    pub(crate) fn without(&self, key: &K) -> Self {
        let Some(old) = self.get(key) else { return self.clone() };
        let mark = self.mark ^ hash(&(key, old));
        let root = self.root.as_ref().and_then(|root| taken(root, hash(key), 0, key));
        Self { root, len: self.len - 1, mark }
    }

    /// Every entry, sorted by its key.
    pub(crate) fn sorted(&self) -> Vec<(&K, &V)> {
        let (mut found, mut open) = (Vec::new(), Vec::new());
        open.extend(self.root.as_deref());
        while let Some(node) = open.pop() {
            match node {
                Node::Leaf(_, entries) => {
                    found.extend(entries.iter().map(|(key, value)| (key, value)));
                }
                Node::Branch(children) => {
                    open.extend(children.iter().flatten().map(|child| &**child));
                }
            }
        }
        found.sort_by_key(|(key, _)| *key);
        found
    }
}

/// `node` with `entry` in it. As deep as a hash has digits, at most.
fn put<K: Ord + Clone, V: Clone>(
    node: Option<&Arc<Node<K, V>>>,
    hash: u64,
    level: u32,
    entry: (K, V),
) -> Arc<Node<K, V>> {
    Arc::new(match node.map(|node| &**node) {
        None => Node::Leaf(hash, vec![entry]),
        Some(Node::Leaf(other, entries)) if *other == hash => {
            let mut entries = entries.clone();
            match entries.binary_search_by(|(key, _)| key.cmp(&entry.0)) {
                Ok(place) => entries[place] = entry,
                Err(place) => entries.insert(place, entry),
            }
            Node::Leaf(hash, entries)
        }
        Some(Node::Leaf(other, _)) => {
            let mut children: [Child<K, V>; WAYS] = Default::default();
            children[way(*other, level)] = node.cloned();
            let child = &mut children[way(hash, level)];
            *child = Some(put(child.as_ref(), hash, level + 1, entry));
            Node::Branch(children)
        }
        Some(Node::Branch(children)) => {
            let mut children = children.clone();
            let child = &mut children[way(hash, level)];
            *child = Some(put(child.as_ref(), hash, level + 1, entry));
            Node::Branch(children)
        }
    })
}

/// `node` without `key`; a branch that is left with one leaf becomes that leaf.
fn taken<K: Ord + Clone, V: Clone>(
    node: &Arc<Node<K, V>>,
    hash: u64,
    level: u32,
    key: &K,
) -> Child<K, V> {
    match &**node {
        Node::Leaf(of, entries) => {
            let left: Vec<(K, V)> =
                entries.iter().filter(|(known, _)| known != key).cloned().collect();
            (!left.is_empty()).then(|| Arc::new(Node::Leaf(*of, left)))
        }
        Node::Branch(children) => {
            let mut children = children.clone();
            let child = &mut children[way(hash, level)];
            *child = child.as_ref().and_then(|child| taken(child, hash, level + 1, key));
            let mut left = children.iter().flatten();
            match (left.next(), left.next()) {
                (None, _) => None,
                (Some(only), None) if matches!(**only, Node::Leaf(..)) => Some(Arc::clone(only)),
                _ => Some(Arc::new(Node::Branch(children))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_a_map_whose_shape_depends_on_its_content_only(
            steps in prop::collection::vec((0..40_u32, prop::option::of(0..3_u8)), 0..120),
        ) {
            let (mut trie, mut map) = (Trie::default(), BTreeMap::new());
            for (key, value) in steps {
                if let Some(value) = value {
                    trie = trie.with(key, value);
                    map.insert(key, value);
                } else {
                    trie = trie.without(&key);
                    map.remove(&key);
                }
                prop_assert_eq!(trie.get(&key), map.get(&key));
            }
            prop_assert_eq!(trie.len(), map.len());
            prop_assert!(trie.sorted().into_iter().eq(map.iter()));
            let again = map.iter().fold(Trie::default(), |trie, (key, value)| trie.with(*key, *value));
            prop_assert_eq!(hash(&again), hash(&trie));
            prop_assert_eq!(again, trie);
        }
    }
}
