//! Word of changes over Redis pub/sub, on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::{PubSub, PubSubSink};
use ::redis::{RedisResult, Value};
use futures_util::StreamExt;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::Connections;
use crate::store::backend::{CHANGES_KEPT, Change};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RECONNECT_DELAY: Duration = Duration::from_millis(500);
/// Time between two pings, without which a host that vanished would never be missed.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The channel `<prefix>changed`. Its messages: `key NAME`, `job ID`, `work`.
pub(crate) struct Announcements {
    channel: String,
    changes: broadcast::Sender<Change>,
    /// Stops with this value.
    _listener: JoinSet<()>,
}

impl Announcements {
    /// Listens for as long as this value lives, through any number of outages. An outage is for the commands to report.
    pub(crate) fn follow(connections: Arc<Connections>, prefix: &str) -> Self {
        let channel = format!("{prefix}changed");
        let changes = broadcast::Sender::new(CHANGES_KEPT);
        let mut listener = JoinSet::new();
        listener.spawn(listen(connections, channel.clone(), changes.clone()));
        Self {
            channel,
            changes,
            _listener: listener,
        }
    }

    pub(crate) fn channel(&self) -> &str {
        &self.channel
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}

async fn listen(
    connections: Arc<Connections>,
    channel: String,
    changes: broadcast::Sender<Change>,
) {
    loop {
        // A server that was demoted still takes subscriptions, but what is published goes to its successor: where the
        // commands go, the subscription follows.
        let mut replaced = connections.replaced();
        let subscribing = timeout(CONNECT_TIMEOUT, subscribe(&connections, &channel));
        if let Ok(Ok(connection)) = subscribing.await {
            // Whatever was said before this moment was not heard. An error means that nobody watches.
            let _ = changes.send(Change::All);
            let (mut sink, mut messages) = connection.split();
            let mut ping = interval(PING_INTERVAL);
            ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    message = messages.next() => {
                        let Some(message) = message else { break };
                        let text = message.get_payload::<String>().ok();
                        let change = text.and_then(|text| parse(&text));
                        let _ = changes.send(change.unwrap_or(Change::All));
                    }
                    _ = replaced.changed() => break,
                    _ = ping.tick() => if !answers(&mut sink).await { break },
                }
            }
        }
        sleep(RECONNECT_DELAY).await;
    }
}

async fn answers(sink: &mut PubSubSink) -> bool {
    let answer = timeout(PING_TIMEOUT, sink.ping::<Value>()).await;
    matches!(answer, Ok(Ok(_)))
}

fn parse(text: &str) -> Option<Change> {
    match text.split_once(' ') {
        Some(("key", name)) => Some(Change::Key(name.to_owned())),
        Some(("job", id)) => Some(Change::Job(id.parse().ok()?)),
        None if text == "work" => Some(Change::Work),
        _ => None,
    }
}

async fn subscribe(connections: &Connections, channel: &str) -> RedisResult<PubSub> {
    let mut connection = connections.address().listen().await?;
    connection.subscribe(channel).await?;
    Ok(connection)
}
