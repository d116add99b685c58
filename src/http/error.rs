use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::content_coding;
use crate::store::StoreError;
use weir_feed::FeedError;

/// A refusal, as `{"error": {"code", "message", "path"?}}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    path: Option<String>,
    retry_after_s: Option<u32>,
}

#[derive(Serialize)]
struct Body<'e> {
    error: Detail<'e>,
}

#[derive(Serialize)]
struct Detail<'e> {
    code: &'e str,
    message: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'e str>,
}

impl ApiError {
    /// The place that is at fault, if it is a place.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            path: None,
            retry_after_s: None,
        }
    }

    /// 400: something is wrong at `path`.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
        }
    }

    /// 401: the scope needs a key and none was sent.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 403: the caller may not, whatever it sends.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404: there is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 405: the path exists, with other methods.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this path has other methods",
        )
    }

    /// 408: the body did not arrive in time.
    pub fn body_timeout(message: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", message)
    }

    /// 409: it is not in a state for that.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// 413: the body, or a list in it, is too long.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// 415: the body is in a coding that is not understood.
    pub fn unsupported_coding(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_coding",
            message,
        )
    }

    /// 503: not now; try again in `retry_after_s` seconds.
    pub fn unavailable(message: impl Into<String>, retry_after_s: u32) -> Self {
        Self {
            retry_after_s: Some(retry_after_s),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
        }
    }

    /// 503: not all that was asked for is known, and `path` is the first that is not.
    pub fn incomplete(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            retry_after_s: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "incomplete", message)
        }
    }

    /// 500: a fault of Weir's own; the log has it.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Weir failed; its log says more",
        )
    }
}

impl From<FeedError> for ApiError {
    fn from(FeedError { path, message }: FeedError) -> Self {
        Self {
            path: (!path.is_empty()).then_some(path),
            ..Self::invalid("", message)
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable { class, .. } => Self::unavailable(
                format!("the results store is unavailable: {}", class.condition),
                class.retry_after_s.unwrap_or(1),
            ),
            StoreError::QueueFull { .. } => Self::unavailable(error.to_string(), 5),
            StoreError::InvalidKey { .. } => Self::invalid("key", error.to_string()),
            // The results have logged it.
            _ => Self::internal(),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if self.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            response.insert_header((ACCEPT_ENCODING, content_coding::ACCEPTED));
        }
        let detail = Detail {
            code: self.code,
            message: &self.message,
            path: self.path.as_deref(),
        };
        response.json(Body { error: detail })
    }
}
