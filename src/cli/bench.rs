use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;

use super::print_line;
use crate::bench::{FeedSpec, Load, Outcome, Pace, Report, Target, prepare_feeds};
use weir_feed::Platform;

/// Requests are made before the clock starts; more than this many bytes of them are refused.
const MAX_PREPARED_BYTES: usize = 4 << 30;
/// About what an item takes besides its text.
const ITEM_BYTES: usize = 600;
/// Each has a load of its own.
const PLATFORMS: [Platform; 3] = [Platform::Facebook, Platform::Reddit, Platform::Twitter];

/// Put a load on a ranking server, check every answer and print how long they took.
#[derive(Debug, Args)]
pub(super) struct Bench {
    /// Where to send the requests, as `http://127.0.0.1:8001`; without a path they go to /rank.
    url: String,
    /// Requests for each platform.
    #[arg(long, short = 'n', default_value_t = 1_000)]
    requests: usize,
    /// Connections at once.
    #[arg(long, short, default_value_t = 16)]
    connections: usize,
    /// Requests a second, whatever comes back; latency counts from when each was to be sent.
    #[arg(long, value_name = "R")]
    rate: Option<f64>,
    /// Items in each request.
    #[arg(long, default_value_t = 100)]
    items: usize,
    /// Characters in each text, about.
    #[arg(long, default_value_t = 110)]
    chars: usize,
    /// Send so many feeds of each platform in turn, in place of fresh texts in each request.
    #[arg(long, value_name = "N", conflicts_with = "repeat")]
    feeds: Option<usize>,
    /// Send one feed again and again, as `--feeds 1` does.
    #[arg(long)]
    repeat: bool,
    /// The share of texts that are some earlier text once more, 0 to 1.
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.0,
        conflicts_with = "repeat"
    )]
    repeat_share: f64,
    /// Take 503 for an answer: refusals are counted apart, and are no failures.
    #[arg(long)]
    accept_refusals: bool,
    /// What the requests are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one line of JSON in place of a table.
    #[arg(long)]
    json: bool,
    /// Fail if 95 % of the answers take longer than this.
    #[arg(long, value_name = "MS", default_value_t = 500.0)]
    p95_ms: f64,
}

impl Bench {
    /// Ends with 1 if a request failed or 95 % of them took longer than allowed.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
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
            all.took += outcome.took;
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
            "at least one request, one feed and one connection are needed"
        );
        ensure!(
            self.rate.is_none_or(|rate| rate.is_finite() && rate > 0.0),
            "--rate must be above 0"
        );
        ensure!(
            (0.0..=1.0).contains(&self.repeat_share),
            "--repeat-share must be from 0 to 1"
        );
        let bytes = self
            .feeds()
            .saturating_mul(PLATFORMS.len())
            .saturating_mul(self.items)
            .saturating_mul(self.chars + ITEM_BYTES);
        ensure!(
            bytes <= MAX_PREPARED_BYTES,
            "{} feeds of each platform take about {} GiB of memory: ask for fewer feeds or items",
            self.feeds(),
            bytes >> 30
        );
        Ok(())
    }

    /// How many different feeds are sent for each platform.
    fn feeds(&self) -> usize {
        let asked = if self.repeat { Some(1) } else { self.feeds };
        asked.map_or(self.requests, |feeds| feeds.min(self.requests))
    }

    /// The loads that follow one another; making them takes a core, so all are made before the first begins.
    fn loads(&self, target: &Target) -> anyhow::Result<Vec<(Platform, Load)>> {
        let load = |platform| Ok((platform, self.load(target, platform)?));
        PLATFORMS.into_iter().map(load).collect()
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
        print_line(Report::HEAD)?;
        for report in reports {
            print_line(&report.row())?;
        }
        reports.last().map_or(Ok(()), print_remarks)
    }
}

/// What the columns do not show.
fn print_remarks(all: &Report) -> anyhow::Result<()> {
    if all.degraded > 0 {
        print_line(&format!("{} x something was missing", all.degraded))?;
    }
    if all.refused > 0 {
        let (refused, p99_ms) = (all.refused, all.refused_p99_ms);
        print_line(&format!("{refused} x refused, p99 {p99_ms:.2} ms"))?;
    }
    for (failure, times) in &all.failures {
        print_line(&format!("{times} x {failure}"))?;
    }
    Ok(())
}
