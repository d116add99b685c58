//! When a schedule is due.

mod cron_syntax;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;

pub use cron_syntax::CronFieldError;

/// A correction of the clock that is no reason to fire again.
const SMALL_STEP: TimeDelta = TimeDelta::minutes(1);

/// A cron expression of five or six fields (with seconds), or a nickname such as `@daily` or `@midnight`.
#[derive(Clone, Debug, PartialEq)]
pub struct CronExpression(Box<Cron>);

impl CronExpression {
    /// The first time after `time`, by the clocks of `zone`; `None` when there is none.
    fn next_after(&self, time: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let local = time.with_timezone(&zone);
        let next = self.0.find_next_occurrence(&local, false).ok()?;
        Some(next.with_timezone(&Utc))
    }
}

/// Error for a text that is not a cron expression.
#[derive(Debug, thiserror::Error)]
pub enum CronError {
    /// A field that can be named is at fault.
    #[error(transparent)]
    Field(#[from] CronFieldError),
    /// Anything else.
    #[error("not a cron expression")]
    Other(#[from] croner::errors::CronError),
}

impl FromStr for CronExpression {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = cron_syntax::expand_nickname(text);
        cron_syntax::check(text)?;
        Ok(Self(Box::new(text.parse()?)))
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// The due times of a schedule.
#[derive(Clone, Debug, PartialEq)]
pub enum Timetable {
    /// At once, then again and again after this time, more than zero.
    Every(Duration),
    /// At the times of an expression, by the clocks of a zone.
    Cron(CronExpression, Tz),
}

impl Timetable {
    /// The first due time of a schedule that is made at `now`; `None` when there is none.
    pub fn first(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Every(_) => Some(now),
            Self::Cron(cron, zone) => cron.next_after(now, *zone),
        }
    }

    /// The first time after `now` that belongs to the same row of times as `due`; `None` when there is none.
    pub fn next(&self, due: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Every(every) => {
                let every = TimeDelta::from_std(*every).ok()?;
                let every_ms = every.num_milliseconds().max(1);
                let late_ms = (now - due).num_milliseconds().max(0);
                let steps = late_ms / every_ms + 1;
                due.checked_add_signed(TimeDelta::try_milliseconds(every_ms.checked_mul(steps)?)?)
            }
            Self::Cron(cron, zone) => cron.next_after(now.max(due), *zone),
        }
    }

    /// Returns the latest due time that can be true at `now`: a later one was made before the clock was set back. `fired` is the
    /// due time for which the schedule last fired. `None` when no time comes any more.
    ///
    /// A clock that is set back by less than a minute, and less than half the time between two runs, does not make a cron
    /// expression fire again for a time that has been.
    pub fn latest(
        &self,
        now: DateTime<Utc>,
        fired: Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        match self {
            Self::Every(every) => now.checked_add_signed(TimeDelta::from_std(*every).ok()?),
            Self::Cron(cron, zone) => {
                let next = cron.next_after(now, *zone)?;
                let Some(fired) = fired.filter(|fired| *fired >= next) else {
                    return Some(next);
                };
                let after = cron.next_after(fired, *zone)?;
                let step = SMALL_STEP.min((after - fired) / 2);
                Some(if fired - now <= step { after } else { next })
            }
        }
    }
}

impl fmt::Display for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(every) => write!(f, "every {}", humantime::format_duration(*every)),
            Self::Cron(cron, zone) => write!(f, "cron {cron} in {zone}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn cron(expression: &str, zone: Tz) -> Timetable {
        Timetable::Cron(expression.parse().unwrap(), zone)
    }

    #[test]
    fn an_interval_is_due_at_once_and_keeps_its_row() {
        let minute = Timetable::Every(Duration::from_mins(1));
        let due = time("2026-01-01T00:00:07.250Z");
        assert_eq!(minute.first(due), Some(due));
        for (now, next) in [
            ("2026-01-01T00:00:07.250Z", "2026-01-01T00:01:07.250Z"),
            ("2026-01-01T00:01:07.249Z", "2026-01-01T00:01:07.250Z"),
            ("2026-01-01T00:01:07.250Z", "2026-01-01T00:02:07.250Z"),
            ("2026-01-01T10:00:00Z", "2026-01-01T10:00:07.250Z"),
        ] {
            assert_eq!(minute.next(due, time(now)), Some(time(next)), "{now}");
        }
    }

    #[test]
    fn a_cron_expression_goes_by_the_clocks_of_its_zone() {
        let nightly = cron("30 2 * * *", chrono_tz::Europe::Berlin);
        let winter = time("2026-01-10T00:00:00Z");
        assert_eq!(nightly.first(winter), Some(time("2026-01-10T01:30:00Z")));
        let summer = time("2026-07-10T00:00:00Z");
        assert_eq!(nightly.first(summer), Some(time("2026-07-10T00:30:00Z")));
        assert_eq!(
            nightly.next(time("2026-07-10T00:30:00Z"), time("2026-07-10T00:30:00Z")),
            Some(time("2026-07-11T00:30:00Z"))
        );
    }

