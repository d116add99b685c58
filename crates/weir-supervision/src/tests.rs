//! Actors that panic, stop and freeze, under real supervision.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::{
    ActorMetrics, ActorRef, ActorStatus, ActorSystem, AskError, Backoff, Exit, Incarnation, Kind,
    State, SupervisedActor, SupervisionPolicy,
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
fn imactor() -> SupervisionPolicy {
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

/// Waits until the actor's status are as wished, and answers them.
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

#[actix_rt::test]
async fn a_panic_in_a_handler_loses_that_message_and_no_other() {
    let system = ActorSystem::start(policy());
    let (actor, _) = start(&system);

    let (before, broken, after) = tokio::join!(
        actor.ask(Count, LIMIT),
        actor.ask(Fail::Panic, LIMIT),
        actor.ask(Count, LIMIT),
    );

    assert_eq!(before, Ok(1));
    assert_eq!(broken, Err(AskError::Lost));
    assert_eq!(
        after,
        Ok(1),
        "queued messages wait for the restart, which forgets the old state"
    );
    let status = status(&system, "actor");
    assert_eq!(
        (status.exits.panicked, status.restarts, status.generation),
        (1, 1, 1)
    );
    assert_eq!(
        last_exit(&status),
        Some(Exit::Panicked {
            message: Some("told to")
        })
    );
}

#[actix_rt::test]
async fn a_panic_message_that_may_quote_a_post_is_not_kept() {
    let system = ActorSystem::start(policy());
    let (actor, _) = start(&system);

    let _ = actor
        .ask(Fail::PanicWithText("private".into()), LIMIT)
        .await;

    let status = status_when(&system, |status| status.exits.panicked == 1).await;
    assert_eq!(last_exit(&status), Some(Exit::Panicked { message: None }));
}

#[actix_rt::test]
async fn a_panic_in_started_is_tried_again_and_queued_messages_are_answered() {
    let system = ActorSystem::start(policy());
    let (actor, counters) = start_with(&system, "actor", 3, |_| panic!("bad start"));

    let answers = tokio::join!(actor.ask(Count, LIMIT), actor.ask(Count, LIMIT));

    assert_eq!(answers, (Ok(1), Ok(2)));
    assert_eq!(counters.starts.load(Ordering::SeqCst), 4);
    assert_eq!(status(&system, "actor").exits.panicked, 3);
}

#[actix_rt::test]
async fn a_panic_in_a_future_of_the_actor_loses_what_it_had_in_flight_and_keeps_the_queue() {
    let system = ActorSystem::start(policy());
    let (actor, _) = start(&system);

    let (broken, in_flight, later) = tokio::join!(
        actor.ask(Wait(Duration::from_millis(20), true), LIMIT),
        actor.ask(Wait(Duration::from_mins(1), false), LIMIT),
        async {
            actix_rt::time::sleep(Duration::from_millis(21)).await;
            actor.ask(Count, LIMIT).await
        },
    );

    assert_eq!(broken, Err(AskError::Lost));
    assert_eq!(in_flight, Err(AskError::Lost));
    assert_eq!(later, Ok(1));
    assert_eq!(status(&system, "actor").exits.panicked, 1);
}

#[actix_rt::test]
async fn a_panic_in_a_timer_restarts_the_actor() {
    let system = ActorSystem::start(policy());
    let (actor, counters) = start(&system);

    actor.tell(Fail::PanicLater(Duration::from_millis(1)));

    let status = status_when(&system, |status| status.restarts == 1).await;
    assert_eq!(
        last_exit(&status),
        Some(Exit::Panicked {
            message: Some("a timer told to")
        })
    );
    assert_eq!(actor.ask(Count, LIMIT).await, Ok(1));
    assert_eq!(counters.starts.load(Ordering::SeqCst), 2);
}

#[actix_rt::test]
async fn an_actor_that_stops_is_started_again() {
    let system = ActorSystem::start(policy());
    let (actor, _) = start(&system);

    let (stopped, after) = tokio::join!(actor.ask(Fail::Stop, LIMIT), actor.ask(Count, LIMIT));

    assert_eq!((stopped, after), (Ok(()), Ok(1)));
    let status = status(&system, "actor");
    assert_eq!(
        (status.exits.stopped, last_exit(&status)),
        (1, Some(Exit::Stopped))
    );
}

#[actix_rt::test]
async fn an_actor_that_stops_in_started_is_restarted_no_faster_than_its_backoff() {
    let system = ActorSystem::start(policy());
    let (actor, counters) = start_with(&system, "actor", 4, Context::stop);
    let begun = Instant::now();

    assert_eq!(actor.ask(Count, LIMIT).await, Ok(1));

    assert!(begun.elapsed() >= Duration::from_millis(5 + 10 + 20 + 20));
    assert_eq!(counters.starts.load(Ordering::SeqCst), 5);
    assert_eq!(status(&system, "actor").exits.stopped, 4);
}

#[actix_rt::test]
async fn an_actor_over_its_restart_budget_gives_up_and_is_built_anew_after_the_window() {
    let system = ActorSystem::start(policy());
    let (actor, _) = start_with(&system, "actor", 6, |_| panic!("bad start"));
    let queued = actor.ask(Count, Duration::from_secs(2));

    let (queued, status) = tokio::join!(
        queued,
        status_when(&system, |status| status.state == State::GaveUp)
    );
    assert_eq!(queued, Err(AskError::Lost), "giving up loses the mailbox");
    assert_eq!(
        (status.exits.panicked, status.exits.gave_up, status.restarts),
        (6, 1, 5)
    );
    assert_eq!(last_exit(&status), Some(Exit::GaveUp { max_restarts: 5 }));

    let status = status_when(&system, |status| status.state == State::Running).await;
    assert_eq!(status.generation, 2);
    assert_eq!(
        actor.ask(Count, LIMIT).await,
        Ok(1),
        "the same reference reaches the new one"
    );
}

#[actix_rt::test]
async fn a_frozen_actor_is_replaced_and_its_late_incarnation_is_fenced() {
    let system = ActorSystem::start(imactor());
    let (actor, counters) = start(&system);

    actor.tell(Fail::Freeze(Duration::from_millis(1200)));
    let behind_it = actor.ask(Count, Duration::from_millis(350));
    let (behind_it, status) = tokio::join!(
        behind_it,
        status_when(&system, |status| status.exits.frozen == 1)
    );
    assert_eq!(
        behind_it,
        Err(AskError::Timeout),
        "the old mailbox ends by the caller's timeout"
    );
    assert!(matches!(last_exit(&status), Some(Exit::Frozen { polling_ms }) if polling_ms >= 300));

    assert_eq!(
        actor.ask(Count, LIMIT).await,
        Ok(1),
        "the new incarnation serves while the old one is frozen"
    );
    assert_eq!(counters.stale_wake_ups.load(Ordering::SeqCst), 0);
    let woken = Instant::now() + LIMIT;
    while counters.stale_wake_ups.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < woken, "the old incarnation never woke");
        actix_rt::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        actor.ask(Count, LIMIT).await,
        Ok(2),
        "the old one's end changes nothing"
    );
    assert_eq!(system.statuses()[0].generation, 2);
}

