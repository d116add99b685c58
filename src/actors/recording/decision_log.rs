use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, ResponseFuture, Supervised, WrapFuture};
use chrono::{TimeDelta, Utc};
use serde::Serialize;
use tokio::sync::{Mutex, watch};

use super::Flush;
use crate::db::{Database, DbError, PendingBatch, PendingRankings, RankingRecord};
use crate::settings::RankingsSettings;
use weir_supervision::{ActorRef, Backoff, Incarnation, SupervisedActor, counters};

/// Delays before a database that is unavailable is tried again.
const RETRY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
/// Time between two deletions of old rankings.
const PRUNE_EVERY: Duration = Duration::from_mins(10);
/// Small enough that a batch holds the write lock for milliseconds.
const PRUNED_PER_BATCH: u64 = 500;

/// Writes ranking records into the database, batch by batch, and deletes old ones.
pub struct DecisionLog {
    deps: DecisionLogDeps,
    writer: Arc<Mutex<Writer>>,
}

/// Writes pending rankings, one batch at a time.
struct Writer {
    deps: DecisionLogDeps,
    incarnation: Incarnation,
}

/// Dependencies of the decision log; its incarnations share the pending rankings.
#[derive(Clone)]
pub struct DecisionLogDeps {
    database: Database,
    prepared: watch::Receiver<bool>,
    queue: Arc<PendingRankings>,
    max_delay: Duration,
    keep: Duration,
    counters: Arc<DecisionLogCounters>,
}

counters! {
    /// Counters of rankings.
    #[derive(Debug, Default, Serialize)]
    pub struct DecisionLogCounters {
        /// Ranking records written.
        pub rows: Counter "weir_decision_log_records_written_total",
        /// Ranking records that the database refused.
        pub rejected_rows: Counter "weir_decision_log_records_rejected_total",
        /// Ranking records left out because too many waited.
        pub queue_full: Counter "weir_decision_log_records_shed_total",
        /// Ranking records left out because the database failed.
        pub failed: Counter "weir_decision_log_records_failed_total",
        /// Ranking records that wait to be written.
        pub waiting: Gauge "weir_decision_log_records_waiting",
        /// Ranking records deleted because of their age.
        pub pruned: Counter "weir_decision_log_records_pruned_total",
    }
}

/// Bounded handle of the decision log.
#[derive(Clone)]
pub struct DecisionLogHandle {
    log: ActorRef<DecisionLog>,
    deps: DecisionLogDeps,
}

impl DecisionLogDeps {
    /// Rankings go into `database` once it is `prepared`.
    pub fn new(
        database: Database,
        prepared: watch::Receiver<bool>,
        settings: &RankingsSettings,
    ) -> Self {
        Self {
            database,
            prepared,
            queue: Arc::new(PendingRankings::new(settings.queue, settings.batch)),
            max_delay: settings.max_delay,
            keep: settings.keep,
            counters: Arc::default(),
        }
    }

    /// Returns the counters that all incarnations share.
    pub fn counters(&self) -> Arc<DecisionLogCounters> {
        Arc::clone(&self.counters)
    }

    /// Writes batches as they become full or have waited long enough, for ever.
    async fn write(mut self, writer: Arc<Mutex<Writer>>) {
        if self.prepared.wait_for(|&prepared| prepared).await.is_err() {
            return;
        }
        let mut failures = 0;
        loop {
            let written = writer.lock().await.write_all().await;
            if let Err(error) = written {
                self.database.observe(&error);
                if failures == 0 {
                    tracing::warn!(%error, "rankings wait for the database");
                }
                failures += 1;
                tokio::time::sleep(RETRY.delay(failures)).await;
                continue;
            }
            if failures > 0 {
                tracing::info!("rankings are written to the database again");
                failures = 0;
            }
            let _ = tokio::time::timeout(self.max_delay, self.queue.full_batch()).await;
        }
    }

    /// Deletes old rankings at intervals, for ever.
    async fn prune(mut self) {
        if self.keep.is_zero() || self.prepared.wait_for(|&prepared| prepared).await.is_err() {
            return;
        }
        loop {
            if let Err(error) = self.prune_all().await {
                self.database.observe(&error);
                tracing::warn!(%error, "failed to delete old rankings");
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
    /// Writes the pending rankings. Fails if the database is unavailable; what is not written stays pending.
    async fn write_all(&self) -> Result<(), DbError> {
        while let Some(batch) = self.deps.queue.next_batch() {
            if !self.incarnation.is_current() {
                break;
            }
            self.write_batch(&batch).await?;
            let waiting = self.deps.queue.done(&batch);
            self.deps.show_waiting(waiting);
        }
        Ok(())
    }

    async fn write_batch(&self, batch: &PendingBatch) -> Result<(), DbError> {
        let DecisionLogDeps {
            database, counters, ..
        } = &self.deps;
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
                    tracing::warn!(%error, "failed to write rankings, further ones are only counted");
                }
                count(&counters.failed, batch.rankings.len());
            }
        }
        Ok(())
    }
}

impl DecisionLogHandle {
    /// A handle of `log`, which was made from the same deps.
    pub fn new(log: ActorRef<DecisionLog>, deps: DecisionLogDeps) -> Self {
        Self { log, deps }
    }

    /// Queues the ranking that `record` makes, unless there is no room. Never waits for the database.
    pub fn offer(&self, record: impl FnOnce() -> RankingRecord) {
        let queue = &self.deps.queue;
        let offered = (!queue.is_full()).then(|| queue.offer(record())).flatten();
        if let Some(waiting) = offered {
            self.deps.show_waiting(waiting);
        } else {
            let queue_full = &self.deps.counters.queue_full;
            queue_full.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes the pending rankings within `limit`. Those that are not written are lost with the process, which is logged.
    pub async fn flush(&self, limit: Duration) {
        let _ = self.log.ask(Flush, limit).await;
        let lost = self.deps.counters.waiting.load(Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "rankings were not written before the stop");
        }
    }
}

impl SupervisedActor for DecisionLog {
    type Deps = DecisionLogDeps;
    type Counters = DecisionLogCounters;

    fn new(deps: DecisionLogDeps, _: Arc<DecisionLogCounters>, incarnation: Incarnation) -> Self {
        let writer = Writer {
            deps: deps.clone(),
            incarnation,
        };
        Self {
            deps,
            writer: Arc::new(Mutex::new(writer)),
        }
    }
}

impl Actor for DecisionLog {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (deps, writer) = (self.deps.clone(), Arc::clone(&self.writer));
        ctx.spawn(deps.write(writer).into_actor(self));
        ctx.spawn(self.deps.clone().prune().into_actor(self));
    }
}

impl Supervised for DecisionLog {}

impl Handler<Flush> for DecisionLog {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Flush: Flush, _: &mut Self::Context) -> Self::Result {
        let (prepared, writer) = (*self.deps.prepared.borrow(), Arc::clone(&self.writer));
        Box::pin(async move {
            if prepared {
                // A database that is unavailable now is not waited for.
                let _ = writer.lock().await.write_all().await;
            }
        })
    }
}
