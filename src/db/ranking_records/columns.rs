//! Rankings as both databases hold them: lists as JSON, times as the posts have them.

use chrono::{DateTime, Utc};
use sea_orm::{
    DbBackend, DbErr, ExprTrait, QueryResult,
    sea_query::{Alias, Expr},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{RankingRecord, StoredRanking};
use crate::db::{
    posts::json_text::{storable_json, storable_text},
    time::{parse_comparable_text, stored},
};

pub(super) const TABLE: &str = "rankings";

/// The columns but the key, in the order of [`row`].
pub(super) const COLUMNS: [&str; 13] = [
    "at",
    "session_id",
    "user_id",
    "platform",
    "arm",
    "policy",
    "config_version",
    "intervention_on",
    "prefetch",
    "degraded",
    "ids_sent",
    "ids_returned",
    "took_ms",
];

pub(super) fn column(name: &str) -> Expr {
    Expr::col(Alias::new(name))
}

/// The values of a new row.
pub(super) fn row(ranking: &RankingRecord, backend: DbBackend) -> Result<[Expr; 13], DbErr> {
    let text = |text: &str| Expr::val(storable_text(text).into_owned());
    Ok([
        Expr::val(stored(ranking.at, backend)),
        text(&ranking.session_id),
        text(&ranking.user_id),
        text(&ranking.platform),
        Expr::val(
            ranking
                .arm
                .as_deref()
                .map(|arm| storable_text(arm).into_owned()),
        ),
        text(&ranking.policy),
        text(&ranking.config_version),
        Expr::val(ranking.intervention_on),
        Expr::val(ranking.prefetch),
        json(&ranking.degraded, backend)?,
        json(&ranking.ids_sent, backend)?,
        json(&ranking.ids_returned, backend)?,
        Expr::val(ranking.took_ms),
    ])
}

fn json(list: &impl Serialize, backend: DbBackend) -> Result<Expr, DbErr> {
    let json = serde_json::to_string(list).map_err(|error| DbErr::Json(error.to_string()))?;
    let json = Expr::val(storable_json(&json).into_owned());
    Ok(match backend {
        DbBackend::Postgres => json.cast_as("jsonb"),
        _ => json,
    })
}

/// What [`read`] reads, in this order.
pub(super) fn selected() -> impl Iterator<Item = Expr> {
    let columns = COLUMNS.into_iter().map(|name| match name {
        "degraded" | "ids_sent" | "ids_returned" => column(name).cast_as("text"),
        _ => column(name),
    });
    std::iter::once(column("id")).chain(columns)
}

/// Reads a row of [`selected`].
pub(super) fn read(row: &QueryResult, backend: DbBackend) -> Result<StoredRanking, DbErr> {
    let ranking = RankingRecord {
        at: time(row, 1, backend)?,
        session_id: row.try_get_by_index(2)?,
        user_id: row.try_get_by_index(3)?,
        platform: row.try_get_by_index(4)?,
        arm: row.try_get_by_index(5)?,
        policy: row.try_get_by_index(6)?,
        config_version: row.try_get_by_index::<String>(7)?.into(),
        intervention_on: row.try_get_by_index(8)?,
        prefetch: row.try_get_by_index(9)?,
        degraded: list(row, 10)?,
        ids_sent: list(row, 11)?,
        ids_returned: list(row, 12)?,
        took_ms: row.try_get_by_index(13)?,
    };
    Ok(StoredRanking {
        id: row.try_get_by_index(0)?,
        ranking,
    })
}

fn time(row: &QueryResult, index: usize, backend: DbBackend) -> Result<DateTime<Utc>, DbErr> {
    if backend != DbBackend::Sqlite {
        return row.try_get_by_index(index);
    }
    let text: String = row.try_get_by_index(index)?;
    parse_comparable_text(&text).ok_or_else(|| DbErr::Type(format!("{text:?} is not a time")))
}

fn list<T: DeserializeOwned>(row: &QueryResult, index: usize) -> Result<T, DbErr> {
    let json: String = row.try_get_by_index(index)?;
    serde_json::from_str(&json).map_err(|error| DbErr::Json(error.to_string()))
}
