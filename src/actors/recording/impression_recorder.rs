use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler, Message, Supervised, WrapFuture};
use actix_web::web::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Flush;
use crate::db::{Database, DbError, NewPost};
use crate::rate_limit::RateLimit;
use crate::settings::RecorderSettings;
use crate::telemetry::LogLimiter;
use weir_feed::{ContentItem, FeedError, RankRequest, raw_items};
use weir_supervision::{
    ActorRef, BoundedSender, Full, Incarnation, Permit, SupervisedActor, counters,
};

/// Stores the impressions of served feeds as posts, one feed at a time, whole or not at all.
pub struct ImpressionRecorder {
    database: Database,
    row_limit: RateLimit,
    incarnation: Incarnation,
    counters: Arc<RecorderCounters>,
}

counters! {
    /// Counters of feeds and their rows.
    #[derive(Debug, Default, Serialize)]
    pub struct RecorderCounters {
        /// Rows written.
        pub rows: Counter "weir_recorder_rows_written_total",
        /// Rows that the user had already.
        pub known_rows: Counter "weir_recorder_rows_known_total",
        /// Rows that the database refused.
        pub rejected_rows: Counter "weir_recorder_rows_rejected_total",
        /// Feeds left out because they were prefetches.
        pub prefetches: Counter "weir_recorder_feeds_prefetched_total",
        /// Feeds left out because too many waited.
        pub queue_full: Counter "weir_recorder_feeds_shed_total",
        /// Feeds left out because of `recorder.max_rows_per_s`.
        pub over_rate: Counter "weir_recorder_feeds_rate_limited_total",
        /// Feeds left out because the database failed.
        pub failed: Counter "weir_recorder_feeds_failed_total",
        ..
        /// Log lines of these, by condition.
        #[serde(skip)]
        pub failures: LogLimiter<&'static str>,
    }
}

/// Dependencies of the recorder.
#[derive(Clone)]
pub struct RecorderDeps {
    /// Database that rows are written to.
    pub database: Database,
    /// Most rows per second.
    pub max_rows_per_s: u32,
}

/// Store the impressions of a served feed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Record {
    /// The request as parsed.
    feed: Arc<RankRequest>,
    /// The request as received.
    body: Bytes,
    _permit: Permit,
}

/// Bounded handle of the recorder.
#[derive(Clone)]
pub struct RecorderHandle {
    sender: BoundedSender<ImpressionRecorder>,
    counters: Arc<RecorderCounters>,
}

