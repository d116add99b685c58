//! Query parameters of the routes of jobs.

use std::collections::BTreeMap;
use std::str::FromStr;

use actix_web::HttpRequest;
use url::form_urlencoded;

use crate::http::ApiError;
use crate::queue::{JobFilter, JobState};
use crate::store::is_key;

/// The longest long poll, in milliseconds.
const LONGEST_WAIT_MS: u64 = 60_000;
const DEFAULT_LIMIT: usize = 100;

/// Reads `state`, `name`, `cursor` and `limit`.
pub(super) fn filter(request: &HttpRequest) -> Result<JobFilter, ApiError> {
    let mut query = QueryArguments::from_request(request);
    let limits = 1..=JobFilter::MAX_LIMIT;
    let read_limit = |text: &str| text.parse().ok().filter(|limit| limits.contains(limit));
    let read_name = |text: &str| is_key(text).then(|| text.to_owned());
    let expected_limit = format!("1 to {}", JobFilter::MAX_LIMIT);
    let expected_state = JobState::ALL.map(JobState::as_str).join(", ");
    let filter = JobFilter {
        state: query.take("state", JobState::from_name, &expected_state)?,
        name: query.take("name", read_name, "the name of a job")?,
        before: query.parse("cursor", "the `next` of a page")?,
        limit: query
            .take("limit", read_limit, &expected_limit)?
            .unwrap_or(DEFAULT_LIMIT),
    };
    query.end()?;
    Ok(filter)
}

/// Reads `wait_ms`, which is 0 by default.
pub(super) fn wait_ms(request: &HttpRequest) -> Result<u64, ApiError> {
    let mut query = QueryArguments::from_request(request);
    let read = |text: &str| text.parse().ok().filter(|ms| *ms <= LONGEST_WAIT_MS);
    let expected = format!("whole milliseconds, at most {LONGEST_WAIT_MS}");
    let wait_ms = query.take("wait_ms", read, &expected)?;
    query.end()?;
    Ok(wait_ms.unwrap_or(0))
}

/// The arguments after the `?`, taken one by one; what is wrong is answered with its name.
struct QueryArguments(BTreeMap<String, String>);

impl QueryArguments {
    fn from_request(request: &HttpRequest) -> Self {
        let pairs = form_urlencoded::parse(request.query_string().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The argument `name`, if it is there and not empty.
    fn take<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>, ApiError> {
        let text = self.0.remove(name).filter(|text| !text.is_empty());
        let read = |text: String| {
            read(&text).ok_or_else(|| ApiError::invalid(name, format!("expected {expected}")))
        };
        text.map(read).transpose()
    }

    /// The same for what has a form of its own.
    fn parse<T: FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, ApiError> {
        self.take(name, |text| text.parse().ok(), expected)
    }

    /// Refuses what nobody has taken.
    fn end(self) -> Result<(), ApiError> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(ApiError::invalid(name, "unknown query parameter")),
        }
    }
}
