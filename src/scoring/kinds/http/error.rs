use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::StatusCode;

use super::call::MAX_ANSWER_BYTES;
use super::request::BodyError;
use crate::scoring::{ScoreError, ScorerFailure};

/// Reason why a call returned no scores, or none for one of its texts.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum CallError {
    #[error("the server asked to be left alone, or the rate limit leaves no room in time")]
    RateLimited,
    #[error("the server answered {0} and is left alone for a while")]
    Busy(StatusCode),
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("cannot connect: {0}")]
    Connection(String),
    #[error("the exchange with the server broke off: {0}")]
    Transport(String),
    #[error("the server answered {0}")]
    Status(StatusCode),
    #[error("the answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    #[error("the answer is not JSON")]
    NotJson,
    /// Which texts they are of cannot be known.
    #[error("the answer has {items} items for {texts} texts")]
    Number { items: usize, texts: usize },
    #[error("a score is {0}, expected a number")]
    NotANumber(&'static str),
    #[error("the request cannot be written: {0}")]
    Body(#[from] BodyError),
}

impl CallError {
    /// Returns true if a retry may succeed. The server has scored nothing in that case, as far as can be known.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Connection(_) | Self::Transport(_) => true,
            Self::Status(status) => status.is_server_error(),
            _ => false,
        }
    }

    pub(super) fn score_error(&self) -> ScoreError {
        match self {
            Self::RateLimited | Self::Busy(_) => ScoreError::RateLimited,
            Self::TimedOut(_) => ScoreError::Timeout,
            Self::Connection(_)
            | Self::Transport(_)
            | Self::Status(_)
            | Self::TooLarge
            | Self::Body(_) => ScoreError::Error,
            Self::NotJson | Self::Number { .. } | Self::NotANumber(_) => ScoreError::BadResult,
        }
    }

    pub(super) fn failure(&self) -> ScorerFailure {
        let reason: Cow<'static, str> = match self {
            Self::RateLimited => ScoreError::RateLimited.code().into(),
            Self::Busy(status) | Self::Status(status) => format!("http_{}", status.as_u16()).into(),
            Self::TimedOut(_) => ScoreError::Timeout.code().into(),
            Self::Connection(_) => "connection".into(),
            Self::Transport(_) => "broken_off".into(),
            Self::TooLarge => "too_large".into(),
            Self::NotJson => "not_json".into(),
            Self::Number { .. } => "wrong_count".into(),
            Self::NotANumber(_) => "not_a_number".into(),
            Self::Body(_) => "request".into(),
        };
        ScorerFailure::new(reason, self.to_string())
    }

    pub(super) fn from_client(error: &reqwest::Error, timeout: Duration) -> Self {
        if error.is_timeout() {
            Self::TimedOut(timeout)
        } else if error.is_connect() {
            Self::Connection(cause(error))
        } else {
            Self::Transport(cause(error))
        }
    }
}

/// Returns what the system or TLS said. The texts of the errors around it may hold the address, with credentials.
fn cause(error: &reqwest::Error) -> String {
    let mut causes = std::iter::successors(error.source(), |&error| error.source());
    let known = causes.find_map(|cause| {
        if cause.to_string().starts_with("dns error") {
            return Some("the name of its host cannot be resolved".to_owned());
        }
        let system = cause.downcast_ref::<io::Error>()?;
        let inner = system.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(tls) => Some(rustls::Error::to_string(tls)),
            None => Some(system.kind().to_string()).filter(|kind| kind != "other error"),
        }
    });
    known.unwrap_or_else(|| "the connection failed".to_owned())
}
