//! Logs and metrics.

mod http_metrics;
mod log_limiter;
mod log_queue;

use std::env;
use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::health::HealthIssues;
use crate::settings::{LogFormat, LogSettings};

pub(crate) use http_metrics::{
    ACTIVE_REQUESTS, REQUEST_BODY_SIZE, REQUEST_DURATION, RESPONSE_BODY_SIZE,
};
pub use log_limiter::LogLimiter;
use log_queue::LogQueue;

/// Target of the lines of the access log.
pub(crate) const ACCESS_LOG: &str = "weir::access";

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

/// Time that the end of the process waits for the log to be written.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);
/// Time that a panic waits for its line to be written: the process may abort after it.
const PANIC_FLUSH_LIMIT: Duration = Duration::from_millis(50);
/// Time between two looks at whether the log can be written.
const LOG_CHECK_PAUSE: Duration = Duration::from_secs(1);

static LOG: OnceLock<LogQueue> = OnceLock::new();

/// Panics by the place in the code, of which there are few.
static PANICS: LazyLock<LogLimiter<String>> = LazyLock::new(LogLimiter::new);

/// Writes what waits in the log when it is dropped.
pub struct LogGuard {
    queue: LogQueue,
}

impl LogGuard {
    /// Writes a line to stderr as it is, after what was logged before.
    pub fn print(&self, line: &str) {
        self.queue.send(format!("{line}\n").as_bytes());
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.queue.flush(FLUSH_LIMIT);
    }
}

/// Writes logs to stderr from now on, panics among them. Once in a process; the log filter has been checked.
pub fn init_logs(settings: &LogSettings) -> io::Result<LogGuard> {
    let queue = LogQueue::start()?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter(settings))
        .log_internal_errors(false)
        .with_ansi(wants_colours())
        .with_writer(queue.clone());
    match settings.format {
        LogFormat::Text => logs.with_target(false).init(),
        LogFormat::Json => logs.json().with_span_list(false).init(),
    }
    // Fails only if there is one already, and then `init` above has panicked.
    let _ = LOG.set(queue.clone());
    panic::set_hook(Box::new(log_panic));
    Ok(LogGuard { queue })
}

/// What dependencies log that is left out.
const LEFT_OUT: [&str; 6] = [
    // An error for each connection that sends no HTTP, which any client can repeat at will.
    "actix_http::h1::dispatcher=off",
    // Notices, parameters and password files of the database: all of these may quote data or credentials.
    "sqlx::postgres::notice=off",
    "sqlx_postgres::options=off",
    // A line for each fault in the HTML of others.
    "html5ever=off",
    "markup5ever=off",
    // What the error of the connection says as well.
    "rustls_platform_verifier=off",
];

/// The filter of the settings, without [`LEFT_OUT`]. The access log is not subject to it.
fn filter(settings: &LogSettings) -> EnvFilter {
    let access = if settings.access { "info" } else { "off" };
    let access = format!("{ACCESS_LOG}={access}");
    let fixed = LEFT_OUT.into_iter().chain([access.as_str()]);
    let directives = fixed.filter_map(|text| text.parse().ok());
    directives.fold(EnvFilter::new(&settings.filter), EnvFilter::add_directive)
}

/// Returns whether stderr is a terminal whose user has not asked for plain text; see <https://no-color.org>.
fn wants_colours() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stderr().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// Waits for a moment until what was logged is written, before the process is ended at once.
pub fn flush_logs() {
    if let Some(queue) = LOG.get() {
        queue.flush_unless_stalled(PANIC_FLUSH_LIMIT);
    }
}

/// Reports under `log` in `issues` whether log lines are dropped, for as long as it is polled.
async fn watch_log(issues: HealthIssues) {
    let Some(queue) = LOG.get() else { return };
    let mut pause = tokio::time::interval(LOG_CHECK_PAUSE);
    loop {
        pause.tick().await;
        if queue.is_failing() {
            issues.report("log", "stderr cannot be written, log lines are dropped");
        } else {
            issues.clear("log");
        }
    }
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
    // A scorer may panic over each batch that it is given.
    let Some(suppressed) = PANICS.admit(location.clone()) else {
        return;
    };
    let thread = std::thread::current();
    tracing::error!(
        message,
        location,
        suppressed,
        thread = thread.name().unwrap_or_default(),
        "panic"
    );
    flush_logs();
}

/// Brings the metrics that are counted outside of the recorder up to date, before they are rendered.
pub fn publish_log_metrics() {
    let dropped = LOG.get().map_or(0, LogQueue::dropped);
    metrics::counter!("weir_log_lines_dropped_total").absolute(dropped);
}

/// Sorts what was measured into its buckets now and then, for as long as it is polled; without it samples pile up until
/// somebody asks for the metrics.
async fn keep_up(metrics: PrometheusHandle) {
    let mut pause = tokio::time::interval(UPKEEP_PAUSE);
    loop {
        pause.tick().await;
        metrics.run_upkeep();
    }
}

/// Starts what keeps metrics and the health of the log up to date, and returns the metrics.
pub fn start(issues: &HealthIssues) -> Result<PrometheusHandle, TelemetryError> {
    let metrics = metrics()?;
    actix_rt::spawn(keep_up(metrics.clone()));
    actix_rt::spawn(watch_log(issues.clone()));
    Ok(metrics)
}

/// The metrics of this process, collected from the first call on.
pub fn metrics() -> Result<PrometheusHandle, TelemetryError> {
    static METRICS: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut metrics = METRICS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*metrics {
        return Ok(handle.clone());
    }
    let handle = http_metrics::with_buckets(PrometheusBuilder::new().set_buckets(&BUCKETS)?)?
        .install_recorder()?;
    http_metrics::describe();
    metrics::describe_counter!(
        "weir_log_lines_dropped_total",
        "Log lines that were dropped because stderr could not be written."
    );
    Ok(metrics.insert(handle).clone())
}
