use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle, Supervised,
    WrapFuture,
};
use arc_swap::ArcSwap;

use super::{Batch, IngestError, IngestHandle};
use crate::db::{NewScrapedPost, NewScraperError};
use crate::ingestion::{Pass, ScrapeContext, ScrapeError, ScraperLog, run_once};
use crate::settings::ScraperSettings;
use crate::sources::{Outbox, OutboxEntry, OutboxError};
use weir_supervision::{ActorRef, Backoff, Incarnation, SupervisedActor};

/// Delays after failed passes, which are never longer than the scraper's period.
const PASS_BACKOFF: Backoff =
    Backoff::new(Duration::from_secs(1), Duration::from_mins(15)).with_jitter(0.5);
/// Delays before posts that could not be stored are sent again.
const DELIVERY_BACKOFF: Backoff =
    Backoff::new(Duration::from_secs(1), Duration::from_secs(10)).with_jitter(0.5);
/// Time after which a scraper checks whether its outbox has room again.
const RETRY_FULL: Duration = Duration::from_secs(1);

/// Fetches new posts from one source, again and again, and keeps them in the outbox until they are stored.
pub struct Scraper {
    deps: ScraperDeps,
    incarnation: Incarnation,
    running: bool,
    delivering: bool,
    /// Set when entries may have come into the outbox since the current delivery began.
    deliver_again: bool,
    failed_deliveries: u32,
    next: SpawnHandle,
}

/// Dependencies of a scraper.
#[derive(Clone)]
pub struct ScraperDeps {
    /// Everything that its passes need.
    pub context: ScrapeContext,
    /// Handle of the actor that stores what it fetches.
    pub ingester: IngestHandle,
}

/// Start a pass now, whatever the time.
#[derive(Debug, Message)]
#[rtype(result = "RunNowAnswer")]
pub struct RunNow;

/// Answer to [`RunNow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, actix::MessageResponse)]
pub enum RunNowAnswer {
    /// A pass has started.
    Started,
    /// A pass is running already.
    AlreadyRunning,
    /// The source has asked for a pause of which this is left.
    HeldOff(Duration),
}

/// Start a pass.
#[derive(Message)]
#[rtype(result = "()")]
struct Tick;

/// Send what is in the outbox to the ingester.
#[derive(Message)]
#[rtype(result = "()")]
struct Deliver;

impl SupervisedActor for Scraper {
    type Deps = ScraperDeps;
    type Counters = ScraperLog;

    fn new(deps: ScraperDeps, _: Arc<ScraperLog>, incarnation: Incarnation) -> Self {
        Self {
            deps,
            incarnation,
            running: false,
            delivering: false,
            deliver_again: false,
            failed_deliveries: 0,
            next: SpawnHandle::default(),
        }
    }
}

impl Scraper {
    fn begin(&mut self, ctx: &mut Context<Self>) {
        self.running = true;
        self.deps.context.log.pass_began();
        let pass = run_once(self.deps.context.clone(), self.incarnation.clone());
        let pass = self.deps.context.aside(pass);
        ctx.spawn(pass.into_actor(self).map(|outcome, scraper, ctx| {
            scraper.running = false;
            let pause = scraper.settle(outcome.unwrap_or(Err(ScrapeError::Panicked)));
            scraper.tick_in(pause, ctx);
            ctx.notify(Deliver);
        }));
    }

    /// Records how a pass ended and returns the delay before the next.
    fn settle(&self, outcome: Result<Pass, ScrapeError>) -> Duration {
        let ScraperSettings { every, jitter, .. } = self.deps.context.settings;
        let log = &self.deps.context.log;
        match outcome {
            Ok(Pass::Done { to_the_end }) => {
                log.pass_succeeded(to_the_end);
                every + jitter.mul_f64(rand::random())
            }
            Ok(Pass::Full) => {
                log.pass_skipped();
                every.min(RETRY_FULL)
            }
            Err(error) => {
                let hold_off = match &error {
                    ScrapeError::Source(error) => error.retry_after(),
                    _ => None,
                };
                let failures = log.pass_failed(error.to_string(), hold_off);
                tracing::warn!(scraper = log.name(), %error, failures, "failed to read a source");
                // A host that names no time, or one that has passed, is not asked again at once.
                PASS_BACKOFF
                    .delay(failures)
                    .min(every)
                    .max(hold_off.unwrap_or_default())
            }
        }
    }

    /// Records a failed delivery and returns the delay before the next.
    fn record_failed_delivery(&mut self, error: &DeliveryError) -> Duration {
        self.failed_deliveries = self.failed_deliveries.saturating_add(1);
        // The ingester logs failures of the database.
        if let DeliveryError::Outbox(error) = error
            && self.failed_deliveries == 1
        {
            tracing::error!(scraper = self.deps.context.log.name(), %error, "failed to empty an outbox");
        }
        DELIVERY_BACKOFF.delay(self.failed_deliveries)
    }

