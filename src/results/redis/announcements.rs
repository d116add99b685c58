//! Word of changes over Redis pub/sub, on a connection of its own.

use std::time::Duration;

use ::redis::aio::PubSub;
use ::redis::{Client, RedisResult};
use futures_util::StreamExt;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::{error::Elapsed, sleep, timeout};

use crate::results::store::{CHANGES_KEPT, Change};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// The channel `<prefix>changed`. Its messages: `key NAME`, `job ID`, `work`.
pub(super) struct Announcements {
    channel: String,
    changes: broadcast::Sender<Change>,
    /// Stops with this value.
    _listener: JoinSet<()>,
}

impl Announcements {
    /// Listens for as long as this value lives, through any number of outages. An outage is for the commands to report.
    pub(super) fn follow(client: Client, prefix: &str) -> Self {
        let channel = format!("{prefix}changed");
        let changes = broadcast::Sender::new(CHANGES_KEPT);
        let mut listener = JoinSet::new();
        listener.spawn(listen(client, channel.clone(), changes.clone()));
        Self {
            channel,
            changes,
            _listener: listener,
        }
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}

async fn listen(client: Client, channel: String, changes: broadcast::Sender<Change>) {
    loop {
        if let Ok(Ok(connection)) = subscribe(&client, &channel).await {
            // Whatever was said before this moment was not heard. An error means that nobody watches.
            let _ = changes.send(Change::All);
            let mut messages = connection.into_on_message();
            while let Some(message) = messages.next().await {
                let change = message
                    .get_payload()
                    .ok()
                    .and_then(|text: String| parse(&text));
                let _ = changes.send(change.unwrap_or(Change::All));
            }
        }
        sleep(RECONNECT_DELAY).await;
    }
}

fn parse(text: &str) -> Option<Change> {
    match text.split_once(' ') {
        Some(("key", name)) => Some(Change::Key(name.to_owned())),
        Some(("job", id)) => Some(Change::Job(id.parse().ok()?)),
        None if text == "work" => Some(Change::Work),
        _ => None,
    }
}

async fn subscribe(client: &Client, channel: &str) -> Result<RedisResult<PubSub>, Elapsed> {
    let connect = async {
        let mut connection = client.get_async_pubsub().await?;
        connection.subscribe(channel).await?;
        Ok(connection)
    };
    timeout(CONNECT_TIMEOUT, connect).await
}
