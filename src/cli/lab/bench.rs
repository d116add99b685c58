use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;
use weir_feed::Platform;
use weir_lab::bench::{FeedSpec, Load, Outcome, Pace, Report, Target, prepare_feeds};

use crate::cli::print_line;

/// Maximum size of all requests, which are generated before the measurement.
const MAX_PREPARED_BYTES: usize = 4 << 30;
/// Approximate size of an item without its text.
const ITEM_BYTES: usize = 600;

/// Load-test a ranking server, verify every response and report latencies.
#[derive(Debug, Args)]
pub(in crate::cli) struct Bench {
    /// Server, such as `http://127.0.0.1:8001`; the default path is /rank.
    url: String,
    /// Number of requests for each platform.
    #[arg(long, short = 'n', default_value_t = 1_000)]
    requests: usize,
    /// Number of concurrent connections.
    #[arg(long, short, default_value_t = 16)]
    connections: usize,
    /// Send requests at a fixed rate per second; latency is measured from the scheduled time.
    #[arg(long, value_name = "R")]
    rate: Option<f64>,
    /// Number of items in each request.
    #[arg(long, default_value_t = 100)]
    items: usize,
    /// Approximate number of characters of each text.
    #[arg(long, default_value_t = 110)]
    chars: usize,
    /// Send N feeds of each platform in turn, instead of new texts in each request.
    #[arg(long, value_name = "N", conflicts_with = "repeat")]
    feeds: Option<usize>,
    /// Send one feed repeatedly, as `--feeds 1` does.
    #[arg(long)]
    repeat: bool,
    /// Share of texts that repeat an earlier text, 0 to 1.
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.0,
        conflicts_with = "repeat"
    )]
    repeat_share: f64,
    /// Count status 503 as a refusal rather than a failure.
    #[arg(long)]
    accept_refusals: bool,
    /// RNG seed of the requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Fail if the 95th percentile of the latency exceeds this.
    #[arg(long, value_name = "MS", default_value_t = 500.0)]
    p95_ms: f64,
}

impl Bench {
    /// Exits with 1 if a request failed or the 95th percentile exceeds its limit.
    pub(in crate::cli) fn run(self) -> anyhow::Result<ExitCode> {
        let target = Target::parse(&self.url)?;
        self.check()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let loads = self.loads(&target)?;
        let mut all = Outcome::default();
        let mut reports = Vec::new();
        for (platform, load) in loads {
            let outcome = runtime.block_on(load.run());
            reports.push(outcome.report(platform.as_str()));
            all.elapsed += outcome.elapsed;
            all.merge(outcome);
        }
        reports.push(all.report("all"));
        self.print(&reports)?;
        let good = reports
            .iter()
            .all(|report| report.failed == 0 && report.p95_ms <= self.p95_ms);
        Ok(if good {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.requests > 0 && self.feeds() > 0 && self.connections > 0,
            "--requests, --feeds and --connections must be at least 1"
        );
        ensure!(
            self.rate.is_none_or(|rate| rate.is_finite() && rate > 0.0),
            "--rate must be positive"
        );
        ensure!(
            (0.0..=1.0).contains(&self.repeat_share),
            "--repeat-share must be between 0 and 1"
        );
        let bytes = self
            .feeds()
            .saturating_mul(Platform::ALL.len())
            .saturating_mul(self.items)
            .saturating_mul(self.chars + ITEM_BYTES);
        ensure!(
            bytes <= MAX_PREPARED_BYTES,
            "{} feeds of each platform take about {} GiB of memory: reduce the number of feeds or items",
            self.feeds(),
            bytes >> 30
        );
        Ok(())
    }

    /// Returns the number of different feeds for each platform.
    fn feeds(&self) -> usize {
        let feeds = if self.repeat { Some(1) } else { self.feeds };
        feeds.map_or(self.requests, |feeds| feeds.min(self.requests))
    }

    /// Prepares the loads, which run one after another. All are prepared before the first runs, because it takes a core.
    fn loads(&self, target: &Target) -> anyhow::Result<Vec<(Platform, Load)>> {
        let load = |&platform| Ok((platform, self.load(target, platform)?));
        Platform::ALL.iter().map(load).collect()
    }

    fn load(&self, target: &Target, platform: Platform) -> anyhow::Result<Load> {
        let spec = FeedSpec {
            items: self.items,
            chars: self.chars,
            repeat_share: self.repeat_share,
            seed: self.seed,
        };
        Ok(Load {
            target: target.clone(),
            feeds: prepare_feeds(&spec, platform, self.feeds())?,
            requests: self.requests,
            connections: self.connections,
            pace: self.rate.map_or(Pace::Closed, |rate| Pace::Open { rate }),
            accept_refusals: self.accept_refusals,
        })
    }

    fn print(&self, reports: &[Report]) -> anyhow::Result<()> {
        if self.json {
            return print_line(&serde_json::to_string(reports)?);
        }
        print_line(Report::HEADER)?;
        for report in reports {
            print_line(&report.row())?;
        }
        reports.last().map_or(Ok(()), print_details)
    }
}

/// Prints what the columns do not show.
fn print_details(all: &Report) -> anyhow::Result<()> {
    if all.degraded > 0 {
        print_line(&format!("{} degraded responses", all.degraded))?;
    }
    if all.refused > 0 {
        let (refused, p99_ms) = (all.refused, all.refused_p99_ms);
        print_line(&format!("{refused} refusals, p99 {p99_ms:.2} ms"))?;
    }
    for (failure, times) in &all.failures {
        print_line(&format!("{times} x {failure}"))?;
    }
    Ok(())
}
