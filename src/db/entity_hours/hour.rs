use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sea_orm::DbBackend;

use crate::db::TimeRange;

/// An hour of `created_at` in UTC, as `2017-05-31 23`; empty for posts without a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(pub(super) String);

/// The mark of every hour there is.
pub(super) const EVERY_HOUR: &str = "*";

impl Hour {
    /// The hour that holds `time`.
    pub fn of(time: DateTime<Utc>) -> Self {
        Self(time.format("%Y-%m-%d %H").to_string())
    }

    /// The hour of posts without a time.
    pub fn none() -> Self {
        Self(String::new())
    }

    /// As `2017-05-31 23`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The day it is in; empty for posts without a time.
    pub fn day(&self) -> &str {
        self.0.get(..10).unwrap_or_default()
    }

    /// From its first instant to that of the next; nothing for posts without a time.
    pub fn range(&self) -> Option<TimeRange> {
        let start = NaiveDateTime::parse_from_str(&format!("{}:00", self.0), "%Y-%m-%d %H:%M");
        let from = start.ok()?.and_utc();
        Some(TimeRange {
            from: Some(from),
            to: from.checked_add_signed(TimeDelta::hours(1)),
        })
    }
}

/// The hour of a time in `column`.
pub(super) fn hour_of(column: &str, backend: DbBackend) -> String {
    match backend {
        DbBackend::Sqlite => format!("COALESCE(strftime('%Y-%m-%d %H', {column}), '')"),
        _ => format!(
            "COALESCE(CASE WHEN isfinite({column}) THEN to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24') END, '')"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_its_range() {
        let time = "2017-05-31T23:59:59.999Z".parse().unwrap();
        let hour = Hour::of(time);
        assert_eq!(
            (hour.0.as_str(), hour.day()),
            ("2017-05-31 23", "2017-05-31")
        );
        let range = hour.range().unwrap();
        assert!(range.from.unwrap() <= time && time < range.to.unwrap());
        assert_eq!(Hour::none().range(), None);
    }
}
