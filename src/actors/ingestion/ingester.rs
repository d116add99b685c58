use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Supervised, WrapFuture,
};
use serde::Serialize;
use tokio::sync::{oneshot, watch};

use crate::db::{Database, DbError, NewScrapedPost, NewScraperError, ScrapedOutcome};
use crate::telemetry::LogLimiter;
use weir_supervision::{ActorRef, BoundedSender, Incarnation, Permit, SupervisedActor, counters};

/// Most posts of one transaction, so that no other writer waits for long; a larger batch has one of its own.
const POSTS_PER_COMMIT: usize = 5_000;

/// Time after which a batch that the database did not store may be sent again, in seconds.
const RETRY_AFTER_S: u32 = 5;
/// Capacity for batches that wait to be stored, in KiB: 64 MiB together.
const CAPACITY_KIB: u32 = 64 * 1024;
/// Time after which a commit counts as failed because the database is unavailable.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(15);

/// Stores scraped posts and the errors of scrapers, and answers once they are committed. What arrives during a commit
/// goes into the next one together.
pub struct Ingester {
    deps: IngesterDeps,
    counters: Arc<IngesterCounters>,
    waiting: Vec<Ingest>,
    committing: bool,
}

/// Dependencies of the ingester.
#[derive(Clone)]
pub struct IngesterDeps {
    /// Database that posts are stored in.
    pub database: Database,
    /// True once the database can be used.
    pub prepared: watch::Receiver<bool>,
}

counters! {
    /// Counters of stored posts.
    #[derive(Debug, Default, Serialize)]
    pub struct IngesterCounters {
        /// Transactions committed.
        pub commits: Counter "weir_ingester_commits_total",
        /// Posts that were new and are stored.
        pub stored: Counter "weir_ingester_posts_stored_total",
        /// Posts that were stored already.
        pub known: Counter "weir_ingester_posts_known_total",
        /// Posts that the database refused; each became an error.
        pub rejected: Counter "weir_ingester_posts_rejected_total",
        /// Errors of scrapers that were stored.
        pub errors: Counter "weir_ingester_scraper_errors_stored_total",
        /// Batches that could not be stored because the database was unavailable.
        pub unavailable: Counter "weir_ingester_batches_unavailable_total",
        /// Batches that could not be stored at all.
        pub failed: Counter "weir_ingester_batches_failed_total",
        ..
        /// Log lines of these, by condition.
        #[serde(skip)]
        pub failures: LogLimiter<&'static str>,
    }
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
    /// Indices of the posts that the database refused.
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
    const UNAVAILABLE: Self = Self::Unavailable {
        retry_after_s: RETRY_AFTER_S,
    };
}

/// Store a batch of scraped posts. A dropped receiver cancels it, unless its commit has begun.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Ingest {
    batch: Batch,
    reply: oneshot::Sender<Result<Ingested, IngestError>>,
    _permit: Permit,
}

/// Bounded handle of the ingester.
#[derive(Clone)]
pub struct IngestHandle(BoundedSender<Ingester>);

impl IngestHandle {
    /// A handle that lets batches of up to 64 MiB together wait.
    pub fn new(ingester: ActorRef<Ingester>) -> Self {
        Self(BoundedSender::new(ingester, CAPACITY_KIB))
    }

    /// Sends a batch of about `bytes` and waits until it is committed. Without room, or without an answer in time, the
    /// database counts as unavailable; the batch may be stored all the same, and is not stored twice.
    pub async fn ingest(&self, batch: Batch, bytes: usize) -> Result<Ingested, IngestError> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let (reply, answer) = oneshot::channel();
        let ingest = |permit| Ingest {
            batch,
            reply,
            _permit: permit,
        };
        self.0
            .try_send(kib, ingest)
            .map_err(|_| IngestError::UNAVAILABLE)?;
        match tokio::time::timeout(COMMIT_TIMEOUT, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(IngestError::UNAVAILABLE),
        }
    }
}

impl SupervisedActor for Ingester {
    type Deps = IngesterDeps;
    type Counters = IngesterCounters;

    fn new(deps: IngesterDeps, counters: Arc<IngesterCounters>, _: Incarnation) -> Self {
        Self {
            deps,
            counters,
            waiting: Vec::new(),
            committing: false,
        }
    }
}

impl Ingester {
    fn commit_next(&mut self, ctx: &mut Context<Self>) {
        let batches = self.next_batches();
        self.committing = !batches.is_empty();
        if !self.committing {
            return;
        }
        let commit = commit(
            self.deps.database.clone(),
            *self.deps.prepared.borrow(),
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
    /// A commit in progress is lost with its replies; callers that wait for them ask again.
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
    // A caller that has gone will ask again.
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
                tracing::error!(%error, suppressed, "failed to store scraped posts");
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
        let indices = first..first + batch.posts.len();
        let rejected = outcome.rejected.iter().map(|rejected| rejected.index);
        let ingested = Ingested {
            rejected: rejected
                .filter(|index| indices.contains(index))
                .map(|index| index - indices.start)
                .collect(),
        };
        first = indices.end;
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
