//! Scorers and the pools of threads they run in.

mod config;
mod error;
mod failure_reporter;
mod kinds;
mod outputs;
pub mod pool;
mod row;
mod scorer;
mod scorers;

pub use self::config::{ScorerBuildError, ScorerConfig};
pub use self::error::{ScoreError, ScorerFailure};
pub(crate) use self::failure_reporter::{FailureReporter, health_part};
pub use self::kinds::{
    BuildContext, BuildError, EngagementConfig, HttpConfig, HttpField, HttpFormat, HttpOptions,
    HttpScorer, KindConfig, LexiconConfig, LookupConfig, LookupTable, LookupTableError,
    ProgramConfig, ProgramUse, RandomScorer, RecencyConfig, ScorerKind, SentimentScorer,
    WatchedTable,
};
pub use self::outputs::{Output, OutputError, OutputKind, Outputs};
pub use self::row::{OutputValue, ScoreRow};
pub use self::scorer::{CacheKey, Formula, ItemScore, Scorer, Subject, Worker};
pub use self::scorers::{Scorers, check_scorers};
