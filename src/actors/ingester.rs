use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Supervised, WrapFuture};
use serde::Serialize;
use tokio::sync::{oneshot, watch};

use super::messages::Ingest;
use crate::db::{Database, DbError, NewScrapedPost, NewScraperError, ScrapedOutcome};
use crate::telemetry::LogLimiter;

/// Most posts of one transaction, so that no other writer waits for long; a larger batch has one of its own.
const POSTS_PER_COMMIT: usize = 5_000;

/// Time after which a batch may be handed in again that the database did not answer, in seconds.
const RETRY_AFTER_S: u32 = 5;

/// Stores scraped posts and the errors of scrapers, and answers once they are committed. What arrives during a commit
/// goes into the next one together.
pub struct Ingester {
    database: Database,
    prepared: watch::Receiver<bool>,
    counters: Arc<IngesterCounters>,
    waiting: Vec<Ingest>,
    committing: bool,
}

/// What the ingester has done so far.
#[derive(Debug, Default, Serialize)]
pub struct IngesterCounters {
    /// Transactions.
    pub commits: AtomicU64,
    /// Posts that were new.
    pub stored: AtomicU64,
    /// Posts that were there already.
    pub known: AtomicU64,
    /// Posts that the database refused; each became an error.
    pub rejected: AtomicU64,
    /// Errors of scrapers that were written down.
    pub errors: AtomicU64,
    /// Batches that could not be stored for now.
    pub unavailable: AtomicU64,
    /// Batches that could not be stored at all.
    pub failed: AtomicU64,
    /// Log lines of these, by condition.
    #[serde(skip)]
    pub failures: LogLimiter<&'static str>,
}

/// Posts and errors that are committed together.
#[derive(Debug, Default)]
pub struct Batch {
    /// The posts.
    pub posts: Vec<NewScrapedPost>,
    /// The errors.
    pub errors: Vec<NewScraperError>,
}

/// A batch is committed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// The places of the posts that the database refused.
    pub rejected: Vec<usize>,
}

/// A batch is not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// The database refuses for now, or is not prepared yet; the same batch may be stored later.
    #[error("the database is unavailable")]
    Unavailable {
        /// The seconds after which another try is worth it.
        retry_after_s: u32,
    },
    /// The database does not work; the log says why.
    #[error("the database failed")]
    Failed,
}

impl IngestError {
    /// The database has not answered.
    pub(super) const UNAVAILABLE: Self = Self::Unavailable {
        retry_after_s: RETRY_AFTER_S,
    };
}

/// The answer to an [`Ingest`].
pub type IngestReply = oneshot::Sender<Result<Ingested, IngestError>>;

impl Ingester {
    /// An ingester that stores once `prepared`.
    pub fn new(
        database: Database,
        prepared: watch::Receiver<bool>,
        counters: Arc<IngesterCounters>,
    ) -> Self {
        Self {
            database,
            prepared,
            counters,
            waiting: Vec::new(),
            committing: false,
        }
    }

    fn commit_next(&mut self, ctx: &mut Context<Self>) {
        let batches = self.next_batches();
        self.committing = !batches.is_empty();
        if !self.committing {
            return;
        }
        let commit = commit(
            self.database.clone(),
            *self.prepared.borrow(),
            batches,
            Arc::clone(&self.counters),
        );
        ctx.spawn(
            commit
                .into_actor(self)
                .map(|(), ingester, ctx| ingester.commit_next(ctx)),
        );
    }

    /// Those that have waited longest, as many as one commit takes, and at least one.
    fn next_batches(&mut self) -> Vec<Ingest> {
        let mut posts = 0;
        let fits = |ingest: &&Ingest| {
            let first = posts == 0;
            posts += ingest.batch.posts.len().max(1);
            first || posts <= POSTS_PER_COMMIT
        };
        let count = self.waiting.iter().take_while(fits).count();
        self.waiting.drain(..count).collect()
    }
}

