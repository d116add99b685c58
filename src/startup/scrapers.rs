use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;

use super::StartupError;
use crate::actors::supervision::ActorSystem;
use crate::actors::{IngestInbox, Scraper, ScraperLog, ScraperParts};
use crate::http::KnownScraper;
use crate::settings::{ScraperSettings, Settings};
use crate::sources::{self, Outbox, Outside, SourcePlan};

/// A scraper whose source has been read from the settings.
pub struct PreparedScraper {
    name: String,
    settings: ScraperSettings,
    plan: SourcePlan,
}

/// Reads and checks the source of every scraper, without opening any.
pub fn prepare_scrapers(settings: &Settings) -> Result<Vec<PreparedScraper>, StartupError> {
    let scrapers = settings.scrapers.iter().map(|(name, scraper)| {
        let plan = sources::plan(&scraper.source, &scraper.args);
        let plan = plan.map_err(|source| StartupError::Scraper {
            scraper: name.clone(),
            source,
        })?;
        Ok(PreparedScraper {
            name: name.clone(),
            settings: scraper.clone(),
            plan,
        })
    });
    scrapers.collect()
}

/// Opens the sources and the outboxes in `folder`, and starts an actor for each.
pub(super) fn start(
    prepared: Vec<PreparedScraper>,
    folder: &Path,
    max_outbox_bytes: u64,
    ingester: &IngestInbox,
    system: &ActorSystem,
) -> Result<Vec<KnownScraper>, StartupError> {
    if prepared.is_empty() {
        return Ok(Vec::new());
    }
    let private = prepared.iter().flat_map(|it| it.plan.private_hosts());
    let outside = Outside::new(private.collect())?;
    let start = |scraper: PreparedScraper| {
        let PreparedScraper {
            name,
            settings,
            plan,
        } = scraper;
        let source_identity = plan.identity().to_owned();
        let source = plan.open(&outside, settings.timeout);
        let source = source.map_err(|source| StartupError::Source {
            scraper: name.clone(),
            source,
        })?;
        let outbox = Outbox::open(&folder.join(format!("{name}.jsonl")))?;
        let log = ScraperLog::new(&name, settings.every, max_outbox_bytes);
        log.outbox_holds(outbox.waiting_bytes());
        let parts = ScraperParts {
            settings,
            source,
            source_identity,
            outbox: Arc::new(Mutex::new(outbox)),
            max_outbox_bytes,
            ingester: ingester.clone(),
            runtime: Handle::current(),
            log: Arc::new(log),
        };
        Ok(supervise(&name, parts, system))
    };
    prepared.into_iter().map(start).collect()
}

fn supervise(name: &str, parts: ScraperParts, system: &ActorSystem) -> KnownScraper {
    let log = Arc::clone(&parts.log);
    let shown = Arc::clone(&parts.log);
    let actor = system.supervise(&format!("scraper.{name}"), shown, move |_, incarnation| {
        Scraper::new(parts.clone(), incarnation)
    });
    KnownScraper { actor, log }
}
