use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{
    Count, Deps, Fail, HEALTHY, LIMIT, TestActor, Wait, last_exit, policy, start, start_with,
    status, status_when,
};
use crate::{ActorSystem, AskError, Exit, State};

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
