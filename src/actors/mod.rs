//! The actors, one file each, and the supervision they run under.

mod board;
mod config_watcher;
mod entity_board;
mod gathering;
mod job_desk;
mod job_outcome;
mod job_pool;
mod job_run;
mod job_worker;
mod lookup_keeper;
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
pub use job_desk::JobDesk;
pub use job_pool::{JobCounters, JobPool, JobPoolParts};
pub use job_worker::{JobWorker, JobWorkerCounters};
pub use lookup_keeper::{LookupCounters, LookupKeeper, LookupParts};
pub use ranker::{Ranker, RankerCounters};
pub use recorder::{Recorder, RecorderCounters, RecorderInbox};
pub use redis_server::{RedisServer, RedisServerCounters, ShutDown};
pub use scheduler::{Schedule, Scheduler, SchedulerCounters, SchedulerParts};
pub use scorer_pool::ScorerPool;
pub use served_policy::{ServedPolicy, ServedPool};
pub use serving::{Rankers, Serving};
