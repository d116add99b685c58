//! Actors that panic, stop and freeze, under real supervision.

mod panics;
mod restarts;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::{
    ActorMetrics, ActorRef, ActorStatus, ActorSystem, Backoff, Exit, Incarnation, Kind,
    SupervisedActor, SupervisionPolicy,
};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message,
    ResponseActFuture, Supervised, WrapFuture,
};
use serde::Serialize;

const LIMIT: Duration = Duration::from_secs(5);

fn policy() -> SupervisionPolicy {
    SupervisionPolicy {
        backoff: Backoff::new(Duration::from_millis(5), Duration::from_millis(20)),
        max_restarts: 5,
        window: Duration::from_millis(400),
        freeze_after: Duration::from_secs(2),
    }
}

/// Freezes are noticed soon enough for a test, and not where a busy machine delays an innocent actor.
fn impatient() -> SupervisionPolicy {
    SupervisionPolicy {
        freeze_after: Duration::from_millis(300),
        ..policy()
    }
}

crate::counters! {
    #[derive(Default, Serialize)]
    struct Counters {
        /// Incarnations built.
        builds: Counter "weir_test_builds_total",
        /// Starts.
        starts: Counter "weir_test_starts_total",
        /// Messages answered.
        answers: Counter "weir_test_answers_total",
        /// Wake-ups of earlier incarnations.
        stale_wake_ups: Counter "weir_test_stale_wake_ups_total",
    }
}

/// Fails on request; its first `bad_starts` starts fail in the way of `bad_start`.
struct TestActor {
    deps: Deps,
    counters: Arc<Counters>,
    incarnation: Incarnation,
    memory: u64,
}

#[derive(Clone)]
struct Deps {
    failing_builds: u64,
    bad_starts: u64,
    bad_start: fn(&mut Context<TestActor>),
}

const HEALTHY: Deps = Deps {
    failing_builds: 0,
    bad_starts: 0,
    bad_start: |_| {},
};

impl SupervisedActor for TestActor {
    type Deps = Deps;
    type Counters = Counters;

    fn new(deps: Deps, counters: Arc<Counters>, incarnation: Incarnation) -> Self {
        assert!(
            counters.builds.fetch_add(1, Ordering::SeqCst) >= deps.failing_builds,
            "cannot be built yet"
        );
        Self {
            deps,
            counters,
            incarnation,
            memory: 0,
        }
    }
}

impl Actor for TestActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.counters.starts.fetch_add(1, Ordering::SeqCst) < self.deps.bad_starts {
            (self.deps.bad_start)(ctx);
        }
    }
}

impl Supervised for TestActor {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.memory = 0;
    }
}

/// Answers how many messages this actor has taken since it was last built.
#[derive(Message)]
#[rtype(result = "u64")]
struct Count;

impl Handler<Count> for TestActor {
    type Result = u64;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> u64 {
        self.counters.answers.fetch_add(1, Ordering::SeqCst);
        self.memory += 1;
        self.memory
    }
}

#[derive(Message)]
#[rtype(result = "()")]
enum Fail {
    Panic,
    PanicWithText(String),
    PanicLater(Duration),
    Stop,
    Freeze(Duration),
}

impl Handler<Fail> for TestActor {
    type Result = ();

    fn handle(&mut self, how: Fail, ctx: &mut Self::Context) {
        match how {
            Fail::Panic => panic!("told to"),
            Fail::PanicWithText(text) => panic!("a post says {text}"),
            Fail::PanicLater(after) => {
                ctx.run_later(after, |_, _| panic!("a timer told to"));
            }
            Fail::Stop => ctx.stop(),
            Fail::Freeze(time) => {
                std::thread::sleep(time);
                if !self.incarnation.is_current() {
                    self.counters.stale_wake_ups.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }
}

/// A future of the actor's own: it takes `.0` and then panics if `.1`.
#[derive(Message)]
#[rtype(result = "u64")]
struct Wait(Duration, bool);

impl Handler<Wait> for TestActor {
    type Result = ResponseActFuture<Self, u64>;

    fn handle(&mut self, Wait(time, panics): Wait, _: &mut Self::Context) -> Self::Result {
        let waiting = async move { actix_rt::time::sleep(time).await };
        Box::pin(waiting.into_actor(self).map(move |(), actor, _| {
            assert!(!panics, "waited too long");
            actor.memory
        }))
    }
}

fn start_with(
    system: &ActorSystem,
    name: &str,
    bad_starts: u64,
    bad_start: fn(&mut Context<TestActor>),
) -> (ActorRef<TestActor>, Arc<Counters>) {
    let counters = Arc::<Counters>::default();
    let deps = Deps {
        bad_starts,
        bad_start,
        ..HEALTHY
    };
    let actor = system.spawn(name, Arc::clone(&counters), deps);
    (actor, counters)
}

fn start(system: &ActorSystem) -> (ActorRef<TestActor>, Arc<Counters>) {
    start_with(system, "actor", 0, |_| {})
}

fn status(system: &ActorSystem, name: &str) -> ActorStatus {
    system
        .statuses()
        .into_iter()
        .find(|status| status.name == name)
        .expect("an actor of that name")
}

/// Waits until the actor's status is as wished, and returns it.
async fn status_when(system: &ActorSystem, wished: impl Fn(&ActorStatus) -> bool) -> ActorStatus {
    let deadline = Instant::now() + LIMIT;
    loop {
        let status = status(system, "actor");
        if wished(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "never came to pass: {status:?}");
        actix_rt::time::sleep(Duration::from_millis(1)).await;
    }
}

fn last_exit(status: &ActorStatus) -> Option<Exit> {
    status.last_exit.as_ref().map(|last| last.exit.clone())
}

#[test]
fn a_declared_counter_is_a_metric_with_its_doc_comment_as_help() {
    let counters = Counters::default();
    counters.answers.fetch_add(3, Ordering::SeqCst);
    let samples = counters.samples();
    assert_eq!(samples.len(), 4);
    let answers = samples[2];
    assert_eq!(answers.family.name, "weir_test_answers_total");
    assert_eq!(answers.family.help.trim(), "Messages answered.");
    assert_eq!(answers.family.kind, Kind::Counter);
    assert_eq!(answers.value, 3);
}
