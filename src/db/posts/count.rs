use std::collections::BTreeMap;

use sea_orm::{
    ConnectionTrait,
    sea_query::{Expr, Func, Query},
};

use super::entity::{Column, Entity};
use crate::db::{Database, DbError, TimeRange};

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
}
