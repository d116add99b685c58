//! Where the server is, how to log in, and how to reach it. Nothing here is kept between two connections, so that each is
//! made to what the name of the host means at that moment.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::redis::aio::{MultiplexedConnection, PubSub};
use ::redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    RedisConnectionInfo, RedisResult, cmd,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::error;
use super::tls::Tls;
use crate::settings::StoreConfig;
use crate::store::error::StoreError;

/// Attempts to connect to a socket on which nobody listens, before the last one. Together they take less time than a
/// connection may take.
const SOCKET_RETRIES: u32 = 10;
/// Time between two of these attempts: a `redis-server` listens some 30 ms after it was started.
const SOCKET_RETRY_DELAY: Duration = Duration::from_millis(25);

/// The address and the login of `store.redis_url`. Has no `Debug`, since it holds the password.
#[derive(Clone)]
pub(crate) struct Address {
    target: Target,
    login: RedisConnectionInfo,
}

#[derive(Clone)]
enum Target {
    Tcp { host: String, port: u16 },
    Tls { host: String, port: u16, tls: Tls },
    Unix(PathBuf),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Address {
    /// Reads `url`, and the files of certificates if it asks for TLS. The error does not repeat the URL, which may hold a
    /// password.
    pub(crate) fn parse(url: &str, settings: &StoreConfig) -> Result<Self, StoreError> {
        // The scheme with TLS is read here, since the library would also load the certificates, for each connection.
        let (url, has_tls) = match url.strip_prefix("rediss://") {
            Some(rest) => (format!("redis://{rest}"), true),
            None => (url.to_owned(), false),
        };
        let info: ConnectionInfo = url.into_connection_info().map_err(|_| not_a_redis_url())?;
        let target = match info.addr().clone() {
            ConnectionAddr::Tcp(host, port) if has_tls => Target::Tls {
                host,
                port,
                tls: Tls::load(settings)?,
            },
            ConnectionAddr::Tcp(host, port) => Target::Tcp { host, port },
            ConnectionAddr::Unix(path) => Target::Unix(path),
            _ => return Err(not_a_redis_url()),
        };
        let mut login = info.redis_settings().clone();
        if login.username().is_some() && login.password().is_none() {
            // A user who needs no password logs in with any.
            login = login.set_password("");
        }
        Ok(Self { target, login })
    }

    /// The socket of a server that asks for no login.
    pub(crate) fn socket(path: PathBuf) -> Self {
        Self {
            target: Target::Unix(path),
            login: RedisConnectionInfo::default(),
        }
    }

    /// The user whose rights count.
    pub(crate) fn user(&self) -> &str {
        self.login.username().unwrap_or("default")
    }

    /// Opens a connection for commands. It lives until it is dropped and its driver aborted.
    pub(crate) async fn connect(
        &self,
        config: AsyncConnectionConfig,
    ) -> RedisResult<(MultiplexedConnection, AbortHandle)> {
        // The library's own login gives one error for all causes.
        let no_login = RedisConnectionInfo::default().set_skip_set_lib_name();
        let stream = self.open().await?;
        let (mut connection, driver) =
            MultiplexedConnection::new_with_config(&no_login, stream, config).await?;
        let driver = tokio::spawn(driver).abort_handle();
        if let Err(error) = self.log_in(&mut connection).await {
            driver.abort();
            let kind = match error.kind() {
                // A server with too many clients may hang up before it has said why.
                _ if error.is_connection_dropped() => io::ErrorKind::ConnectionAborted,
                ErrorKind::Parse => io::ErrorKind::InvalidData,
                _ => return Err(error),
            };
            return Err(io::Error::from(kind).into());
        }
        Ok((connection, driver))
    }

    /// Opens a connection for announcements.
    pub(crate) async fn listen(&self) -> RedisResult<PubSub> {
        let login = self.login.clone().set_skip_set_lib_name();
        PubSub::new(&login, self.open().await?).await
    }

    async fn open(&self) -> RedisResult<Box<dyn Stream>> {
        Ok(match &self.target {
            Target::Unix(path) => Box::new(unix(path).await?),
            Target::Tcp { host, port } => Box::new(tcp(host, *port).await?),
            Target::Tls { host, port, tls } => {
                Box::new(tls.connect(host, tcp(host, *port).await?).await?)
            }
        })
    }

    async fn log_in(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        if let Some(password) = self.login.password() {
            let login = auth(self.login.username(), password);
            let outcome: RedisResult<()> = login.query_async(connection).await;
            match outcome {
                // Redis before 6 knows no users.
                Err(error) if error.to_string().contains("wrong number of arguments") => {
                    auth(None, password).query_async::<()>(connection).await?;
                }
                outcome => outcome?,
            }
        }
        if self.login.db() != 0 {
            let mut select = cmd("SELECT");
            select.arg(self.login.db());
            select.query_async::<()>(connection).await?;
        }
        // A server that answers nothing until something changes says so now, and not in the middle of a transaction.
        match cmd("PING").query_async::<()>(connection).await {
            Err(error) if !error::is_denied(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Connects to a socket. The managed server may be about to listen on it, as at the start of Weir.
async fn unix(path: &Path) -> io::Result<UnixStream> {
    for _ in 0..SOCKET_RETRIES {
        match UnixStream::connect(path).await {
            Err(error) if is_not_listened_on(&error) => sleep(SOCKET_RETRY_DELAY).await,
            outcome => return outcome,
        }
    }
    UnixStream::connect(path).await
}

fn is_not_listened_on(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn auth(user: Option<&str>, password: &str) -> Cmd {
    let mut auth = cmd("AUTH");
    auth.arg(user).arg(password);
    auth
}

fn not_a_redis_url() -> StoreError {
    StoreError::Setting {
        key: "store.redis_url",
        why: "not a Redis URL (redis://, rediss:// or unix://)",
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn a_socket_is_waited_for_while_its_server_starts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("redis.sock");
        let (connected, listener) = tokio::join!(unix(&path), async {
            sleep(SOCKET_RETRY_DELAY * 2).await;
            UnixListener::bind(&path).unwrap()
        });
        drop(listener);
        assert!(connected.is_ok(), "{connected:?}");
    }

    #[tokio::test]
    async fn a_socket_without_a_server_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = unix(&folder.path().join("redis.sock")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
