//! Talking to a managed server: is it there, is it ours, would it please leave.

use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, RedisResult, ServerErrorKind,
    cmd,
};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

const TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct ServerSocket {
    path: PathBuf,
    client: Client,
}

/// What a PING found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Ready,
    Loading,
    Nothing,
}

impl ServerSocket {
    pub(super) fn new(path: &Path) -> RedisResult<Self> {
        Ok(Self {
            path: path.to_path_buf(),
            client: Client::open(ConnectionAddr::Unix(path.to_path_buf()))?,
        })
    }

    pub(super) async fn ask(&self) -> Answer {
        match self.query::<String>(&cmd("PING")).await {
            Ok(_) => Answer::Ready,
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading) => {
                Answer::Loading
            }
            Err(_) => Answer::Nothing,
        }
    }

    /// Where the server keeps its files.
    pub(super) async fn folder(&self) -> RedisResult<PathBuf> {
        let (_, folder): (String, PathBuf) = self
            .query::<(String, String)>(cmd("CONFIG").arg("GET").arg("dir"))
            .await
            .map(|(name, folder)| (name, folder.into()))?;
        Ok(folder)
    }

    pub(super) async fn configure(&self, append_fsync: &str) -> RedisResult<()> {
        self.query(
            cmd("CONFIG")
                .arg("SET")
                .arg("appendfsync")
                .arg(append_fsync),
        )
        .await
    }

    /// Asks the server to leave. It answers by closing the connection, so the exit is what tells. NOSAVE means no
    /// snapshot: the append-only file is synced in any case.
    pub(super) async fn shut_down(&self) {
        if let Err(error) = self.query::<()>(cmd("SHUTDOWN").arg("NOSAVE")).await {
            tracing::debug!(%error, "redis-server was asked to shut down");
        }
    }

    /// Waits until nobody listens any more: a server keeps an idle connection open for as long as it lives.
    pub(super) async fn closed(&self) {
        let Ok(mut connection) = UnixStream::connect(&self.path).await else {
            return;
        };
        // The end of the stream and an error both mean the end of the server.
        let _ = connection.read_u8().await;
    }

    async fn query<T: redis::FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        command.query_async(&mut self.connect().await?).await
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let timeouts = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        self.client
            .get_multiplexed_async_connection_with_config(&timeouts)
            .await
    }
}
