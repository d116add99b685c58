use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::sea_query::{Alias, Expr, Func, Query};
use sea_orm::{ConnectionTrait, DbBackend, ExprTrait, Order};

use super::PostFilter;
use super::entity::{Column, Entity};
use crate::db::time::{newest, parse_comparable_text};
use crate::db::{Database, DbError, TimeRange};

/// How many posts of one kind there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostCount {
    /// The platform.
    pub platform: Option<String>,
    /// `post` or `comment`.
    pub kind: Option<String>,
    /// The day of `created_at`, in UTC.
    pub day: Option<NaiveDate>,
    /// How many.
    pub posts: u64,
}

impl Database {
    /// How many posts each platform has in the range; the platform `None` stands for rows without one.
    pub async fn count_posts_by_platform(
        &self,
        created: TimeRange,
    ) -> Result<BTreeMap<Option<String>, u64>, DbError> {
        let statement = Query::select()
            .column(Column::Platform)
            .expr(Func::count(Expr::col(Column::Id)))
            .from(Entity)
            .cond_where(created.indexed_condition(self.backend()))
            .group_by_col(Column::Platform)
            .to_owned();
        let rows = self.reader().query_all(&statement).await?;
        rows.iter()
            .map(|row| {
                let count: i64 = row.try_get_by_index(1)?;
                Ok((row.try_get_by_index(0)?, count.unsigned_abs()))
            })
            .collect()
    }

    /// Counts the posts that pass the filter by platform, type and day, newest day first, at most `limit` of these counts.
    pub async fn count_posts_by_day(
        &self,
        filter: &PostFilter,
        limit: u64,
    ) -> Result<Vec<PostCount>, DbError> {
        let day = Expr::cust(match self.backend() {
            DbBackend::Sqlite => "strftime('%Y-%m-%d', created_at)",
            _ => "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        });
        let platform = filter.platform.as_deref();
        let statement = Query::select()
            .columns([Column::Platform, Column::Kind])
            .expr_as(day, Alias::new("day"))
            .expr(Func::count(Expr::col(Column::Id)))
            .from(Entity)
            .cond_where(filter.created.indexed_condition(self.backend()))
            .and_where_option(platform.map(|name| Expr::col(Column::Platform).eq(name)))
            .add_group_by([1, 2, 3].map(|column| Expr::cust(column.to_string())))
            .order_by_expr(Expr::cust("3 DESC NULLS LAST, 1"), Order::Asc)
            .order_by(Column::Kind, Order::Asc)
            .limit(limit)
            .to_owned();
        let rows = self.reader().query_all(&statement).await?;
        rows.iter()
            .map(|row| {
                let day: Option<String> = row.try_get_by_index(2)?;
                let posts: i64 = row.try_get_by_index(3)?;
                Ok(PostCount {
                    platform: row.try_get_by_index(0)?,
                    kind: row.try_get_by_index(1)?,
                    day: day.and_then(|day| day.parse().ok()),
                    posts: posts.unsigned_abs(),
                })
            })
            .collect()
    }

    /// The greatest `created_at`, to the millisecond on SQLite.
    pub async fn newest_created_at(&self) -> Result<Option<DateTime<Utc>>, DbError> {
        let statement = Query::select().expr(newest(self.backend())).to_owned();
        let Some(row) = self.reader().query_one(&statement).await? else {
            return Ok(None);
        };
        if self.backend() == DbBackend::Sqlite {
            let text: Option<String> = row.try_get_by_index(0)?;
            return Ok(text.as_deref().and_then(parse_comparable_text));
        }
        Ok(row.try_get_by_index(0)?)
    }

    /// Whether there is no post at all.
    pub async fn is_empty(&self) -> Result<bool, DbError> {
        let statement = Query::select()
            .column(Column::PostId)
            .from(Entity)
            .limit(1)
            .to_owned();
        Ok(self.reader().query_one(&statement).await?.is_none())
    }
}
