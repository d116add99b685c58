//! The messages that cross files: requests in the imperative, facts in the past tense.

use std::sync::Arc;
use std::time::Instant;

use actix::Message;
use tokio::sync::oneshot;
use tracing::Span;

use crate::ranking::{Ranking, Slot};
use crate::scoring::pool::ScoreRequest;
use crate::serving::ServedPolicy;
use weir_feed::{Degraded, NewItem, RankRequest};

/// Rank a feed by `deadline`. A dropped receiver calls it off.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Rank {
    /// The feed, each id in it once.
    pub feed: Arc<RankRequest>,
    /// The policy and its scorers, as they were when the request came.
    pub policy: Arc<ServedPolicy>,
    /// When the answer is due, whatever is known by then.
    pub deadline: Instant,
    /// Whether to say for each item how it came to its place.
    pub explain: bool,
    /// The span of the request.
    pub span: Span,
    /// Takes the answer.
    pub reply: oneshot::Sender<Ranked>,
}

/// A feed was ranked.
#[derive(Debug)]
pub struct Ranked {
    /// The order and what it was made of.
    pub ranking: Ranking,
    /// The answer, place by place.
    pub slots: Vec<Slot>,
    /// The posts that are inserted.
    pub new_items: Vec<NewItem>,
    /// What was missing.
    pub degraded: Vec<Degraded>,
    /// For each item in its incoming place, if it was asked for.
    pub explanation: Option<Vec<Explained>>,
}

/// How an item came to its place.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Explained {
    /// The top entity that it names.
    pub entity: Option<String>,
    /// Its score by each scorer of the policy; null where there is none.
    pub scores: std::collections::BTreeMap<String, Option<f64>>,
    /// What it was ordered by; null if that is no finite number.
    pub value: Option<f64>,
}

/// Score a feed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Score(pub ScoreRequest);
