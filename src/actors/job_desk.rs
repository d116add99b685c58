use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Supervised, WrapFuture};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::interval;

use super::job_pool::JobPool;
use super::messages::{Cancel, Enqueue};
use crate::results::Change;

/// How often large results past their time are removed.
const SWEEP: Duration = Duration::from_mins(10);

/// Takes jobs in and tells the workers. At the start it takes back what an earlier process left.
pub struct JobDesk {
    pool: Arc<JobPool>,
    prepared: watch::Receiver<bool>,
}

impl JobDesk {
    /// The desk of `pool`, which opens once the database is `prepared`.
    pub fn new(pool: Arc<JobPool>, prepared: watch::Receiver<bool>) -> Self {
        Self { pool, prepared }
    }
}

impl Actor for JobDesk {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (pool, prepared) = (Arc::clone(&self.pool), self.prepared.clone());
        let mut tasks = JoinSet::new();
        let runtime = &self.pool.parts.runtime;
        tasks.spawn_on(async move { pool.open(prepared).await }, runtime);
        tasks.spawn_on(pass_on_word_of_work(Arc::clone(&self.pool)), runtime);
        tasks.spawn_on(sweep(Arc::clone(&self.pool)), runtime);
        ctx.spawn(async move { while tasks.join_next().await.is_some() {} }.into_actor(self));
    }
}

impl Supervised for JobDesk {}

impl Handler<Enqueue> for JobDesk {
    type Result = ();

    fn handle(&mut self, Enqueue { job, reply }: Enqueue, _: &mut Self::Context) {
        let pool = Arc::clone(&self.pool);
        // A task of its own answers, whatever becomes of this actor.
        self.pool.parts.runtime.spawn(async move {
            let enqueued = pool.jobs().enqueue(job).await;
            if enqueued.is_ok() {
                pool.counters().enqueued.fetch_add(1, Ordering::Relaxed);
                pool.work.notify_one();
            }
            // An error means that the caller has gone; the job runs all the same.
            let _ = reply.send(enqueued);
        });
    }
}

impl Handler<Cancel> for JobDesk {
    type Result = ();

    fn handle(&mut self, Cancel { id, reply }: Cancel, _: &mut Self::Context) {
        let pool = Arc::clone(&self.pool);
        self.pool.parts.runtime.spawn(async move {
            let _ = reply.send(pool.jobs().cancel(id).await);
        });
    }
}

/// Rings the workers when the store says that there is work, by whomever.
async fn pass_on_word_of_work(pool: Arc<JobPool>) {
    let mut changes = pool.parts.resources.results.changes();
    loop {
        match changes.recv().await {
            Ok(Change::Work) => pool.work.notify_one(),
            Ok(Change::All) | Err(broadcast::error::RecvError::Lagged(_)) => {
                pool.work.notify_waiters();
            }
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

async fn sweep(pool: Arc<JobPool>) {
    let mut ticks = interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Err(error) = pool.parts.resources.large_results.sweep().await {
            tracing::warn!(%error, "old large results cannot be removed");
        }
    }
}
