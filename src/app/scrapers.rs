use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::StartupError;
use crate::actors::{IngestHandle, RunningScrapers, ScraperDeps, ScraperHandle};
use crate::ingestion::{ScrapeContext, ScraperLog};
use crate::settings::{ScraperSettings, Settings};
use crate::sources::{self, Outbox, Outside, Source, SourcePlan};
use weir_supervision::ActorSystem;

/// Reads and checks the arguments of every scraper's source, without opening any.
pub fn check_scrapers(settings: &Settings) -> Result<(), StartupError> {
    let mut scrapers = settings.scrapers.iter();
    scrapers.try_for_each(|(name, scraper)| plan(name, scraper).map(drop))
}

/// Opens the source of every scraper and lets go of it again: one that cannot be opened is to keep Weir from starting
/// before anything else is.
pub(super) fn try_sources(settings: &Settings) -> Result<(), StartupError> {
    let outside = Outside::new(BTreeSet::new())?;
    let mut scrapers = settings.scrapers.iter();
    scrapers.try_for_each(|(name, scraper)| {
        let plan = plan(name, scraper)?;
        open(name, scraper, plan, &outside).map(drop)
    })
}

fn open(
    name: &str,
    settings: &ScraperSettings,
    plan: SourcePlan,
    outside: &Outside,
) -> Result<Arc<dyn Source>, StartupError> {
    let source = plan.open(outside, settings.timeout);
    source.map_err(|source| StartupError::Source {
        scraper: name.to_owned(),
        source,
    })
}

fn plan(name: &str, scraper: &ScraperSettings) -> Result<SourcePlan, StartupError> {
    sources::plan(&scraper.source, &scraper.args).map_err(|source| StartupError::Scraper {
        scraper: name.to_owned(),
        source,
    })
}

/// The scrapers, brought in line with the settings whenever these change.
pub(super) struct Fleet {
    outboxes_folder: PathBuf,
    max_outbox_bytes: u64,
    ingester: IngestHandle,
    system: ActorSystem,
    /// The way out of all scrapers that reach no private host.
    outside: Outside,
    /// Of every scraper there has been: two must not have the same file open.
    outboxes: BTreeMap<String, Arc<Mutex<Outbox>>>,
    running: BTreeMap<String, (ScraperSettings, ScraperHandle)>,
    known: RunningScrapers,
}

impl Fleet {
    /// A fleet without scrapers, which keep their outboxes in a folder.
    pub(super) fn new(
        outboxes_folder: PathBuf,
        max_outbox_bytes: u64,
        ingester: IngestHandle,
        system: ActorSystem,
    ) -> Result<Self, StartupError> {
        Ok(Self {
            outboxes_folder,
            max_outbox_bytes,
            ingester,
            system,
            outside: Outside::new(BTreeSet::new())?,
            outboxes: BTreeMap::new(),
            running: BTreeMap::new(),
            known: RunningScrapers::default(),
        })
    }

    /// Those that run, for others to see.
    pub(super) fn known(&self) -> RunningScrapers {
        self.known.clone()
    }

    /// Starts scrapers that are new, replaces those that changed and lets go of those that are gone. One that cannot be
    /// started is answered with the reason; what ran under its name goes on.
    pub(super) fn align(&mut self, settings: &Settings) -> Vec<StartupError> {
        let wanted = &settings.scrapers;
        self.running.retain(|name, _| wanted.contains_key(name));
        let changed = |(name, scraper): &(&String, &ScraperSettings)| {
            self.running
                .get(*name)
                .is_none_or(|(now, _)| now != *scraper)
        };
        let changed: Vec<_> = wanted.iter().filter(changed).collect();
        let mut failures = Vec::new();
        for (name, scraper) in changed {
            match self.start(name, scraper) {
                Ok(known) => {
                    let running = (scraper.clone(), known);
                    self.running.insert(name.clone(), running);
                }
                Err(why) => failures.push(why),
            }
        }
        let running = self.running.values();
        self.known
            .replace(running.map(|(_, known)| known.clone()).collect());
        failures
    }

    /// Aligns itself by each new version of the settings.
    pub(super) async fn follow(mut self, mut settings: watch::Receiver<Arc<Settings>>) {
        while settings.changed().await.is_ok() {
            let newest = Arc::clone(&settings.borrow_and_update());
            for error in self.align(&newest) {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "an edited scraper is not taken");
            }
        }
    }

    fn start(
        &mut self,
        name: &str,
        settings: &ScraperSettings,
    ) -> Result<ScraperHandle, StartupError> {
        let plan = plan(name, settings)?;
        let source_identity = plan.identity().to_owned();
        let outside = self.outside.leading_to(plan.private_hosts())?;
        let source = open(name, settings, plan, &outside)?;
        let outbox = self.outbox(name)?;
        let log = Arc::new(ScraperLog::new(name, settings.every, self.max_outbox_bytes));
        let context = ScrapeContext {
            settings: settings.clone(),
            source,
            source_identity,
            outbox,
            max_outbox_bytes: self.max_outbox_bytes,
            runtime: Handle::current(),
            log: Arc::clone(&log),
        };
        let deps = ScraperDeps {
            context,
            ingester: self.ingester.clone(),
        };
        let actor_name = format!("scraper.{name}");
        let actor = self
            .system
            .spawn_while_used(&actor_name, Arc::clone(&log), deps);
        Ok(ScraperHandle { actor, log })
    }

    fn outbox(&mut self, name: &str) -> Result<Arc<Mutex<Outbox>>, StartupError> {
        if let Some(outbox) = self.outboxes.get(name) {
            return Ok(Arc::clone(outbox));
        }
        let path = self.outboxes_folder.join(format!("{name}.jsonl"));
        let outbox = Arc::new(Mutex::new(Outbox::open(&path)?));
        self.outboxes.insert(name.to_owned(), Arc::clone(&outbox));
        Ok(outbox)
    }
}
