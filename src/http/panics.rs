use std::panic::AssertUnwindSafe;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use futures_util::FutureExt;

use super::ApiError;

/// Answers 500 where a handler panics; actix-web by itself would drop the connection. The panic hook logs it.
pub(super) async fn answered<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let handled = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    handled.unwrap_or_else(|_| Err(ApiError::internal().into()))
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};

    use super::*;

    async fn broken() -> HttpResponse {
        panic!("in a handler")
    }

    #[actix_web::test]
    async fn a_panic_in_a_handler_answers_500() {
        let app = App::new()
            .wrap(from_fn(answered))
            .route("/", web::get().to(broken));
        let app = test::init_service(app).await;
        let refused = test::try_call_service(&app, test::TestRequest::get().to_request())
            .await
            .unwrap_err();
        let response = refused.error_response();
        assert_eq!(response.status(), 500);
        assert!(
            response
                .headers()
                .get("content-type")
                .is_some_and(|kind| kind == "application/json")
        );
    }
}
