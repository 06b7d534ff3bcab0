//! Shards: which runs of a night are carried out here, told by a flag or by the CI system.
//!
//! Shards never talk to each other: the runs of a night have an order, and every n-th is one shard's.

/// A shard of a night, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Which one it is.
    index: u32,
    /// How many there are.
    count: u32,
}

/// A value of `--shard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShardArg {
    /// This one.
    Given(Shard),
    /// The one that the environment tells, of so many where it does not tell how many there are.
    Auto(Option<u32>),
}

/// The most shards of a night.
const SHARDS_MAX: u32 = 10_000;

/// What is expected of `--shard`.
const EXPECTED: &str = "expected a shard such as `2/4`, `auto`, or `auto/4`";

impl ShardArg {
    /// Reads a value of the flag.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok().filter(|it| (1..=SHARDS_MAX).contains(it));
        if text == "auto" {
            return Ok(Self::Auto(None));
        }
        let (index, count) = text.split_once('/').ok_or(EXPECTED)?;
        let count = number(count).ok_or(EXPECTED)?;
        if index == "auto" {
            return Ok(Self::Auto(Some(count)));
        }
        let index: u32 = number(index).ok_or(EXPECTED)?;
        if index > count {
            return Err(format!("there is no shard {index} of {count}: expected 1 to {count}"));
        }
        Ok(Self::Given(Shard { index, count }))
    }

    /// The shard that it means, and by which variables it was found where nobody gave it.
    ///
    /// # Errors
    /// A text for the user: no variable tells, or two tell different things.
    pub(crate) fn find(
        self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(Shard, Option<String>), String> {
        match self {
            Self::Given(shard) => Ok((shard, None)),
            Self::Auto(count) => {
                let set = |name: &str| variable(name).filter(|text| !text.is_empty());
                let (shard, by) = told(&set, count)?;
                Ok((shard, Some(by)))
            }
        }
    }
}

