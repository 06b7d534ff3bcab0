//! Nights: which one it is, and the seeds of its runs. The same night of the same plan has the same
//! seeds wherever and whenever its runs are carried out, without anybody being asked.

use std::time::{Duration, UNIX_EPOCH};

use fracas_engine::store::rfc3339;
use sha2::{Digest, Sha256};

/// A night begins and ends at noon, UTC, and has the date of its morning: midnight splits none.
const NOON: u64 = 12 * 3_600;

/// How many seeds there are. They are typed by people.
const SEEDS: u64 = 1_000_000_000;

/// A night: a date such as `2026-11-29`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Night(String);

/// A night, and by what it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NightFrom {
    /// The night.
    pub(crate) night: Night,
    /// What told it.
    pub(crate) source: &'static str,
}

/// The moment to which a build is pinned, in seconds since 1970.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// When a pipeline of GitLab was made: the same for all its jobs, and when one is tried again.
const PIPELINE: &str = "CI_PIPELINE_CREATED_AT";

impl Night {
    /// A date as it is written.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let read = days(text).filter(|_| text.len() == "2026-11-29".len());
        let read = read.map(|days| Self::of(days * 86_400));
        read.filter(|night| night.0 == text)
            .ok_or_else(|| "expected a date such as `2026-11-29`".to_owned())
    }

    /// The night of a moment, in seconds since 1970.
    fn of(seconds: u64) -> Self {
        let morning = UNIX_EPOCH + Duration::from_secs(seconds.saturating_add(NOON));
        Self(rfc3339(morning).chars().take("2026-11-29".len()).collect())
    }

    /// The date.
    pub(crate) fn date(&self) -> &str {
        &self.0
    }

    /// The seed of a run: which run of its row it is, counted from 0.
    pub(crate) fn seed(&self, plan: &str, row: &str, number: u32) -> u64 {
        let text = format!("fracas.night/1\n{plan}\n{row}\n{}\n{number}\n", self.0);
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte)) % SEEDS
    }
}

impl NightFrom {
    /// The night by the environment, else by the clock (seconds since 1970).
    ///
    /// # Errors
    /// A variable that is set and not understood.
    pub(crate) fn find(
        variable: impl Fn(&str) -> Option<String>,
        now: u64,
    ) -> Result<Self, String> {
        let set = |name| variable(name).filter(|text| !text.is_empty());
        if let Some(text) = set(EPOCH) {
            let seconds = text.parse().map_err(|_| {
                format!("error: `{EPOCH}={text}`: expected seconds since 1970, a whole number")
            })?;
            return Ok(Self { night: Night::of(seconds), source: EPOCH });
        }
        if let Some(text) = set(PIPELINE) {
            let seconds = moment(&text).ok_or_else(|| {
                format!(
                    "error: `{PIPELINE}={text}`: expected a moment such as `2026-11-29T02:17:00Z`"
                )
            })?;
            return Ok(Self { night: Night::of(seconds), source: PIPELINE });
        }
        Ok(Self { night: Night::of(now), source: "the clock" })
    }
}

/// The seconds since 1970 of a moment in UTC, to the minute: `2026-11-29T02:17:00Z`.
fn moment(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = time.splitn(3, ':');
    let (hours, minutes): (u64, u64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(days(date)? * 86_400 + hours * 3_600 + minutes * 60)
}

/// The days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that
/// the leap day is the last of a year.
fn days(date: &str) -> Option<u64> {
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (leap_days, of_year) = (year / 4 - year / 100 + year / 400, (153 * month + 2) / 5);
    Some(year * 365 + leap_days + of_year + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(moment_of: &str, expected: &str) {
        let seconds = moment(moment_of).unwrap_or_else(|| panic!("{moment_of} is a moment"));
        assert_eq!(Night::of(seconds).date(), expected, "{moment_of}");
    }

    #[test]
    fn midnight_splits_no_night() {
        check("2026-11-28T12:00:00Z", "2026-11-29");
        check("2026-11-28T23:59:00Z", "2026-11-29");
        check("2026-11-29T00:00:00Z", "2026-11-29");
        check("2026-11-29T11:59:00Z", "2026-11-29");
        check("2026-11-29T12:00:00Z", "2026-11-30");
        check("2028-02-28T13:00:00.123Z", "2028-02-29");
        check("1970-01-01T00:00:00Z", "1970-01-01");
        check("2099-12-31T18:00:00Z", "2100-01-01");
    }

    #[test]
    fn a_date_is_one_of_the_calendar() {
        assert_eq!(Night::read("2028-02-29").unwrap().date(), "2028-02-29");
        for wrong in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "26-11-29",
            "2026-11-9",
            "today",
            "",
            "a-b-c",
        ] {
            assert!(Night::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_night_is_told_by_the_environment_before_the_clock() {
        let find = |set: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            NightFrom::find(value, 1_795_225_512) // 2026-11-21T01:45:12Z
        };
        let told = |set: &[(&str, &str)]| {
            let found = find(set).unwrap();
            (found.night.date().to_owned(), found.source)
        };
        let (epoch, pipeline) = ((EPOCH, "951782400"), (PIPELINE, "2026-11-29T02:17:00Z"));
        assert_eq!(told(&[]), ("2026-11-21".to_owned(), "the clock"));
        assert_eq!(told(&[(EPOCH, "")]), ("2026-11-21".to_owned(), "the clock"));
        assert_eq!(told(&[pipeline]), ("2026-11-29".to_owned(), PIPELINE));
        assert_eq!(told(&[pipeline, epoch]), ("2000-02-29".to_owned(), EPOCH));
        assert!(find(&[(EPOCH, "now")]).unwrap_err().contains("SOURCE_DATE_EPOCH=now"));
        assert!(find(&[(PIPELINE, "now")]).unwrap_err().contains("expected a moment"));
    }

    /// Changing these numbers would change what every plan does on every night.
    #[test]
    fn seeds_follow_from_plan_row_night_and_number() {
        let night = Night::read("2026-11-29").unwrap();
        let seeds = [0, 1].map(|number| night.seed("nightly", "registers", number));
        assert_eq!(seeds, [922_762_784, 605_769_756]);
        let others = [
            night.seed("nightly", "queues", 0),
            night.seed("weekly", "registers", 0),
            Night::read("2026-11-30").unwrap().seed("nightly", "registers", 0),
        ];
        assert!(others.iter().all(|seed| !seeds.contains(seed) && *seed < SEEDS), "{others:?}");
    }
}
