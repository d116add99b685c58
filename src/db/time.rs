//! Times as the two databases hold them.
//!
//! Postgres has a type for them. SQLite has text, written by Weir as UTC `YYYY-MM-DD hh:mm:ss[.fff]`, by other programs
//! perhaps as `2017-05-31T23:00:00+00:00`; compared as text the two forms are in the wrong order.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use sea_orm::{Condition, DbBackend, ExprTrait, Value, sea_query::Expr};

use super::posts::entity::Column;

/// SQLite: `created_at`, whatever its form, as UTC `YYYY-MM-DD hh:mm:ss.fff`; null when it is no time at all.
const COMPARABLE_CREATED_AT: &str = "strftime('%Y-%m-%d %H:%M:%f', created_at)";
/// SQLite: the same as seconds since 1970, to the millisecond: a quarter of the work.
const CREATED_AT_SECONDS: &str = "unixepoch(created_at, 'subsec')";

/// The times in `from <= t < to`, to the millisecond; an absent bound does not limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first instant inside.
    pub from: Option<DateTime<Utc>>,
    /// The first instant after it.
    pub to: Option<DateTime<Utc>>,
}

impl TimeRange {
    /// Rows with `created_at` inside. On SQLite no index can serve it.
    pub(super) fn condition(self, backend: DbBackend) -> Condition {
        if backend == DbBackend::Sqlite {
            return self.sqlite_condition();
        }
        let column = || Expr::col(Column::CreatedAt);
        Condition::all()
            .add_option(self.from.map(|from| column().gte(from)))
            .add_option(self.to.map(|to| column().lt(to)))
    }

    fn sqlite_condition(self) -> Condition {
        let time = Expr::cust(CREATED_AT_SECONDS);
        let millis = |bound: Option<DateTime<Utc>>| bound.map(|bound| bound.timestamp_millis());
        // In one test, which reads the time once.
        match (millis(self.from), millis(self.to)) {
            (Some(from), Some(to)) => {
                Condition::all().add(time.between(seconds(from), seconds(to - 1)))
            }
            (from, to) => Condition::all()
                .add_option(from.map(|from| time.clone().gte(seconds(from))))
                .add_option(to.map(|to| time.lt(seconds(to)))),
        }
    }

    /// The same rows, found by the index on `created_at`.
    pub(super) fn indexed_condition(self, backend: DbBackend) -> Condition {
        if backend != DbBackend::Sqlite {
            return self.condition(backend);
        }
        // Every form begins with its date and hour, less than 15 hours off for a zone other than UTC; after the date stands
        // a space, or a letter, which is greater.
        let shifted = |bound: Option<DateTime<Utc>>, hours| {
            bound?.checked_add_signed(TimeDelta::hours(hours))
        };
        let first = shifted(self.from, -15).map(|from| from.format("%Y-%m-%d %H").to_string());
        let last = shifted(self.to, 15 + 24).map(|to| to.format("%Y-%m-%d").to_string());
        let column = || Expr::col(Column::CreatedAt);
        self.condition(backend)
            .add_option(first.map(|first| column().gte(first)))
            .add_option(last.map(|last| column().lt(last)))
    }
}

/// A time as it is written.
pub(super) fn stored(time: DateTime<Utc>, backend: DbBackend) -> Value {
    match backend {
        DbBackend::Sqlite => sqlite_text(time).into(),
        _ => time.into(),
    }
}

/// A time as it is written to SQLite.
pub(super) fn sqlite_text(time: DateTime<Utc>) -> String {
    text(time, time.timestamp_subsec_millis(), 3)
}

/// A time as COPY takes it.
pub(super) fn postgres_text(time: DateTime<Utc>) -> String {
    let mut text = text(time, time.timestamp_subsec_micros(), 6);
    text.push_str("+00");
    text
}

/// UTC `YYYY-MM-DD hh:mm:ss`, with a fraction of so many digits unless it is 0. By hand: a load writes two for each post,
/// and chrono would read its format each time.
fn text(time: DateTime<Utc>, fraction: u32, fraction_digits: u32) -> String {
    // Of a `DateTime`, each part would be worked out with its offset.
    let time = time.naive_utc();
    let mut text = String::with_capacity("YYYY-MM-DD hh:mm:ss.ffffff+00".len());
    let mut number = |number: u32, digits: u32, before: &str| {
        text.push_str(before);
        for digit_index in (0..digits).rev() {
            let digit = number / 10_u32.pow(digit_index) % 10;
            text.push(char::from_digit(digit, 10).unwrap_or('0'));
        }
    };
    number(time.year().unsigned_abs(), 4, "");
    number(time.month(), 2, "-");
    number(time.day(), 2, "-");
    number(time.hour(), 2, " ");
    number(time.minute(), 2, ":");
    number(time.second(), 2, ":");
    if fraction > 0 {
        number(fraction, fraction_digits, ".");
    }
    text
}

/// The newest `created_at` of all rows as an expression that [`parse_comparable_text`] reads on SQLite.
pub(super) fn newest(backend: DbBackend) -> Expr {
    match backend {
        // The greatest text is within a day of the newest instant, whatever the forms.
        DbBackend::Sqlite => Expr::cust(format!(
            "(SELECT max({COMPARABLE_CREATED_AT}) FROM posts \
             WHERE created_at >= date((SELECT max(created_at) FROM posts), '-1 day'))"
        )),
        _ => Expr::cust("(SELECT max(created_at) FROM posts)"),
    }
}

/// Reads the form of [`COMPARABLE_CREATED_AT`].
pub(super) fn parse_comparable_text(text: &str) -> Option<DateTime<Utc>> {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(time.and_utc())
}

/// As SQLite divides them, so that equal times are equal.
fn seconds(millis: i64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact for 285,000 years either side"
    )]
    let millis = millis as f64;
    millis / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_each_database_reads_them() {
        for (time, sqlite, postgres) in [
            (
                "2017-05-31T23:00:09Z",
                "2017-05-31 23:00:09",
                "2017-05-31 23:00:09+00",
            ),
            (
                "0001-12-01T00:10:00.0205Z",
                "0001-12-01 00:10:00.020",
                "0001-12-01 00:10:00.020500+00",
            ),
        ] {
            let time = time.parse().unwrap();
            assert_eq!(sqlite_text(time), sqlite);
            assert_eq!(postgres_text(time), postgres);
        }
    }
}
