//! What became of one finding in one row, night after night: new, still there, flaky, fixed.
//!
//! Clusters are not deterministic: a run without an anomaly does not show that the defect is gone.
//! *Fixed* is therefore said only where so many runs without it would have been improbable, had it
//! still been there. Nothing here knows what the finding is.

/// How improbable the runs without it must be, before it is called fixed.
pub(super) const IMPROBABLE: f64 = 0.05;

/// A night of a row, as one finding sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Night {
    /// Its place among all nights.
    pub(super) place: usize,
    /// The runs that showed it.
    pub(super) hits: u32,
    /// The runs in which it certainly was not seen, though all was decided that could have shown it.
    pub(super) misses: u32,
}

/// Where a finding stands after the last night of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Seen this night for the first time.
    New,
    /// Seen this night, after it had been fixed.
    Back,
    /// It has been away for a night and came again without having been fixed, seen this night or not.
    Flaky,
    /// Seen this night and the last time before it.
    Still,
    /// Not seen this night, but too few runs say so to call it fixed.
    Absent,
    /// Not seen, and this night there were enough runs to say that it is fixed.
    Fixed,
    /// Fixed on an earlier night.
    Gone,
}

impl Standing {
    /// All of them, the most urgent first.
    pub(super) const ALL: [Self; 7] =
        [Self::New, Self::Back, Self::Flaky, Self::Still, Self::Absent, Self::Fixed, Self::Gone];

    /// The word for programs, also used as a style class.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Back => "back",
            Self::Flaky => "flaky",
            Self::Still => "still",
            Self::Absent => "absent",
            Self::Fixed => "fixed",
            Self::Gone => "gone",
        }
    }

    /// The words for people.
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Back => "back again",
            Self::Flaky => "flaky",
            Self::Still => "still there",
            Self::Absent => "not seen",
            Self::Fixed => "fixed",
            Self::Gone => "fixed before",
        }
    }

    /// Whether it is news that something is broken.
    pub(super) fn alarms(self) -> bool {
        matches!(self, Self::New | Self::Back)
    }
}

/// The course of a finding over the nights of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    pub(super) standing: Standing,
    /// Whether it was seen on the last night of the row.
    pub(super) seen: bool,
    /// The first night ever, and the last one, on which it was seen.
    pub(super) first: usize,
    pub(super) last: usize,
    /// The night on which it came: the first one, or that on which it came back.
    pub(super) begin: usize,
    /// The first night without it since then; none if it was seen on the last one.
    pub(super) away: Option<usize>,
    /// The nights on which it was seen.
    pub(super) nights: Vec<usize>,
    /// The runs that showed it, and those that could have, since it came and until it was last seen.
    pub(super) hits: u32,
    pub(super) runs: u32,
    /// The runs without it since it was last seen.
    pub(super) since: u32,
    /// How probable these would be, were it still there.
    pub(super) chance: f64,
}

/// How probable `misses` runs in a row without a finding are, if it is still there, after it was seen
/// in `hits` of `runs`.
///
/// By Laplace's rule of succession, each rate was equally likely beforehand. The sighting that began
/// it all does not count: it was looked for until it was found, so it says nothing of the rate. So
/// after one sighting 20 runs without it are needed to fall below [`IMPROBABLE`], and after ten of
/// ten two.
pub(super) fn chance(hits: u32, runs: u32, misses: u32) -> f64 {
    let (hits, runs) = (f64::from(hits.saturating_sub(1)), f64::from(runs.saturating_sub(1)));
    let factor = |miss: u32| {
        let miss = f64::from(miss);
        (runs - hits + 1.0 + miss) / (runs + 2.0 + miss)
    };
    (0..misses.min(MOST_MISSES)).map(factor).product()
}

/// After so many runs without it nothing is improbable enough to need more.
const MOST_MISSES: u32 = 100_000;

/// Follows a finding over the nights of a row, in their order; none if it was never seen.
pub(super) fn course(nights: &[Night]) -> Option<Course> {
    let mut course: Option<Course> = None;
    for night in nights {
        course = match course {
            Some(course) => Some(next(course, *night)),
            None => (night.hits > 0).then(|| begin(*night)),
        };
    }
    course
}

fn begin(night: Night) -> Course {
    Course {
        standing: Standing::New,
        seen: true,
        first: night.place,
        last: night.place,
        begin: night.place,
        away: None,
        nights: vec![night.place],
        hits: night.hits,
        runs: night.hits + night.misses,
        since: 0,
        chance: 1.0,
    }
}

