//! The messages that cross files: requests in the imperative, facts in the past tense.

use std::sync::Arc;
use std::time::Instant;

use actix::Message;
use actix_web::web::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::Span;

use super::ingester::{Batch, IngestReply};
use crate::ranking::{Ranking, Slot};
use crate::results::ResultsError;
use crate::results::jobs::{Cancellation, Enqueued, JobId, NewJob};
use crate::scoring::pool::ScoreRequest;
use crate::serving::ServedPolicy;
use weir_feed::{Degraded, NewItem, RankRequest};

/// Rank a feed by `deadline`. A dropped receiver calls it off.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Rank {
    /// The feed, each id in it once.
    pub feed: Arc<RankRequest>,
    /// The policy and its scorers, as they were when the request came.
    pub policy: Arc<ServedPolicy>,
    /// When the answer is due, whatever is known by then.
    pub deadline: Instant,
    /// Whether to say for each item how it came to its place.
    pub explain: bool,
    /// The span of the request.
    pub span: Span,
    /// Takes the answer.
    pub reply: oneshot::Sender<Ranked>,
}

/// A feed was ranked.
#[derive(Debug)]
pub struct Ranked {
    /// The order and what it was made of.
    pub ranking: Ranking,
    /// The answer, place by place.
    pub slots: Vec<Slot>,
    /// The posts that are inserted.
    pub new_items: Vec<NewItem>,
    /// What was missing.
    pub degraded: Vec<Degraded>,
    /// For each item in its incoming place, if it was asked for.
    pub explanation: Option<Vec<Explained>>,
}

/// How an item came to its place.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Explained {
    /// The top entity that it names.
    pub entity: Option<String>,
    /// Its score by each scorer of the policy; null where there is none.
    pub scores: std::collections::BTreeMap<String, Option<f64>>,
    /// What it was ordered by; null if that is no finite number.
    pub value: Option<f64>,
}

/// Score a feed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Score(pub ScoreRequest);

/// Keep a served feed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Record {
    /// The request as parsed.
    pub feed: Arc<RankRequest>,
    /// The request as received.
    pub body: Bytes,
    /// The feed's place in the recorder's bounded queue.
    pub place: OwnedSemaphorePermit,
}

/// Take a job in: the answer means that it runs, whatever ends in between.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Enqueue {
    /// The job, its arguments checked.
    pub job: NewJob,
    /// Takes the answer.
    pub reply: oneshot::Sender<Result<Enqueued, ResultsError>>,
}

/// Cancel a waiting job, and ask a running one to end.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Cancel {
    /// The job.
    pub id: JobId,
    /// Takes the answer.
    pub reply: oneshot::Sender<Result<Cancellation, ResultsError>>,
}

/// Answer once everything queued before is dealt with.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Flush;

/// Store a batch of scraped posts. A dropped receiver calls it off, unless its commit has begun.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Ingest {
    /// The posts and errors.
    pub batch: Batch,
    /// The batch's place among those that wait, given back once it is dealt with.
    pub place: OwnedSemaphorePermit,
    /// Takes the answer.
    pub reply: IngestReply,
}

/// Fetch now, whatever the time.
#[derive(Debug, Message)]
#[rtype(result = "RunNowAnswer")]
pub struct RunNow;

/// What a scraper answers to [`RunNow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, actix::MessageResponse)]
pub enum RunNowAnswer {
    /// A pass has begun.
    Started,
    /// One was under way.
    AlreadyRunning,
    /// The source wants to be left alone for so long yet.
    HeldOff(std::time::Duration),
}
