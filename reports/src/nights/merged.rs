//! The runs of many shards and nights, put together.
//!
//! What comes out depends on the runs alone: not on their order, nor on the directories that they were
//! found in, nor on how often a run was found.

use std::collections::{BTreeMap, BTreeSet};

use super::row::Row;
use super::standing::{Course, Night, Standing, course};
use super::stored::{Answer, Injected, Stored};
use super::trend::Trend;

/// How many findings are followed; those that were seen last come first.
pub(super) const MOST_FINDINGS: usize = 1_000;

/// A row of the plan, over the nights.
#[derive(Debug)]
pub(super) struct RowNights {
    pub(super) row: Row,
    /// The places of its nights, each with the places of its runs.
    pub(super) nights: BTreeMap<usize, Vec<usize>>,
}

impl RowNights {
    /// The last night of the row.
    pub(super) fn last(&self) -> usize {
        *self.nights.keys().next_back().expect("a row has a run")
    }
}

/// A finding, over rows and nights.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) fingerprint: String,
    pub(super) check: String,
    pub(super) class: String,
    pub(super) headline: String,
    /// The newest run that shows it; if there are such with a page, the newest of these.
    pub(super) example: usize,
    /// Its number on the page of that run.
    pub(super) number: u64,
    /// The places of the rows that have seen it, each with its course there.
    pub(super) courses: BTreeMap<usize, Course>,
}

impl Finding {
    /// Where it stands in the row where that is the most urgent.
    pub(super) fn standing(&self) -> Standing {
        let all = self.courses.values().map(|course| course.standing);
        all.min().expect("a finding was seen in a row")
    }
}

/// Runs around the coming and going of a finding in a row, with the programs that they tested.
#[derive(Debug)]
pub(super) struct Edges<'a> {
    /// The last run before it came in which it certainly was not seen.
    pub(super) good_before: Option<&'a Stored>,
    /// The first run that showed it, since it came.
    pub(super) first_bad: Option<&'a Stored>,
    /// The last run that showed it.
    pub(super) last_bad: Option<&'a Stored>,
    /// The first run after that in which it certainly was not seen.
    pub(super) good_after: Option<&'a Stored>,
}

/// The faults of one kind on one target, over the nights.
#[derive(Debug, Default)]
pub(super) struct KindNights {
    /// The places of the nights on which it was allowed or injected.
    pub(super) nights: BTreeMap<usize, Injected>,
    /// The findings of runs in which it was measurably in effect.
    pub(super) beside: BTreeSet<String>,
}

/// A file that could not be read, so that a run is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The file. Untrusted text.
    pub file: String,
    /// The reason.
    pub why: String,
}

/// The runs of many shards and nights.
#[derive(Debug)]
pub struct Index {
    /// The days of the nights, in order.
    pub(super) nights: Vec<String>,
    pub(super) runs: Vec<Stored>,
    pub(super) rows: Vec<RowNights>,
    /// The most urgent first.
    pub(super) findings: Vec<Finding>,
    /// How many findings more there were.
    pub(super) untold: usize,
    /// By target and kind.
    pub(super) kinds: BTreeMap<(String, String), KindNights>,
    /// How many files were copies of others.
    pub(super) copies: usize,
    pub(super) unread: Vec<Unread>,
    /// How many runs have no results.
    pub(super) unjudged: usize,
}

impl Index {
    /// Puts runs together, and keeps in mind how many could not be read or have no results.
    #[must_use]
    pub fn of(found: Vec<Stored>, unread: Vec<Unread>, unjudged: usize) -> Self {
        let all = found.len();
        let runs = apart(found);
        let nights: BTreeSet<&str> = runs.iter().map(|run| run.night.as_str()).collect();
        let nights: Vec<String> = nights.into_iter().map(str::to_owned).collect();
        let rows = rows(&runs, &nights);
        let (findings, untold) = findings(&runs, &rows);
        let kinds = kinds(&runs, &nights);
        let copies = all - runs.len();
        Self { nights, runs, rows, findings, untold, kinds, copies, unread, unjudged }
    }

