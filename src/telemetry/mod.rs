//! Logs and metrics.

mod log_limiter;

use std::panic::{self, PanicHookInfo};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, LogSettings};

pub use log_limiter::LogLimiter;

/// Upper bounds of the buckets that durations are counted in, in seconds.
const BUCKETS: [f64; 14] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 5.0,
];

/// How often measured samples are sorted into their buckets.
const UPKEEP_PAUSE: Duration = Duration::from_secs(5);

/// Metrics cannot be collected.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be collected: {0}")]
pub struct TelemetryError(#[from] BuildError);

/// Writes logs to stderr from now on, panics among them. Once in a process; the log filter has been checked.
pub fn init_logs(settings: &LogSettings) {
    let logs = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&settings.filter))
        .with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Text => logs.with_target(false).init(),
        LogFormat::Json => logs.json().init(),
    }
    panic::set_hook(Box::new(log_panic));
}

/// The message of a panic only if it is a literal: a formatted one may quote a post.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(not shown)");
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(
        message,
        location,
        thread = thread.name().unwrap_or_default(),
        "panic"
    );
}

/// Sorts what was measured into its buckets now and then, for as long as it is polled; without it samples pile up until
/// somebody asks for the metrics.
pub async fn keep_up(metrics: PrometheusHandle) {
    let mut pause = tokio::time::interval(UPKEEP_PAUSE);
    loop {
        pause.tick().await;
        metrics.run_upkeep();
    }
}

/// The metrics of this process, collected from the first call on.
pub fn metrics() -> Result<PrometheusHandle, TelemetryError> {
    static METRICS: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut metrics = METRICS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*metrics {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .install_recorder()?;
    Ok(metrics.insert(handle).clone())
}
