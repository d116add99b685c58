//! What must outlive a message: values under keys, with word of their changes.
//!
//! [`Choice`] says which store a configuration means, [`Results`] is the handle on it, [`RedisServer`] the managed
//! server behind one of the choices. The backends, `redis` and `embedded`, pass the same suite.

mod choice;
mod claims;
mod clock;
mod embedded;
mod error;
mod handle;
mod instances;
pub mod jobs;
mod keys;
mod millis;
mod redis;
mod redis_server;
pub mod schedules;
mod store;
mod stored;
mod watch;

pub use choice::{
    AskError, Choice, ChoiceError, StoreKind, StoreLocation, Surroundings, redis_server_on_path,
};
pub use error::ResultsError;
pub use handle::Results;
pub use instances::{Instance, InstanceStore};
pub use keys::{Key, KeySpace, is_key};
pub use redis_server::{
    RedisServer, RedisServerError, RedisServerOptions, ServerExit, socket_path,
};
pub use store::{Change, KeyValue, Store};
pub use stored::Stored;
