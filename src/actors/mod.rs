//! The actors, one file each, and the supervision they run under.

mod board;
mod config_watcher;
mod entity_board;
mod gathering;
pub mod messages;
mod ranker;
mod recorder;
mod redis_server;
mod row_budget;
mod scheduler;
mod scorer_pool;
mod served_policy;
mod serving;
pub mod supervision;

pub use board::{Board, Posted};
pub use config_watcher::{Admit, ConfigParts, ConfigStatus, ConfigWatcher};
pub use entity_board::{EntityBoard, EntityBoardCounters};
pub use ranker::{Ranker, RankerCounters};
pub use recorder::{Recorder, RecorderCounters, RecorderInbox};
pub use redis_server::{RedisServer, RedisServerCounters, ShutDown};
pub use scheduler::{Schedule, Scheduler, SchedulerCounters, SchedulerParts};
pub use scorer_pool::ScorerPool;
pub use served_policy::{ServedPolicy, ServedPool};
pub use serving::{Rankers, Serving};
