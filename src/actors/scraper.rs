use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle, Supervised,
    WrapFuture,
};
use serde_json::value::to_raw_value;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::messages::{RunNow, RunNowAnswer};
use super::supervision::Incarnation;
use super::{Batch, IngestError, IngestInbox, ScraperLog};
use crate::db::{NewScrapedPost, NewScraperError};
use crate::settings::ScraperSettings;
use crate::sources::{Fetched, Outbox, OutboxEntry, OutboxError, OutboxPost, Source, SourceError};

/// The first wait after a failure; it doubles with each, up to [`LONGEST_BACKOFF`] and the scraper's period.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_mins(15);
/// How soon a batch that could not be stored is tried again.
const RETRY_DELIVERY: Duration = Duration::from_secs(1);
/// How soon a scraper looks whether its outbox has room again.
const RETRY_FULL: Duration = Duration::from_secs(1);

/// Most pages of one pass: a source that always promises more must not go on for ever.
const MAX_PAGES: usize = 1_000;

/// Asks one source for new posts, again and again, and keeps what it is given in the outbox until it is stored.
pub struct Scraper {
    parts: ScraperParts,
    incarnation: Incarnation,
    running: bool,
    delivering: bool,
    next: SpawnHandle,
}

/// What a scraper works with.
#[derive(Clone)]
pub struct ScraperParts {
    /// When it runs, and how much at a time.
    pub settings: ScraperSettings,
    /// What it asks.
    pub source: Arc<dyn Source>,
    /// Where it keeps what is not stored yet; locked on blocking threads only.
    pub outbox: Arc<Mutex<Outbox>>,
    /// Fetching stops at this many bytes in the outbox.
    pub max_outbox_bytes: u64,
    /// Where posts are stored.
    pub ingester: IngestInbox,
    /// Where sources are asked: no actor's thread.
    pub runtime: Handle,
    /// What it does, for others to see.
    pub log: Arc<ScraperLog>,
}

/// It is time for a pass.
#[derive(Message)]
#[rtype(result = "()")]
struct Tick;

/// Something waits in the outbox.
#[derive(Message)]
#[rtype(result = "()")]
struct Deliver;

/// How a pass ended.
enum Pass {
    /// With everything that the source had, or as much as the limit allows.
    Done { to_the_end: bool },
    /// Without having begun: the outbox is full.
    Full,
}

/// Why a pass did not succeed.
#[derive(Debug, thiserror::Error)]
enum ScrapeError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("the source panicked")]
    Panicked,
}

impl Scraper {
    /// A scraper that begins within its `jitter`.
    pub fn new(parts: ScraperParts, incarnation: Incarnation) -> Self {
        Self {
            parts,
            incarnation,
            running: false,
            delivering: false,
            next: SpawnHandle::default(),
        }
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        self.running = true;
        self.parts.log.pass_began();
        let pass = run_once(self.parts.clone(), self.incarnation.clone());
        ctx.spawn(pass.into_actor(self).map(|outcome, scraper, ctx| {
            scraper.running = false;
            let pause = scraper.settle(outcome);
            scraper.tick_in(pause, ctx);
            ctx.notify(Deliver);
        }));
    }

    /// Takes note of how a pass ended, and answers when the next begins.
    fn settle(&self, outcome: Result<Pass, ScrapeError>) -> Duration {
        let ScraperSettings { every, jitter, .. } = self.parts.settings;
        let log = &self.parts.log;
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
                tracing::warn!(scraper = log.name(), %error, failures, "a source could not be read");
                hold_off.unwrap_or_else(|| backoff(failures, every))
            }
        }
    }

    fn tick_in(&mut self, pause: Duration, ctx: &mut Context<Self>) {
        ctx.cancel_future(self.next);
        self.next = ctx.notify_later(Tick, pause);
        self.parts.log.next_run_in(pause);
    }
}

/// Doubles from [`FIRST_BACKOFF`], each wait shortened by up to half at random, and is never longer than a period.
fn backoff(failures: u32, every: Duration) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    let longest = FIRST_BACKOFF.saturating_mul(doubled).min(LONGEST_BACKOFF);
    let jitter: f64 = rand::random();
    longest.mul_f64(1.0 - jitter / 2.0).min(every)
}

impl Actor for Scraper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let jitter = self.parts.settings.jitter.mul_f64(rand::random());
        self.tick_in(jitter, ctx);
        ctx.notify(Deliver);
    }
}

impl Supervised for Scraper {
    /// What was under way is lost; the outbox knows where to go on.
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.running = false;
        self.delivering = false;
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
        if let Some(wait) = self.parts.log.held_off() {
            return RunNowAnswer::HeldOff(wait);
        }
        self.begin(ctx);
        RunNowAnswer::Started
    }
}

