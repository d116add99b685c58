//! Times as the two databases hold them.
//!
//! Postgres has a type for them. SQLite has text, written by Weir as UTC `YYYY-MM-DD hh:mm:ss[.fff]`, by other programs
//! perhaps as `2017-05-31T23:00:00+00:00`; compared as text the two forms are in the wrong order.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sea_orm::{Condition, DbBackend, ExprTrait, Value, sea_query::Expr};

use super::posts::entity::Column;

/// `created_at`, whatever its form, as UTC `YYYY-MM-DD hh:mm:ss.fff`; null when it is no time at all.
const SQLITE_CREATED_AT: &str = "strftime('%Y-%m-%d %H:%M:%f', created_at)";
const SQLITE_FORM: &str = "%Y-%m-%d %H:%M:%S%.3f";

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
        let (column, bound): (Expr, fn(DateTime<Utc>) -> Value) = match backend {
            DbBackend::Sqlite => (Expr::cust(SQLITE_CREATED_AT), comparable_text),
            _ => (Expr::col(Column::CreatedAt), Value::from),
        };
        Condition::all()
            .add_option(self.from.map(|from| column.clone().gte(bound(from))))
            .add_option(self.to.map(|to| column.lt(bound(to))))
    }

    /// The same rows, found by the index on `created_at`.
    pub(super) fn indexed_condition(self, backend: DbBackend) -> Condition {
        if backend != DbBackend::Sqlite {
            return self.condition(backend);
        }
        // Every form begins with its date, at most a day off for a zone other than UTC.
        let date = |bound: Option<DateTime<Utc>>, days| {
            let day = bound?.checked_add_signed(TimeDelta::days(days))?;
            Some(day.format("%Y-%m-%d").to_string())
        };
        self.condition(backend)
            .add_option(date(self.from, -1).map(|day| Expr::col(Column::CreatedAt).gte(day)))
            .add_option(date(self.to, 2).map(|day| Expr::col(Column::CreatedAt).lt(day)))
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
    let form = match time.timestamp_subsec_millis() {
        0 => "%Y-%m-%d %H:%M:%S",
        _ => SQLITE_FORM,
    };
    time.format(form).to_string()
}

/// The newest `created_at` of all rows as an expression that [`parse_comparable_text`] reads on SQLite.
pub(super) fn newest(backend: DbBackend) -> Expr {
    match backend {
        // The greatest text is within a day of the newest instant, whatever the forms.
        DbBackend::Sqlite => Expr::cust(format!(
            "(SELECT max({SQLITE_CREATED_AT}) FROM posts \
             WHERE created_at >= date((SELECT max(created_at) FROM posts), '-1 day'))"
        )),
        _ => Expr::cust("(SELECT max(created_at) FROM posts)"),
    }
}

/// Reads the form of [`SQLITE_CREATED_AT`].
pub(super) fn parse_comparable_text(text: &str) -> Option<DateTime<Utc>> {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(time.and_utc())
}

fn comparable_text(time: DateTime<Utc>) -> Value {
    time.format(SQLITE_FORM).to_string().into()
}
