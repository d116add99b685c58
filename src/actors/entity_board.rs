use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Supervised, WrapFuture,
};
use chrono::Utc;
use serde::Serialize;
use tokio::sync::watch;

use super::board::{Board, Posted};
use crate::ranking::{EntityMatcher, TopEntities};
use crate::results::{Results, Stored};
use weir_supervision::Incarnation;

/// Follows the newest top entities in the results and puts them up on the [`Board`], ready to match.
pub struct EntityBoard {
    results: Results,
    key: String,
    board: Board,
    incarnation: Incarnation,
    counters: Arc<EntityBoardCounters>,
}

/// What the entity board has done so far.
#[derive(Debug, Default, Serialize)]
pub struct EntityBoardCounters {
    /// Top entities put up.
    pub posted: AtomicU64,
    /// Values that were no top entities; what was up before stays.
    pub unreadable: AtomicU64,
    /// Entities that are up now.
    pub entities: AtomicU64,
}

/// The value under the watched key is another.
#[derive(Message)]
#[rtype(result = "()")]
struct Changed(Option<Stored>);

impl EntityBoard {
    /// A board keeper for the entities under `key`.
    pub fn new(
        results: Results,
        key: String,
        board: Board,
        incarnation: Incarnation,
        counters: Arc<EntityBoardCounters>,
    ) -> Self {
        Self {
            results,
            key,
            board,
            incarnation,
            counters,
        }
    }

    fn put_up(&self, value: Option<&Stored>) {
        let posted = match value.map(posted).transpose() {
            Ok(posted) => posted,
            Err(error) => {
                self.counters.unreadable.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(key = self.key, %error, "the top entities cannot be used");
                return;
            }
        };
        let entities = posted
            .as_ref()
            .map_or(0, |posted| posted.matcher.entities());
        self.counters
            .entities
            .store(entities as u64, Ordering::Relaxed);
        self.counters
            .posted
            .fetch_add(u64::from(posted.is_some()), Ordering::Relaxed);
        if self.incarnation.is_current() {
            self.board.post(posted);
        }
    }
}

/// Entities without a timestamp are dated by when they were written, or else seen.
fn posted(value: &Stored) -> Result<Posted, Box<dyn std::error::Error>> {
    let top = TopEntities::from_json(value.bytes())?;
    let dated = top
        .timestamp
        .or(value.written_at())
        .unwrap_or_else(Utc::now);
    Ok(Posted {
        matcher: EntityMatcher::new(&top.named_entities())?,
        dated,
    })
}

impl Actor for EntityBoard {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.results.watch(&self.key) {
            Ok(newest) => {
                ctx.spawn(follow(newest, ctx.address()).into_actor(self));
            }
            Err(error) => {
                tracing::error!(key = self.key, %error, "the top entities cannot be followed");
                ctx.stop();
            }
        }
    }
}

impl Supervised for EntityBoard {}

async fn follow(mut newest: watch::Receiver<Option<Stored>>, board: Addr<EntityBoard>) {
    newest.mark_changed();
    while newest.changed().await.is_ok() {
        let value = newest.borrow_and_update().clone();
        board.do_send(Changed(value));
    }
}

impl Handler<Changed> for EntityBoard {
    type Result = ();

    fn handle(&mut self, Changed(value): Changed, _: &mut Self::Context) {
        self.put_up(value.as_ref());
    }
}
