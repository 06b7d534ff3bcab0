//! Every key of a plan that is a flag of `fracas run`, as a table: what it is called, how its value is
//! written, and where it may stand. What it means is said where the flag is.

/// A key, which is called like its flag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// Its name, and that of its flag.
    pub(crate) name: &'static str,
    /// How its value is written.
    pub(crate) shape: Shape,
    /// Where it may stand.
    pub(crate) concerns: Concerns,
    /// A value, as it is written.
    pub(crate) example: &'static str,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A text, or a number.
    Scalar,
    /// The path of a file, as seen from the plan.
    Path,
    /// A text, or several; they are one value of the flag.
    List,
    /// A text, or several; the flag is given for each.
    Each,
    /// The same, of paths as seen from the plan, which may have a name: `NAME=PATH`.
    EachPath,
    /// `true` or `false`.
    Switch,
    /// A table of names and texts; the flag is given for each.
    Pairs,
    /// How many seeds there are, or which.
    Seeds,
}

impl Shape {
    /// What is expected of a value.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Scalar => "expected a text or a number",
            Self::Path => "expected a path, as a text",
            Self::List | Self::Each | Self::EachPath => "expected a text, or a list of texts",
            Self::Switch => "expected `true` or `false`, without quotes",
            Self::Pairs => "expected a table of names and texts",
            Self::Seeds => "expected the number of seeds, or a list of seeds",
        }
    }
}

/// What a key decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concerns {
    /// One run: it may stand in rows, too.
    Run,
    /// All runs of a night: it may stand in `[defaults]` and in profiles only.
    Night,
}

const fn run(name: &'static str, shape: Shape, example: &'static str) -> Key {
    Key { name, shape, concerns: Concerns::Run, example }
}

const fn night(name: &'static str, shape: Shape, example: &'static str) -> Key {
    Key { name, shape, concerns: Concerns::Night, example }
}

/// The key of the system under test.
pub(crate) const TARGET: &str = "target";

/// The key of how often, and with which seeds, a row is run.
pub(crate) const SEEDS: &str = "seeds";

/// The key of what is varied: each combination of its values is a row.
pub(crate) const MATRIX: &str = "matrix";

/// The key of a row's name, and of a plan's.
pub(crate) const NAME: &str = "name";

/// All keys, in the order in which they are told.
pub(crate) static KEYS: &[Key] = &[
    run(TARGET, Shape::Scalar, r#""targets/ravel.toml""#),
    run("set", Shape::Pairs, r#"{ reads = "quorum" }"#),
    run("workload", Shape::List, r#"["register", "set"]"#),
    run("faults", Shape::List, r#"["partition", "kill"]"#),
    run("time", Shape::Scalar, r#""2m""#),
    run(SEEDS, Shape::Seeds, "4"),
    run("fault-every", Shape::Scalar, r#""3s""#),
    run("extend", Shape::Scalar, r#""30s""#),
    run("aim", Shape::Scalar, r#""rolling-upgrade""#),
    run("schedule", Shape::Path, r#""schedules/outage.json""#),
    run("pin", Shape::Switch, "true"),
    run("nodes", Shape::Scalar, "5"),
    run("clients", Shape::Scalar, r#""3n""#),
    run("rate", Shape::Scalar, r#""200/s""#),
    run("keys", Shape::Scalar, "5"),
    run("binary", Shape::EachPath, r#""target/release/ravel-server""#),
    run("arg", Shape::Each, r#"["--snapshot-entries=1000"]"#),
    run("binary-next", Shape::Path, r#""target/next/ravel-server""#),
    run("restart-arg", Shape::Each, r#"["--log=debug"]"#),
    run("isolation", Shape::Scalar, r#""userns""#),
    run("mechanism", Shape::List, r#"["packets=netem"]"#),
    run("disk", Shape::Scalar, r#""posix""#),
    run("disk-age", Shape::Scalar, r#""never""#),
    run("small-disk", Shape::Scalar, r#""64M""#),
    run("monotonic-offset", Shape::List, r#"["n2=1h"]"#),
    run("min-elections", Shape::Scalar, "3"),
    run("until-anomaly", Shape::Switch, "true"),
    run("check-time", Shape::Scalar, r#""5m""#),
    run("check-memory", Shape::Scalar, "4096"),
    run("no-check", Shape::Switch, "true"),
    run("confirm", Shape::Scalar, "2"),
    run("report", Shape::List, r#"["html", "junit", "md"]"#),
    run("keep", Shape::Scalar, r#""failure""#),
    night("fail-on", Shape::List, r#"["anomaly", "ineffective"]"#),
    night("retain", Shape::Scalar, r#""20G""#),
    night("jobs", Shape::Scalar, "2"),
    night("until-fail", Shape::Switch, "true"),
    night("share", Shape::Switch, "true"),
];

/// The keys that are no flags, and what they are.
pub(crate) static OTHERS: [(&str, &str); 2] = [
    (TARGET, "a built-in target, or the path of a target file as seen from the plan"),
    (SEEDS, "how many runs the row has in a night, or the list of the seeds that it has in each"),
];

/// The keys and sections that hold the others, and what they are.
pub(crate) static STRUCTURE: [(&str, &str); 7] = [
    ("schema", "the version of this format: `1`"),
    (NAME, "optional: the name of the plan; else that of its file. Seeds follow from it"),
    ("[defaults]", "optional: values of keys for all rows that say nothing else"),
    (
        "[profile.NAME]",
        "optional: values of keys that hold under `--profile NAME`, whatever rows say",
    ),
    ("[[plan]]", "a row: what is asked in each night, again and again"),
    ("plan.name", "the name of the row; letters, digits, `-`, `_` and `.`"),
    (
        "[plan.matrix]",
        "optional: keys that are varied, each with a list of values; every combination is a row of its \
         own, called `NAME/VALUE/VALUE`",
    ),
];

/// The key of this name.
pub(crate) fn named(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
