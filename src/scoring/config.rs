use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::Scorer;
use super::kinds::{
    self, BuildContext, BuildError, KindConfig, LookupTable, ScorerKind, SentimentScorer,
};
use super::pool::PoolConfig;
use crate::programs::ProgramDirectory;
use crate::ranking::ScoreUse;
use crate::settings::{Check, Table};
use crate::snapshot::Snapshot;

/// `[scorers.NAME]`: a scorer, its pool, and how policies use its scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScorerConfig {
    /// What scores.
    #[serde(flatten)]
    pub kind: KindConfig,
    /// The threads that score.
    #[serde(flatten)]
    pub pool: PoolConfig,
    /// How policies use the scores.
    #[serde(flatten)]
    pub scores: ScoreUse,
}

/// A scorer cannot be built as configured.
#[derive(Debug, thiserror::Error)]
#[error("scorers.{scorer}.{cause}")]
pub struct ScorerBuildError {
    /// Name of the scorer.
    pub scorer: String,
    /// What is wrong.
    pub cause: BuildError,
}

impl ScorerConfig {
    /// Creates the configuration of a scorer of this kind with the defaults of the keys that all scorers have.
    pub fn new(kind: impl ScorerKind) -> Self {
        Self {
            kind: KindConfig::new(kind),
            pool: PoolConfig::default(),
            scores: ScoreUse::default(),
        }
    }

    /// Returns the scorers that are configured by default.
    pub fn shipped() -> BTreeMap<String, Self> {
        [("sentiment".to_owned(), Self::new(SentimentScorer {}))].into()
    }

    /// Checks what types cannot express.
    pub(crate) fn check(&self, check: &mut Check) {
        self.pool.check(check);
        let outputs = self.kind.outputs();
        self.scores.check(check, &outputs);
        self.kind.validate(check, &self.pool);
    }

    /// Builds the scorer; `table` is the one that the kind watches, if it does, and `programs` are those that run.
    pub fn build(
        &self,
        name: &str,
        table: Snapshot<LookupTable>,
        programs: &ProgramDirectory,
    ) -> Result<Box<dyn Scorer>, ScorerBuildError> {
        let context = BuildContext {
            scorer: name.to_owned(),
            time_limit: self.pool.time_limit,
            programs: programs.clone(),
            default: self.scores.default,
            table,
        };
        self.kind.build(&context).map_err(|cause| ScorerBuildError {
            scorer: name.to_owned(),
            cause,
        })
    }

    /// Returns whether rows of `other` can be read like those of `self`.
    pub(crate) fn has_outputs_of(&self, other: &Self) -> bool {
        self.kind.outputs() == other.kind.outputs()
    }

    /// Returns true if the workers of a pool started for `self` can do the work of `other`, in whatever number.
    pub fn can_reuse_workers(&self, other: &Self) -> bool {
        let pool = PoolConfig {
            workers: self.pool.workers,
            time_limit: self.pool.time_limit,
            ..other.pool.clone()
        };
        // A name that a watched table does not have scores `default`; other scorers know nothing of it.
        let same_default = self.kind.watched_table().is_none()
            || self.scores.default.to_bits() == other.scores.default.to_bits();
        // A program is told how long it has.
        let is_program = self.kind.program_use("").is_some();
        let same_limit = !is_program || self.pool.time_limit == other.pool.time_limit;
        self.pool == pool && self.kind == other.kind && same_default && same_limit
    }
}

impl<'de> Deserialize<'de> for ScorerConfig {
    /// Reads the keys that all scorers have, and the others as the kind does.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Table::deserialize(deserializer)?;
        let read = |table: &mut Table| {
            let kind: String = table.take_key("kind")?;
            let config = Self {
                pool: table.take()?,
                scores: table.take()?,
                kind: kinds::read(&kind, table)?,
            };
            table.finish()?;
            Ok::<Self, serde_json::Error>(config)
        };
        read(&mut table).map_err(D::Error::custom)
    }
}
