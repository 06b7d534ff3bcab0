//! The targets that come with the program: one file each in `builtin/`, and one line in the table.

use crate::diagnostic::Diagnostic;
use crate::known::KnownFault;
use crate::target::Target;

/// Name, and text of the file.
const BUILTINS: &[(&str, &str)] = &[
    ("etcd-locks", include_str!("../builtin/etcd-locks.toml")),
    ("etcd", include_str!("../builtin/etcd.toml")),
    ("galera", include_str!("../builtin/galera.toml")),
    ("kafka", include_str!("../builtin/kafka.toml")),
    ("nats", include_str!("../builtin/nats.toml")),
    ("patroni", include_str!("../builtin/patroni.toml")),
    ("postgres-replicas", include_str!("../builtin/postgres-replicas.toml")),
    ("postgres", include_str!("../builtin/postgres.toml")),
    ("rabbitmq", include_str!("../builtin/rabbitmq.toml")),
    ("redis-cluster", include_str!("../builtin/redis-cluster.toml")),
    ("redis-durable", include_str!("../builtin/redis-durable.toml")),
    ("redis-sentinel", include_str!("../builtin/redis-sentinel.toml")),
    ("redis", include_str!("../builtin/redis.toml")),
    ("regent", include_str!("../builtin/regent.toml")),
    ("zookeeper", include_str!("../builtin/zookeeper.toml")),
];

impl Target {
    /// The built-in target of this name with its default settings; `faults` are the kinds that
    /// there are.
    #[must_use]
    pub fn builtin(name: &str, faults: &[KnownFault]) -> Option<Result<Self, Diagnostic>> {
        Some(Self::parse(&Self::builtin_path(name), Self::builtin_text(name)?, faults))
    }

    /// The path that the file of a built-in target has where it comes from.
    #[must_use]
    pub fn builtin_path(name: &str) -> String {
        format!("targets/builtin/{name}.toml")
    }

    /// The file of the built-in target called `name`.
    #[must_use]
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// The names of all built-in targets.
    pub fn builtins() -> impl Iterator<Item = &'static str> {
        BUILTINS.iter().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_in_the_table_and_bears_its_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/builtin");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<String> = BUILTINS.iter().map(|(name, _)| format!("{name}.toml")).collect();
        assert_eq!(files, listed);
    }
}
