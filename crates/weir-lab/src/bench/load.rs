use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::client::Client;
use super::{ClientError, Outcome, PreparedFeed, Target};

/// Rate at which requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Closed loop: each connection sends its next request when it has the response.
    Closed,
    /// Open loop: requests are sent at a fixed rate. Latency is measured from the scheduled time of a request, so that it
    /// includes the wait behind a server that stalls.
    Open {
        /// Requests per second.
        rate: f64,
    },
}

/// Load on a server.
pub struct Load {
    /// Address of the server.
    pub target: Target,
    /// Feeds that are sent in turn.
    pub feeds: Vec<PreparedFeed>,
    /// Total number of requests.
    pub requests: usize,
    /// Number of concurrent connections.
    pub connections: usize,
    /// Rate at which requests are sent.
    pub pace: Pace,
    /// Counts status 503 as a refusal rather than a failure.
    pub accept_refusals: bool,
}

impl Load {
    /// Sends all requests and returns their outcome.
    pub async fn run(self) -> Outcome {
        let started = Instant::now();
        let shared = Arc::new(Shared {
            next: AtomicUsize::new(0),
            started,
            load: self,
        });
        let mut connections = JoinSet::new();
        for _ in 0..shared.load.connections {
            connections.spawn(Arc::clone(&shared).run_connection());
        }
        let mut outcome = Outcome::default();
        while let Some(ended) = connections.join_next().await {
            match ended {
                Ok(part) => outcome.merge(part),
                Err(error) => outcome.fail(&error),
            }
        }
        outcome.elapsed = started.elapsed();
        outcome
    }
}

struct Shared {
    load: Load,
    next: AtomicUsize,
    started: Instant,
}

impl Shared {
    async fn run_connection(self: Arc<Self>) -> Outcome {
        let mut client = Client::new(self.load.target.clone());
        let mut outcome = Outcome::default();
        loop {
            let nth = self.next.fetch_add(1, Ordering::Relaxed);
            if nth >= self.load.requests || self.load.feeds.is_empty() {
                return outcome;
            }
            let scheduled = self.wait_for_turn(nth).await;
            let feed = &self.load.feeds[nth % self.load.feeds.len()];
            match client.rank(feed).await {
                Ok(completeness) => outcome.succeed(completeness, scheduled.elapsed()),
                Err(ClientError::Refused) if self.load.accept_refusals => {
                    outcome.refuse(scheduled.elapsed());
                }
                Err(error) => outcome.fail(&error),
            }
        }
    }

    /// Waits until the request is to be sent, and returns that time.
    async fn wait_for_turn(&self, nth: usize) -> Instant {
        match self.load.pace {
            Pace::Closed => Instant::now(),
            Pace::Open { rate } => {
                let turn = self.started + Duration::from_secs_f64(nth as f64 / rate);
                tokio::time::sleep_until(turn.into()).await;
                turn
            }
        }
    }
}
