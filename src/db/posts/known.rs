use std::collections::HashSet;

use sea_orm::{
    ConnectionTrait, ExprTrait,
    sea_query::{Expr, Func, Query},
};

use super::entity::{Column, Entity};
use crate::db::{Database, DbError};

/// Two bound values a pair, below the 32,766 of SQLite.
const PAIRS_PER_STATEMENT: usize = 10_000;

impl Database {
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
}
