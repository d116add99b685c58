use sea_orm::sea_query::{InsertStatement, Query};

use super::{
    entity::Entity,
    new_post::{COLUMNS, NewPost},
};
use crate::db::{Database, DbError, InsertOutcome, insert_rows::insert_rows};

impl Database {
    /// Stores posts in one transaction. A post that the database refuses is left out and reported, the others are
    /// stored; any other failure stores none. A long load calls this every 5,000 posts or so, for the write lock of
    /// SQLite is held meanwhile.
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
}