impl Handler<Deliver> for Scraper {
    type Result = ();

    fn handle(&mut self, Deliver: Deliver, ctx: &mut Self::Context) {
        if self.delivering || !self.incarnation.is_current() {
            return;
        }
        self.delivering = true;
        let delivery = deliver(self.parts.clone());
        ctx.spawn(delivery.into_actor(self).map(|outcome, scraper, ctx| {
            scraper.delivering = false;
            match outcome {
                // Something may have come in since.
                Ok(0) => {}
                Ok(_) => ctx.notify(Deliver),
                Err(error) => {
                    if let DeliveryError::Outbox(error) = error {
                        tracing::error!(scraper = scraper.parts.log.name(), %error, "an outbox cannot be emptied");
                    }
                    ctx.notify_later(Deliver, RETRY_DELIVERY);
                }
            }
        }));
    }
}

/// One pass: page after page, each in the outbox before the next is asked for.
async fn run_once(parts: ScraperParts, incarnation: Incarnation) -> Result<Pass, ScrapeError> {
    let task_id = Uuid::now_v7().to_string();
    let mut found = 0;
    for _ in 0..MAX_PAGES {
        if !incarnation.is_current() {
            break;
        }
        let (position, waiting) = with_outbox(&parts, |outbox| {
            Ok((outbox.position().clone(), outbox.waiting_bytes()))
        })
        .await?;
        if waiting >= parts.max_outbox_bytes {
            return Ok(Pass::Full);
        }
        let page_limit = parts.settings.limit - found;
        let source = Arc::clone(&parts.source);
        let fetch = async move { source.fetch(&position, page_limit).await };
        let page = parts.runtime.spawn(fetch).await;
        let page = match page.map_err(|_| ScrapeError::Panicked) {
            Ok(page) => page.map_err(ScrapeError::Source),
            Err(panicked) => Err(panicked),
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                let failure = OutboxEntry {
                    task_id,
                    errors: vec![error.to_string()],
                    ..OutboxEntry::default()
                };
                with_outbox(&parts, move |outbox| outbox.append(&failure)).await?;
                return Err(error);
            }
        };
        let (more, posts) = (page.more, page.posts.len());
        let entry = entry(task_id.clone(), page);
        with_outbox(&parts, move |outbox| outbox.append(&entry)).await?;
        parts.log.found(posts);
        found += posts;
        if !more || found >= parts.settings.limit {
            return Ok(Pass::Done { to_the_end: !more });
        }
    }
    Ok(Pass::Done { to_the_end: false })
}

fn entry(task_id: String, page: Fetched) -> OutboxEntry {
    let mut errors = page.unreadable;
    let posts = page.posts.into_iter().filter_map(|post| {
        let post_id = post.item.id.clone();
        match to_raw_value(&post) {
            Ok(blob) => Some(OutboxPost { post_id, blob }),
            Err(error) => {
                errors.push(format!("post {post_id} cannot be written: {error}"));
                None
            }
        }
    });
    let posts = posts.collect();
    OutboxEntry {
        task_id,
        position: Some(page.next),
        posts,
        errors,
    }
}

/// Why an entry is still in the outbox.
enum DeliveryError {
    Outbox(OutboxError),
    Ingest,
}

/// Hands entries to the ingester, in their order, until none is left. Answers how many.
async fn deliver(parts: ScraperParts) -> Result<usize, DeliveryError> {
    let mut delivered = 0;
    loop {
        let first = with_outbox(&parts, Outbox::first).await;
        let Some(entry) = first.map_err(DeliveryError::Outbox)? else {
            return Ok(delivered);
        };
        let (batch, bytes) = batch(parts.log.name(), entry);
        parts
            .ingester
            .ingest(batch, bytes)
            .await
            .map_err(|_: IngestError| DeliveryError::Ingest)?;
        with_outbox(&parts, Outbox::acknowledge)
            .await
            .map_err(DeliveryError::Outbox)?;
        delivered += 1;
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

/// Uses the outbox on a blocking thread, and tells the log how much is in it afterwards.
async fn with_outbox<T: Send + 'static>(
    parts: &ScraperParts,
    effect: impl FnOnce(&mut Outbox) -> Result<T, OutboxError> + Send + 'static,
) -> Result<T, OutboxError> {
    let (outbox, log) = (Arc::clone(&parts.outbox), Arc::clone(&parts.log));
    let used = parts.runtime.spawn_blocking(move || {
        let mut outbox = outbox.lock().unwrap_or_else(PoisonError::into_inner);
        let used = effect(&mut outbox);
        log.outbox_holds(outbox.waiting_bytes());
        used
    });
    used.await.unwrap_or_else(|_| Err(OutboxError::Abandoned))
}
