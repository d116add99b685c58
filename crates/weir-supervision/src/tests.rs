//! Actors that panic, stop and freeze, under real supervision.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::{
    ActorRef, ActorSystem, AskError, Exit, Incarnation, State, SupervisionPolicy, VitalSigns,
};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message,
    ResponseActFuture, Supervised, WrapFuture,
};
use serde::Serialize;

const LIMIT: Duration = Duration::from_secs(5);

fn policy() -> SupervisionPolicy {
    SupervisionPolicy {
        initial_backoff: Duration::from_millis(5),
        max_backoff: Duration::from_millis(20),
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

#[derive(Default, Serialize)]
struct Counters {
    starts: AtomicU64,
    answers: AtomicU64,
    stale_wake_ups: AtomicU64,
}

/// Does as it is told: the first `bad_starts` starts go wrong in the way of `bad_start`.
struct Patient {
    counters: Arc<Counters>,
    incarnation: Incarnation,
    bad_starts: u64,
    bad_start: fn(&mut Context<Self>),
    memory: u64,
}

impl Actor for Patient {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.counters.starts.fetch_add(1, Ordering::SeqCst) < self.bad_starts {
            (self.bad_start)(ctx);
        }
    }
}

impl Supervised for Patient {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.memory = 0;
    }
}

/// Answers how many messages this patient has taken since it was last built.
#[derive(Message)]
#[rtype(result = "u64")]
struct Remember;

impl Handler<Remember> for Patient {
    type Result = u64;

    fn handle(&mut self, _: Remember, _: &mut Self::Context) -> u64 {
        self.counters.answers.fetch_add(1, Ordering::SeqCst);
        self.memory += 1;
        self.memory
    }
}

#[derive(Message)]
#[rtype(result = "()")]
enum Suffer {
    Panic,
    PanicWithText(String),
    PanicLater(Duration),
    Stop,
    Freeze(Duration),
}

impl Handler<Suffer> for Patient {
    type Result = ();

