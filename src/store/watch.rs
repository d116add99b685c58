//! Following one thing in the store.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::Store;
use super::backend::Change;
use super::error::StoreError;

/// Interval at which a thing is read although nothing was announced: a foreign writer notifies nobody.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Reads now, after each announcement of `change` and once per [`POLL_INTERVAL`], until the receiver is dropped.
pub(crate) fn follow<T, F>(
    store: &Store,
    change: Change,
    read: impl Fn() -> F + Send + Sync + 'static,
) -> watch::Receiver<Option<T>>
where
    T: PartialEq + Send + Sync + 'static,
    F: Future<Output = Result<Option<T>, StoreError>> + Send + 'static,
{
    let (newest, receiver) = watch::channel(None);
    let mut changes = store.changes();
    store.inner.home.spawn(async move {
        let mut poll = interval(POLL_INTERVAL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = newest.closed() => return,
                _ = poll.tick() => {}
                () = announced(&mut changes, &change) => {}
            }
            // A failure is logged as the outage it is part of; the last value stays until the next read.
            if let Ok(value) = read().await {
                newest.send_if_modified(|current| {
                    let is_new = *current != value;
                    *current = value;
                    is_new
                });
            }
        }
    });
    receiver
}

/// Resolves once `awaited` is announced, or may have been.
async fn announced(changes: &mut broadcast::Receiver<Change>, awaited: &Change) {
    loop {
        match changes.recv().await {
            Ok(change) if change == *awaited || change == Change::All => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
