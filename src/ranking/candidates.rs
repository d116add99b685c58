use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::snapshot::SnapshotValue;

/// Outside posts that may be put into one platform's feeds, best first: written by a job, read by rankers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidates {
    /// The posts.
    pub candidates: Vec<Candidate>,
    /// When they were chosen.
    #[serde(default)]
    pub timestamp: Option<DateTime<Utc>>,
}

/// An outside post.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its id, unique among all sources.
    pub id: String,
    /// Where anybody can see it.
    pub url: String,
    /// What it was chosen by; `None` if by its time.
    #[serde(default)]
    pub score: Option<f64>,
}

impl SnapshotValue for Candidates {
    fn as_of(&self) -> Option<DateTime<Utc>> {
        self.timestamp
    }

    fn entries(&self) -> usize {
        self.candidates.len()
    }
}
