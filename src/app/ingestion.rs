use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;

use super::StartupError;
use super::reload::{Change, Reconcile};
use super::runtime::Runtime;
use super::stores::Stores;
use crate::actors::{IngestHandle, IngesterDeps, RunningScrapers, ScraperDeps, ScraperHandle};
use crate::data_dir::DataDir;
use crate::ingestion::{ScrapeContext, ScraperLog};
use crate::programs::ProgramDirectory;
use crate::settings::{ScraperSettings, Settings};
use crate::sources::{self, Outbox, Outside, Source, SourceArgumentError, SourcePlan};
use weir_supervision::ActorSystem;

/// Reads and checks the arguments of every scraper's source, without opening any.
pub fn check_scrapers(settings: &Settings) -> Result<(), StartupError> {
    let mut scrapers = settings.scrapers.iter();
    let programs = ProgramDirectory::default();
    scrapers.try_for_each(|(name, scraper)| plan(name, scraper, settings, &programs).map(drop))
}

/// Opens the source of every scraper and drops it again, so that one that cannot be opened is reported before anything is
/// started.
pub(super) fn try_sources(settings: &Settings) -> Result<(), StartupError> {
    let outside = Outside::new(BTreeSet::new())?;
    let programs = ProgramDirectory::default();
    let mut scrapers = settings.scrapers.iter();
    scrapers.try_for_each(|(name, scraper)| {
        let plan = plan(name, scraper, settings, &programs)?;
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

/// `programs` are those that sources of programs are fetched from.
fn plan(
    name: &str,
    scraper: &ScraperSettings,
    settings: &Settings,
    programs: &ProgramDirectory,
) -> Result<SourcePlan, StartupError> {
    let wrong = |source| StartupError::Scraper {
        scraper: name.to_owned(),
        source,
    };
    let program = scraper.source.split_once('.').map(|(program, _)| program);
    if program.is_some_and(|program| !settings.programs.contains_key(program)) {
        return Err(wrong(SourceArgumentError::Unknown {
            name: scraper.source.clone(),
            known: sources::kinds(),
        }));
    }
    sources::plan(&scraper.source, &scraper.args, programs).map_err(wrong)
}

/// Scrapers and the ingester that stores their posts.
pub(super) struct Ingestion {
    pub(super) ingester: IngestHandle,
    pub(super) scrapers: RunningScrapers,
}

/// Starts the ingester, which stores once the database is prepared, and the scrapers.
pub(super) fn start(
    settings: &Settings,
    stores: &Stores,
    data_dir: &DataDir,
    programs: ProgramDirectory,
    runtime: &Runtime,
) -> Result<(Ingestion, ScraperReconciler), StartupError> {
    let deps = IngesterDeps {
        database: stores.database.clone(),
        prepared: runtime.prepared(),
    };
    let ingester = runtime.system.spawn("ingester", Arc::default(), deps);
    let ingester = IngestHandle::new(ingester);
    let mut scrapers = ScraperReconciler {
        outboxes_folder: data_dir.outboxes(),
        max_outbox_bytes: settings.outbox.max_bytes,
        ingester: ingester.clone(),
        system: runtime.system.clone(),
        runtime: Handle::current(),
        outside: Outside::new(BTreeSet::new())?,
        outboxes: BTreeMap::new(),
        running: BTreeMap::new(),
        programs,
        known: RunningScrapers::default(),
    };
    scrapers.plan(settings)?();
    let ingestion = Ingestion {
        ingester,
        scrapers: scrapers.known.clone(),
    };
    Ok((ingestion, scrapers))
}

/// The scrapers that the settings name.
pub(super) struct ScraperReconciler {
    outboxes_folder: PathBuf,
    max_outbox_bytes: u64,
    ingester: IngestHandle,
    system: ActorSystem,
    runtime: Handle,
    /// HTTP client of all scrapers that reach no private host.
    outside: Outside,
    /// Outboxes of all scrapers that have been started: two must not have the same file open.
    outboxes: BTreeMap<String, Arc<Mutex<Outbox>>>,
    running: BTreeMap<String, RunningScraper>,
    /// Programs whose sources may be named.
    programs: ProgramDirectory,
    known: RunningScrapers,
}

struct RunningScraper {
    settings: ScraperSettings,
    known: ScraperHandle,
}

impl Reconcile for ScraperReconciler {
    /// Opens the sources of new and changed scrapers. Applied, it replaces those that changed and stops those that are gone.
    fn plan<'a>(&'a mut self, settings: &Settings) -> Result<Change<'a>, StartupError> {
        let wanted: BTreeSet<String> = settings.scrapers.keys().cloned().collect();
        let mut changed = Vec::new();
        for (name, scraper) in &settings.scrapers {
            let running = self.running.get(name);
            if running.is_none_or(|running| running.settings != *scraper) {
                changed.push((name.clone(), self.prepare(name, scraper, settings)?));
            }
        }
        Ok(Box::new(move || {
            self.running.retain(|name, _| wanted.contains(name));
            for (name, deps) in changed {
                let running = self.start(&name, deps);
                self.running.insert(name, running);
            }
            let known = self.running.values().map(|running| running.known.clone());
            self.known.replace(known.collect());
        }))
    }
}

impl ScraperReconciler {
    fn prepare(
        &mut self,
        name: &str,
        scraper: &ScraperSettings,
        settings: &Settings,
    ) -> Result<ScraperDeps, StartupError> {
        let plan = plan(name, scraper, settings, &self.programs)?;
        let source_identity = plan.identity().to_owned();
        let outside = self.outside.leading_to(plan.private_hosts())?;
        let source = open(name, scraper, plan, &outside)?;
        let context = ScrapeContext {
            settings: scraper.clone(),
            source,
            source_identity,
            outbox: self.outbox(name)?,
            max_outbox_bytes: self.max_outbox_bytes,
            runtime: self.runtime.clone(),
            log: Arc::new(ScraperLog::new(name, scraper.every, self.max_outbox_bytes)),
        };
        Ok(ScraperDeps {
            context,
            ingester: self.ingester.clone(),
        })
    }

    fn start(&self, name: &str, deps: ScraperDeps) -> RunningScraper {
        let settings = deps.context.settings.clone();
        let log = Arc::clone(&deps.context.log);
        let actor_name = format!("scraper.{name}");
        let actor = self
            .system
            .spawn_while_used(&actor_name, Arc::clone(&log), deps);
        RunningScraper {
            settings,
            known: ScraperHandle { actor, log },
        }
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
