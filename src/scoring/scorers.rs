use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Scorer, SentimentScorer};

/// Scorers by name, for work that scores outside a request. By default `sentiment` alone.
#[derive(Clone)]
pub struct Scorers(Arc<BTreeMap<String, Box<dyn Scorer>>>);

impl Scorers {
    /// These scorers.
    pub fn new(scorers: BTreeMap<String, Box<dyn Scorer>>) -> Self {
        Self(Arc::new(scorers))
    }

    /// The scorer with this name.
    pub fn get(&self, name: &str) -> Option<&dyn Scorer> {
        self.0.get(name).map(Box::as_ref)
    }

    /// Every name, sorted.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

impl Default for Scorers {
    fn default() -> Self {
        let sentiment: Box<dyn Scorer> = Box::new(SentimentScorer);
        Self::new([("sentiment".to_owned(), sentiment)].into())
    }
}

impl fmt::Debug for Scorers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}
