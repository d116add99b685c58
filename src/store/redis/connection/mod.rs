//! Connections to a Redis server: how to reach it, what its answers mean, and what its user may do. The one for commands is
//! here.

pub(crate) mod address;
pub(crate) mod advice;
pub(crate) mod announcements;
pub(crate) mod error;
pub(crate) mod rights;
mod tls;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation,
};
use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use self::address::Address;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(700);
/// The least age of a connection that is replaced because of what the server answers: a server that stays the wrong one is
/// asked as often, and not at each request.
const LEAST_AGE: Duration = Duration::from_millis(500);

/// One multiplexed connection, made when it is first needed, and again, to the address as it then resolves, when it is
/// broken or its server says that it is no longer the right one.
pub(crate) struct Connections {
    address: Address,
    slot: Mutex<Slot>,
    replaced: watch::Sender<u64>,
}

#[derive(Default)]
struct Slot {
    live: Option<Arc<Live>>,
    last_failure: Option<(Instant, RedisError)>,
}

/// A connection that is closed when the last request on it has ended.
struct Live {
    connection: MultiplexedConnection,
    since: Instant,
    driver: AbortHandle,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connections {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            slot: Mutex::default(),
            replaced: watch::Sender::new(0),
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Counts the connections that were given up.
    pub(crate) fn replaced(&self) -> watch::Receiver<u64> {
        self.replaced.subscribe()
    }

    /// Sends a request, and once more on a new connection if the first turns out to be broken or to lead to the wrong
    /// server. Only for requests that do no harm when they are carried out twice.
    pub(crate) async fn run<T: FromRedisValue + Send>(
        &self,
        request: &impl Request,
    ) -> RedisResult<T> {
        let live = self.get().await?;
        match self.send(&live, request).await {
            Err((error, Left::Replaced)) if !error.is_timeout() => {
                let live = self.get().await?;
                let second = self.send(&live, request).await;
                second.map_err(|(error, _)| error)
            }
            outcome => outcome.map_err(|(error, _)| error),
        }
    }

    /// Sends a request once.
    pub(crate) async fn run_once<T: FromRedisValue + Send>(
        &self,
        request: &impl Request,
    ) -> RedisResult<T> {
        let live = self.get().await?;
        let outcome = self.send(&live, request).await;
        outcome.map_err(|(error, _)| error)
    }

    async fn send<T: FromRedisValue + Send>(
        &self,
        live: &Arc<Live>,
        request: &impl Request,
    ) -> Result<T, (RedisError, Left)> {
        match request.send(live.connection.clone()).await {
            Ok(value) => Ok(value),
            Err(error) => {
                let left = self.leave_after(live, &error).await;
                Err((error, left))
            }
        }
    }

    /// The connection; whoever needs one while it is being made waits for the same attempt.
    async fn get(&self) -> RedisResult<Arc<Live>> {
        let asked = Instant::now();
        let mut slot = self.slot.lock().await;
        if let Some(live) = &slot.live {
            return Ok(Arc::clone(live));
        }
        if let Some((at, error)) = &slot.last_failure
            && *at > asked
        {
            return Err(error.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let connecting = timeout(CONNECT_TIMEOUT, self.address.connect(config));
        let late = |_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        match connecting.await.unwrap_or_else(late) {
            Ok((connection, driver)) => {
                let live = Arc::new(Live {
                    connection,
                    since: Instant::now(),
                    driver,
                });
                slot.live = Some(Arc::clone(&live));
                Ok(live)
            }
            Err(error) => {
                slot.last_failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn leave_after(&self, live: &Arc<Live>, error: &RedisError) -> Left {
        if !error::class(error).reconnect {
            return Left::Kept;
        }
        if !error.is_io_error() && live.since.elapsed() < LEAST_AGE {
            return Left::Kept;
        }
        let mut slot = self.slot.lock().await;
        if slot
            .live
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, live))
        {
            slot.live = None;
            self.replaced.send_modify(|count| *count += 1);
        }
        Left::Replaced
    }
}

/// What becomes of a connection on which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Kept,
    Replaced,
}

/// A request in one of its three forms.
pub(crate) trait Request: Sync {
    fn send<T: FromRedisValue + Send>(
        &self,
        connection: MultiplexedConnection,
    ) -> impl Future<Output = RedisResult<T>> + Send;
}

impl Request for Cmd {
    async fn send<T: FromRedisValue + Send>(
        &self,
        mut connection: MultiplexedConnection,
    ) -> RedisResult<T> {
        self.query_async(&mut connection).await
    }
}

impl Request for Pipeline {
    async fn send<T: FromRedisValue + Send>(
        &self,
        mut connection: MultiplexedConnection,
    ) -> RedisResult<T> {
        self.query_async(&mut connection).await
    }
}

impl Request for ScriptInvocation<'_> {
    async fn send<T: FromRedisValue + Send>(
        &self,
        mut connection: MultiplexedConnection,
    ) -> RedisResult<T> {
        self.invoke_async(&mut connection).await
    }
}
