//! Metrics of HTTP requests, named as OpenTelemetry's semantic conventions are exported to Prometheus.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

pub(crate) const REQUEST_DURATION: &str = "http_server_request_duration_seconds";
pub(crate) const REQUEST_BODY_SIZE: &str = "http_server_request_body_size_bytes";
pub(crate) const RESPONSE_BODY_SIZE: &str = "http_server_response_body_size_bytes";
pub(crate) const ACTIVE_REQUESTS: &str = "http_server_active_requests";

/// Upper bounds in seconds: those of the conventions, and more at both ends for rankings and long polls.
const DURATION_BUCKETS: [f64; 18] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    30.0, 60.0,
];
/// Upper bounds in bytes.
const SIZE_BUCKETS: [f64; 10] = [
    0.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

/// Gives the metrics of requests buckets of their own.
pub(super) fn with_buckets(builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    let of = |name: &str| Matcher::Full(name.to_owned());
    builder
        .set_buckets_for_metric(of(REQUEST_DURATION), &DURATION_BUCKETS)?
        .set_buckets_for_metric(of(REQUEST_BODY_SIZE), &SIZE_BUCKETS)?
        .set_buckets_for_metric(of(RESPONSE_BODY_SIZE), &SIZE_BUCKETS)
}

/// Describes the metrics of requests to the recorder.
pub(super) fn describe() {
    metrics::describe_histogram!(
        REQUEST_DURATION,
        "Seconds from the head of a request to the end of its response."
    );
    metrics::describe_histogram!(
        REQUEST_BODY_SIZE,
        "Bytes of request bodies as they were received, compressed or not."
    );
    metrics::describe_histogram!(
        RESPONSE_BODY_SIZE,
        "Bytes of response bodies as they were sent, compressed or not."
    );
    metrics::describe_gauge!(ACTIVE_REQUESTS, "Requests in flight.");
}
