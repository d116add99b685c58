//! From settings to scorers.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::regular_file;
use crate::scoring::{
    Engagement, HttpOptions, HttpScorer, HttpScorerError, Lexicon, LexiconError, Lookup, LookupBy,
    LookupTable, RandomScorer, Recency, ScorePathError, Scorer, Scorers, SentimentScorer,
};
use crate::settings::{self, HttpSettings, ScorerKind, ScorerSettings, Settings};
use crate::snapshot::Snapshot;

/// Longest file of a lexicon.
const MAX_LEXICON_BYTES: u64 = 64 * 1024 * 1024;

/// Why a scorer cannot be made as configured.
#[derive(Debug, thiserror::Error)]
pub enum ScorerError {
    /// The lexicon's file cannot be opened.
    #[error("lexicon.file: {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The lexicon's file cannot be read.
    #[error("lexicon.file: {}: {source}", path.display())]
    Lexicon {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: LexiconError,
    },
    /// The model server's address is none.
    #[error("http.url: {0}")]
    Url(String),
    /// The path of the scores is none.
    #[error("http.score_path: {0}")]
    ScorePath(#[from] ScorePathError),
    /// The variable that is to hold the model server's token is not there.
    #[error("http.token_env: there is no variable {0} in the environment")]
    Token(String),
    /// The model server's client cannot be made.
    #[error("http: {0}")]
    Http(#[from] HttpScorerError),
}

/// Makes the scorer; `table` is the one that a lookup looks things up in.
pub(super) fn scorer(
    settings: &ScorerSettings,
    table: Snapshot<LookupTable>,
) -> Result<Box<dyn Scorer>, ScorerError> {
    Ok(match settings.kind {
        ScorerKind::Sentiment => Box::new(SentimentScorer),
        ScorerKind::Random => Box::new(RandomScorer {
            seed: settings.seed,
            sleep: Duration::from_millis(settings.sleep_ms),
            fail_rate: settings.fail_rate,
            panic_rate: settings.panic_rate,
        }),
        ScorerKind::Engagement => Box::new(Engagement {
            facebook: settings.engagement.facebook,
            reddit: settings.engagement.reddit,
            twitter: settings.engagement.twitter,
        }),
        ScorerKind::Recency => Box::new(Recency {
            half_life: settings.recency.half_life,
        }),
        ScorerKind::Lookup => Box::new(Lookup {
            by: lookup_by(settings.lookup.by),
            table,
            absent: settings.default,
        }),
        ScorerKind::Lexicon => Box::new(lexicon(settings)?),
        ScorerKind::Http => Box::new(HttpScorer::new(http_options(&settings.http)?)?),
    })
}

/// The scorers that jobs may use: all but those that look things up in a table that rankers follow.
pub(super) fn for_jobs(settings: &Settings) -> Result<Scorers, NamedScorerError> {
    let usable = settings.scorers.iter();
    let usable = usable.filter(|(_, scorer)| scorer.kind != ScorerKind::Lookup);
    let made = usable.map(
        |(name, settings)| match scorer(settings, Snapshot::default()) {
            Ok(scorer) => Ok((name.clone(), scorer)),
            Err(source) => Err(NamedScorerError {
                name: name.clone(),
                source,
            }),
        },
    );
    Ok(Scorers::new(made.collect::<Result<_, _>>()?))
}

/// What of these settings no scorer could be made of, beyond what is wrong with the settings themselves.
pub(super) fn check(settings: &Settings) -> Result<(), NamedScorerError> {
    for (name, scorer) in &settings.scorers {
        let checked = match scorer.kind {
            ScorerKind::Lexicon => lexicon(scorer).map(drop),
            ScorerKind::Http => http_options(&scorer.http).map(drop),
            _ => Ok(()),
        };
        checked.map_err(|source| NamedScorerError {
            name: name.clone(),
            source,
        })?;
    }
    Ok(())
}

/// A scorer cannot be made as configured.
#[derive(Debug, thiserror::Error)]
#[error("scorers.{name}.{source}")]
pub struct NamedScorerError {
    /// Its name.
    pub name: String,
    /// Why not.
    pub source: ScorerError,
}

fn lookup_by(by: settings::LookupBy) -> LookupBy {
    match by {
        settings::LookupBy::Author => LookupBy::Author,
        settings::LookupBy::Post => LookupBy::Post,
        settings::LookupBy::Domain => LookupBy::Domain,
        settings::LookupBy::User => LookupBy::User,
        settings::LookupBy::Language => LookupBy::Language,
    }
}

fn lexicon(settings: &ScorerSettings) -> Result<Lexicon, ScorerError> {
    let path = &settings.lexicon.file;
    let file = regular_file::open(path, MAX_LEXICON_BYTES).map_err(|source| ScorerError::File {
        path: path.clone(),
        source,
    })?;
    Lexicon::from_csv(file).map_err(|source| ScorerError::Lexicon {
        path: path.clone(),
        source,
    })
}

fn http_options(settings: &HttpSettings) -> Result<HttpOptions, ScorerError> {
    let token = match settings.token_env.as_str() {
        "" => None,
        name => {
            let token = std::env::var(name).map_err(|_| ScorerError::Token(name.to_owned()))?;
            Some(token)
        }
    };
    Ok(HttpOptions {
        url: settings
            .url
            .parse()
            .map_err(|error| ScorerError::Url(format!("{error}")))?,
        token,
        texts_field: settings.texts_field.clone(),
        score_path: settings.score_path.parse()?,
        timeout: settings.timeout(),
        retries: settings.retries,
        retry_budget: settings.retry_budget,
        truncate_chars: settings.truncate_chars,
        rate: (settings.rate > 0.0).then_some((settings.rate, settings.burst)),
    })
}
