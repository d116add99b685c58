//! What every request is observed by: metrics in the names of OpenTelemetry's semantic conventions, a request id, and a
//! line in the access log.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::{InternalError, PayloadError};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use metrics::Gauge;
use pin_project_lite::pin_project;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::failures;
use super::series::with_series;
use crate::telemetry::ACCESS_LOG;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken from a client.
const MAX_REQUEST_ID_BYTES: usize = 128;
/// Status that a request is counted by whose client hung up before the response, as nginx has it.
const CLIENT_CLOSED_REQUEST: u16 = 499;
const HEAD: &str = "HEAD";
/// Method that unknown methods are counted by, so that a client cannot make labels.
const OTHER_METHOD: &str = "_OTHER";

/// Runs a request in a span with its id, sends the id back, and records the request once its response is sent, or its
/// client gone.
pub(in crate::http) async fn observed<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Observed<B>>, Error> {
    let id = request_id(&request);
    // The level of an error, so that no log filter that shows anything leaves the id out.
    let span = tracing::error_span!("request", request_id = id.to_str().unwrap_or_default());
    let mut observation = Observation::begin(&request, span.clone());
    count_body(&mut request, &observation.request_bytes);
    let is_challenge = failures::is_challenge(request.path());
    match next.call(request).instrument(span).await {
        Ok(mut response) => {
            observation.status = response.status().as_u16();
            response.headers_mut().insert(REQUEST_ID, id);
            failures::label(response.headers_mut(), is_challenge);
            Ok(response.map_body(|_, body| Observed { body, observation }))
        }
        Err(error) => {
            let mut response = error.error_response();
            observation.status = response.status().as_u16();
            if let BodySize::Sized(bytes) = response.body().size() {
                observation.count_sent(bytes);
            }
            response.headers_mut().insert(REQUEST_ID, id);
            failures::label(response.headers_mut(), is_challenge);
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// The id that the client sent, if it is short and printable, else a new one.
fn request_id(request: &ServiceRequest) -> HeaderValue {
    let sent = request.headers().get(REQUEST_ID);
    if let Some(id) = sent.filter(|id| is_printable(id.as_bytes())) {
        return id.clone();
    }
    let mut text = Uuid::encode_buffer();
    let text = new_id().hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// A UUID of version 7 from the thread's own random numbers: `Uuid::now_v7` asks the system for them, and takes a lock.
fn new_id() -> Uuid {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = now.map_or(0, |since| since.as_millis());
    let millis = u64::try_from(millis).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
}

fn is_printable(id: &[u8]) -> bool {
    (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Counts the bytes of the body as they are read.
fn count_body(request: &mut ServiceRequest, bytes: &Rc<Cell<u64>>) {
    let payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return;
    }
    let bytes = Rc::clone(bytes);
    let counted = payload.inspect(move |chunk| {
        let length = chunk.as_ref().map_or(0, Bytes::len);
        bytes.set(bytes.get() + length as u64);
    });
    let counted: LocalBoxStream<'static, Result<Bytes, PayloadError>> = Box::pin(counted);
    request.set_payload(Payload::from(counted));
}

/// One request, recorded when dropped.
struct Observation {
    span: Span,
    method: &'static str,
    route: Rc<str>,
    status: u16,
    begun: Instant,
    request_bytes: Rc<Cell<u64>>,
    response_bytes: u64,
    active: Gauge,
}

impl Observation {
    fn begin(request: &ServiceRequest, span: Span) -> Self {
        let method = known_method(request.method());
        let active = with_series(|series| series.active(method)).unwrap_or_else(Gauge::noop);
        active.increment(1.0);
        Self {
            span,
            method,
            route: with_series(|series| series.route(request)).unwrap_or_default(),
            status: CLIENT_CLOSED_REQUEST,
            begun: Instant::now(),
            request_bytes: Rc::default(),
            response_bytes: 0,
            active,
        }
    }

    /// Counts bytes of the response's body, which a response to HEAD is sent without.
    fn count_sent(&mut self, bytes: u64) {
        if self.method != HEAD {
            self.response_bytes += bytes;
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.active.decrement(1.0);
        let (elapsed, request_bytes) = (self.begun.elapsed(), self.request_bytes.get());
        let series = with_series(|cache| cache.series(self.method, &self.route, self.status));
        if let Some(series) = series {
            series.duration.record(elapsed);
            series.request_body_size.record(request_bytes as f64);
            series.response_body_size.record(self.response_bytes as f64);
        }
        tracing::info!(
            target: ACCESS_LOG,
            parent: &self.span,
            method = self.method,
            route = &*self.route,
            status = self.status,
            elapsed_ms = elapsed.as_secs_f64() * 1e3,
            request_bytes,
            response_bytes = self.response_bytes,
            "request answered"
        );
    }
}

fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => HEAD,
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::PATCH => "PATCH",
        _ => OTHER_METHOD,
    }
}

pin_project! {
    /// The body of a response, the end of which ends the observation of its request.
    pub(in crate::http) struct Observed<B> {
        #[pin]
        body: B,
        observation: Observation,
    }
}

impl<B: MessageBody> MessageBody for Observed<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        let chunk = ready!(this.body.poll_next(context));
        if let Some(Ok(chunk)) = &chunk {
            this.observation.count_sent(chunk.len() as u64);
        }
        Poll::Ready(chunk)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};

    use super::*;
    use crate::http::middleware::failures;

    async fn broken() -> HttpResponse {
        panic!("in a handler")
    }

    #[actix_web::test]
    async fn a_panic_is_answered_with_the_request_id_and_counted() {
        let app = App::new()
            .wrap(from_fn(failures::answered))
            .wrap(from_fn(observed))
            .route("/broken", web::get().to(broken));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get()
            .uri("/broken")
            .insert_header(("x-request-id", "mine"));
        let refused = test::try_call_service(&app, request.to_request()).await;
        let response = refused.unwrap_err().error_response();
        assert_eq!(response.status(), 500);
        assert!(
            response
                .headers()
                .get("x-request-id")
                .is_some_and(|id| id == "mine")
        );
        let is_counted = with_series(|series| series.has("GET", "/v1/broken", 500));
        assert_eq!(is_counted, Some(true));
    }
}