#[actix_rt::test]
async fn siblings_never_notice() {
    let system = ActorSystem::start(imactor());
    let (sibling, _) = start_with(&system, "sibling", 0, |_| {});
    let (actor, _) = start(&system);

    let failing = async {
        let _ = actor.ask(Fail::Panic, LIMIT).await;
        let _ = actor.ask(Fail::Stop, LIMIT).await;
        let _ = actor
            .ask(Fail::Freeze(Duration::from_millis(700)), LIMIT)
            .await;
    };
    let serving = async {
        for nth in 1..=200 {
            assert_eq!(
                sibling.ask(Count, Duration::from_millis(250)).await,
                Ok(nth)
            );
            actix_rt::time::sleep(Duration::from_millis(4)).await;
        }
    };
    tokio::join!(failing, serving);

    let status = status(&system, "sibling");
    assert_eq!((status.restarts, status.generation), (0, 1));
    assert!(status.last_exit.is_none());
}

#[actix_rt::test]
async fn a_panic_while_an_actor_is_built_counts_as_giving_up() {
    let system = ActorSystem::start(policy());
    let deps = Deps {
        failing_builds: 1,
        ..HEALTHY
    };
    let actor = system.spawn::<TestActor>("actor", Arc::default(), deps);

    let status = status_when(&system, |status| status.state == State::GaveUp).await;
    assert_eq!((status.exits.panicked, status.exits.gave_up), (1, 1));
    status_when(&system, |status| status.state == State::Running).await;
    assert_eq!(actor.ask(Count, LIMIT).await, Ok(1));
}

#[actix_rt::test]
async fn a_stopped_system_ends_every_actor() {
    let system = ActorSystem::start(policy());
    let (actor, _) = start(&system);
    assert_eq!(actor.ask(Count, LIMIT).await, Ok(1));

    system.stop();

    status_when(&system, |status| status.state == State::Stopped).await;
    assert_eq!(actor.ask(Count, LIMIT).await, Err(AskError::Lost));
    assert!(!system.any_running("actor"));
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
