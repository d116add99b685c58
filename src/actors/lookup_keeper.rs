use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Supervised, WrapFuture,
};
use serde::Serialize;
use tokio::sync::watch;

use super::failure_reporter::part;
use crate::health::HealthIssues;
use crate::results::{Results, Stored};
use crate::scoring::pool::failure_counter;
use crate::scoring::{LookupTable, SharedTable};
use crate::telemetry::LogLimiter;
use weir_supervision::Incarnation;

/// Follows a result key that holds a lookup table, for the scorer that looks things up in it.
pub struct LookupKeeper {
    parts: LookupParts,
    incarnation: Incarnation,
    log: LogLimiter<&'static str>,
    has_key: bool,
}

/// Time for which the key may be absent before that is reported: at the start it has not been read yet.
const ABSENT_GRACE: Duration = Duration::from_secs(2);

/// What a lookup keeper works with.
#[derive(Clone)]
pub struct LookupParts {
    /// The scorer that looks things up.
    pub scorer: String,
    /// Where a table that cannot be used is reported.
    pub health: HealthIssues,
    /// Where the key is.
    pub results: Results,
    /// The key.
    pub key: String,
    /// The most names; a larger table is not used.
    pub max_entries: usize,
    /// Takes the newest table.
    pub table: SharedTable,
    /// Kept up to date.
    pub counters: Arc<LookupCounters>,
}

/// What a lookup keeper has done so far.
#[derive(Debug, Default, Serialize)]
pub struct LookupCounters {
    /// Tables taken.
    pub taken: AtomicU64,
    /// Values that were no tables, or too large; the table before them stays.
    pub unreadable: AtomicU64,
    /// Names in the table.
    pub entries: AtomicU64,
}

/// The value under the watched key is another.
#[derive(Message)]
#[rtype(result = "()")]
struct Changed(Option<Stored>);

impl LookupKeeper {
    /// A keeper of one table.
    pub fn new(parts: LookupParts, incarnation: Incarnation) -> Self {
        Self {
            parts,
            incarnation,
            log: LogLimiter::new(),
            has_key: false,
        }
    }

    /// A key that is gone leaves an empty table.
    fn take(&mut self, value: Option<&Stored>) {
        self.has_key = value.is_some();
        let parts = &self.parts;
        let read = |value: &Stored| LookupTable::from_json(value.bytes(), parts.max_entries);
        match value.map(read).transpose() {
            Ok(table) => {
                if table.is_some() {
                    parts.health.clear(&part(&parts.scorer));
                }
                let table = table.unwrap_or_default();
                parts
                    .counters
                    .entries
                    .store(table.len() as u64, Ordering::Relaxed);
                parts.counters.taken.fetch_add(1, Ordering::Relaxed);
                if self.incarnation.is_current() {
                    parts.table.store(Arc::new(table));
                }
            }
            Err(error) => {
                parts.counters.unreadable.fetch_add(1, Ordering::Relaxed);
                self.report(
                    "bad_table",
                    &format!("the table at {} cannot be used: {error}", parts.key),
                );
            }
        }
    }

    fn report(&self, reason: &'static str, why: &str) {
        let LookupParts { scorer, health, .. } = &self.parts;
        failure_counter(scorer, reason).increment(1);
        health.report(&part(scorer), why);
        if let Some(suppressed) = self.log.admit(reason) {
            tracing::warn!(
                scorer,
                reason,
                why,
                suppressed,
                "lookup table missing or not usable"
            );
        }
    }
}

impl Actor for LookupKeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.parts.results.watch(&self.parts.key) {
            Ok(newest) => {
                ctx.spawn(follow(newest, ctx.address()).into_actor(self));
            }
            Err(error) => {
                tracing::error!(key = self.parts.key, %error, "the lookup table cannot be followed");
                ctx.stop();
            }
        }
    }
}

impl Supervised for LookupKeeper {}

impl Drop for LookupKeeper {
    /// A scorer that is gone has no condition.
    fn drop(&mut self) {
        self.parts.health.clear(&part(&self.parts.scorer));
    }
}

async fn follow(mut newest: watch::Receiver<Option<Stored>>, keeper: Addr<LookupKeeper>) {
    newest.mark_changed();
    while newest.changed().await.is_ok() {
        let value = newest.borrow_and_update().clone();
        keeper.do_send(Changed(value));
    }
}

impl Handler<Changed> for LookupKeeper {
    type Result = ();

    fn handle(&mut self, Changed(value): Changed, ctx: &mut Self::Context) {
        self.take(value.as_ref());
        if !self.has_key {
            ctx.run_later(ABSENT_GRACE, |keeper, _| {
                if !keeper.has_key {
                    let why = format!("there is no table at {}", keeper.parts.key);
                    keeper.report("no_table", &why);
                }
            });
        }
    }
}
