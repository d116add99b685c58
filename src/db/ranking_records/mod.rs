//! What is asked of the table `rankings`, which holds what `/rank` decided.

mod columns;
mod pages;
mod pending;
mod storage;

pub use pages::RankingPages;
pub(crate) use pending::{PendingBatch, PendingRankings};

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use weir_feed::Degraded;

/// What one feed was answered, and why; the columns of `rankings` without its key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankingRecord {
    /// When the answer was decided, in whole milliseconds.
    pub at: DateTime<Utc>,
    /// The page view.
    pub session_id: String,
    /// Whose feed it is.
    pub user_id: String,
    /// `facebook`, `reddit` or `twitter`.
    pub platform: String,
    /// The arm of the experiment that the user is in.
    pub arm: Option<String>,
    /// The policy that ordered the feed, or would have.
    pub policy: String,
    /// Names the settings that ranked.
    pub config_version: Arc<str>,
    /// Whether the order could be other than the platform's.
    pub intervention_on: bool,
    /// Whether the request only asked ahead for new items.
    pub prefetch: bool,
    /// What the order had to do without.
    pub degraded: Vec<Degraded>,
    /// The feed's ids in their incoming order, each once.
    pub ids_sent: Vec<String>,
    /// The answer's ids in their order, those of inserted posts among them.
    pub ids_returned: Vec<String>,
    /// From the request's arrival to the decision, in milliseconds.
    pub took_ms: f64,
}

/// A row of `rankings`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredRanking {
    /// Grows with each row.
    pub id: i64,
    /// The other columns.
    #[serde(flatten)]
    pub ranking: RankingRecord,
}

impl RankingRecord {
    /// About how much memory its texts take.
    pub fn bytes(&self) -> usize {
        let ids = self.ids_sent.iter().chain(&self.ids_returned);
        let ids: usize = ids.map(|id| size_of::<String>() + id.len()).sum();
        size_of::<Self>() + self.session_id.len() + self.user_id.len() + ids
    }
}
