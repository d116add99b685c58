//! The three forms of a request, sent alike.

use std::future::Future;

use ::redis::aio::ConnectionManager;
use ::redis::{Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation};

/// What can be sent. Whatever is sent by Weir is such that doing it twice does no harm: [`run`] may.
pub(super) trait Request: Sync {
    fn send<T: FromRedisValue + Send>(
        &self,
        connection: ConnectionManager,
    ) -> impl Future<Output = RedisResult<T>> + Send;
}

/// Sends a request, and once more if the connection turns out to be dead: after a restart of Redis the first to use it
/// always finds it so.
pub(super) async fn run<T: FromRedisValue + Send>(
    connection: &ConnectionManager,
    request: &impl Request,
) -> RedisResult<T> {
    match request.send(connection.clone()).await {
        Err(error) if error.is_connection_dropped() => request.send(connection.clone()).await,
        outcome => outcome,
    }
}

impl Request for Cmd {
    async fn send<T: FromRedisValue + Send>(
        &self,
        mut connection: ConnectionManager,
    ) -> RedisResult<T> {
        self.query_async(&mut connection).await
    }
}

impl Request for Pipeline {
    async fn send<T: FromRedisValue + Send>(
        &self,
        mut connection: ConnectionManager,
    ) -> RedisResult<T> {
        self.query_async(&mut connection).await
    }
}

impl Request for ScriptInvocation<'_> {
    async fn send<T: FromRedisValue + Send>(
        &self,
        mut connection: ConnectionManager,
    ) -> RedisResult<T> {
        self.invoke_async(&mut connection).await
    }
}
