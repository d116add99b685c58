use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand, ValueEnum};

use super::config;
use crate::db::{Database, StoredRanking, TimeRange};
use crate::settings::DatabaseSettings;
use weir_feed::parse_timestamp;

/// Rankings in memory at a time.
const PAGE: u64 = 500;

const COLUMNS: [&str; 14] = [
    "id",
    "at",
    "session_id",
    "user_id",
    "platform",
    "arm",
    "policy",
    "config_version",
    "intervention_on",
    "prefetch",
    "degraded",
    "ids_sent",
    "ids_returned",
    "took_ms",
];

/// Write out what the database keeps for a study's analysts.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Rankings(Rankings),
}

/// What /rank decided, in the order in which it was stored.
#[derive(Debug, Args)]
struct Rankings {
    /// csv: a header line, lists as JSON in one field; jsonl: a JSON object a line.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// From this time on: ISO 8601, UTC without a zone, or a date.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<DateTime<Utc>>,
    /// Where to write, over what is there; by default to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`; by default that of the settings.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The configuration file; see docs/configuration.md.
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let What::Rankings(rankings) = self.what;
        rankings.run()
    }
}

impl Rankings {
    fn run(self) -> anyhow::Result<()> {
        let settings = match &self.database {
            Some(url) => DatabaseSettings::for_command(url),
            None => config::load(self.config.as_deref())?.database,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        match runtime.block_on(self.export(&settings)) {
            Err(error) if is_broken_pipe(&error) => Ok(()),
            exported => exported,
        }
    }

    async fn export(&self, settings: &DatabaseSettings) -> anyhow::Result<()> {
        let at = TimeRange {
            from: self.from,
            to: self.to,
        };
        ensure!(
            at.from.is_none() || at.to.is_none() || at.from < at.to,
            "--from must be before --to"
        );
        let database = Database::connect_existing(settings).await?;
        ensure!(
            database.has_rankings().await?,
            "the database {} has no table rankings: `weir serve` makes it, and fills it with rankings.enabled = true",
            settings.url
        );
        let mut pages = database.ranking_pages(at, PAGE).await?;
        let mut output = Output::new(self.format, opened(self.out.as_deref())?)?;
        while let Some(page) = pages.next().await? {
            for ranking in &page {
                output.write(ranking)?;
            }
        }
        output.finish()?;
        Ok(database.close().await?)
    }
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    parse_timestamp(text).ok_or("expected a time such as 2026-11-24T08:00:00Z, or a date")
}

fn opened(out: Option<&Path>) -> anyhow::Result<Box<dyn Write>> {
    Ok(match out {
        Some(path) => Box::new(
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
        ),
        None => Box::new(io::stdout().lock()),
    })
}

/// A reader that has gone away, as `head` does, is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

enum Output {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Jsonl(BufWriter<Box<dyn Write>>),
}

impl Output {
    fn new(format: Format, to: Box<dyn Write>) -> io::Result<Self> {
        Ok(match format {
            Format::Jsonl => Self::Jsonl(BufWriter::new(to)),
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(to);
                csv.write_record(COLUMNS).map_err(io_error)?;
                Self::Csv(Box::new(csv))
            }
        })
    }

    fn write(&mut self, ranking: &StoredRanking) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.write_record(record(ranking)?).map_err(io_error),
            Self::Jsonl(lines) => {
                serde_json::to_writer(&mut *lines, ranking)?;
                lines.write_all(b"\n")
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Csv(mut csv) => csv.flush(),
            Self::Jsonl(mut lines) => lines.flush(),
        }
    }
}

/// What went wrong below, with its kind.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// The fields in the order of [`COLUMNS`].
fn record(stored: &StoredRanking) -> io::Result<[String; 14]> {
    let StoredRanking { id, ranking } = stored;
    Ok([
        id.to_string(),
        ranking.at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        ranking.session_id.clone(),
        ranking.user_id.clone(),
        ranking.platform.clone(),
        ranking.arm.clone().unwrap_or_default(),
        ranking.policy.clone(),
        ranking.config_version.to_string(),
        ranking.intervention_on.to_string(),
        ranking.prefetch.to_string(),
        serde_json::to_string(&ranking.degraded)?,
        serde_json::to_string(&ranking.ids_sent)?,
        serde_json::to_string(&ranking.ids_returned)?,
        ranking.took_ms.to_string(),
    ])
}
