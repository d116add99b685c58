//! Many jobs at a glance.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{JobId, JobRecord, JobState};

/// Which jobs to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Those in this state.
    pub state: Option<JobState>,
    /// Those of this name.
    pub name: Option<String>,
    /// Those that are older than this one: the `next` of the page before.
    pub before: Option<JobId>,
    /// At most this many, and no more than [`JobFilter::MAX_LIMIT`].
    pub limit: usize,
}

impl JobFilter {
    /// The largest page.
    pub const MAX_LIMIT: usize = 1000;
}

/// A part of a list. A page may hold fewer jobs than asked for, even none, although there is a next one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobPage {
    /// The jobs, newest first, without their results.
    pub jobs: Vec<JobRecord>,
    /// Jobs that belong among them and whose records cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableJob>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<JobId>,
}

/// A job whose record another program, or another version, has written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnreadableJob {
    /// The id, as it is stored.
    pub id: String,
    /// The part that cannot be read.
    pub why: String,
}

/// How many jobs are in each state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct JobCounts(BTreeMap<JobState, u64>);

impl JobCounts {
    /// How many are in `state`.
    pub fn count(&self, state: JobState) -> u64 {
        self.0.get(&state).copied().unwrap_or(0)
    }

    /// How many have not finished.
    pub fn unfinished(&self) -> u64 {
        let unfinished = self.0.iter().filter(|(state, _)| !state.is_finished());
        unfinished.map(|(_, count)| count).sum()
    }
}

/// States that are not named count zero.
impl FromIterator<(JobState, u64)> for JobCounts {
    fn from_iter<I: IntoIterator<Item = (JobState, u64)>>(counts: I) -> Self {
        let none = JobState::ALL.map(|state| (state, 0));
        Self(none.into_iter().chain(counts).collect())
    }
}
