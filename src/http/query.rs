use std::collections::BTreeMap;
use std::str::FromStr;

use actix_web::HttpRequest;
use url::form_urlencoded;

use super::ApiError;

/// The arguments after the `?`, taken one by one; what is wrong is answered with its name.
pub(super) struct QueryArguments(BTreeMap<String, String>);

impl QueryArguments {
    pub(super) fn from_request(request: &HttpRequest) -> Self {
        let pairs = form_urlencoded::parse(request.query_string().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The argument `name`, if it is there and not empty.
    pub(super) fn take<T>(
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
    pub(super) fn parse<T: FromStr>(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, ApiError> {
        self.take(name, |text| text.parse().ok(), expected)
    }

    /// Refuses what nobody has taken.
    pub(super) fn end(self) -> Result<(), ApiError> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(ApiError::invalid(name, "unknown query parameter")),
        }
    }
}