    fn tick_in(&mut self, pause: Duration, ctx: &mut Context<Self>) {
        ctx.cancel_future(self.next);
        self.next = ctx.notify_later(Tick, pause);
        self.deps.context.log.next_run_in(pause);
    }
}

impl Actor for Scraper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let jitter = self.deps.context.settings.jitter.mul_f64(rand::random());
        self.tick_in(jitter, ctx);
        ctx.notify(Deliver);
    }
}

impl Supervised for Scraper {
    /// A pass in progress is lost; the outbox knows where to continue.
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.running = false;
        self.delivering = false;
        self.failed_deliveries = 0;
    }
}

impl Handler<Tick> for Scraper {
    type Result = ();

    fn handle(&mut self, Tick: Tick, ctx: &mut Self::Context) {
        if !self.running && self.incarnation.is_current() {
            self.begin(ctx);
        }
    }
}

impl Handler<RunNow> for Scraper {
    type Result = RunNowAnswer;

    fn handle(&mut self, RunNow: RunNow, ctx: &mut Self::Context) -> Self::Result {
        if self.running {
            return RunNowAnswer::AlreadyRunning;
        }
        if let Some(wait) = self.deps.context.log.held_off() {
            return RunNowAnswer::HeldOff(wait);
        }
        self.begin(ctx);
        RunNowAnswer::Started
    }
}

impl Handler<Deliver> for Scraper {
    type Result = ();

    fn handle(&mut self, Deliver: Deliver, ctx: &mut Self::Context) {
        self.deliver_again = self.delivering;
        if self.delivering || !self.incarnation.is_current() {
            return;
        }
        self.delivering = true;
        let delivery = self.deps.context.aside(deliver(self.deps.clone()));
        ctx.spawn(delivery.into_actor(self).map(|outcome, scraper, ctx| {
            scraper.delivering = false;
            match outcome.unwrap_or(Err(DeliveryError::Panicked)) {
                Ok(()) => {
                    scraper.failed_deliveries = 0;
                    if scraper.deliver_again {
                        ctx.notify(Deliver);
                    }
                }
                Err(error) => {
                    let pause = scraper.record_failed_delivery(&error);
                    ctx.notify_later(Deliver, pause);
                }
            }
        }));
    }
}

/// Reason for which an entry is still in the outbox.
enum DeliveryError {
    Outbox(OutboxError),
    Ingest,
    Panicked,
}

/// Sends entries to the ingester, in their order, until none is left.
async fn deliver(deps: ScraperDeps) -> Result<(), DeliveryError> {
    loop {
        let first = deps.context.with_outbox(Outbox::first).await;
        let Some((receipt, entry)) = first.map_err(DeliveryError::Outbox)? else {
            return Ok(());
        };
        let (batch, bytes) = batch(deps.context.log.name(), entry);
        deps.ingester
            .ingest(batch, bytes)
            .await
            .map_err(|_: IngestError| DeliveryError::Ingest)?;
        deps.context
            .with_outbox(move |outbox| outbox.acknowledge(receipt))
            .await
            .map_err(DeliveryError::Outbox)?;
    }
}

fn batch(source_id: &str, entry: OutboxEntry) -> (Batch, usize) {
    let bytes = entry.posts.iter().map(|post| post.blob.get().len()).sum();
    let task_id = entry.task_id;
    let posts = entry.posts.into_iter().map(|post| NewScrapedPost {
        post_id: post.post_id,
        source_id: source_id.to_owned(),
        task_id: task_id.clone(),
        post_blob: post.blob,
    });
    let errors = entry.errors.into_iter().map(|message| NewScraperError {
        source_id: source_id.to_owned(),
        task_id: task_id.clone(),
        message,
    });
    let batch = Batch {
        posts: posts.collect(),
        errors: errors.collect(),
    };
    (batch, bytes)
}

/// A scraper and its log.
#[derive(Clone)]
pub struct ScraperHandle {
    /// The actor.
    pub actor: ActorRef<Scraper>,
    /// Record of its passes.
    pub log: Arc<ScraperLog>,
}

/// The scrapers that run now, read without locks.
#[derive(Clone, Default)]
pub struct RunningScrapers(Arc<ArcSwap<Vec<ScraperHandle>>>);

impl RunningScrapers {
    /// Replaces the list.
    pub fn replace(&self, scrapers: Vec<ScraperHandle>) {
        self.0.store(Arc::new(scrapers));
    }

    /// Returns the list as it is now.
    pub fn all(&self) -> Arc<Vec<ScraperHandle>> {
        self.0.load_full()
    }
}