impl Shard {
    /// Whether a run is in it: which run of the night it is, counted from 0.
    pub(crate) fn has(self, run: usize) -> bool {
        run % self.count as usize == self.index as usize - 1
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// A system that carries out several jobs side by side, and the variables by which each knows itself.
struct System {
    name: &'static str,
    /// Which job it is.
    index: &'static str,
    /// How many there are; none where the system does not tell.
    count: Option<&'static str>,
    /// What a job's number means.
    numbers: Numbers,
}

/// What the number of a job means.
#[derive(Debug, Clone, Copy)]
enum Numbers {
    /// Jobs are counted from this one.
    From(u32),
    /// The numbers of a Slurm array, which may begin anywhere and leave some out.
    OfArray,
}

/// The systems. GitHub sets no variable for the jobs of a matrix: workflows pass these two on.
static SYSTEMS: [System; 6] = [
    System {
        name: "GitLab CI",
        index: "CI_NODE_INDEX",
        count: Some("CI_NODE_TOTAL"),
        numbers: Numbers::From(1),
    },
    System {
        name: "Buildkite",
        index: "BUILDKITE_PARALLEL_JOB",
        count: Some("BUILDKITE_PARALLEL_JOB_COUNT"),
        numbers: Numbers::From(0),
    },
    System {
        name: "CircleCI",
        index: "CIRCLE_NODE_INDEX",
        count: Some("CIRCLE_NODE_TOTAL"),
        numbers: Numbers::From(0),
    },
    System {
        name: "GitHub Actions",
        index: "STRATEGY_JOB_INDEX",
        count: Some("STRATEGY_JOB_TOTAL"),
        numbers: Numbers::From(0),
    },
    System {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        count: None,
        numbers: Numbers::From(0),
    },
    System {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        count: Some("SLURM_ARRAY_TASK_COUNT"),
        numbers: Numbers::OfArray,
    },
];

/// A variable's value, where it is set to something.
type Set<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The shard that the environment tells, and by which variables.
fn told(set: Set<'_>, count: Option<u32>) -> Result<(Shard, String), String> {
    let mut found: Vec<(Shard, String)> = Vec::new();
    for system in SYSTEMS.iter().filter(|system| set(system.index).is_some()) {
        found.push((system.shard(set, count)?, system.words(set)));
    }
    let Some((shard, by)) = found.first().cloned() else {
        let names = SYSTEMS.iter().map(|it| format!("`{}` ({})", it.index, it.name));
        let names = names.collect::<Vec<_>>().join(", ");
        return Err(format!(
            "error: `--shard auto`: no variable tells which shard this is: expected one of {names}; or \
             give it, such as `--shard 2/4`"
        ));
    };
    match found.iter().find(|(other, _)| *other != shard) {
        None => Ok((shard, by)),
        Some((other, too)) => Err(format!(
            "error: `--shard auto`: this is shard {shard} by {by}, and shard {other} by {too}: give it, \
             such as `--shard {shard}`"
        )),
    }
}

impl System {
    /// The variables that tell, as they are set.
    fn words(&self, set: Set<'_>) -> String {
        let shown = |name: &str| set(name).map(|value| format!("{name}={value}"));
        let all = [Some(self.index), self.count].into_iter().flatten().filter_map(shown);
        format!("{} ({})", all.collect::<Vec<_>>().join(", "), self.name)
    }

    /// The shard that its variables tell.
    fn shard(&self, set: Set<'_>, count: Option<u32>) -> Result<Shard, String> {
        let number = |name: &str| {
            let text = set(name).unwrap_or_default();
            let read = text.parse::<u32>();
            read.map_err(|_| format!("error: `{name}={text}`: expected a whole number"))
        };
        let told = self.count.filter(|name| set(name).is_some()).map(number).transpose()?;
        let total = match (told, count) {
            (Some(told), Some(count)) if told != count => {
                return Err(format!(
                    "error: `--shard auto/{count}`: {} tells of {told} jobs, expected the same number",
                    self.name
                ));
            }
            (told, count) => told.or(count).ok_or_else(|| {
                format!(
                    "error: `--shard auto`: {} does not tell how many jobs there are: say it, such as \
                     `--shard auto/4`",
                    self.name
                )
            })?,
        };
        let index = match self.numbers {
            Numbers::From(first) => number(self.index)?.checked_sub(first),
            Numbers::OfArray => in_array(number(self.index)?, &number, total)?,
        };
        let index = index.filter(|index| *index < total && total <= SHARDS_MAX);
        index.map(|index| Shard { index: index + 1, count: total }).ok_or_else(|| {
            let words = self.words(set);
            format!("error: `--shard auto`: {words} makes no sense: the job is none of {total}")
        })
    }
}

/// Which task of a Slurm array it is, counted from 0. Of a list such as `--array=1,3,7` that is not told.
fn in_array(
    task: u32,
    number: &dyn Fn(&str) -> Result<u32, String>,
    total: u32,
) -> Result<Option<u32>, String> {
    let (min, max) = (number("SLURM_ARRAY_TASK_MIN")?, number("SLURM_ARRAY_TASK_MAX")?);
    let step = number("SLURM_ARRAY_TASK_STEP")?.max(1);
    if max.checked_sub(min).is_some_and(|range| range / step + 1 == total) {
        return Ok(task.checked_sub(min).map(|beyond| beyond / step));
    }
    Err(format!(
        "error: `--shard auto`: a Slurm array of {total} tasks from {min} to {max} by {step} has gaps: \
         expected one such as `--array=1-4`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arg: &str, set: &[(&str, &str)], expected: Result<&str, &str>) {
        let value = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let found = ShardArg::read(arg).expect("a value of the flag").find(value);
        match (found, expected) {
            (Ok((shard, _)), Ok(expected)) => assert_eq!(shard.to_string(), expected, "{set:?}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (found, _) => panic!("{set:?}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn systems_tell_their_jobs() {
        check("2/4", &[("CI_NODE_INDEX", "9")], Ok("2/4"));
        check("auto", &[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "5")], Ok("2/5"));
        let buildkite = [("BUILDKITE_PARALLEL_JOB", "0"), ("BUILDKITE_PARALLEL_JOB_COUNT", "3")];
        check("auto", &buildkite, Ok("1/3"));
        check("auto", &[("CIRCLE_NODE_INDEX", "3"), ("CIRCLE_NODE_TOTAL", "4")], Ok("4/4"));
        check("auto", &[("STRATEGY_JOB_INDEX", "1"), ("STRATEGY_JOB_TOTAL", "2")], Ok("2/2"));
        check("auto/8", &[("JOB_COMPLETION_INDEX", "7")], Ok("8/8"));
        check("auto", &slurm(["5", "5", "11", "2", "4"]), Ok("1/4"));
        check("auto", &slurm(["11", "5", "11", "2", "4"]), Ok("4/4"));
        check("auto/4", &slurm(["7", "5", "11", "2", "4"]), Ok("2/4"));
    }

    /// The variables of a task of a Slurm array.
    fn slurm(values: [&'static str; 5]) -> Vec<(&'static str, &'static str)> {
        let names = ["ID", "MIN", "MAX", "STEP", "COUNT"];
        let names = names.map(|name| match name {
            "ID" => "SLURM_ARRAY_TASK_ID",
            "MIN" => "SLURM_ARRAY_TASK_MIN",
            "MAX" => "SLURM_ARRAY_TASK_MAX",
            "STEP" => "SLURM_ARRAY_TASK_STEP",
            _ => "SLURM_ARRAY_TASK_COUNT",
        });
        names.into_iter().zip(values).collect()
    }

    #[test]
    fn nothing_is_guessed() {
        check("auto", &[], Err("expected one of `CI_NODE_INDEX` (GitLab CI)"));
        // Of a job that is not one of several, GitLab tells the number of all: 1.
        check("auto", &[("CI_NODE_TOTAL", "1")], Err("no variable tells"));
        check("auto", &[("CI_NODE_INDEX", "")], Err("no variable tells"));
        check("auto", &[("CI_NODE_INDEX", "two")], Err("does not tell how many"));
        let zero = [("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "5")];
        check("auto", &zero, Err("CI_NODE_INDEX=0, CI_NODE_TOTAL=5 (GitLab CI) makes no sense"));
        let beyond = [("CIRCLE_NODE_INDEX", "4"), ("CIRCLE_NODE_TOTAL", "4")];
        check("auto", &beyond, Err("makes no sense"));
        let word = [("CI_NODE_INDEX", "two"), ("CI_NODE_TOTAL", "5")];
        check("auto", &word, Err("`CI_NODE_INDEX=two`: expected a whole number"));
        check("auto", &[("JOB_COMPLETION_INDEX", "0")], Err("say it, such as `--shard auto/4`"));
        check("auto/8", &beyond, Err("tells of 4 jobs, expected the same number"));
        check("auto", &slurm(["3", "1", "7", "1", "3"]), Err("has gaps"));
        let both = [
            ("CI_NODE_INDEX", "1"),
            ("CI_NODE_TOTAL", "2"),
            ("CIRCLE_NODE_INDEX", "1"),
            ("CIRCLE_NODE_TOTAL", "2"),
        ];
        check("auto", &both, Err("this is shard 1/2 by CI_NODE_INDEX=1"));
    }

    #[test]
    fn a_shard_is_one_of_all() {
        for wrong in ["", "1", "0/4", "5/4", "1/0", "a/4", "auto/", "auto/x", "-1/4", "1/4/2"] {
            assert!(ShardArg::read(wrong).is_err(), "{wrong}");
        }
    }

    /// Whoever carries out all shards has carried out every run, and none twice.
    #[test]
    fn shards_have_every_run_once() {
        for count in 1..=5 {
            let shards: Vec<Shard> = (1..=count).map(|index| Shard { index, count }).collect();
            for run in 0..23 {
                assert_eq!(shards.iter().filter(|shard| shard.has(run)).count(), 1);
            }
        }
    }
}
