use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{OutputError, Scorer, ScorerBuildError, ScorerConfig, SentimentScorer};
use crate::programs::ProgramDirectory;
use crate::snapshot::Snapshot;

/// Scorers by name, for work that scores outside a request. By default `sentiment` alone.
#[derive(Clone)]
pub struct Scorers(Arc<BTreeMap<String, Box<dyn Scorer>>>);

impl Scorers {
    /// Builds the scorers that need no pool: all but those that read a table of the store, which a pool keeps up to date.
    pub fn from_config(
        scorers: &BTreeMap<String, ScorerConfig>,
        programs: &ProgramDirectory,
    ) -> Result<Self, ScorerBuildError> {
        let usable = scorers
            .iter()
            .filter(|(_, scorer)| scorer.kind.watched_table().is_none());
        let built = usable.map(|(name, scorer)| {
            let scorer = scorer.build(name, Snapshot::default(), programs)?;
            Ok((name.clone(), scorer))
        });
        Ok(Self(Arc::new(built.collect::<Result<_, _>>()?)))
    }

    /// Returns the scorer with this name.
    pub fn get(&self, name: &str) -> Option<&dyn Scorer> {
        self.0.get(name).map(Box::as_ref)
    }

    /// Returns the index of a number of a scorer. Its name may be left out if it is the only output.
    pub(crate) fn resolve(&self, scorer: &str, output: Option<&str>) -> Result<usize, OutputError> {
        match self.get(scorer) {
            Some(found) => found.outputs().resolve_number(scorer, output),
            None => Err(OutputError::unknown_scorer(scorer, &self.names())),
        }
    }

    /// Returns every name, sorted.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// Checks that every scorer can be built: files can be read, credentials are there.
pub fn check_scorers(scorers: &BTreeMap<String, ScorerConfig>) -> Result<(), ScorerBuildError> {
    let mut scorers = scorers.iter();
    let programs = ProgramDirectory::default();
    scorers
        .try_for_each(|(name, scorer)| scorer.build(name, Snapshot::default(), &programs).map(drop))
}

impl Default for Scorers {
    fn default() -> Self {
        let sentiment: Box<dyn Scorer> = Box::new(SentimentScorer {});
        Self(Arc::new([("sentiment".to_owned(), sentiment)].into()))
    }
}

impl fmt::Debug for Scorers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}
