//! The targets that come with the program: one file each in `builtin/`, and one line in the table.

use crate::diagnostic::Diagnostic;
use crate::target::Target;

/// Name, and text of the file.
const BUILTINS: [(&str, &str); 3] = [
    ("etcd", include_str!("../builtin/etcd.toml")),
    ("redis", include_str!("../builtin/redis.toml")),
    ("regent", include_str!("../builtin/regent.toml")),
];

impl Target {
    /// The built-in target of this name.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Result<Self, Diagnostic>> {
        let text = Self::builtin_text(name)?;
        Some(Self::parse(&format!("targets/builtin/{name}.toml"), text))
    }

    /// The file of the built-in target called `name`.
    #[must_use]
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// All built-in targets, with their descriptions.
    #[must_use]
    pub fn builtins() -> Vec<(&'static str, String)> {
        let describe = |(name, text): &(&'static str, &str)| {
            let target = Self::parse(name, text).expect("a test loads every built-in target");
            (*name, target.description().to_owned())
        };
        BUILTINS.iter().map(describe).collect()
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

    #[test]
    fn every_builtin_is_valid() {
        for (name, _) in BUILTINS {
            let target = Target::builtin(name).unwrap().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(target.name(), name);
        }
        assert_eq!(Target::builtins().len(), BUILTINS.len());
        assert!(Target::builtin("zookeper").is_none());
    }
}
