mod clock;
mod schedule;
mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Supervised, WrapFuture};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

pub use self::schedule::Schedule;
use self::watch::Watch;
use crate::health::HealthIssues;
use crate::results::schedules::Schedules;
use weir_supervision::Incarnation;

/// Enqueues the jobs of schedules, each due time once, however many Weirs share the store.
pub struct Scheduler {
    parts: SchedulerParts,
    incarnation: Incarnation,
}

/// What a scheduler works with.
#[derive(Clone)]
pub struct SchedulerParts {
    /// What runs when; a change takes effect at once.
    pub planned: Receiver<Arc<Vec<Schedule>>>,
    /// Where the schedules stand.
    pub schedules: Schedules,
    /// Where the work is done: no actor's thread.
    pub runtime: Handle,
    /// True once jobs have something to run on.
    pub prepared: Receiver<bool>,
    /// True once nothing more is to begin.
    pub stopping: Receiver<bool>,
    /// Where it is reported that a clock was moved.
    pub health: HealthIssues,
    /// Kept up to date.
    pub counters: Arc<SchedulerCounters>,
}

/// What became of due times so far.
#[derive(Debug, Default, Serialize)]
pub struct SchedulerCounters {
    /// A job was enqueued.
    pub fired: AtomicU64,
    /// The run before was still going.
    pub not_stacked: AtomicU64,
    /// It was too late, by `catch_up = "skip"`.
    pub skipped: AtomicU64,
}

impl Scheduler {
    /// A scheduler that begins once its `parts` are prepared.
    pub fn new(parts: SchedulerParts, incarnation: Incarnation) -> Self {
        Self { parts, incarnation }
    }
}

impl Actor for Scheduler {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let watch = Watch::new(self.parts.clone(), self.incarnation.clone());
        // Ends with this incarnation.
        let mut task = JoinSet::new();
        task.spawn_on(watch.keep(), &self.parts.runtime);
        let ended = async move { task.join_next().await };
        ctx.spawn(ended.into_actor(self).map(|ended, _, ctx| {
            if !matches!(ended, Some(Ok(()))) {
                ctx.stop();
            }
        }));
    }
}

impl Supervised for Scheduler {}
