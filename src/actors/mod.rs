//! The actors. `weir_supervision` keeps them running.

mod config_watcher;
mod failure_reporter;
mod ingest_inbox;
mod ingester;
mod job_desk;
mod job_outcome;
mod job_pool;
mod job_run;
mod job_worker;
pub mod messages;
mod ranking_log;
mod ranking_queue;
mod recorder;
mod redis_server;
mod row_budget;
mod scheduler;
mod scorer_pool;
mod scraper;
mod scraper_log;
pub mod serving;

pub use config_watcher::{Admit, ConfigParts, ConfigStatus, ConfigWatcher, Reread};
pub use ingest_inbox::IngestInbox;
pub use ingester::{Batch, IngestError, IngestReply, Ingested, Ingester, IngesterCounters};
pub use job_desk::JobDesk;
pub use job_pool::{JobCounters, JobPool, JobPoolParts};
pub use job_worker::{JobWorker, JobWorkerCounters};
pub use ranking_log::{RankingInbox, RankingLog, RankingLogCounters, RankingLogParts};
pub use recorder::{Recorder, RecorderCounters, RecorderInbox};
pub use redis_server::{RedisServer, RedisServerCounters, ShutDown};
pub use scheduler::{Schedule, Scheduler, SchedulerCounters, SchedulerParts};
pub use scorer_pool::ScorerPool;
pub use scraper::{Scraper, ScraperParts};
pub use scraper_log::{ScraperLog, ScraperReport};
