//! Errors on the wire: problem documents (RFC 9457, `application/problem+json`).

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use tokio::sync::TryAcquireError;

use super::body::ACCEPTED_CODINGS;
use crate::queue::QueueError;
use crate::store::StoreError;
use weir_feed::FeedError;

/// The media type of every error answer.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Kind of an error: decides the status, the code and the title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorKind {
    Invalid,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    BodyTimeout,
    Conflict,
    TooLarge,
    UnsupportedCoding,
    Internal,
    Unavailable,
    Overloaded,
    QueueFull,
    StoreUnavailable,
    Incomplete,
}

impl ErrorKind {
    const ALL: [Self; 16] = [
        Self::Invalid,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::BodyTimeout,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedCoding,
        Self::Internal,
        Self::Unavailable,
        Self::Overloaded,
        Self::QueueFull,
        Self::StoreUnavailable,
        Self::Incomplete,
    ];

    /// Returns the status, the code and the title. Clients rely on the codes: they do not change.
    #[rustfmt::skip]
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Invalid => (StatusCode::BAD_REQUEST, "invalid_request", "Invalid request"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "Authentication required"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "not_acceptable", "Not acceptable"),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "body_timeout", "Request body timeout"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "Conflict"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Request too large"),
            Self::UnsupportedCoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_coding", "Unsupported content coding"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal server error"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Service unavailable"),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Server overloaded"),
            Self::QueueFull => (StatusCode::SERVICE_UNAVAILABLE, "queue_full", "Job queue full"),
            Self::StoreUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", "Store unavailable"),
            Self::Incomplete => (StatusCode::SERVICE_UNAVAILABLE, "incomplete", "Scores incomplete"),
        }
    }

    /// Returns the first kind with this status, or a generic one of the status's class.
    fn from_status(status: StatusCode) -> Self {
        let known = Self::ALL.into_iter().find(|kind| kind.parts().0 == status);
        known.unwrap_or(if status.is_server_error() {
            Self::Internal
        } else {
            Self::Invalid
        })
    }
}

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(super) struct ApiError {
    kind: ErrorKind,
    detail: String,
    path: Option<String>,
    retry_after_s: Option<u32>,
}

/// The document that is sent.
#[derive(Serialize)]
struct Problem<'e> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'e str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'e str>,
}

impl ApiError {
    /// Returns the place in the request that is at fault, if there is one.
    #[cfg(test)]
    pub(super) fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            path: None,
            retry_after_s: None,
        }
    }

    fn at(self, path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }

    fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    /// Returns the error for an answer that something else than a handler gave.
    pub(super) fn from_status(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::from_status(status), detail)
    }

    /// 400: something is wrong at `path`.
    pub(super) fn invalid(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, detail).at(path)
    }

    /// 401: the scope needs a key and none was sent.
    pub(super) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unauthorized, detail)
    }

    /// 403: the key that was sent does not open the scope.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, detail)
    }

    /// 404: the path, or what it names, does not exist.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, detail)
    }

    /// 405: the path exists, with other methods.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(ErrorKind::MethodNotAllowed, "method not allowed")
    }

    /// 408: the body did not arrive in time.
    pub(super) fn body_timeout(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::BodyTimeout, detail)
    }

    /// 409: the state of the resource does not allow the request.
    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, detail)
    }

    /// 413: the body, or a list in it, is too long.
    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooLarge, detail)
    }

    /// 415: the content coding of the body is not supported.
    pub(super) fn unsupported_coding(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::UnsupportedCoding, detail)
    }

    /// 503: not now; try again in `retry_after_s` seconds.
    pub(super) fn unavailable(detail: impl Into<String>, retry_after_s: u32) -> Self {
        Self::new(ErrorKind::Unavailable, detail).retry_after(retry_after_s)
    }

    /// 503: the server sheds load.
    pub(super) fn overloaded(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Overloaded, detail).retry_after(1)
    }

    /// 503: a score is missing, and `path` is the first item without one.
    pub(super) fn incomplete(path: impl Into<String>, detail: impl Into<String>) -> Self {
        let error = Self::new(ErrorKind::Incomplete, detail);
        error.at(path).retry_after(1)
    }

    /// 500: a fault of the server; the log has the cause.
    pub(super) fn internal() -> Self {
        Self::new(
            ErrorKind::Internal,
            "internal server error; see the server log",
        )
    }
}

impl From<FeedError> for ApiError {
    fn from(FeedError { path, message }: FeedError) -> Self {
        let error = Self::new(ErrorKind::Invalid, message);
        if path.is_empty() {
            error
        } else {
            error.at(path)
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable { class, .. } => {
                let detail = format!("the store is unavailable: {}; retry later", class.condition);
                Self::new(ErrorKind::StoreUnavailable, detail)
                    .retry_after(class.retry_after_s.unwrap_or(1))
            }
            StoreError::InvalidKey { .. } => Self::invalid("key", error.to_string()),
            // The store has logged it.
            _ => Self::internal(),
        }
    }
}

impl From<QueueError> for ApiError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Store(error) => error.into(),
            QueueError::Full { .. } => {
                Self::new(ErrorKind::QueueFull, error.to_string()).retry_after(5)
            }
        }
    }
}

impl From<TryAcquireError> for ApiError {
    fn from(_: TryAcquireError) -> Self {
        Self::overloaded("too many requests in flight")
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.kind.parts().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, code, title) = self.kind.parts();
        let mut response = HttpResponse::build(status);
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            response.insert_header((ACCEPT_ENCODING, ACCEPTED_CODINGS));
        }
        response.content_type(PROBLEM_JSON);
        response.json(Problem {
            kind: format!("/problems/{}", code.replace('_', "-")),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            code,
            path: self.path.as_deref(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_documented_with_status_and_title() {
        let docs = include_str!("../../docs/api.md");
        for (index, kind) in ErrorKind::ALL.into_iter().enumerate() {
            let (status, code, title) = kind.parts();
            let row = format!("| {} | `{code}` | {title} |", status.as_u16());
            assert!(docs.contains(&row), "docs/api.md has no row {row}");
            let others = &ErrorKind::ALL[..index];
            assert!(others.iter().all(|other| other.parts().1 != code));
        }
    }
}
