use sea_orm::{
    Condition, ConnectionTrait, DbBackend, ExprTrait, Order, Statement,
    sea_query::{Alias, Expr, Func, Query},
};

use super::{
    StoredRanking,
    columns::{TABLE, column, read, selected},
};
use crate::db::{Database, DbError, TimeRange, time::stored};

/// A walk over rankings in the order of their keys, a page in memory at a time. Each page is a read of its own, so a long
/// walk holds no snapshot; rows added after it began are not visited.
#[derive(Debug)]
pub struct RankingPages {
    database: Database,
    at: TimeRange,
    page_size: u64,
    after: i64,
    last: i64,
}

impl Database {
    /// Whether the table is there: an instance of this release has migrated the database.
    pub async fn has_rankings(&self) -> Result<bool, DbError> {
        let sql = match self.backend() {
            DbBackend::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'rankings'"
            }
            _ => "SELECT 1 WHERE to_regclass('rankings') IS NOT NULL",
        };
        let statement = Statement::from_string(self.backend(), sql);
        Ok(self.reader().query_one_raw(statement).await?.is_some())
    }

    /// Begins a walk over the rankings that were decided in a range of time.
    pub async fn ranking_pages(
        &self,
        at: TimeRange,
        page_size: u64,
    ) -> Result<RankingPages, DbError> {
        let statement = Query::select()
            .expr(Func::min(column("id")))
            .expr(Func::max(column("id")))
            .from(Alias::new(TABLE))
            .cond_where(within(at, self.backend()))
            .to_owned();
        let row = self.reader().query_one(&statement).await?;
        let (first, last): (Option<i64>, Option<i64>) = match row {
            Some(row) => (row.try_get_by_index(0)?, row.try_get_by_index(1)?),
            None => (None, None),
        };
        Ok(RankingPages {
            database: self.clone(),
            at,
            page_size,
            after: first.map_or(i64::MAX, |first| first.saturating_sub(1)),
            last: last.unwrap_or(i64::MIN),
        })
    }
}

impl RankingPages {
    /// The next rankings, at most a page, never none; `None` after the last. After an error the same page may be tried again.
    pub async fn next(&mut self) -> Result<Option<Vec<StoredRanking>>, DbError> {
        if self.after >= self.last {
            return Ok(None);
        }
        let backend = self.database.backend();
        let statement = Query::select()
            .exprs(selected())
            .from(Alias::new(TABLE))
            .and_where(column("id").gt(self.after))
            .and_where(column("id").lte(self.last))
            .cond_where(within(self.at, backend))
            .order_by(Alias::new("id"), Order::Asc)
            .limit(self.page_size)
            .to_owned();
        let rows = self.database.reader().query_all(&statement).await?;
        let page = rows
            .iter()
            .map(|row| read(row, backend))
            .collect::<Result<Vec<_>, _>>()?;
        self.after = page.last().map_or(self.last, |ranking| ranking.id);
        Ok((!page.is_empty()).then_some(page))
    }
}

/// Only Weir writes the column, so that its texts on SQLite are in the order of the times.
fn within(at: TimeRange, backend: DbBackend) -> Condition {
    let bound = |time| Expr::val(stored(time, backend));
    Condition::all()
        .add_option(at.from.map(|from| column("at").gte(bound(from))))
        .add_option(at.to.map(|to| column("at").lt(bound(to))))
}
