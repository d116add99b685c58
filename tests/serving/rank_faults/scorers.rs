//! A scorer pool whose actor fails. Scores do not depend on it, so no answer misses any.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Fault, Service, feed};

/// Asks for a ranking in which every scorer takes part.
async fn rank_completely(service: &Service) {
    let (order, degraded) = service.rank(&feed()).await;
    assert_eq!((order, degraded), (vec![1, 2, 0], Value::Null));
}

#[actix_rt::test]
async fn an_actor_that_panics_costs_no_score_and_comes_back() {
    let service = Service::start().await;
    service.recovers(&feed()).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    for panics in 1..=5 {
        service.faulty.tell(Fault::Panic);
        rank_completely(&service).await;
        while service.signs("scorer_pool.faulty").restarts < panics {
            assert!(Instant::now() < deadline, "not restarted");
            actix_rt::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let faulty = service.signs("scorer_pool.faulty");
    assert!(
        faulty.exits.panicked == 5 && faulty.restarts == 5,
        "{faulty:?}"
    );
    for sibling in ["scorer_pool.sentiment", "ranker.1"] {
        let sibling = service.signs(sibling);
        assert!(
            sibling.last_exit.is_none() && sibling.generation == 1,
            "{sibling:?}"
        );
    }
}

#[actix_rt::test]
async fn an_actor_over_its_restart_budget_costs_no_score_and_comes_back() {
    let service = Service::start().await;
    service.recovers(&feed()).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while service.signs("scorer_pool.faulty").exits.gave_up == 0 {
        service.faulty.tell(Fault::Panic);
        rank_completely(&service).await;
        assert!(Instant::now() < deadline, "never gave up");
    }
    rank_completely(&service).await;
    while service.signs("scorer_pool.faulty").generation < 2 {
        assert!(Instant::now() < deadline, "never replaced");
        actix_rt::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix_rt::test]
async fn a_frozen_actor_costs_no_score_and_is_replaced() {
    let service = Service::start().await;
    service.recovers(&feed()).await;
    service.faulty.tell(Fault::Freeze);
    rank_completely(&service).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while service.signs("scorer_pool.faulty").exits.frozen == 0 {
        rank_completely(&service).await;
        assert!(Instant::now() < deadline, "never replaced");
        actix_rt::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(service.signs("scorer_pool.faulty").generation, 2);
    assert_eq!(service.signs("scorer_pool.sentiment").generation, 1);
}
