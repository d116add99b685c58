//! Conditions that `/health/ready` reports.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// A condition that an operator should know of although Weir may serve all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthIssue {
    /// The part that is concerned, such as `database` or `scorer toxicity`.
    pub part: String,
    /// The reason, for an operator. Holds no user data and no credentials.
    pub why: String,
}

/// The current conditions, each reported and cleared by the part that it concerns. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct HealthIssues {
    reasons: Arc<Mutex<BTreeMap<String, String>>>,
}

impl HealthIssues {
    /// Reports the condition of `part`, in place of an earlier one. Returns whether this is news, and so worth a log line.
    pub fn report(&self, part: &str, why: impl Into<String>) -> bool {
        let why = why.into();
        let mut reasons = self.lock();
        if reasons.get(part) == Some(&why) {
            return false;
        }
        reasons.insert(part.to_owned(), why);
        true
    }

    /// Clears the condition of `part`. Returns whether there was one.
    pub fn clear(&self, part: &str) -> bool {
        self.lock().remove(part).is_some()
    }

    /// Returns whether a condition of `part` is reported.
    pub fn is_reported(&self, part: &str) -> bool {
        self.lock().contains_key(part)
    }

    /// Returns the current conditions, ordered by part.
    pub fn current(&self) -> Vec<HealthIssue> {
        let reasons = self.lock();
        let issue = |(part, why): (&String, &String)| HealthIssue {
            part: part.clone(),
            why: why.clone(),
        };
        reasons.iter().map(issue).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_news_once_and_gone_when_cleared() {
        let issues = HealthIssues::default();
        assert!(issues.report("database", "read-only"));
        assert!(!issues.report("database", "read-only"));
        assert!(issues.report("database", "refused"));
        assert_eq!(issues.current()[0].why, "refused");
        assert!(issues.clear("database"));
        assert!(!issues.clear("database"));
        assert!(issues.current().is_empty());
    }
}
