//! A map whose keys are hashed fast, with a seed of its own for each process: names come from hostile files.

/// A map; nothing relies on the order of its entries.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
