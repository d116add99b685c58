use std::io;
use std::net::SocketAddr;

use crate::data_dir::{AdminKeyError, DataDirError};
use crate::db::DbError;
use crate::jobs::PrepareError;
use crate::ranking::ExpressionIssue;
use crate::scoring::ScorerBuildError;
use crate::serving::AssignmentError;
use crate::sources::{OpenError, OutboxError, SourceArgumentError};
use crate::store::{SelectionError, StoreError};
use crate::telemetry::TelemetryError;
use weir_programs::StartError;

/// Reason why an instance could not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The data folder cannot be opened.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The admin key of the data folder is not available.
    #[error(transparent)]
    AdminKey(#[from] AdminKeyError),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address} (server.bind)")]
    Bind {
        /// The address as configured.
        address: SocketAddr,
        /// Error of the system.
        source: io::Error,
    },
    /// No store could be selected.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The store cannot be opened as configured.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database cannot be opened as configured.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The policy in force is not there; checked settings cannot say so.
    #[error("there is no policy {0:?} (ranking.policy)")]
    Policy(String),
    /// A policy's expressions cannot be compiled; checked settings cannot say so.
    #[error("policies.{policy}: {}", issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Expressions {
        /// The policy's name.
        policy: String,
        /// The cause.
        issues: Vec<ExpressionIssue>,
    },
    /// The users cannot be assigned to arms as configured.
    #[error(transparent)]
    Assignment(#[from] AssignmentError),
    /// A scorer cannot be made as configured.
    #[error(transparent)]
    Scorer(#[from] ScorerBuildError),
    /// A schedule names a job that is not there, or gives it arguments that it does not take.
    #[error("schedules.{schedule}.args")]
    Schedule {
        /// The schedule's name.
        schedule: String,
        /// The cause.
        source: PrepareError,
    },
    /// A scraper names a source that is not there, or gives it arguments that it does not take.
    #[error("scrapers.{scraper}.args")]
    Scraper {
        /// The scraper's name.
        scraper: String,
        /// The cause.
        source: SourceArgumentError,
    },
    /// A scraper's source cannot be opened.
    #[error("scrapers.{scraper}")]
    Source {
        /// The scraper's name.
        scraper: String,
        /// The cause.
        source: OpenError,
    },
    /// The HTTP client of all sources cannot be created.
    #[error(transparent)]
    Outside(#[from] OpenError),
    /// What a scraper has fetched cannot be kept.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// Metrics cannot be collected.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The threads that jobs run on cannot be started.
    #[error("cannot start the background threads")]
    Threads(#[source] io::Error),
    /// The processes of a program did not become ready.
    #[error("programs.{program}")]
    Program {
        /// The program's name.
        program: String,
        /// The cause.
        source: StartError,
    },
    /// The log of a program cannot be opened.
    #[error("cannot open the log of the program {program}")]
    ProgramLog {
        /// The program's name.
        program: String,
        /// Error of the system.
        source: io::Error,
    },
    /// The HTTP server failed.
    #[error("the HTTP server failed")]
    Server(#[source] io::Error),
}
