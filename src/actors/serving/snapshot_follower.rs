use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Supervised, WrapFuture,
};
use serde::Serialize;
use tokio::sync::watch;

use crate::health::HealthIssues;
use crate::scoring::health_part;
use crate::scoring::pool::failure_counter;
use crate::snapshot::{Snapshot, SnapshotValue};
use crate::store::{Store, Stored};
use crate::telemetry::LogLimiter;
use weir_supervision::{Incarnation, SupervisedActor, counters};

/// Time for which the key may be absent before that is reported: at the start it has not been read yet.
const ABSENT_GRACE: Duration = Duration::from_secs(2);

/// Keeps snapshots up to date with keys of the store. An unreadable value leaves the one before it in place.
pub struct SnapshotFollower<T: SnapshotValue> {
    deps: SnapshotFollowerDeps<T>,
    counters: Arc<SnapshotCounters>,
    incarnation: Incarnation,
    log: LogLimiter<&'static str>,
    /// For each source, whether its key has a value.
    present: Vec<bool>,
}

/// Dependencies of a [`SnapshotFollower`].
pub struct SnapshotFollowerDeps<T> {
    /// Store that has the keys.
    pub store: Store,
    /// Keys and the snapshots that follow them.
    pub sources: Arc<[SnapshotSource<T>]>,
    /// Where a missing or unreadable value is reported, if a scorer depends on it.
    pub reports_to: Option<ScorerHealth>,
}

/// A key of the store and the snapshot that follows it.
pub struct SnapshotSource<T> {
    /// The key.
    pub key: String,
    /// Receives each readable value.
    pub snapshot: Snapshot<T>,
    /// Reads a stored value.
    pub parse: Parse<T>,
}

/// Reads a stored value.
pub type Parse<T> = Box<dyn Fn(&Stored) -> Result<T, Box<dyn Error>> + Send + Sync>;

/// Health of a scorer that cannot work without a snapshot.
#[derive(Clone)]
pub struct ScorerHealth {
    /// Name of the scorer.
    pub scorer: String,
    /// Conditions shown to operators.
    pub health: HealthIssues,
}

counters! {
    /// Counters of a snapshot follower.
    #[derive(Debug, Default, Serialize)]
    pub struct SnapshotCounters {
        /// Values taken over.
        pub updates: Counter "weir_snapshot_updates_total",
        /// Values that could not be read.
        pub unreadable: Counter "weir_snapshot_unreadable_total",
        /// Entries in the newest values.
        pub entries: Gauge "weir_snapshot_entries",
    }
}

/// The value of a source, given by its index, has changed.
#[derive(Message)]
#[rtype(result = "()")]
struct ValueChanged(usize, Option<Stored>);

impl<T: SnapshotValue> SupervisedActor for SnapshotFollower<T> {
    type Deps = SnapshotFollowerDeps<T>;
    type Counters = SnapshotCounters;

    fn new(
        deps: SnapshotFollowerDeps<T>,
        counters: Arc<SnapshotCounters>,
        incarnation: Incarnation,
    ) -> Self {
        Self {
            present: vec![false; deps.sources.len()],
            deps,
            counters,
            incarnation,
            log: LogLimiter::new(),
        }
    }
}

impl<T: SnapshotValue> SnapshotFollower<T> {
    fn update(&self, source: &SnapshotSource<T>, stored: Option<&Stored>) {
        // A follower that was replaced while it was frozen must neither store nor report what it has read.
        if !self.incarnation.is_current() {
            return;
        }
        let counters = &self.counters;
        match stored.map(&source.parse).transpose() {
            Ok(value) => {
                let updates = u64::from(value.is_some());
                counters.updates.fetch_add(updates, Ordering::Relaxed);
                if let Some(reports_to) = self.deps.reports_to.as_ref().filter(|_| updates > 0) {
                    reports_to.clear();
                }
                source.snapshot.store(value);
                let entries = self.entries() as u64;
                counters.entries.store(entries, Ordering::Relaxed);
            }
            Err(error) => {
                counters.unreadable.fetch_add(1, Ordering::Relaxed);
                let detail = format!("the value at {} cannot be used: {error}", source.key);
                self.report("bad_table", &detail);
            }
        }
    }

    fn entries(&self) -> usize {
        let loaded = self
            .deps
            .sources
            .iter()
            .map(|source| source.snapshot.load());
        loaded
            .map(|value| value.as_ref().map_or(0, |value| value.entries()))
            .sum()
    }

    fn report(&self, reason: &'static str, detail: &str) {
        if let Some(ScorerHealth { scorer, health }) = &self.deps.reports_to {
            failure_counter(scorer, reason).increment(1);
            health.report(&health_part(scorer), detail);
        }
        if let Some(suppressed) = self.log.admit(reason) {
            tracing::warn!(detail, suppressed, "snapshot not updated");
        }
    }
}

impl ScorerHealth {
    fn clear(&self) {
        self.health.clear(&health_part(&self.scorer));
    }
}

impl<T: SnapshotValue> Actor for SnapshotFollower<T> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for (index, source) in self.deps.sources.iter().enumerate() {
            match self.deps.store.watch(&source.key) {
                Ok(newest) => {
                    ctx.spawn(forward(index, newest, ctx.address()).into_actor(self));
                }
                Err(error) => {
                    tracing::error!(key = source.key, %error, "failed to follow a key");
                    ctx.stop();
                }
            }
        }
    }
}

impl<T: SnapshotValue> Supervised for SnapshotFollower<T> {}

impl<T: SnapshotValue> Drop for SnapshotFollower<T> {
    /// A scorer that was removed has no health issue.
    fn drop(&mut self) {
        let reports_to = self.deps.reports_to.as_ref();
        if let Some(reports_to) = reports_to.filter(|_| self.incarnation.is_current()) {
            reports_to.clear();
        }
    }
}

async fn forward<T: SnapshotValue>(
    index: usize,
    mut newest: watch::Receiver<Option<Stored>>,
    follower: Addr<SnapshotFollower<T>>,
) {
    newest.mark_changed();
    while newest.changed().await.is_ok() {
        let value = newest.borrow_and_update().clone();
        follower.do_send(ValueChanged(index, value));
    }
}

impl<T: SnapshotValue> Handler<ValueChanged> for SnapshotFollower<T> {
    type Result = ();

    fn handle(&mut self, ValueChanged(index, stored): ValueChanged, ctx: &mut Self::Context) {
        self.present[index] = stored.is_some();
        self.update(&self.deps.sources[index], stored.as_ref());
        if self.deps.reports_to.is_some() && stored.is_none() {
            ctx.run_later(ABSENT_GRACE, move |follower, _| {
                if !follower.present[index] {
                    let detail =
                        format!("there is no table at {}", follower.deps.sources[index].key);
                    follower.report("no_table", &detail);
                }
            });
        }
    }
}

impl<T> Clone for SnapshotFollowerDeps<T> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            sources: Arc::clone(&self.sources),
            reports_to: self.reports_to.clone(),
        }
    }
}