impl Actor for Ingester {
    type Context = Context<Self>;
}

impl Supervised for Ingester {
    /// A commit that was under way is lost with its replies: those who wait for them ask again.
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.waiting.clear();
        self.committing = false;
    }
}

impl Handler<Ingest> for Ingester {
    type Result = ();

    fn handle(&mut self, ingest: Ingest, ctx: &mut Self::Context) {
        self.waiting.push(ingest);
        if !self.committing {
            self.commit_next(ctx);
        }
    }
}

async fn commit(
    database: Database,
    prepared: bool,
    mut batches: Vec<Ingest>,
    counters: Arc<IngesterCounters>,
) {
    // Who has gone will ask again.
    batches.retain(|ingest| !ingest.reply.is_closed());
    if !prepared {
        return answer(batches, &IngestError::UNAVAILABLE, &counters);
    }
    match store(&database, &batches, &counters).await {
        Ok(outcome) => acknowledge(batches, &outcome),
        Err(error) if error.is_unavailable() => {
            database.observe(&error);
            let retry_after_s = error.class().retry_after_s.unwrap_or(RETRY_AFTER_S);
            let unavailable = IngestError::Unavailable { retry_after_s };
            answer(batches, &unavailable, &counters);
        }
        // One batch must not cost the others.
        Err(_) if batches.len() > 1 => {
            for batch in batches {
                Box::pin(commit(
                    database.clone(),
                    prepared,
                    vec![batch],
                    Arc::clone(&counters),
                ))
                .await;
            }
        }
        Err(error) => {
            if let Some(suppressed) = counters.failures.admit(error.class().condition) {
                tracing::error!(%error, suppressed, "scraped posts cannot be stored");
            }
            answer(batches, &IngestError::Failed, &counters);
        }
    }
}

async fn store(
    database: &Database,
    batches: &[Ingest],
    counters: &IngesterCounters,
) -> Result<ScrapedOutcome, DbError> {
    let posts: Vec<&NewScrapedPost> = batches.iter().flat_map(|it| &it.batch.posts).collect();
    let errors: Vec<&NewScraperError> = batches.iter().flat_map(|it| &it.batch.errors).collect();
    let outcome = database.store_scraped(&posts, &errors).await?;
    let count = |counter: &AtomicU64, outcome: &'static str, many: usize| {
        counter.fetch_add(many as u64, Ordering::Relaxed);
        metrics::counter!("weir_ingested_posts_total", "outcome" => outcome).increment(many as u64);
    };
    counters.commits.fetch_add(1, Ordering::Relaxed);
    count(&counters.stored, "stored", outcome.stored);
    count(&counters.known, "known", outcome.known);
    count(&counters.rejected, "rejected", outcome.rejected.len());
    let written = (errors.len() + outcome.rejected.len()) as u64;
    counters.errors.fetch_add(written, Ordering::Relaxed);
    metrics::counter!("weir_scraper_errors_total").increment(written);
    Ok(outcome)
}

/// Tells each which of its own posts were refused.
fn acknowledge(batches: Vec<Ingest>, outcome: &ScrapedOutcome) {
    let mut first = 0;
    for Ingest { batch, reply, .. } in batches {
        let places = first..first + batch.posts.len();
        let rejected = outcome.rejected.iter().map(|rejected| rejected.index);
        let ingested = Ingested {
            rejected: rejected
                .filter(|index| places.contains(index))
                .map(|index| index - places.start)
                .collect(),
        };
        first = places.end;
        let _ = reply.send(Ok(ingested));
    }
}

fn answer(batches: Vec<Ingest>, error: &IngestError, counters: &IngesterCounters) {
    let counter = match error {
        IngestError::Unavailable { .. } => &counters.unavailable,
        IngestError::Failed => &counters.failed,
    };
    counter.fetch_add(batches.len() as u64, Ordering::Relaxed);
    for ingest in batches {
        let _ = ingest.reply.send(Err(error.clone()));
    }
}