    /// The newest night; none without runs.
    pub(super) fn tonight(&self) -> Option<usize> {
        self.nights.len().checked_sub(1)
    }

    /// Whether a row had a run on the newest night.
    pub(super) fn is_up_to_date(&self, row: usize) -> bool {
        Some(self.rows[row].last()) == self.tonight()
    }

    /// What became of findings since the last night of the same row, in the rows that ran on the
    /// newest night: the places of the finding and of the row, the most urgent first.
    pub(super) fn changes(&self) -> Vec<(usize, usize)> {
        let mut all: Vec<(Standing, usize, usize)> = Vec::new();
        for (place, finding) in self.findings.iter().enumerate() {
            let courses = finding.courses.iter().filter(|(row, _)| self.is_up_to_date(**row));
            all.extend(courses.map(|(row, course)| (course.standing, place, *row)));
        }
        all.retain(|(standing, ..)| *standing != Standing::Gone);
        all.sort_unstable();
        all.into_iter().map(|(_, finding, row)| (finding, row)).collect()
    }

    /// How many findings stand how, of those that [`Index::changes`] lists.
    pub(super) fn counts(&self) -> BTreeMap<Standing, usize> {
        let mut counts: BTreeMap<Standing, usize> = BTreeMap::new();
        for (finding, row) in self.changes() {
            *counts.entry(self.findings[finding].courses[&row].standing).or_default() += 1;
        }
        counts
    }

    /// Whether the newest night shows an anomaly that is new in its row, or is back.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.counts().keys().any(|standing| standing.alarms())
    }

    /// Whether there is a run in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The gravest of some runs.
    pub(super) fn gravest(&self, runs: &[usize]) -> usize {
        let grave = |place: &&usize| (self.runs[**place].answer, self.runs[**place].page.is_some());
        *runs.iter().max_by_key(grave).expect("a night of a row has a run")
    }

    /// How many of some runs came to this answer.
    pub(super) fn count(&self, runs: &[usize], answer: Answer) -> usize {
        runs.iter().filter(|place| self.runs[**place].answer == answer).count()
    }

    /// The runs around the coming and going of a finding in a row that has seen it.
    pub(super) fn edges(&self, finding: &Finding, row: usize) -> Edges<'_> {
        let course = &finding.courses[&row];
        let (nights, stored) = (&self.rows[row].nights, &self.runs);
        let all = |from: usize, to: usize| {
            let runs = nights.range(from..to).flat_map(|(_, runs)| runs);
            runs.map(move |place| &stored[*place])
        };
        let shows = |run: &&Stored| run.shows(&finding.fingerprint);
        let denies = |run: &&Stored| !shows(run) && run.denies(&finding.check);
        Edges {
            good_before: all(0, course.begin).rfind(denies),
            first_bad: all(course.begin, course.last + 1).find(shows),
            last_bad: all(course.begin, course.last + 1).rfind(shows),
            good_after: all(course.last + 1, self.nights.len()).find(denies),
        }
    }

    /// One number of a row over the nights.
    pub(super) fn trend(&self, row: &RowNights, metric: &str) -> Option<Trend> {
        let value = |place: &usize| self.runs[*place].metrics.get(metric).copied();
        let values = |runs: &[usize]| runs.iter().filter_map(value).collect::<Vec<f64>>();
        Trend::of(row.nights.iter().map(|(night, runs)| (*night, values(runs))))
    }
}

/// The runs in order, each once. Of copies one with a page stays.
fn apart(mut runs: Vec<Stored>) -> Vec<Stored> {
    runs.sort_by(|a, b| {
        let rest = |run: &Stored| (run.page.is_none(), run.answer, run.sightings.len());
        a.identity().cmp(&b.identity()).then_with(|| rest(a).cmp(&rest(b)))
    });
    runs.dedup_by(|copy, kept| copy.identity() == kept.identity());
    runs
}

