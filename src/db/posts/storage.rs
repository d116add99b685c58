use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, Func, InsertStatement, Query};
use sea_orm::{ConnectionTrait, ExprTrait};

use super::entity::{Column, Entity};
use super::new_post::{COLUMNS, NewPost};
use crate::db::insert_rows::insert_rows;
use crate::db::{Database, DbError, InsertOutcome, TimeRange};

/// Two bound values a pair, below the 32,766 of SQLite.
const PAIRS_PER_STATEMENT: usize = 10_000;

impl Database {
    /// Stores posts in one transaction. A post that the database refuses is left out and reported, the others are
    /// stored; any other failure stores none. A long load calls this every 5,000 posts or so, because the write
    /// lock of SQLite is held during the call.
    pub async fn insert_posts(&self, posts: &[NewPost]) -> Result<InsertOutcome, DbError> {
        if posts.is_empty() {
            return Ok(InsertOutcome::default());
        }
        let transaction = self.begin().await?;
        let outcome = insert_rows(&transaction, posts, |posts| self.insertion(posts)).await?;
        transaction.commit().await?;
        Ok(outcome)
    }

    fn insertion(&self, posts: &[NewPost]) -> InsertStatement {
        let mut statement = Query::insert();
        statement.into_table(Entity).columns(COLUMNS);
        for post in posts {
            statement.values_panic(post.row(self.backend()));
        }
        statement
    }

    /// Those of the pairs `(post_id, session_user_id)` that are stored.
    pub async fn known_posts(
        &self,
        pairs: &[(String, String)],
    ) -> Result<HashSet<(String, String)>, DbError> {
        let mut known = HashSet::new();
        for pairs in pairs.chunks(PAIRS_PER_STATEMENT) {
            let asked: HashSet<_> = pairs.iter().collect();
            let users: HashSet<_> = pairs.iter().map(|(_, user)| user.as_str()).collect();
            // By the index on `post_id`: one user may own most of the table, hence the function around the other.
            let user = Func::coalesce([Expr::col(Column::SessionUserId), Expr::val("")]);
            let statement = Query::select()
                .distinct()
                .columns([Column::PostId, Column::SessionUserId])
                .from(Entity)
                .and_where(
                    Expr::col(Column::PostId).is_in(pairs.iter().map(|(post, _)| post.as_str())),
                )
                .and_where(Expr::expr(user).is_in(users))
                .to_owned();
            for row in self.reader().query_all(&statement).await? {
                let pair = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                if asked.contains(&pair) {
                    known.insert(pair);
                }
            }
        }
        Ok(known)
    }

    /// Deletes up to `limit` posts with `created_at` before a time, in a transaction of their own, and answers how many.
    pub async fn delete_posts_before(
        &self,
        time: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, DbError> {
        let range = TimeRange {
            from: None,
            to: Some(time),
        };
        let batch = Query::select()
            .column(Column::Id)
            .from(Entity)
            .cond_where(range.indexed_condition(self.backend()))
            .limit(limit)
            .to_owned();
        let statement = Query::delete()
            .from_table(Entity)
            .and_where(Expr::col(Column::Id).in_subquery(batch))
            .to_owned();
        let transaction = self.begin().await?;
        let deleted = transaction.execute(&statement).await?.rows_affected();
        transaction.commit().await?;
        Ok(deleted)
    }
}
