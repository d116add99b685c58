mod delivery;
mod parts;
mod pass;

use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle, Supervised,
    WrapFuture,
};

use self::delivery::{DeliveryError, deliver};
pub use self::parts::ScraperParts;
use self::pass::{Pass, ScrapeError, run_once};
use super::messages::{RunNow, RunNowAnswer};
use crate::settings::ScraperSettings;
use weir_supervision::Incarnation;

/// The first wait after a failure; it doubles with each, up to [`LONGEST_BACKOFF`] and the scraper's period.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_mins(15);
/// The longest wait before posts that could not be stored are handed over again.
const LONGEST_DELIVERY_BACKOFF: Duration = Duration::from_secs(10);
/// How soon a scraper looks whether its outbox has room again.
const RETRY_FULL: Duration = Duration::from_secs(1);

/// Asks one source for new posts, again and again, and keeps what it is given in the outbox until it is stored.
pub struct Scraper {
    parts: ScraperParts,
    incarnation: Incarnation,
    running: bool,
    delivering: bool,
    /// Something may have come into the outbox since the delivery under way began.
    deliver_again: bool,
    failed_deliveries: u32,
    next: SpawnHandle,
}

/// It is time for a pass.
#[derive(Message)]
#[rtype(result = "()")]
struct Tick;

/// Something waits in the outbox.
#[derive(Message)]
#[rtype(result = "()")]
struct Deliver;

impl Scraper {
    /// A scraper that begins within its `jitter`.
    pub fn new(parts: ScraperParts, incarnation: Incarnation) -> Self {
        Self {
            parts,
            incarnation,
            running: false,
            delivering: false,
            deliver_again: false,
            failed_deliveries: 0,
            next: SpawnHandle::default(),
        }
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        self.running = true;
        self.parts.log.pass_began();
        let pass = run_once(self.parts.clone(), self.incarnation.clone());
        let pass = self.parts.aside(pass);
        ctx.spawn(pass.into_actor(self).map(|outcome, scraper, ctx| {
            scraper.running = false;
            let pause = scraper.settle(outcome.unwrap_or(Err(ScrapeError::Panicked)));
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
                // A host that names no time, or one that is over, is not asked at once again.
                backoff(failures, every).max(hold_off.unwrap_or_default())
            }
        }
    }

    /// Takes note of a delivery that failed, and answers when to try again.
    fn put_off_delivery(&mut self, error: &DeliveryError) -> Duration {
        self.failed_deliveries = self.failed_deliveries.saturating_add(1);
        // The ingester says itself what ails the database.
        if let DeliveryError::Outbox(error) = error
            && self.failed_deliveries == 1
        {
            tracing::error!(scraper = self.parts.log.name(), %error, "an outbox cannot be emptied");
        }
        backoff(self.failed_deliveries, LONGEST_DELIVERY_BACKOFF)
    }

    fn tick_in(&mut self, pause: Duration, ctx: &mut Context<Self>) {
        ctx.cancel_future(self.next);
        self.next = ctx.notify_later(Tick, pause);
        self.parts.log.next_run_in(pause);
    }
}

/// Doubles from [`FIRST_BACKOFF`], each wait shortened by up to half at random, and is never longer than `most`.
fn backoff(failures: u32, most: Duration) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    let longest = FIRST_BACKOFF.saturating_mul(doubled).min(LONGEST_BACKOFF);
    let jitter: f64 = rand::random();
    longest.mul_f64(1.0 - jitter / 2.0).min(most)
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
        self.deliver_again = self.delivering;
        if self.delivering || !self.incarnation.is_current() {
            return;
        }
        self.delivering = true;
        let delivery = self.parts.aside(deliver(self.parts.clone()));
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
                    let pause = scraper.put_off_delivery(&error);
                    ctx.notify_later(Deliver, pause);
                }
            }
        }));
    }
}
