//! What can go wrong with a managed server.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why the managed `redis-server` does not run.
#[derive(Debug, thiserror::Error)]
pub enum RedisServerError {
    /// Its folder cannot be used.
    #[error("the folder {} cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The program cannot be run.
    #[error("{} cannot be run", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended while starting.
    #[error("redis-server ended while starting ({status}), see {}", log.display())]
    Died {
        /// Its exit status.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
    },
    /// It started, never answered, and was killed.
    #[error("redis-server started but did not answer, see {}", log.display())]
    Silent {
        /// Its log.
        log: PathBuf,
    },
    /// A server from before holds the files and neither answers nor leaves.
    #[error("a redis-server of an earlier run holds {} and does not respond: end it", folder.display())]
    Unresponsive {
        /// Its folder.
        folder: PathBuf,
    },
    /// Another server listens on the socket.
    #[error("the server on {} works on {}, which is not ours", socket.display(), folder.display())]
    Foreign {
        /// The socket.
        socket: PathBuf,
        /// Where that server keeps its files.
        folder: PathBuf,
    },
    /// It answered a question about itself with an error.
    #[error("redis-server does not say what it is")]
    Redis(#[from] redis::RedisError),
}
