//! Values under keys, each with a time to live, with watches and claims: what must outlive a message.
//!
//! [`StoreSelection`] says which store a configuration means, [`Store`] is the handle on it. The backends, `redis` and
//! `sql`, pass one conformance suite; `crate::queue` stands on the same connections.

pub(crate) mod backend;
mod call;
pub(crate) mod clock;
pub(crate) mod error;
mod handle;
pub(crate) mod keys;
pub(crate) mod redis;
mod selection;
pub(crate) mod sql;
pub(crate) mod watch;

pub use backend::{Change, Stored};
pub use error::StoreError;
pub use handle::{Instance, Store};
pub use keys::{Key, KeySpace, is_key};
pub use selection::{
    Environment, PreviousStoreError, SelectionError, StoreKind, StoreLocation, StoreSelection,
};
