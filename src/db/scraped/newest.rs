use sea_orm::{
    ConnectionTrait, ExprTrait, Order,
    sea_query::{Alias, Expr, Query},
};

use crate::db::{Database, DbError, TimeRange};

/// A scraped post as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapedRow {
    /// The row's key.
    pub id: i64,
    /// The post's id.
    pub post_id: String,
    /// The scraper that found it.
    pub source_id: Option<String>,
    /// The post as received.
    pub post_blob: Option<String>,
}

impl Database {
    /// Up to `limit` scraped posts with a key below `before`, or the newest without one, newest first, of those stored within a range.
    pub async fn scraped_posts_before(
        &self,
        before: Option<i64>,
        limit: u64,
        stored: TimeRange,
    ) -> Result<Vec<ScrapedRow>, DbError> {
        let id = || Expr::col(Alias::new("id"));
        let statement = Query::select()
            .expr(id().cast_as("bigint"))
            .columns(["post_id", "source_id"].map(Alias::new))
            .expr(Expr::col(Alias::new("post_blob")).cast_as("text"))
            .from(Alias::new("scraper_data"))
            .cond_where(stored.indexed_condition(self.backend()))
            .and_where_option(before.map(|before| id().lt(before)))
            .order_by(Alias::new("id"), Order::Desc)
            .limit(limit)
            .to_owned();
        let rows = self.reader().query_all(&statement).await?;
        rows.iter()
            .map(|row| {
                Ok(ScrapedRow {
                    id: row.try_get_by_index(0)?,
                    post_id: row.try_get_by_index(1)?,
                    source_id: row.try_get_by_index(2)?,
                    post_blob: row.try_get_by_index(3)?,
                })
            })
            .collect()
    }
}
