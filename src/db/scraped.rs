//! The tables `scraper_data` and `scraper_errors`.

use sea_orm::{
    ConnectionTrait, DbBackend, ExprTrait, Order,
    sea_query::{Alias, Expr, InsertStatement, OnConflict, Query},
};
use serde_json::value::RawValue;

use super::insert_rows::{ROWS_PER_STATEMENT, insert_rows};
use super::posts::json_text::{storable_json, storable_text};
use super::{Database, DbError, InsertOutcome, RejectedRow, TimeRange};
use crate::sql::WriteTransaction;

/// Longest message that is kept, in characters.
const MAX_MESSAGE_CHARS: usize = 4_000;

/// A scraped post about to be stored.
#[derive(Clone, Debug)]
pub struct NewScrapedPost {
    /// Its id, unique among all sources.
    pub post_id: String,
    /// The scraper that found it.
    pub source_id: String,
    /// The pass that found it.
    pub task_id: String,
    /// The post as received.
    pub post_blob: Box<RawValue>,
}

/// Something that went wrong in a scraper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewScraperError {
    /// The scraper.
    pub source_id: String,
    /// The pass.
    pub task_id: String,
    /// What went wrong.
    pub message: String,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct ScrapedOutcome {
    /// Posts that are new.
    pub stored: usize,
    /// Posts that were there already.
    pub known: usize,
    /// Posts that the database refuses; each is a row of `scraper_errors` instead.
    pub rejected: Vec<RejectedRow>,
}

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
    /// Stores posts and errors in one transaction: when this returns they are committed, and after a failure none is.
    /// A post whose id is known is left as it is.
    pub async fn store_scraped(
        &self,
        posts: &[&NewScrapedPost],
        errors: &[&NewScraperError],
    ) -> Result<ScrapedOutcome, DbError> {
        // The caller forgets the posts once this returns.
        let transaction = self.begin_durable().await?;
        let InsertOutcome { inserted, rejected } =
            insert_rows(&transaction, posts, |posts| self.new_posts(posts)).await?;
        let outcome = ScrapedOutcome {
            stored: inserted,
            known: posts.len().saturating_sub(inserted + rejected.len()),
            rejected,
        };
        let refused = outcome.rejected.iter().map(|rejected| NewScraperError {
            source_id: posts[rejected.index].source_id.clone(),
            task_id: posts[rejected.index].task_id.clone(),
            message: format!(
                "post {} was refused: {}",
                posts[rejected.index].post_id, rejected.error
            ),
        });
        let refused: Vec<NewScraperError> = refused.collect();
        let errors: Vec<&NewScraperError> = errors.iter().copied().chain(&refused).collect();
        for errors in errors.chunks(ROWS_PER_STATEMENT) {
            insert_errors(&transaction, errors).await?;
        }
        transaction.commit().await?;
        Ok(outcome)
    }

    /// Leaves posts alone whose ids are known.
    fn new_posts(&self, posts: &[&NewScrapedPost]) -> InsertStatement {
        let post_id = Alias::new("post_id");
        let mut statement = Query::insert();
        statement
            .into_table(Alias::new("scraper_data"))
            .columns(["post_id", "source_id", "task_id", "post_blob"].map(Alias::new))
            .on_conflict(OnConflict::column(post_id).do_nothing().to_owned());
        for post in posts {
            let blob = Expr::val(storable_json(post.post_blob.get()).into_owned());
            statement.values_panic([
                text(&post.post_id),
                text(&post.source_id),
                text(&post.task_id),
                match self.backend() {
                    DbBackend::Postgres => blob.cast_as("jsonb"),
                    _ => blob,
                },
            ]);
        }
        statement
    }

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

async fn insert_errors(
    transaction: &WriteTransaction,
    errors: &[&NewScraperError],
) -> Result<(), DbError> {
    let mut statement = Query::insert();
    statement
        .into_table(Alias::new("scraper_errors"))
        .columns(["source_id", "task_id", "message"].map(Alias::new));
    for error in errors {
        let message: String = error.message.chars().take(MAX_MESSAGE_CHARS).collect();
        statement.values_panic([text(&error.source_id), text(&error.task_id), text(&message)]);
    }
    transaction.execute(&statement).await?;
    Ok(())
}

fn text(text: &str) -> Expr {
    Expr::val(storable_text(text).into_owned())
}
