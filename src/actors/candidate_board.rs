use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Supervised, WrapFuture,
};
use serde::Serialize;
use tokio::sync::watch;

use super::CandidateShelf;
use crate::jobs::CANDIDATES_KEY;
use crate::ranking::Candidates;
use crate::results::{Results, Stored};
use weir_feed::Platform;
use weir_supervision::Incarnation;

/// Follows the newest candidates in the results and puts them on the [`CandidateShelf`].
pub struct CandidateBoard {
    results: Results,
    shelf: CandidateShelf,
    incarnation: Incarnation,
    counters: Arc<CandidateBoardCounters>,
}

/// What the candidate board has done so far.
#[derive(Debug, Default, Serialize)]
pub struct CandidateBoardCounters {
    /// Lists put up.
    pub posted: AtomicU64,
    /// Values that were no list; what was up before stays.
    pub unreadable: AtomicU64,
}

/// The list of a platform is another.
#[derive(Message)]
#[rtype(result = "()")]
struct Changed(Platform, Option<Stored>);

impl CandidateBoard {
    /// A keeper of `shelf`.
    pub fn new(
        results: Results,
        shelf: CandidateShelf,
        incarnation: Incarnation,
        counters: Arc<CandidateBoardCounters>,
    ) -> Self {
        Self {
            results,
            shelf,
            incarnation,
            counters,
        }
    }
}

impl Actor for CandidateBoard {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for &platform in Platform::ALL {
            let key = format!("{CANDIDATES_KEY}{}", platform.as_str());
            match self.results.watch(&key) {
                Ok(newest) => {
                    ctx.spawn(follow(platform, newest, ctx.address()).into_actor(self));
                }
                Err(error) => {
                    tracing::error!(key, %error, "candidates cannot be followed");
                    ctx.stop();
                }
            }
        }
    }
}

impl Supervised for CandidateBoard {}

async fn follow(
    platform: Platform,
    mut newest: watch::Receiver<Option<Stored>>,
    board: Addr<CandidateBoard>,
) {
    newest.mark_changed();
    while newest.changed().await.is_ok() {
        let value = newest.borrow_and_update().clone();
        board.do_send(Changed(platform, value));
    }
}

impl Handler<Changed> for CandidateBoard {
    type Result = ();

    fn handle(&mut self, Changed(platform, value): Changed, _: &mut Self::Context) {
        let list = value.map(|value| value.json::<Candidates>()).transpose();
        match list {
            Ok(list) => {
                let posted = u64::from(list.is_some());
                self.counters.posted.fetch_add(posted, Ordering::Relaxed);
                if self.incarnation.is_current() {
                    self.shelf.post(platform, list);
                }
            }
            Err(error) => {
                self.counters.unreadable.fetch_add(1, Ordering::Relaxed);
                let platform = platform.as_str();
                tracing::warn!(platform, %error, "the candidates cannot be used");
            }
        }
    }
}
