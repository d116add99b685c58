//! Following one thing in the store.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::backend::Change;
use super::error::StoreError;
use super::handle::{Inner, Store};

/// How often a thing is read although nothing was announced: a foreign writer notifies nobody.
const POLL: Duration = Duration::from_secs(1);

impl Store {
    /// Reads now, whenever `announcement` is heard and once per [`POLL`], until the receiver is dropped.
    pub(crate) fn follow<T, F>(
        &self,
        announcement: Change,
        read: impl Fn(Arc<Inner>) -> F + Send + Sync + 'static,
    ) -> watch::Receiver<Option<T>>
    where
        T: PartialEq + Send + Sync + 'static,
        F: Future<Output = Result<Option<T>, StoreError>> + Send + 'static,
    {
        let (newest, receiver) = watch::channel(None);
        let (results, mut announced) = (self.clone(), self.changes());
        self.inner.home.spawn(async move {
            let mut poll = interval(POLL);
            poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = newest.closed() => return,
                    _ = poll.tick() => {}
                    () = heard(&mut announced, &announcement) => {}
                }
                // A failure is logged as the outage it is part of; the last value stands until the next look.
                if let Ok(value) = results.call(&read).await {
                    newest.send_if_modified(|current| {
                        let changed = *current != value;
                        *current = value;
                        changed
                    });
                }
            }
        });
        receiver
    }
}

async fn heard(announced: &mut broadcast::Receiver<Change>, awaited: &Change) {
    loop {
        match announced.recv().await {
            Ok(change) if change == *awaited || change == Change::All => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
