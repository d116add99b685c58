//! The actors, one file each, and the supervision they run under.

mod board;
mod entity_board;
mod gathering;
mod ingest_inbox;
mod ingester;
pub mod messages;
mod ranker;
mod recorder;
mod redis_server;
mod row_budget;
mod scheduler;
mod scorer_pool;
mod scraper;
mod scraper_log;
mod served_policy;
mod serving;
pub mod supervision;

pub use board::{Board, Posted};
pub use entity_board::{EntityBoard, EntityBoardCounters};
pub use ingest_inbox::IngestInbox;
pub use ingester::{Batch, IngestError, IngestReply, Ingested, Ingester, IngesterCounters};
pub use ranker::{Ranker, RankerCounters};
pub use recorder::{Recorder, RecorderCounters, RecorderInbox};
pub use redis_server::{RedisServer, RedisServerCounters, ShutDown};
pub use scheduler::{Schedule, Scheduler, SchedulerCounters, SchedulerParts};
pub use scorer_pool::ScorerPool;
pub use scraper::{Scraper, ScraperParts};
pub use scraper_log::{ScraperLog, ScraperReport};
pub use served_policy::{ServedPolicy, ServedPool};
pub use serving::{Rankers, Serving};
