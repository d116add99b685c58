//! Following one key.

use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::handle::Results;
use super::keys::Key;
use super::store::Change;
use super::stored::Stored;

/// How often a watched key is read although nothing was announced: a foreign writer notifies nobody.
const POLL: Duration = Duration::from_secs(1);

/// Reads `key` now, on each announcement and once per [`POLL`], until the receiver is dropped.
pub(super) fn follow(results: &Results, key: Key) -> watch::Receiver<Option<Stored>> {
    let (newest, receiver) = watch::channel(None);
    let announced = results.inner.store.changes();
    results
        .inner
        .home
        .spawn(keep_newest(results.clone(), key, announced, newest));
    receiver
}

async fn keep_newest(
    results: Results,
    key: Key,
    mut announced: broadcast::Receiver<Change>,
    newest: watch::Sender<Option<Stored>>,
) {
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = newest.closed() => return,
            _ = poll.tick() => {}
            () = next_announcement(&mut announced, &key) => {}
        }
        // A failure has been logged as the outage it is part of; the last value stands until the next look.
        let wanted = key.clone();
        let read = results
            .call(|inner| async move { inner.store.get(&wanted).await })
            .await;
        if let Ok(value) = read {
            newest.send_if_modified(|current| {
                let changed = *current != value;
                *current = value;
                changed
            });
        }
    }
}

async fn next_announcement(announced: &mut broadcast::Receiver<Change>, key: &Key) {
    loop {
        match announced.recv().await {
            Ok(Change::Key(name)) if name != key.name() => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
