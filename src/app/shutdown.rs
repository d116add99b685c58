use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::task::JoinHandle;

use super::runtime::Runtime;
use super::stores::Stores;
use crate::actors::ShutDown;
use crate::data_dir::DataDir;
use crate::jobs::WorkerContext;
use crate::serving::SideEffects;

/// Time that the store has to forget this instance.
const LEAVE_LIMIT: Duration = Duration::from_secs(1);
/// Time that the managed `redis-server` has to write its data.
const REDIS_SHUTDOWN_LIMIT: Duration = Duration::from_secs(15);

/// One step of the shutdown.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// `/health/ready` answers 503, long polls end, no job is claimed and no schedule fires.
    StopNewWork,
    /// Requests and jobs in flight end within the grace period; other jobs are released.
    Drain,
    /// Impressions that wait are written.
    FlushImpressions,
    /// Decisions that wait are written.
    FlushDecisions,
    /// The store has forgotten this instance, which began with [`Step::StopNewWork`].
    LeaveStore,
    /// The managed `redis-server` writes its data and ends.
    StopRedis,
    /// All actors stop.
    StopActors,
}

/// The order in which an instance is shut down.
const ORDER: [Step; 7] = [
    Step::StopNewWork,
    Step::Drain,
    Step::FlushImpressions,
    Step::FlushDecisions,
    Step::LeaveStore,
    Step::StopRedis,
    Step::StopActors,
];

/// Parts of an instance, ready to be shut down.
pub(super) struct Shutdown {
    pub(super) server: ServerHandle,
    pub(super) runtime: Runtime,
    pub(super) stores: Stores,
    pub(super) jobs: Arc<WorkerContext>,
    pub(super) side_effects: SideEffects,
    /// Ends once the store has forgotten this instance; `None` on a store that no other instance can use.
    pub(super) presence: Option<JoinHandle<()>>,
    pub(super) grace: Duration,
    /// Locked until the last step has ended.
    pub(super) _data_dir: DataDir,
}

impl Shutdown {
    /// Takes all steps in their order.
    pub(super) async fn run(mut self) {
        for step in ORDER {
            tracing::debug!(?step, "shutting down");
            self.take(step).await;
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::StopNewWork => {
                self.runtime.stopping.send_replace(true);
                self.jobs.stop_claiming();
            }
            Step::Drain => {
                let requests = drain(&self.server, self.grace);
                tokio::join!(requests, self.jobs.drain(self.grace));
            }
            Step::FlushImpressions => {
                if let Some(recorder) = &self.side_effects.impressions {
                    recorder.flush(self.grace).await;
                }
            }
            Step::FlushDecisions => {
                if let Some(decisions) = &self.side_effects.decisions {
                    decisions.flush(self.grace).await;
                }
            }
            Step::LeaveStore => {
                if let Some(presence) = self.presence.take() {
                    // To a store that is unavailable this instance counts as running for another half minute.
                    let _ = tokio::time::timeout(LEAVE_LIMIT, presence).await;
                }
            }
            Step::StopRedis => {
                if let Some(redis_server) = &self.stores.redis_server
                    && redis_server
                        .ask(ShutDown, REDIS_SHUTDOWN_LIMIT)
                        .await
                        .is_err()
                {
                    tracing::warn!("redis-server is left running, the next start adopts it");
                }
            }
            Step::StopActors => self.runtime.system.stop(),
        }
    }
}

/// Takes no new connections and waits for the requests in flight.
async fn drain(server: &ServerHandle, grace: Duration) {
    if tokio::time::timeout(grace, server.stop(true))
        .await
        .is_err()
    {
        server.stop(false).await;
    }
}
