use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The order to show a feed in. Borrows the ids of the request it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankResponse<'a> {
    /// The ids of the items, first to be shown first, each once; those of new items among them.
    pub ranked_ids: Vec<Cow<'a, str>>,
    /// Items that the feed did not have.
    #[serde(default)]
    pub new_items: Vec<NewItem>,
    /// How the answer came about.
    #[serde(default)]
    pub metadata: Metadata,
}

/// An item to be inserted into the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewItem {
    /// Unique in the answer.
    pub id: String,
    /// Where anybody can see it.
    pub url: String,
}

/// How an answer came about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Whether the order could be other than the platform's.
    #[serde(default)]
    pub intervention_on: bool,
    /// The policy that ordered the feed; left out of minimal metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Cow<'static, str>>,
    /// The arm of the experiment that the user is in; left out of minimal metadata and when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<Cow<'static, str>>,
    /// What the order had to do without; left out of minimal metadata and when there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<Degraded>,
}

impl Metadata {
    /// The same without what would tell an experiment's participant which arm they are in.
    #[must_use]
    pub fn minimal(&self) -> Self {
        Self {
            intervention_on: self.intervention_on,
            ..Self::default()
        }
    }
}

/// A part of the answer that was missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Degraded {
    /// The part: a scorer's name, or one of Weir's own, such as `ranker`.
    pub part: Cow<'static, str>,
    /// Number of items without it.
    pub missed: usize,
    /// Code of the reason, such as `timeout`.
    pub why: Cow<'static, str>,
}
