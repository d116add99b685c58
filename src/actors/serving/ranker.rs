use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::{Actor, Context, Handler, Message, Supervised};
use serde::Serialize;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::serving::{Pipeline, RankAnswer, RankContext, RankOutcome};
use weir_feed::RankRequest;
use weir_supervision::{ActorRef, Incarnation, SupervisedActor, counters};

/// How long past the deadline a ranker may still answer before the incoming order is the answer.
pub(crate) const GRACE: Duration = Duration::from_millis(5);

/// Gives the pipeline a mailbox, a deadline and isolation: each feed is ranked in a task of its own, so that one that panics
/// takes no other along.
pub struct Ranker {
    pipeline: Arc<Pipeline>,
    counters: Arc<RankerCounters>,
}

counters! {
    /// Counters of a ranker, in feeds.
    #[derive(Debug, Default, Serialize)]
    pub struct RankerCounters {
        /// Feeds received.
        pub requests: Counter "weir_ranker_requests_total",
        /// Feeds ranked.
        pub ranked: Counter "weir_ranker_feeds_ranked_total",
        /// Feeds ranked with something missing.
        pub degraded: Counter "weir_ranker_feeds_degraded_total",
        /// Feeds ranked after the client had gone.
        pub abandoned: Counter "weir_ranker_feeds_abandoned_total",
    }
}

/// Rank a feed. A dropped receiver calls it off.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Rank {
    feed: Arc<RankRequest>,
    context: Arc<RankContext>,
    /// Span of the request.
    span: Span,
    reply: oneshot::Sender<RankAnswer>,
}

impl SupervisedActor for Ranker {
    type Deps = Arc<Pipeline>;
    type Counters = RankerCounters;

    fn new(pipeline: Arc<Pipeline>, counters: Arc<RankerCounters>, _: Incarnation) -> Self {
        Self { pipeline, counters }
    }
}

impl Actor for Ranker {
    type Context = Context<Self>;
}

impl Supervised for Ranker {}

impl Handler<Rank> for Ranker {
    type Result = ();

    fn handle(&mut self, rank: Rank, _: &mut Self::Context) {
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let (pipeline, counters) = (Arc::clone(&self.pipeline), Arc::clone(&self.counters));
        let span = rank.span.clone();
        actix_rt::spawn(async move { rank.run(&pipeline, &counters).await }.instrument(span));
    }
}

impl Rank {
    async fn run(mut self, pipeline: &Pipeline, counters: &RankerCounters) {
        let answer = tokio::select! {
            biased;
            () = self.reply.closed() => None,
            answer = pipeline.execute(&self.feed, &self.context) => Some(answer),
        };
        let degraded = answer
            .as_ref()
            .is_some_and(|answer| answer.outcome == RankOutcome::Degraded);
        let sent = answer.is_some_and(|answer| self.reply.send(answer).is_ok());
        let counter = if sent {
            &counters.ranked
        } else {
            &counters.abandoned
        };
        counter.fetch_add(1, Ordering::Relaxed);
        counters
            .degraded
            .fetch_add(u64::from(degraded), Ordering::Relaxed);
    }
}

/// The rankers, asked in turn.
pub struct Rankers {
    actors: Vec<ActorRef<Ranker>>,
    next: AtomicUsize,
    pipeline: Arc<Pipeline>,
}

impl Rankers {
    /// Hands feeds to `actors` in turn; `pipeline` answers for them where they do not.
    pub fn new(actors: Vec<ActorRef<Ranker>>, pipeline: Arc<Pipeline>) -> Self {
        Self {
            actors,
            next: AtomicUsize::new(0),
            pipeline,
        }
    }

    /// Ranks `feed`, at the latest [`GRACE`] after the deadline.
    pub(crate) async fn rank(
        &self,
        feed: &Arc<RankRequest>,
        context: &Arc<RankContext>,
    ) -> RankAnswer {
        let (reply, mut answer) = oneshot::channel();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(index) = turn.checked_rem(self.actors.len()) {
            self.actors[index].tell(Rank {
                feed: Arc::clone(feed),
                context: Arc::clone(context),
                span: Span::current(),
                reply,
            });
        } else {
            drop(reply);
        }
        let late = (context.deadline + GRACE).into();
        let code = match tokio::time::timeout_at(late, &mut answer).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(_)) => "unavailable",
            Err(_) => "timeout",
        };
        let decided = context.decide();
        if !decided
            && code == "timeout"
            && let Ok(answer) = answer.await
        {
            // It was decided while the wait ended, and only had to be handed over.
            return answer;
        }
        self.pipeline.incoming_order(feed, code, context, decided)
    }
}
