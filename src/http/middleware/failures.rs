use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use futures_util::FutureExt;

use crate::http::ApiError;
use crate::http::error::PROBLEM_JSON;

/// Answers every failed request with a problem document: after a panic, where actix-web by itself would drop the connection,
/// and in place of the plain text that other middlewares and actix-web answer. The panic hook logs panics.
pub(in crate::http) async fn answered<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let handled = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    match handled {
        Ok(Ok(response)) if is_plain_failure(&response) => {
            Ok(with_problem(response).map_into_right_body())
        }
        Ok(Ok(response)) => Ok(response.map_into_left_body()),
        Ok(Err(error)) if error.as_error::<ApiError>().is_some() => Err(error),
        Ok(Err(error)) => {
            let status = error.as_response_error().status_code();
            Err(ApiError::from_status(status, error.to_string()).into())
        }
        Err(_) => Err(ApiError::internal().into()),
    }
}

/// Returns whether `path` is that of the Prosocial Ranking Challenge itself, whose errors are of the type `application/json`.
pub(super) fn is_challenge(path: &str) -> bool {
    path == "/rank"
}

/// Gives a problem document on the path of the challenge the content type that its clients expect.
pub(super) fn label(headers: &mut HeaderMap, is_challenge: bool) {
    if is_challenge
        && headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == PROBLEM_JSON)
    {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
}

fn is_plain_failure<B>(response: &ServiceResponse<B>) -> bool {
    let has_json = || {
        let kind = response.headers().get(CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().ends_with(b"json"))
    };
    response.status().as_u16() >= 400 && !has_json()
}

/// Replaces the body by a problem document that has the text as its detail. Keeps the headers.
fn with_problem<B: MessageBody>(response: ServiceResponse<B>) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    let (mut head, body) = response.into_parts();
    let text = body.try_into_bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let detail = match head.status() {
        // The middleware that compresses answers with a list of its codings.
        StatusCode::NOT_ACCEPTABLE => format!("content coding not accepted, available: {text}"),
        status if text.is_empty() => status.canonical_reason().unwrap_or_default().to_lowercase(),
        _ => text.into_owned(),
    };
    let mut problem = ApiError::from_status(head.status(), detail).error_response();
    head.headers_mut().remove(CONTENT_ENCODING);
    head.headers_mut().remove(CONTENT_TYPE);
    for (name, value) in head.headers() {
        problem.headers_mut().append(name.clone(), value.clone());
    }
    ServiceResponse::new(request, problem)
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::middleware::{Compress, from_fn};
    use actix_web::test::{TestRequest, call_service, init_service, try_call_service};
    use actix_web::{App, HttpResponse, web};
    use serde_json::{Value, json};

    use super::*;

    async fn broken() -> HttpResponse {
        panic!("in a handler")
    }

    async fn document<B: MessageBody>(response: HttpResponse<B>) -> Value {
        assert_eq!(
            response.headers().get(CONTENT_TYPE).unwrap(),
            "application/problem+json"
        );
        let body = to_bytes(response.into_body()).await.ok();
        serde_json::from_slice(&body.unwrap()).unwrap()
    }

    #[actix_web::test]
    async fn a_panic_in_a_handler_answers_500() {
        let app = App::new()
            .wrap(from_fn(answered))
            .route("/", web::get().to(broken));
        let app = init_service(app).await;
        let refused = try_call_service(&app, TestRequest::get().to_request()).await;
        let response = refused.unwrap_err().error_response();
        assert_eq!(
            document(response).await,
            json!({"type": "/problems/internal", "title": "Internal server error", "status": 500, "code": "internal",
                   "detail": "internal server error; see the server log"})
        );
    }

    #[actix_web::test]
    async fn what_another_middleware_refuses_is_answered_with_a_problem() {
        let app = App::new()
            .wrap(Compress::default())
            .wrap(from_fn(answered))
            .route("/", web::get().to(HttpResponse::Ok));
        let app = init_service(app).await;
        let request = TestRequest::get().insert_header(("accept-encoding", "br, identity;q=0"));
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), 406);
        assert!(response.headers().contains_key("vary"));
        let problem = document(response.into_parts().1).await;
        assert_eq!(problem["code"], "not_acceptable");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("gzip"), "{detail}");
    }

    #[actix_web::test]
    async fn an_answer_in_json_stays_as_it_is() {
        let not_ready =
            || async { HttpResponse::ServiceUnavailable().json(json!({"status": "not ready"})) };
        let app = App::new()
            .wrap(from_fn(answered))
            .route("/", web::get().to(not_ready));
        let app = init_service(app).await;
        let response = call_service(&app, TestRequest::get().to_request()).await;
        assert_eq!(
            response.headers().get(CONTENT_TYPE).unwrap(),
            "application/json"
        );
    }
}