    fn handle(&mut self, how: Suffer, ctx: &mut Self::Context) {
        match how {
            Suffer::Panic => panic!("told to"),
            Suffer::PanicWithText(text) => panic!("a post says {text}"),
            Suffer::PanicLater(after) => {
                ctx.run_later(after, |_, _| panic!("a timer told to"));
            }
            Suffer::Stop => ctx.stop(),
            Suffer::Freeze(time) => {
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
struct Ponder(Duration, bool);

impl Handler<Ponder> for Patient {
    type Result = ResponseActFuture<Self, u64>;

    fn handle(&mut self, Ponder(time, panics): Ponder, _: &mut Self::Context) -> Self::Result {
        let pondering = async move { actix_rt::time::sleep(time).await };
        Box::pin(pondering.into_actor(self).map(move |(), patient, _| {
            assert!(!panics, "pondered too hard");
            patient.memory
        }))
    }
}

fn patient_with(
    system: &ActorSystem,
    name: &str,
    bad_starts: u64,
    bad_start: fn(&mut Context<Patient>),
) -> (ActorRef<Patient>, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let shown = Arc::clone(&counters);
    let actor = system.supervise(name, shown, {
        let counters = Arc::clone(&counters);
        move |_: &mut Context<Patient>, incarnation| Patient {
            counters: Arc::clone(&counters),
            incarnation,
            bad_starts,
            bad_start,
            memory: 0,
        }
    });
    (actor, counters)
}

fn patient(system: &ActorSystem) -> (ActorRef<Patient>, Arc<Counters>) {
    patient_with(system, "patient", 0, |_| {})
}

fn signs(system: &ActorSystem, name: &str) -> VitalSigns {
    system
        .signs()
        .into_iter()
        .find(|signs| signs.name == name)
        .expect("a member of that name")
}

/// Waits until the patient's signs are as wished, and answers them.
async fn signs_when(system: &ActorSystem, wished: impl Fn(&VitalSigns) -> bool) -> VitalSigns {
    let deadline = Instant::now() + LIMIT;
    loop {
        let signs = signs(system, "patient");
        if wished(&signs) {
            return signs;
        }
        assert!(Instant::now() < deadline, "never came to pass: {signs:?}");
        actix_rt::time::sleep(Duration::from_millis(1)).await;
    }
}

fn last_exit(signs: &VitalSigns) -> Option<Exit> {
    signs.last_exit.as_ref().map(|last| last.exit.clone())
}

#[actix_rt::test]
async fn a_panic_in_a_handler_loses_that_message_and_no_other() {
    let system = ActorSystem::start(policy());
    let (patient, _) = patient(&system);

    let (before, broken, after) = tokio::join!(
        patient.ask(Remember, LIMIT),
        patient.ask(Suffer::Panic, LIMIT),
        patient.ask(Remember, LIMIT),
    );

    assert_eq!(before, Ok(1));
    assert_eq!(broken, Err(AskError::Lost));
    assert_eq!(
        after,
        Ok(1),
        "queued messages wait for the restart, which forgets the old state"
    );
    let signs = signs(&system, "patient");
    assert_eq!(
        (signs.exits.panicked, signs.restarts, signs.generation),
        (1, 1, 1)
    );
    assert_eq!(
        last_exit(&signs),
        Some(Exit::Panicked {
            message: Some("told to")
        })
    );
}

#[actix_rt::test]
async fn a_panic_message_that_may_quote_a_post_is_not_kept() {
    let system = ActorSystem::start(policy());
    let (patient, _) = patient(&system);

    let _ = patient
        .ask(Suffer::PanicWithText("private".into()), LIMIT)
        .await;

    let signs = signs_when(&system, |signs| signs.exits.panicked == 1).await;
    assert_eq!(last_exit(&signs), Some(Exit::Panicked { message: None }));
}

#[actix_rt::test]
async fn a_panic_in_started_is_tried_again_and_queued_messages_are_answered() {
    let system = ActorSystem::start(policy());
    let (patient, counters) = patient_with(&system, "patient", 3, |_| panic!("bad start"));

    let answers = tokio::join!(patient.ask(Remember, LIMIT), patient.ask(Remember, LIMIT));

    assert_eq!(answers, (Ok(1), Ok(2)));
    assert_eq!(counters.starts.load(Ordering::SeqCst), 4);
    assert_eq!(signs(&system, "patient").exits.panicked, 3);
}

#[actix_rt::test]
async fn a_panic_in_a_future_of_the_actor_loses_what_it_had_in_flight_and_keeps_the_queue() {
    let system = ActorSystem::start(policy());
    let (patient, _) = patient(&system);

    let (broken, in_flight, later) = tokio::join!(
        patient.ask(Ponder(Duration::from_millis(20), true), LIMIT),
        patient.ask(Ponder(Duration::from_mins(1), false), LIMIT),
        async {
            actix_rt::time::sleep(Duration::from_millis(21)).await;
            patient.ask(Remember, LIMIT).await
        },
    );

    assert_eq!(broken, Err(AskError::Lost));
    assert_eq!(in_flight, Err(AskError::Lost));
    assert_eq!(later, Ok(1));
    assert_eq!(signs(&system, "patient").exits.panicked, 1);
}

#[actix_rt::test]
async fn a_panic_in_a_timer_restarts_the_actor() {
    let system = ActorSystem::start(policy());
    let (patient, counters) = patient(&system);

    patient.tell(Suffer::PanicLater(Duration::from_millis(1)));

    let signs = signs_when(&system, |signs| signs.restarts == 1).await;
    assert_eq!(
        last_exit(&signs),
        Some(Exit::Panicked {
            message: Some("a timer told to")
        })
    );
    assert_eq!(patient.ask(Remember, LIMIT).await, Ok(1));
    assert_eq!(counters.starts.load(Ordering::SeqCst), 2);
}

#[actix_rt::test]
async fn an_actor_that_stops_is_started_again() {
    let system = ActorSystem::start(policy());
    let (patient, _) = patient(&system);

    let (stopped, after) = tokio::join!(
        patient.ask(Suffer::Stop, LIMIT),
        patient.ask(Remember, LIMIT)
    );

    assert_eq!((stopped, after), (Ok(()), Ok(1)));
    let signs = signs(&system, "patient");
    assert_eq!(
        (signs.exits.stopped, last_exit(&signs)),
        (1, Some(Exit::Stopped))
    );
}

#[actix_rt::test]
async fn an_actor_that_stops_in_started_is_restarted_no_faster_than_its_backoff() {
    let system = ActorSystem::start(policy());
    let (patient, counters) = patient_with(&system, "patient", 4, Context::stop);
    let begun = Instant::now();

    assert_eq!(patient.ask(Remember, LIMIT).await, Ok(1));

    assert!(begun.elapsed() >= Duration::from_millis(5 + 10 + 20 + 20));
    assert_eq!(counters.starts.load(Ordering::SeqCst), 5);
    assert_eq!(signs(&system, "patient").exits.stopped, 4);
}

#[actix_rt::test]
async fn an_actor_over_its_restart_budget_gives_up_and_is_built_anew_after_the_window() {
    let system = ActorSystem::start(policy());
    let (patient, _) = patient_with(&system, "patient", 6, |_| panic!("bad start"));
    let queued = patient.ask(Remember, Duration::from_secs(2));

    let (queued, signs) = tokio::join!(
        queued,
        signs_when(&system, |signs| signs.state == State::GaveUp)
    );
    assert_eq!(queued, Err(AskError::Lost), "giving up loses the mailbox");
    assert_eq!(
        (signs.exits.panicked, signs.exits.gave_up, signs.restarts),
        (6, 1, 5)
    );
    assert_eq!(last_exit(&signs), Some(Exit::GaveUp { max_restarts: 5 }));

    let signs = signs_when(&system, |signs| signs.state == State::Running).await;
    assert_eq!(signs.generation, 2);
    assert_eq!(
        patient.ask(Remember, LIMIT).await,
        Ok(1),
        "the same reference reaches the new one"
    );
}

#[actix_rt::test]
async fn a_frozen_actor_is_replaced_and_its_late_incarnation_is_fenced() {
    let system = ActorSystem::start(impatient());
    let (patient, counters) = patient(&system);

    patient.tell(Suffer::Freeze(Duration::from_millis(1200)));
    let behind_it = patient.ask(Remember, Duration::from_millis(350));
    let (behind_it, signs) = tokio::join!(
        behind_it,
        signs_when(&system, |signs| signs.exits.frozen == 1)
    );
    assert_eq!(
        behind_it,
        Err(AskError::Timeout),
        "the old mailbox ends by the caller's timeout"
    );
    assert!(matches!(last_exit(&signs), Some(Exit::Frozen { polling_ms }) if polling_ms >= 300));

    assert_eq!(
        patient.ask(Remember, LIMIT).await,
        Ok(1),
        "the new incarnation serves meanwhile"
    );
    assert_eq!(counters.stale_wake_ups.load(Ordering::SeqCst), 0);
    let woken = Instant::now() + LIMIT;
    while counters.stale_wake_ups.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < woken, "the old incarnation never woke");
        actix_rt::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        patient.ask(Remember, LIMIT).await,
        Ok(2),
        "the old one's end changes nothing"
    );
    assert_eq!(system.signs()[0].generation, 2);
}

#[actix_rt::test]
async fn siblings_never_notice() {
    let system = ActorSystem::start(impatient());
    let (sibling, _) = patient_with(&system, "sibling", 0, |_| {});
    let (patient, _) = patient(&system);

    let suffering = async {
        let _ = patient.ask(Suffer::Panic, LIMIT).await;
        let _ = patient.ask(Suffer::Stop, LIMIT).await;
        let _ = patient
            .ask(Suffer::Freeze(Duration::from_millis(700)), LIMIT)
            .await;
    };
    let serving = async {
        for nth in 1..=200 {
            assert_eq!(
                sibling.ask(Remember, Duration::from_millis(250)).await,
                Ok(nth)
            );
            actix_rt::time::sleep(Duration::from_millis(4)).await;
        }
    };
    tokio::join!(suffering, serving);

    let signs = signs(&system, "sibling");
    assert_eq!((signs.restarts, signs.generation), (0, 1));
    assert!(signs.last_exit.is_none());
}

#[actix_rt::test]
async fn a_panic_while_an_actor_is_built_counts_as_giving_up() {
    let system = ActorSystem::start(policy());
    let attempts = Arc::new(AtomicU64::new(0));
    let counters = Arc::new(Counters::default());
    let patient = system.supervise(
        "patient",
        Arc::clone(&counters) as _,
        move |_: &mut Context<Patient>, incarnation| {
            assert!(
                attempts.fetch_add(1, Ordering::SeqCst) > 0,
                "cannot be built yet"
            );
            Patient {
                counters: Arc::clone(&counters),
                incarnation,
                bad_starts: 0,
                bad_start: |_| {},
                memory: 0,
            }
        },
    );

    let signs = signs_when(&system, |signs| signs.state == State::GaveUp).await;
    assert_eq!((signs.exits.panicked, signs.exits.gave_up), (1, 1));
    signs_when(&system, |signs| signs.state == State::Running).await;
    assert_eq!(patient.ask(Remember, LIMIT).await, Ok(1));
}

#[actix_rt::test]
async fn a_stopped_system_ends_every_actor() {
    let system = ActorSystem::start(policy());
    let (patient, _) = patient(&system);
    assert_eq!(patient.ask(Remember, LIMIT).await, Ok(1));

    system.stop();

    signs_when(&system, |signs| signs.state == State::Stopped).await;
    assert_eq!(patient.ask(Remember, LIMIT).await, Err(AskError::Lost));
    assert!(!system.any_running("patient"));
}