/// The course after one more night.
fn next(course: Course, night: Night) -> Course {
    if night.hits > 0 { seen(course, night) } else { missed(course, night) }
}

fn seen(course: Course, night: Night) -> Course {
    let mut nights = course.nights;
    nights.push(night.place);
    if matches!(course.standing, Standing::Fixed | Standing::Gone) {
        let (standing, first) = (Standing::Back, course.first);
        return Course { standing, first, nights, ..begin(night) };
    }
    let flaky = course.standing == Standing::Flaky || course.since > 0;
    Course {
        standing: if flaky { Standing::Flaky } else { Standing::Still },
        seen: true,
        last: night.place,
        away: None,
        nights,
        hits: course.hits + night.hits,
        runs: course.runs + course.since + night.hits + night.misses,
        since: 0,
        chance: 1.0,
        ..course
    }
}

fn missed(course: Course, night: Night) -> Course {
    let since = course.since + night.misses;
    let chance = chance(course.hits, course.runs, since);
    let standing = match course.standing {
        Standing::Fixed | Standing::Gone => Standing::Gone,
        _ if chance < IMPROBABLE => Standing::Fixed,
        Standing::Flaky => Standing::Flaky,
        _ => Standing::Absent,
    };
    let away = course.away.or((night.misses > 0).then_some(night.place));
    Course { standing, seen: false, away, since, chance, ..course }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nights as `hits/runs` with blanks between them, and the standings after each.
    #[track_caller]
    fn check(nights: &str, expected: &str) {
        let parse = |(place, word): (usize, &str)| {
            let (hits, runs) = word.split_once('/').expect("hits/runs");
            let (hits, runs): (u32, u32) = (hits.parse().unwrap(), runs.parse().unwrap());
            Night { place, hits, misses: runs - hits }
        };
        let nights: Vec<Night> = nights.split_whitespace().enumerate().map(parse).collect();
        let standings = (1..=nights.len())
            .map(|count| course(&nights[..count]).map_or("-", |course| course.standing.word()));
        assert_eq!(standings.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn findings_come_stay_and_go() {
        check("0/4 0/4", "- -");
        check("0/4 4/4 4/4 4/4 0/4 0/4", "- new still still fixed gone");
        check("4/4 0/4 0/4 2/4", "new fixed gone back");
        check("4/4 0/4 3/4 3/4 0/4", "new fixed back still fixed");
        check("1/4 0/4 1/4 0/4 1/4", "new absent flaky flaky flaky");
        // It is not called fixed before the runs without it are improbable.
        check("1/1 0/1 0/1 0/1", "new absent absent absent");
        check("1/1 0/18 0/2", "new absent fixed");
        check("1/4 1/4 0/4 0/4 0/4", "new still absent absent absent");
        // A night on which nothing could have shown it says nothing.
        check("4/4 0/0 0/0 4/4", "new absent absent still");
        check("4/4 0/0 0/4", "new absent fixed");
        check("4/4 0/4 0/0", "new fixed gone");
    }

    #[test]
    fn the_course_knows_when() {
        let night = |place, hits, misses| Night { place, hits, misses };
        let nights =
            [night(2, 2, 2), night(3, 1, 3), night(5, 0, 0), night(6, 0, 4), night(7, 0, 4)];
        let course = course(&nights).expect("it was seen");
        assert_eq!((course.first, course.last, course.away), (2, 3, Some(6)));
        assert_eq!((course.hits, course.runs, course.since), (3, 8, 8));
        assert_eq!(course.nights, [2, 3]);
    }

    /// From the beta-binomial distribution: after `hits - 1` of `runs - 1`.
    #[test]
    fn chances_are_those_of_the_rule_of_succession() {
        for (hits, runs, misses, expected) in [
            (1, 1, 0, 1.0),
            (1, 1, 1, 1.0 / 2.0),
            (1, 1, 19, 1.0 / 20.0),
            (2, 2, 1, 1.0 / 3.0),
            (10, 10, 1, 1.0 / 11.0),
            (10, 10, 2, 1.0 / 66.0),
            (3, 9, 2, 7.0 / 10.0 * 8.0 / 11.0),
        ] {
            let got = chance(hits, runs, misses);
            assert!((got - expected).abs() < 1e-9, "{hits}/{runs}, {misses}: {got}");
        }
    }

    /// The runs of a night without it count from when it was last seen.
    #[test]
    fn what_comes_back_without_having_been_fixed_is_flaky() {
        check("4/4 0/1 4/4", "new absent flaky");
        check("4/4 4/4 0/1 4/4 4/4", "new still absent flaky flaky");
    }
}
