//! The three forms of a request, sent alike.

use std::future::Future;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation};

/// What can be sent.
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
