use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Supervised, WrapFuture,
};
use serde::Serialize;
use tokio::sync::watch;

use super::supervision::Incarnation;
use crate::results::{Results, Stored};
use crate::scoring::{LookupTable, SharedTable};

/// Follows a result key that holds a lookup table, for the scorer that looks things up in it.
pub struct LookupKeeper {
    parts: LookupParts,
    incarnation: Incarnation,
}

/// What a lookup keeper works with.
#[derive(Clone)]
pub struct LookupParts {
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
        Self { parts, incarnation }
    }

    /// A key that is gone leaves an empty table.
    fn take(&self, value: Option<&Stored>) {
        let parts = &self.parts;
        let read = |value: &Stored| LookupTable::from_json(value.bytes(), parts.max_entries);
        match value.map(read).transpose() {
            Ok(table) => {
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
                tracing::warn!(key = parts.key, %error, "the lookup table cannot be used");
            }
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

async fn follow(mut newest: watch::Receiver<Option<Stored>>, keeper: Addr<LookupKeeper>) {
    newest.mark_changed();
    while newest.changed().await.is_ok() {
        let value = newest.borrow_and_update().clone();
        keeper.do_send(Changed(value));
    }
}

impl Handler<Changed> for LookupKeeper {
    type Result = ();

    fn handle(&mut self, Changed(value): Changed, _: &mut Self::Context) {
        self.take(value.as_ref());
    }
}
