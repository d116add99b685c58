use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Supervised, WrapFuture};
use tokio::task::JoinSet;

use crate::jobs::scheduling::{ScheduleReconciler, SchedulerCounters, SchedulerDeps};
use weir_supervision::{Incarnation, SupervisedActor};

/// Enqueues the jobs of schedules, each due time once, however many instances share the store.
pub struct Scheduler {
    deps: SchedulerDeps,
    counters: Arc<SchedulerCounters>,
    incarnation: Incarnation,
}

impl SupervisedActor for Scheduler {
    type Deps = SchedulerDeps;
    type Counters = SchedulerCounters;

    fn new(
        deps: SchedulerDeps,
        counters: Arc<SchedulerCounters>,
        incarnation: Incarnation,
    ) -> Self {
        Self {
            deps,
            counters,
            incarnation,
        }
    }
}

impl Actor for Scheduler {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let reconciler = ScheduleReconciler::new(
            self.deps.clone(),
            Arc::clone(&self.counters),
            self.incarnation.clone(),
        );
        // The set aborts its task when this incarnation ends.
        let mut task = JoinSet::new();
        task.spawn_on(reconciler.run(), &self.deps.runtime);
        let ended = async move { task.join_next().await };
        ctx.spawn(ended.into_actor(self).map(|ended, _, ctx| {
            if !matches!(ended, Some(Ok(()))) {
                ctx.stop();
            }
        }));
    }
}

impl Supervised for Scheduler {}
