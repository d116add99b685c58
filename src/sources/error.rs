use std::time::Duration;

/// Why a source gave nothing. No message repeats the text of a post or a credential.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The host is not to be reached, or hung up.
    #[error("cannot reach {host}: {why}")]
    Unreachable {
        /// The host.
        host: String,
        /// What the client saw.
        why: String,
    },
    /// The host asks to be left alone for a while.
    #[error("{host} limits the rate ({status})")]
    RateLimited {
        /// The host.
        host: String,
        /// 429 or 503.
        status: u16,
        /// For how long, if it says.
        retry_after: Option<Duration>,
    },
    /// The host answered with another status than was hoped for.
    #[error("{host} answered {status}")]
    Status {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// The answer is longer than Weir takes.
    #[error("{host} answered more than {limit} bytes")]
    TooLong {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer was not there in time.
    #[error("{host} did not answer in full within {} ms", .limit.as_millis())]
    TooSlow {
        /// The host.
        host: String,
        /// The limit.
        limit: Duration,
    },
    /// The host sent Weir somewhere it may not go.
    #[error("{host} redirects to {to}, which is not allowed: {why}")]
    Redirect {
        /// The host.
        host: String,
        /// Where to.
        to: String,
        /// Which rule forbids it.
        why: &'static str,
    },
    /// The program that has the source failed.
    #[error("{source_name}: {why}")]
    Program {
        /// Name of the source.
        source_name: String,
        /// The cause.
        why: String,
    },
    /// The answer is not what such a source sends.
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
}

impl SourceError {
    /// How long the source asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// An argument that a kind of source does not take, or a kind that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceArgumentError {
    /// There is no such kind.
    #[error("there is no source {name:?}; the sources are {}", known.join(", "))]
    Unknown {
        /// The kind asked for.
        name: String,
        /// Those there are.
        known: Vec<&'static str>,
    },
    /// The argument cannot be used.
    #[error("{argument}: {why}")]
    Argument {
        /// The argument; `.` is the whole.
        argument: String,
        /// What was expected.
        why: String,
    },
}

impl SourceArgumentError {
    pub(super) fn new(argument: &str, why: impl Into<String>) -> Self {
        Self::Argument {
            argument: argument.to_owned(),
            why: why.into(),
        }
    }
}

/// Why a source cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A credential is missing, or is no credential.
    #[error("the environment variable {variable} must hold {what}")]
    Credential {
        /// The variable.
        variable: String,
        /// What it is to hold.
        what: &'static str,
    },
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}