/// A feed could not be recorded.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error("an item cannot be read again: {0}")]
    Item(#[from] serde_json::Error),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl RecorderHandle {
    /// A handle that lets up to `settings.queue` feeds wait.
    pub fn new(
        recorder: ActorRef<ImpressionRecorder>,
        settings: &RecorderSettings,
        counters: Arc<RecorderCounters>,
    ) -> Self {
        let capacity = u32::try_from(settings.queue).unwrap_or(u32::MAX);
        Self {
            sender: BoundedSender::new(recorder, capacity),
            counters,
        }
    }

    /// Sends a served feed, unless it is a prefetch or there is no room. Never waits.
    pub fn offer(&self, feed: &Arc<RankRequest>, body: Bytes) {
        if feed.session.is_prefetch() {
            self.counters.prefetches.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let record = |permit| Record {
            feed: Arc::clone(feed),
            body,
            _permit: permit,
        };
        if let Err(Full) = self.sender.try_send(1, record) {
            self.counters.queue_full.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits up to `limit` until the feeds sent so far are stored. Those that are not are lost, as they are in a crash.
    pub async fn flush(&self, limit: Duration) {
        let _ = self.sender.actor().ask(Flush, limit).await;
    }
}

impl SupervisedActor for ImpressionRecorder {
    type Deps = RecorderDeps;
    type Counters = RecorderCounters;

    fn new(deps: RecorderDeps, counters: Arc<RecorderCounters>, incarnation: Incarnation) -> Self {
        Self {
            database: deps.database,
            row_limit: RateLimit::new(deps.max_rows_per_s.into(), deps.max_rows_per_s),
            incarnation,
            counters,
        }
    }
}

impl Actor for ImpressionRecorder {
    type Context = Context<Self>;
}

impl Supervised for ImpressionRecorder {}

impl Handler<Record> for ImpressionRecorder {
    type Result = ();

    fn handle(&mut self, record: Record, ctx: &mut Self::Context) {
        let rows = record.feed.items.len();
        let permit = self
            .row_limit
            .acquire_many(rows, Instant::now(), Duration::ZERO);
        if permit.is_none() {
            self.counters.over_rate.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if !self.incarnation.is_current() {
            return;
        }
        let (database, counters) = (self.database.clone(), Arc::clone(&self.counters));
        // The next message waits until this feed is written.
        ctx.wait(async move { write(&database, &counters, record).await }.into_actor(self));
    }
}

impl Handler<Flush> for ImpressionRecorder {
    type Result = ();

    fn handle(&mut self, Flush: Flush, _: &mut Self::Context) {}
}

async fn write(database: &Database, counters: &RecorderCounters, record: Record) {
    let Err(error) = try_write(database, counters, &record.feed, &record.body).await else {
        return;
    };
    counters.failed.fetch_add(1, Ordering::Relaxed);
    let condition = match &error {
        RecordError::Database(error) => {
            database.observe(error);
            error.class().condition
        }
        RecordError::Feed(_) | RecordError::Item(_) => "unreadable",
    };
    if let Some(suppressed) = counters.failures.admit(condition) {
        tracing::warn!(condition, suppressed, "served feeds were not recorded");
    }
}

async fn try_write(
    database: &Database,
    counters: &RecorderCounters,
    feed: &RankRequest,
    body: &[u8],
) -> Result<(), RecordError> {
    let user = &feed.session.user_id;
    let pairs: Vec<_> = feed
        .items
        .iter()
        .map(|item| (item.id.clone(), user.clone()))
        .collect();
    let known = database.known_posts(&pairs).await?;
    let raw = raw_by_id(body)?;
    let posts: Vec<NewPost> = feed
        .items
        .iter()
        .zip(&pairs)
        .filter(|(_, pair)| !known.contains(*pair))
        .filter_map(|(item, _)| Some(row(feed, item, raw.get(item.id.as_str())?)))
        .collect();
    let outcome = database.insert_posts(&posts).await?;
    counters
        .known_rows
        .fetch_add(known.len() as u64, Ordering::Relaxed);
    counters
        .rows
        .fetch_add(outcome.inserted as u64, Ordering::Relaxed);
    counters
        .rejected_rows
        .fetch_add(outcome.rejected.len() as u64, Ordering::Relaxed);
    Ok(())
}

/// Returns the items as received, the first of each id.
fn raw_by_id(body: &[u8]) -> Result<HashMap<Cow<'_, str>, &RawValue>, RecordError> {
    #[derive(Deserialize)]
    struct Identified<'b> {
        #[serde(borrow)]
        id: Cow<'b, str>,
    }
    let mut items = HashMap::new();
    for raw in raw_items(body)? {
        let Identified { id } = serde_json::from_str(raw.get())?;
        items.entry(id).or_insert(raw);
    }
    Ok(items)
}

fn row(feed: &RankRequest, item: &ContentItem, raw: &RawValue) -> NewPost {
    NewPost {
        post_id: item.id.clone(),
        session_timestamp: feed.session.current_time,
        session_user_id: feed.session.user_id.clone(),
        platform: feed.session.platform.as_str().to_owned(),
        kind: item.kind.as_str().to_owned(),
        author_name_hash: item.author_name_hash.clone(),
        created_at: item.created_at,
        post_blob: raw.to_owned(),
    }
}
