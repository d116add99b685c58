//! The configuration of the server: its sections, their defaults and how they are read. Policies, scorers and schedules have
//! their configuration beside what they configure.

mod auth;
mod compat;
mod database;
mod database_url;
mod ingestion;
mod jobs;
mod loading;
mod programs;
mod ranking;
mod recording;
mod redis_url;
mod root;
mod runtime;
mod schedules;
mod secret;
mod server;
mod store;
mod version;

pub use auth::{AuthSettings, Scope};
pub use compat::{CompatSettings, PerspectiveSettings};
pub use database::{DatabaseSettings, Pooler};
pub use database_url::{PostgresUrl, UrlError, check_sqlite, with_absolute_path};
pub use ingestion::{OutboxSettings, PreprocessSettings, ScraperSettings};
pub use jobs::JobsSettings;
pub use loading::{
    Check, ConfigIssue, Key, Loaded, Location, Migration, SettingsError, WatchedFile,
};
pub(crate) use loading::{Table, did_you_mean, text};
pub use programs::{ProgramMode, ProgramSettings};
pub use ranking::{Metadata, RankingSettings};
pub use recording::{RankingsSettings, RecorderSettings};
pub use root::Settings;
pub use runtime::{
    Backoff, JobsPool, LogFormat, LogSettings, PoolsSettings, RankerPool, ShutdownSettings,
    SupervisionSettings,
};
pub use schedules::{CatchUp, ScheduleConfig};
pub use secret::{ConnectionUrl, Secret};
pub use server::ServerSettings;
pub use store::{Backend, Durability, StoreConfig};
