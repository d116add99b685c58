use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Check, text};

/// `[ranking]`: how `/rank` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RankingSettings {
    /// The policy in force: a name under `[policies]`.
    pub policy: String,
    /// Longest time to an answer, from the request's arrival.
    #[serde(with = "text::duration")]
    pub deadline: Duration,
    /// Older top entities are not used, and the answer's metadata says so.
    #[serde(with = "text::duration")]
    pub max_entity_age: Duration,
    /// The result key that holds the top entities.
    pub entities_key: String,
    /// How much of its reasons an answer tells.
    pub metadata: Metadata,
}

/// How much of its reasons an answer tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metadata {
    /// Policy, degraded parts and all.
    #[default]
    Full,
    /// `intervention_on` alone, so that an experiment stays blind.
    Minimal,
}

impl RankingSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.lasting("deadline", self.deadline);
        check.lasting("max_entity_age", self.max_entity_age);
        check.not_empty("entities_key", &self.entities_key);
    }
}

impl Default for RankingSettings {
    fn default() -> Self {
        Self {
            policy: "entities".to_owned(),
            deadline: Duration::from_millis(300),
            max_entity_age: Duration::from_hours(1),
            entities_key: "my_worker:scheduled:top_named_entities".to_owned(),
            metadata: Metadata::default(),
        }
    }
}
