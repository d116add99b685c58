//! Actors that the others rely on: the managed `redis-server` and the configuration.

mod config_watcher;
mod redis_server;

pub use config_watcher::{ConfigStatus, ConfigWatcher, ConfigWatcherDeps, Edit, EditError, Reread};
pub use redis_server::{RedisServer, RedisServerCounters, ShutDown};
