//! The queue in SQL: each step a transaction of few statements, each of them answered by an index.

mod claim;
mod clock;
mod enqueue;
mod followers;
mod records;
mod schedules;
mod settle;
mod statements;
mod unfinished;

use std::sync::Arc;

use self::unfinished::UnfinishedJobCount;
use crate::store::clock::StoreClock;
use crate::store::sql::SqlStore;

/// The queue in the database of a store.
pub(super) struct SqlQueue {
    store: Arc<SqlStore>,
    unfinished: UnfinishedJobCount,
    clock: StoreClock,
}

impl SqlQueue {
    pub(super) fn new(store: Arc<SqlStore>) -> Self {
        Self {
            store,
            unfinished: UnfinishedJobCount::default(),
            clock: StoreClock::default(),
        }
    }
}
