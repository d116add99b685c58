use std::ops::Range;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, ExprTrait, TransactionTrait,
    sea_query::{Alias, Expr, OnConflict, Query},
};
use serde_json::value::RawValue;

use crate::db::posts::json_text::{storable_json, storable_text};
use crate::db::{Database, DbError, RejectedPost};

/// Rows of one statement: 4,000 bound values.
const ROWS_PER_STATEMENT: usize = 1_000;
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
    pub rejected: Vec<RejectedPost>,
}

impl Database {
    /// Stores posts and errors in one transaction: when this returns they are committed, and after a failure none is.
    /// A post whose id is known is left as it is.
    pub async fn store_scraped(
        &self,
        posts: &[&NewScrapedPost],
        errors: &[&NewScraperError],
    ) -> Result<ScrapedOutcome, DbError> {
        let mut outcome = ScrapedOutcome::default();
        let transaction = self.begin().await?;
        if self.backend() == DbBackend::Postgres {
            // Whoever is answered forgets the posts, so the server may not put off writing them.
            let durable = "SET LOCAL synchronous_commit = on";
            transaction.execute_unprepared(durable).await?;
        }
        let mut pending: Vec<Range<usize>> = chunks(posts.len()).rev().collect();
        while let Some(rows) = pending.pop() {
            match insert_posts(&transaction, &posts[rows.clone()]).await {
                Ok(stored) => {
                    outcome.stored += stored;
                    outcome.known += rows.len().saturating_sub(stored);
                }
                Err(error @ DbError::Data(_)) if rows.len() == 1 => {
                    let index = rows.start;
                    outcome.rejected.push(RejectedPost { index, error });
                }
                Err(DbError::Data(_)) => {
                    let middle = rows.start + rows.len() / 2;
                    pending.push(middle..rows.end);
                    pending.push(rows.start..middle);
                }
                Err(error) => return Err(error),
            }
        }
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
}

fn chunks(rows: usize) -> impl DoubleEndedIterator<Item = Range<usize>> {
    (0..rows.div_ceil(ROWS_PER_STATEMENT)).map(move |chunk| {
        let start = chunk * ROWS_PER_STATEMENT;
        start..(start + ROWS_PER_STATEMENT).min(rows)
    })
}

/// One statement behind a savepoint, and how many rows are new.
async fn insert_posts(
    transaction: &DatabaseTransaction,
    posts: &[&NewScrapedPost],
) -> Result<usize, DbError> {
    let savepoint = transaction.begin().await?;
    let post_id = Alias::new("post_id");
    let mut statement = Query::insert();
    statement
        .into_table(Alias::new("scraper_data"))
        .columns(["post_id", "source_id", "task_id", "post_blob"].map(Alias::new))
        .on_conflict(OnConflict::column(post_id).do_nothing().to_owned());
    let is_postgres = transaction.get_database_backend() == DbBackend::Postgres;
    for post in posts {
        let blob = Expr::val(storable_json(post.post_blob.get()).into_owned());
        statement.values_panic([
            text(&post.post_id),
            text(&post.source_id),
            text(&post.task_id),
            if is_postgres {
                blob.cast_as("jsonb")
            } else {
                blob
            },
        ]);
    }
    match savepoint.execute(&statement).await {
        Ok(result) => {
            savepoint.commit().await?;
            Ok(usize::try_from(result.rows_affected()).unwrap_or(usize::MAX))
        }
        Err(error) => {
            savepoint.rollback().await?;
            Err(error.into())
        }
    }
}

async fn insert_errors(
    transaction: &DatabaseTransaction,
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
