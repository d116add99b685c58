//! The settings tree: what a Weir can be told, its defaults, and how the layers are read and checked.
//!
//! Layers, each over the one before: `config/default.toml` (compiled in), a file, `WEIR__SECTION__KEY` variables.

mod arms;
mod auth;
mod check;
mod commands;
mod complaint;
mod cron_syntax;
mod database;
mod database_url;
mod error;
mod insert;
mod jobs;
mod key;
mod layers;
mod load;
mod log;
mod outbox;
mod policies;
mod pools;
mod preprocess;
mod ranking;
mod rankings;
mod recorder;
mod redis_url;
mod restart;
mod root;
mod schedules;
mod scorer_kinds;
mod scorers;
mod scrapers;
mod secret;
mod server;
mod shutdown;
mod span;
mod store;
mod supervision;
#[cfg(test)]
mod tests;
mod text;
mod timetable;
mod version;
mod watched_file;

pub use arms::{ArmSettings, ArmsSettings, UNTREATED};
pub use auth::{AuthSettings, Scope};
pub use commands::CommandSettings;
pub use cron_syntax::CronFieldError;
pub use database::{DatabaseSettings, Pooler};
pub use database_url::{PostgresUrl, UrlError, check_sqlite};
pub use error::{Place, Problem, SettingsError};
pub use insert::InsertSettings;
pub use jobs::JobsSettings;
pub use key::Key;
pub use log::{LogFormat, LogSettings};
pub use outbox::OutboxSettings;
pub use policies::{AuthorDecaySettings, EntityMatch, ExcludeSettings, PolicySettings};
pub use pools::{JobsPool, PoolsSettings, RankerPool};
pub use preprocess::PreprocessSettings;
pub use ranking::{Metadata, RankingSettings};
pub use rankings::RankingsSettings;
pub use recorder::RecorderSettings;
pub use root::Settings;
pub use schedules::{CatchUp, ScheduleSettings};
pub use scorer_kinds::{
    EngagementSettings, HttpSettings, LexiconSettings, LookupBy, LookupSettings, RecencySettings,
};
pub use scorers::{BreakerSettings, ScaleSettings, ScorerKind, ScorerSettings, UnscoredItem};
pub use scrapers::ScraperSettings;
pub use secret::{ConnectionUrl, Secret};
pub use server::ServerSettings;
pub use shutdown::ShutdownSettings;
pub use store::{Backend, Durability, StoreConfig};
pub use supervision::{Backoff, SupervisionSettings};
pub use timetable::{CronError, CronExpression, Timetable};
pub use watched_file::WatchedFile;
