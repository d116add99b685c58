use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, ResponseFuture, Supervised, WrapFuture};
use chrono::{TimeDelta, Utc};
use serde::Serialize;
use tokio::sync::{Mutex, watch};

use super::messages::Flush;
use super::ranking_queue::{RankingBatch, RankingQueue};
use crate::db::{Database, DbError, KeptRanking};
use crate::settings::RankingsSettings;
use weir_supervision::{ActorRef, Incarnation};

/// The waits before a database that is away is tried again: doubling from the first to the longest.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// How often old rankings are looked for.
const PRUNE_EVERY: Duration = Duration::from_mins(10);
/// Small enough that a batch holds the write lock for milliseconds.
const PRUNED_PER_BATCH: u64 = 500;

/// Writes rankings into the database, batch by batch, and deletes old ones.
pub struct RankingLog {
    parts: RankingLogParts,
    writer: Arc<Mutex<Writer>>,
}

/// Who writes what waits, one batch at a time.
struct Writer {
    parts: RankingLogParts,
    incarnation: Incarnation,
}

/// What a ranking log works with; its incarnations share what waits.
#[derive(Clone)]
pub struct RankingLogParts {
    database: Database,
    prepared: watch::Receiver<bool>,
    queue: Arc<RankingQueue>,
    max_delay: Duration,
    keep: Duration,
    counters: Arc<RankingLogCounters>,
}

/// What became of the rankings so far.
#[derive(Debug, Default, Serialize)]
pub struct RankingLogCounters {
    /// Rankings written.
    pub rows: AtomicU64,
    /// Rankings that the database refused.
    pub rejected_rows: AtomicU64,
    /// Rankings left out because too many waited.
    pub queue_full: AtomicU64,
    /// Rankings left out because the database failed.
    pub failed: AtomicU64,
    /// Rankings that wait to be written.
    pub waiting: AtomicU64,
    /// Rankings deleted because of their age.
    pub pruned: AtomicU64,
}

/// The bounded way to the ranking log.
#[derive(Clone)]
pub struct RankingInbox {
    log: ActorRef<RankingLog>,
    parts: RankingLogParts,
}

impl RankingLogParts {
    /// Rankings go into `database` once it is `prepared`.
    pub fn new(
        database: Database,
        prepared: watch::Receiver<bool>,
        settings: &RankingsSettings,
    ) -> Self {
        Self {
            database,
            prepared,
            queue: Arc::new(RankingQueue::new(settings.queue, settings.batch)),
            max_delay: settings.max_delay,
            keep: settings.keep,
            counters: Arc::default(),
        }
    }

    /// What is counted.
    pub fn counters(&self) -> Arc<RankingLogCounters> {
        Arc::clone(&self.counters)
    }

    /// Has batches written as they become full or have waited long enough, for ever.
    async fn write(mut self, writer: Arc<Mutex<Writer>>) {
        if self.prepared.wait_for(|&prepared| prepared).await.is_err() {
            return;
        }
        let mut pause = FIRST_RETRY;
        loop {
            let written = writer.lock().await.write_all().await;
            if let Err(error) = written {
                self.database.observe(&error);
                if pause == FIRST_RETRY {
                    tracing::warn!(%error, "rankings wait for the database");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_RETRY);
                continue;
            }
            if pause > FIRST_RETRY {
                tracing::info!("the database takes rankings again");
                pause = FIRST_RETRY;
            }
            let _ = tokio::time::timeout(self.max_delay, self.queue.full_batch()).await;
        }
    }

    /// Deletes old rankings now and again, for ever.
    async fn prune(mut self) {
        if self.keep.is_zero() || self.prepared.wait_for(|&prepared| prepared).await.is_err() {
            return;
        }
        loop {
            if let Err(error) = self.prune_all().await {
                self.database.observe(&error);
                tracing::warn!(%error, "old rankings are not deleted for now");
            }
            tokio::time::sleep(PRUNE_EVERY).await;
        }
    }

    async fn prune_all(&self) -> Result<(), DbError> {
        let keep = TimeDelta::from_std(self.keep).unwrap_or(TimeDelta::MAX);
        let Some(before) = Utc::now().checked_sub_signed(keep) else {
            return Ok(());
        };
        loop {
            let deleted = self
                .database
                .delete_rankings_before(before, PRUNED_PER_BATCH)
                .await?;
            self.counters.pruned.fetch_add(deleted, Ordering::Relaxed);
            if deleted < PRUNED_PER_BATCH {
                return Ok(());
            }
        }
    }

    fn show_waiting(&self, waiting: usize) {
        let waiting = waiting as u64;
        self.counters.waiting.store(waiting, Ordering::Relaxed);
    }
}

impl Writer {
    /// Writes what waits; fails if the database is away, and what is not written waits on.
    async fn write_all(&self) -> Result<(), DbError> {
        while let Some(batch) = self.parts.queue.next_batch() {
            if !self.incarnation.is_current() {
                break;
            }
            self.write_batch(&batch).await?;
            let waiting = self.parts.queue.done(&batch);
            self.parts.show_waiting(waiting);
        }
        Ok(())
    }

    async fn write_batch(&self, batch: &RankingBatch) -> Result<(), DbError> {
        let RankingLogParts {
            database, counters, ..
        } = &self.parts;
        let count = |counter: &AtomicU64, many: usize| {
            counter.fetch_add(many as u64, Ordering::Relaxed);
        };
        match database.insert_rankings(&batch.rankings).await {
            Ok(outcome) => {
                count(&counters.rows, outcome.inserted);
                count(&counters.rejected_rows, outcome.rejected.len());
            }
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => {
                if counters.failed.load(Ordering::Relaxed) == 0 {
                    tracing::warn!(%error, "rankings were not kept, further ones are counted only");
                }
                count(&counters.failed, batch.rankings.len());
            }
        }
        Ok(())
    }
}

impl RankingInbox {
    /// The way to `log`, which was made of the same parts.
    pub fn new(log: ActorRef<RankingLog>, parts: RankingLogParts) -> Self {
        Self { log, parts }
    }

    /// Hands over a ranking, unless there is no room. Never waits for the database.
    pub fn offer(&self, ranking: KeptRanking) {
        if let Some(waiting) = self.parts.queue.offer(ranking) {
            self.parts.show_waiting(waiting);
        } else {
            let queue_full = &self.parts.counters.queue_full;
            queue_full.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has written what waits, within `limit`. What is not written then is lost with the process, and said.
    pub async fn flush(&self, limit: Duration) {
        let _ = self.log.ask(Flush, limit).await;
        let lost = self.parts.counters.waiting.load(Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "rankings were not written before the stop");
        }
    }
}

impl RankingLog {
    /// A log of these parts.
    pub fn new(parts: RankingLogParts, incarnation: Incarnation) -> Self {
        let writer = Writer {
            parts: parts.clone(),
            incarnation,
        };
        Self {
            parts,
            writer: Arc::new(Mutex::new(writer)),
        }
    }
}

impl Actor for RankingLog {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (parts, writer) = (self.parts.clone(), Arc::clone(&self.writer));
        ctx.spawn(parts.write(writer).into_actor(self));
        ctx.spawn(self.parts.clone().prune().into_actor(self));
    }
}

impl Supervised for RankingLog {}

impl Handler<Flush> for RankingLog {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Flush: Flush, _: &mut Self::Context) -> Self::Result {
        let (prepared, writer) = (*self.parts.prepared.borrow(), Arc::clone(&self.writer));
        Box::pin(async move {
            if prepared {
                // A database that is away now is not waited for.
                let _ = writer.lock().await.write_all().await;
            }
        })
    }
}