fn place(nights: &[String], run: &Stored) -> usize {
    let found = nights.binary_search_by(|night| night.cmp(&run.night));
    found.expect("every night of a run is listed")
}

fn rows(runs: &[Stored], nights: &[String]) -> Vec<RowNights> {
    let mut rows: BTreeMap<&Row, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for (number, run) in runs.iter().enumerate() {
        rows.entry(&run.row).or_default().entry(place(nights, run)).or_default().push(number);
    }
    rows.into_iter().map(|(row, nights)| RowNights { row: row.clone(), nights }).collect()
}

/// The findings with their courses, and how many more there were.
fn findings(runs: &[Stored], rows: &[RowNights]) -> (Vec<Finding>, usize) {
    let mut examples: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, run) in runs.iter().enumerate() {
        for fingerprint in run.sightings.keys() {
            let example = examples.entry(fingerprint).or_insert(number);
            if run.page.is_some() || runs[*example].page.is_none() {
                *example = number;
            }
        }
    }
    let mut newest: Vec<(&str, usize)> = examples.into_iter().collect();
    newest.sort_by_key(|(fingerprint, example)| (std::cmp::Reverse(*example), *fingerprint));
    let untold = newest.len().saturating_sub(MOST_FINDINGS);
    newest.truncate(MOST_FINDINGS);
    let mut findings: Vec<Finding> =
        newest.into_iter().map(|(print, example)| finding(print, example, runs, rows)).collect();
    findings.sort_by(|a, b| {
        let urgency = |it: &Finding| (it.standing(), std::cmp::Reverse(last(it)));
        urgency(a).cmp(&urgency(b)).then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
    (findings, untold)
}

/// The last night on which a finding was seen.
fn last(finding: &Finding) -> usize {
    finding.courses.values().map(|course| course.last).max().unwrap_or_default()
}

fn finding(fingerprint: &str, example: usize, runs: &[Stored], rows: &[RowNights]) -> Finding {
    let seen = &runs[example].sightings[fingerprint];
    let nights = |row: &RowNights| {
        let night = |(place, of): (&usize, &Vec<usize>)| Night {
            place: *place,
            hits: count(of, |run| runs[run].shows(fingerprint)),
            misses: count(of, |run| !runs[run].shows(fingerprint) && runs[run].denies(&seen.check)),
        };
        row.nights.iter().map(night).collect::<Vec<_>>()
    };
    let courses = rows.iter().enumerate();
    Finding {
        fingerprint: fingerprint.to_owned(),
        check: seen.check.clone(),
        class: seen.class.clone(),
        headline: seen.headline.clone(),
        number: seen.number,
        example,
        courses: courses.filter_map(|(place, row)| Some((place, course(&nights(row))?))).collect(),
    }
}

fn count(runs: &[usize], counts: impl Fn(usize) -> bool) -> u32 {
    let counted = runs.iter().filter(|run| counts(**run)).count();
    u32::try_from(counted).unwrap_or(u32::MAX)
}

fn kinds(runs: &[Stored], nights: &[String]) -> BTreeMap<(String, String), KindNights> {
    let mut kinds: BTreeMap<(String, String), KindNights> = BTreeMap::new();
    for run in runs {
        let night = place(nights, run);
        let target = run.row.subject();
        for kind in run.row.faults.iter().chain(run.faults.keys()).collect::<BTreeSet<_>>() {
            let known = kinds.entry((target.clone(), kind.clone())).or_default();
            let sum = known.nights.entry(night).or_default();
            let more = run.faults.get(kind).copied().unwrap_or_default();
            sum.injected += more.injected;
            sum.proven += more.proven;
            sum.seconds += more.seconds;
            if more.proven > 0 && known.beside.len() < MOST_FINDINGS {
                known.beside.extend(run.sightings.keys().cloned());
            }
        }
    }
    kinds
}
