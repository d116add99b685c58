use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use sea_orm::DbBackend;

use crate::db::TimeRange;

/// An hour of `created_at` in UTC, as `2017-05-31 23`; empty for posts without a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(pub(super) String);

/// The posts of one hour and platform, which are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// The hour in which the posts were written.
    pub hour: Hour,
    /// The platform; empty for posts that do not name it.
    pub platform: String,
}

impl Hour {
    /// The hour that holds `time`.
    pub fn from_time(time: DateTime<Utc>) -> Self {
        Self(time.format("%Y-%m-%d %H").to_string())
    }

    /// The hour of posts without a time.
    pub fn none() -> Self {
        Self(String::new())
    }

    /// The hour as `2017-05-31 23`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The day of the hour; empty for posts without a time.
    pub fn day(&self) -> &str {
        self.0.get(..10).unwrap_or_default()
    }

    /// Whether `other` is the next hour, or the same.
    pub fn is_followed_by(&self, other: &Self) -> bool {
        let end = |hour: &Self| hour.range().and_then(|range| range.to);
        let start = other.range().and_then(|range| range.from);
        self == other || (start.is_some() && end(self) == start)
    }

    /// The times from its first instant to that of the next hour; `None` for posts without a time.
    pub fn range(&self) -> Option<TimeRange> {
        let start = NaiveDateTime::parse_from_str(&format!("{}:00", self.0), "%Y-%m-%d %H:%M");
        let from = start.ok()?.and_utc();
        Some(TimeRange {
            from: Some(from),
            to: from.checked_add_signed(TimeDelta::hours(1)),
        })
    }
}

/// Expression of the hour of a time in `column`.
pub(super) fn hour_of(column: &str, backend: DbBackend) -> String {
    match backend {
        DbBackend::Sqlite => format!("COALESCE(strftime('%Y-%m-%d %H', {column}), '')"),
        _ => hour_text(&utc(column)),
    }
}

/// Postgres: the time in `column` without its zone.
pub(super) fn utc(column: &str) -> String {
    format!("{column} AT TIME ZONE 'UTC'")
}

/// Postgres: the text of the hour of a time without a zone.
pub(super) fn hour_text(utc: &str) -> String {
    format!("COALESCE(CASE WHEN isfinite({utc}) THEN to_char({utc}, 'YYYY-MM-DD HH24') END, '')")
}

/// Returns the hour that [`hour_of`] gives for this text on SQLite, if the text has a usual form; `None` leaves it to
/// SQLite, which knows many more.
pub(super) fn usual_hour(created_at: &str) -> Option<Cow<'_, str>> {
    if created_at.is_empty() {
        return Some(created_at.into());
    }
    let (time, rest) = created_at
        .as_bytes()
        .split_at_checked("YYYY-MM-DD hh:mm:ss".len())?;
    let form = b"0000-00-00 00:00:00";
    let is_usual = time.iter().zip(form).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        _ => byte == form,
    });
    if !is_usual {
        return None;
    }
    let number = |at: usize| u32::from(time[at] - b'0') * 10 + u32::from(time[at + 1] - b'0');
    let year = i32::try_from(number(0) * 100 + number(2)).ok()?;
    NaiveDate::from_ymd_opt(year, number(5), number(8))?;
    let (hour, minute, second) = (number(11), number(14), number(17));
    let fraction = usual_fraction(rest)?;
    // SQLite rounds to milliseconds, perhaps to those of the next hour.
    let may_round_up = second == 59 && fraction.starts_with(b"999");
    if hour > 23 || minute > 59 || second > 59 || may_round_up {
        return None;
    }
    let hour = created_at.get(.."YYYY-MM-DD hh".len())?;
    Some(if time[10] == b'T' {
        hour.replace('T', " ").into()
    } else {
        hour.into()
    })
}

/// Digits of the fraction after the seconds, where nothing but UTC follows.
fn usual_fraction(rest: &[u8]) -> Option<&[u8]> {
    let (fraction, zone) = match rest.strip_prefix(b".") {
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            rest.split_at(digits)
        }
        None => rest.split_at(0),
    };
    matches!(zone, b"" | b"Z" | b"+00:00").then_some(fraction)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Statement};

    use super::*;
    use crate::db::Database;
    use crate::settings::DatabaseSettings;

    #[test]
    fn an_hour_is_its_range() {
        let time = "2017-05-31T23:59:59.999Z".parse().unwrap();
        let hour = Hour::from_time(time);
        assert_eq!((hour.as_str(), hour.day()), ("2017-05-31 23", "2017-05-31"));
        let range = hour.range().unwrap();
        assert!(range.from.unwrap() <= time && time < range.to.unwrap());
        assert_eq!(Hour::none().range(), None);

        let next = Hour::from_time(range.to.unwrap());
        assert!(hour.is_followed_by(&next) && hour.is_followed_by(&hour));
        assert!(!next.is_followed_by(&hour) && !Hour::none().is_followed_by(&hour));
    }

    /// Times, and texts that are nearly times.
    fn times() -> impl Iterator<Item = String> {
        let days = "0000-01-01 2016-02-29 2017-02-28 2017-02-29 2017-12-31 2017-13-01 9999-12-31 2017-5-31";
        let times = "00:00:00 09:30 1:00:00 23:59:59 23:60:00 23:59:60 24:00:00";
        let fractions = [
            "",
            ".",
            ".5",
            ".99",
            ".999",
            ".9994",
            ".9995",
            ".123456",
            ".99999999",
        ];
        let zones = [
            "", " ", "x", "z", "Z", "+00:00", " +00:00", "+02:00", "-14:59",
        ];
        days.split(' ').flat_map(move |day| {
            [" ", "T", "t", ""].into_iter().flat_map(move |separator| {
                times.split(' ').flat_map(move |time| {
                    fractions.into_iter().flat_map(move |fraction| {
                        zones.map(|zone| format!("{day}{separator}{time}{fraction}{zone}"))
                    })
                })
            })
        })
    }

    #[tokio::test]
    async fn a_usual_time_has_the_hour_that_sqlite_gives() {
        let settings = DatabaseSettings::with_url("sqlite::memory:");
        let database = Database::connect(&settings).await.unwrap();
        let others = ["", "0", "2457905.5", "now", "2017-05-31"].map(str::to_owned);
        let texts: Vec<String> = times().chain(others).collect();
        let hours = format!(
            "SELECT {} FROM json_each(?) ORDER BY key",
            hour_of("value", DbBackend::Sqlite)
        );
        let values = [serde_json::to_string(&texts).unwrap().into()];
        let hours = Statement::from_sql_and_values(DbBackend::Sqlite, hours, values);
        let hours = database.reader().query_all_raw(hours).await.unwrap();
        let mut usual = 0;
        for (text, row) in texts.iter().zip(hours) {
            if let Some(hour) = usual_hour(text) {
                usual += 1;
                let expected: String = row.try_get_by_index(0).unwrap();
                assert_eq!(hour, expected, "{text}");
            }
        }
        // 5 days, 2 separators, 2 times, 8 fractions (4 of them at the end of an hour), 3 zones; and no time at all.
        assert_eq!(usual, 5 * 2 * (8 + 4) * 3 + 1);
    }
}
