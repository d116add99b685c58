use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{
    Actor, AsyncContext, Context, Handler, Message, ResponseFuture, Supervised, WrapFuture,
};
use serde::Serialize;
use tokio::sync::watch;

use crate::redis_server::{self, RedisServerOptions};
use crate::telemetry::LogLimiter;
use weir_supervision::{Incarnation, SupervisedActor, counters};

/// Time after which a server that could not be started, or has died, is started again.
const RETRY: Duration = Duration::from_millis(200);

/// Keeps the managed `redis-server` running: starts or adopts it, and starts it again when it dies.
pub struct RedisServer {
    options: RedisServerOptions,
    counters: Arc<RedisServerCounters>,
    /// Its receivers live as long as the server is supervised.
    stop: watch::Sender<bool>,
}

counters! {
    /// Counters of the managed server.
    #[derive(Debug, Default, Serialize)]
    pub struct RedisServerCounters {
        /// Starts and adoptions of the server.
        pub started: Counter "weir_redis_server_starts_total",
        /// Ends of the server that nobody asked for.
        pub died: Counter "weir_redis_server_exits_total",
        /// Starts of the server that failed.
        pub failed: Counter "weir_redis_server_start_failures_total",
    }
}

/// Shut the server down, with all its data written, and start it no more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ShutDown;

impl SupervisedActor for RedisServer {
    type Deps = RedisServerOptions;
    type Counters = RedisServerCounters;

    fn new(
        options: RedisServerOptions,
        counters: Arc<RedisServerCounters>,
        _: Incarnation,
    ) -> Self {
        Self {
            options,
            counters,
            stop: watch::Sender::new(false),
        }
    }
}

impl Actor for RedisServer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (options, counters) = (self.options.clone(), Arc::clone(&self.counters));
        ctx.spawn(keep_running(options, counters, self.stop.subscribe()).into_actor(self));
    }
}

/// A restart leaves the server itself alone: it is adopted.
impl Supervised for RedisServer {}

impl Handler<ShutDown> for RedisServer {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, ShutDown: ShutDown, _: &mut Self::Context) -> Self::Result {
        let stop = self.stop.clone();
        Box::pin(async move {
            stop.send_replace(true);
            stop.closed().await;
        })
    }
}

/// Failure of a server that may repeat, as on a full disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Failure {
    NotStarted,
    Ended,
}

async fn keep_running(
    options: RedisServerOptions,
    counters: Arc<RedisServerCounters>,
    mut stopped: watch::Receiver<bool>,
) {
    let log = LogLimiter::new();
    while !*stopped.borrow() {
        match redis_server::RedisServer::start_or_adopt(options.clone()).await {
            Ok(server) => {
                counters.started.fetch_add(1, Ordering::Relaxed);
                wait_until_ended(server, &counters, &log, &mut stopped).await;
            }
            Err(error) => {
                counters.failed.fetch_add(1, Ordering::Relaxed);
                if let Some(suppressed) = log.admit(Failure::NotStarted) {
                    tracing::error!(%error, suppressed, "failed to start redis-server");
                }
            }
        }
        let _ = tokio::time::timeout(RETRY, stopped.wait_for(|&stopped| stopped)).await;
    }
}

/// Waits until the server dies, or shuts it down on request.
async fn wait_until_ended(
    mut server: redis_server::RedisServer,
    counters: &RedisServerCounters,
    log: &LogLimiter<Failure>,
    stopped: &mut watch::Receiver<bool>,
) {
    tokio::select! {
        exit = server.exited() => {
            counters.died.fetch_add(1, Ordering::Relaxed);
            if let Some(suppressed) = log.admit(Failure::Ended) {
                match exit {
                    Ok(exit) => tracing::error!(%exit, suppressed, "redis-server ended, it is started again"),
                    Err(error) => tracing::error!(%error, suppressed, "lost contact with redis-server"),
                }
            }
        }
        _ = stopped.wait_for(|&stopped| stopped) => {}
    }
    if *stopped.borrow()
        && let Err(error) = server.shut_down().await
    {
        tracing::error!(%error, "redis-server did not shut down");
    }
}
