use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::{ActorContext, Context};

use super::{
    Count, Fail, LIMIT, impatient, last_exit, policy, start, start_with, status, status_when,
};
use crate::{ActorSystem, AskError, Exit, State};

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
    let system = ActorSystem::start(impatient());
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
    let system = ActorSystem::start(impatient());
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
async fn a_stopped_system_ends_every_actor() {
    let system = ActorSystem::start(policy());
    let (actor, _) = start(&system);
    assert_eq!(actor.ask(Count, LIMIT).await, Ok(1));

    system.stop();

    status_when(&system, |status| status.state == State::Stopped).await;
    assert_eq!(actor.ask(Count, LIMIT).await, Err(AskError::Lost));
    assert!(!system.any_running("actor"));
}
