//! A `redis-server` of Weir's own, as a child process on a unix socket in the data folder.
//!
//! The child inherits a locked file, so the lock lasts exactly as long as a server works on the folder, however Weir
//! ends: a free lock means that one may be started, a held one that an orphan is to be adopted.

mod error;
mod options;
mod socket;

use std::fs::{File, TryLockError};
use std::process::ExitStatus;
use std::time::Duration;
use std::{fmt, io};

use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

pub use self::error::RedisServerError;
pub use self::options::{RedisServerOptions, redis_server_on_path, socket_path};
use self::socket::{Answer, ServerSocket};

/// How long a server may take to its first answer. One that says it is loading its files has answered.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long it may load.
const LOAD_LIMIT: Duration = Duration::from_mins(5);
/// How long it may take to write what it has and leave.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A running server. Dropping it leaves the process alone: the next [`RedisServer::start_or_adopt`] takes it over.
#[derive(Debug)]
pub struct RedisServer {
    options: RedisServerOptions,
    socket: ServerSocket,
    process: Process,
}

#[derive(Debug)]
enum Process {
    Child(Child),
    /// Started by an earlier Weir, or by an earlier value in this one.
    Orphan,
}

/// How a server ended. An orphan's status is not ours to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerExit {
    /// The exit status of a child.
    pub status: Option<ExitStatus>,
}

impl fmt::Display for ServerExit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => status.fmt(formatter),
            None => formatter.write_str("exited"),
        }
    }
}

impl RedisServer {
    /// Starts a server, or adopts the one that still works on the same folder, and waits until it answers.
    ///
    /// Given up midway, a started child lives on and is adopted the next time.
    pub async fn start_or_adopt(options: RedisServerOptions) -> Result<Self, RedisServerError> {
        let lock = options.open_lock()?;
        let socket = ServerSocket::new(&options.socket)?;
        let mut patience = Patience::new();
        loop {
            match lock.try_lock() {
                Ok(()) => return Self::start(options, socket, lock).await,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(options.unusable(source)),
            }
            let answer = socket.ask().await;
            if answer == Answer::Ready {
                return Self::adopt(options, socket).await;
            }
            if !patience.lasts(answer).await {
                return Err(RedisServerError::Unresponsive {
                    folder: options.folder,
                });
            }
        }
    }

    async fn start(
        options: RedisServerOptions,
        socket: ServerSocket,
        lock: File,
    ) -> Result<Self, RedisServerError> {
        let mut child = options.spawn(lock)?;
        let mut patience = Patience::new();
        loop {
            if let Some(status) = child
                .try_wait()
                .map_err(|source| options.unusable(source))?
            {
                return Err(RedisServerError::Died {
                    status,
                    log: options.log(),
                });
            }
            let answer = socket.ask().await;
            if answer == Answer::Ready {
                tracing::info!(pid = child.id(), "redis-server started");
                return Ok(Self {
                    options,
                    socket,
                    process: Process::Child(child),
                });
            }
            if !patience.lasts(answer).await {
                child
                    .kill()
                    .await
                    .map_err(|source| options.unusable(source))?;
                return Err(RedisServerError::Silent { log: options.log() });
            }
        }
    }

    async fn adopt(
        options: RedisServerOptions,
        socket: ServerSocket,
    ) -> Result<Self, RedisServerError> {
        let theirs = socket.folder().await?;
        let same =
            |a: &io::Result<_>, b: &io::Result<_>| matches!((a, b), (Ok(a), Ok(b)) if a == b);
        if !same(&theirs.canonicalize(), &options.folder.canonicalize()) {
            return Err(RedisServerError::Foreign {
                socket: options.socket,
                folder: theirs,
            });
        }
        socket.configure(options.append_fsync()).await?;
        tracing::info!("redis-server of an earlier run adopted");
        Ok(Self {
            options,
            socket,
            process: Process::Orphan,
        })
    }

    /// The URL of its socket.
    pub fn url(&self) -> String {
        format!("unix://{}", self.options.socket.display())
    }

    /// The process id of a child that has not been waited for; `None` for an adopted server.
    pub fn pid(&self) -> Option<u32> {
        match &self.process {
            Process::Child(child) => child.id(),
            Process::Orphan => None,
        }
    }

    /// Waits until the process has ended. May be given up and asked for again.
    pub async fn exited(&mut self) -> Result<ServerExit, RedisServerError> {
        let status = match &mut self.process {
            Process::Child(child) => Some(
                child
                    .wait()
                    .await
                    .map_err(|source| self.options.unusable(source))?,
            ),
            Process::Orphan => {
                self.socket.closed().await;
                self.lock_is_free().await?;
                None
            }
        };
        Ok(ServerExit { status })
    }

    /// Asks the server to sync its append-only file and leave. Nothing acknowledged is lost. A child that does not
    /// leave in time is killed; an orphan that does not is an error.
    pub async fn shut_down(&mut self) -> Result<ServerExit, RedisServerError> {
        self.socket.shut_down().await;
        match timeout(SHUTDOWN_LIMIT, self.exited()).await {
            Ok(exit) => exit,
            Err(_) => self.kill().await,
        }
    }

    /// Ends a child at once. An orphan belongs to no handle of ours, so it is only asked to leave, as by
    /// [`RedisServer::shut_down`].
    pub async fn kill(&mut self) -> Result<ServerExit, RedisServerError> {
        match &mut self.process {
            Process::Child(child) => {
                child
                    .start_kill()
                    .map_err(|source| self.options.unusable(source))?;
            }
            Process::Orphan => self.socket.shut_down().await,
        }
        let exit = timeout(SHUTDOWN_LIMIT, self.exited()).await;
        exit.unwrap_or_else(|_| {
            Err(RedisServerError::Unresponsive {
                folder: self.options.folder.clone(),
            })
        })
    }

    /// The socket closes a moment before the process ends.
    async fn lock_is_free(&self) -> Result<(), RedisServerError> {
        let lock = self.options.open_lock()?;
        while let Err(TryLockError::WouldBlock) = lock.try_lock() {
            sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }
}

/// How long to go on asking.
struct Patience {
    deadline: Instant,
    begun: Instant,
}

impl Patience {
    fn new() -> Self {
        let begun = Instant::now();
        Self {
            deadline: begun + START_LIMIT,
            begun,
        }
    }

    /// Waits a moment; false once there is no point in asking again.
    async fn lasts(&mut self, answer: Answer) -> bool {
        if answer == Answer::Loading {
            self.deadline = self.begun + LOAD_LIMIT;
        }
        sleep(LOOK_AGAIN).await;
        Instant::now() < self.deadline
    }
}
