use chrono::NaiveDate;
use sea_orm::{
    ConnectionTrait, DbBackend, ExprTrait, Order,
    sea_query::{Alias, Expr, Func, Query},
};

use super::{
    PostFilter,
    entity::{Column, Entity},
};
use crate::db::{Database, DbError};

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
            .add_group_by([1, 2, 3].map(|place| Expr::cust(place.to_string())))
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
}