    #[test]
    fn each_day_with_a_change_of_clocks_has_its_run() {
        let nightly = cron("30 2 * * *", chrono_tz::Europe::Berlin);
        // 29 March 2026 has no 02:30, 25 October has it twice.
        for (day, last) in [
            ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"),
            ("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"),
        ] {
            let mut now = time(day);
            let mut runs = 0;
            while let Some(next) = nightly.first(now).filter(|next| *next < time(last)) {
                now = next;
                runs += 1;
            }
            assert_eq!(runs, 2, "from {day}");
        }
    }

    /// Zones with a time shortly before their clocks change.
    const CLOCK_CHANGES: [(chrono_tz::Tz, &str); 6] = [
        (chrono_tz::Europe::Berlin, "2026-10-25T00:00:00Z"),
        (chrono_tz::Europe::Berlin, "2026-03-29T00:00:00Z"),
        (chrono_tz::America::New_York, "2026-11-01T05:00:00Z"),
        // Half an hour, and midnight itself.
        (chrono_tz::Australia::Lord_Howe, "2026-04-04T15:00:00Z"),
        (chrono_tz::America::Santiago, "2026-04-05T03:00:00Z"),
        (chrono_tz::America::Santiago, "2026-09-06T04:00:00Z"),
    ];

    #[test]
    fn times_only_go_forward_whatever_the_clocks_do() {
        for (expression, longest_hours) in
            [("*/15 * * * *", 1), ("30 * * * *", 3), ("15 0 * * *", 50)]
        {
            for (zone, around) in CLOCK_CHANGES {
                let timetable = cron(expression, zone);
                let start = time(around) - TimeDelta::hours(6);
                for minutes in (0..12 * 60).step_by(13) {
                    let now = start + TimeDelta::minutes(minutes);
                    let next = timetable.next(now, now).unwrap();
                    let longest = TimeDelta::hours(longest_hours);
                    let wait = next - now;
                    assert!(
                        wait > TimeDelta::zero() && wait <= longest,
                        "{expression} in {zone}: {now} is followed by {next}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_due_time_is_believed_no_farther_ahead_than_the_timetable_gives() {
        let now = time("2026-03-01T12:00:00Z");
        let minute = Timetable::Every(Duration::from_mins(1));
        let latest = |table: &Timetable, fired: Option<&str>| table.latest(now, fired.map(time));
        assert_eq!(latest(&minute, None), Some(time("2026-03-01T12:01:00Z")));
        assert_eq!(
            latest(&minute, Some("2027-01-01T00:00:00Z")),
            Some(time("2026-03-01T12:01:00Z"))
        );
        let nightly = cron("0 3 * * *", Tz::UTC);
        assert_eq!(latest(&nightly, None), Some(time("2026-03-02T03:00:00Z")));
        assert_eq!(
            latest(&nightly, Some("2026-03-01T03:00:00Z")),
            Some(time("2026-03-02T03:00:00Z"))
        );
        // Set back by a year, an hour and a second, just after it had fired.
        let noon = cron("0 12 * * *", Tz::UTC);
        let again = |now, fired| noon.latest(time(now), Some(time(fired)));
        for (now, fired, expected) in [
            (
                "2026-03-01T11:00:00Z",
                "2027-03-01T12:00:00Z",
                "2026-03-01T12:00:00Z",
            ),
            (
                "2026-03-01T11:00:00Z",
                "2026-03-01T12:00:00Z",
                "2026-03-01T12:00:00Z",
            ),
            (
                "2026-03-01T11:59:59Z",
                "2026-03-01T12:00:00Z",
                "2026-03-02T12:00:00Z",
            ),
        ] {
            assert_eq!(again(now, fired), Some(time(expected)), "{now} {fired}");
        }
        let each_second = cron("* * * * * *", Tz::UTC);
        let next = each_second.latest(now, Some(time("2026-03-01T12:00:05Z")));
        assert_eq!(next, Some(time("2026-03-01T12:00:01Z")));
    }

    #[test]
    fn a_due_time_that_was_given_stays_true_until_it_comes_whatever_the_clocks_do() {
        for expression in [
            "*/15 * * * *",
            "30 * * * *",
            "15 0 * * *",
            "30 2 * * *",
            "0 */2 * * *",
        ] {
            for (zone, around) in CLOCK_CHANGES {
                let timetable = cron(expression, zone);
                let start = time(around) - TimeDelta::hours(6);
                let mut due = timetable.next(start, start).unwrap();
                for minutes in 0..14 * 60 {
                    let now = start + TimeDelta::minutes(minutes);
                    if now >= due {
                        due = timetable.next(due, now).unwrap();
                    }
                    let latest = timetable.latest(now, None).unwrap();
                    assert!(
                        due <= latest,
                        "{expression} in {zone}: at {now} due {due}, latest {latest}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_date_that_never_comes_has_no_time() {
        assert_eq!(cron("0 0 30 2 *", Tz::UTC).first(Utc::now()), None);
    }
}
