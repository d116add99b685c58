use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::client::Client;
use super::{ClientError, Outcome, PreparedFeed, Target};

/// How the requests follow one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Each connection sends its next request when it has its answer.
    Closed,
    /// So many a second, whatever comes back; latency counts from when a request was to be sent, so that a server that
    /// stalls is charged for those that wait.
    Open {
        /// Requests a second.
        rate: f64,
    },
}

/// A load to put on a server.
pub struct Load {
    /// Where it goes.
    pub target: Target,
    /// What is sent, in turn.
    pub feeds: Vec<PreparedFeed>,
    /// Requests in all.
    pub requests: usize,
    /// Connections at once.
    pub connections: usize,
    /// How the requests follow one another.
    pub pace: Pace,
    /// Whether a server may answer 503: it is counted apart then, and is no failure.
    pub accept_refusals: bool,
}

impl Load {
    /// Sends everything and answers what came of it.
    pub async fn run(self) -> Outcome {
        let begun = Instant::now();
        let shared = Arc::new(Shared {
            next: AtomicUsize::new(0),
            begun,
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
        outcome.took = begun.elapsed();
        outcome
    }
}

struct Shared {
    load: Load,
    next: AtomicUsize,
    begun: Instant,
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
            let intended = self.wait_for_turn(nth).await;
            let feed = &self.load.feeds[nth % self.load.feeds.len()];
            match client.rank(feed).await {
                Ok(answered) => outcome.succeed(answered, intended.elapsed()),
                Err(ClientError::Refused) if self.load.accept_refusals => {
                    outcome.refuse(intended.elapsed());
                }
                Err(error) => outcome.fail(&error),
            }
        }
    }

    /// When the request is to be sent, which is now.
    async fn wait_for_turn(&self, nth: usize) -> Instant {
        match self.load.pace {
            Pace::Closed => Instant::now(),
            Pace::Open { rate } => {
                let turn = self.begun + Duration::from_secs_f64(nth as f64 / rate);
                tokio::time::sleep_until(turn.into()).await;
                turn
            }
        }
    }
}
