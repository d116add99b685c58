//! A scorer pool whose actor fails.

use std::time::{Duration, Instant};

use super::{Curse, Service, feed, misses_only_cursed};

#[actix_rt::test]
async fn actors_that_panic_cost_their_part_of_an_answer_and_come_back() {
    let (service, feed) = (Service::start().await, feed());
    service.recovers(&feed).await;

    for _ in 0..5 {
        service.cursed.tell(Curse::Panic);
        let (order, degraded) = service.rank(&feed).await;
        assert_eq!(order, [1, 2, 0], "by what the other scorer says, or both");
        assert!(
            degraded.is_null() || misses_only_cursed(&degraded, &["unavailable", "timeout"]),
            "{degraded}"
        );
    }
    service.recovers(&feed).await;

    let cursed = service.signs("scorer_pool.cursed");
    assert!(
        cursed.exits.panicked == 5 && cursed.restarts == 5,
        "{cursed:?}"
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
async fn an_actor_over_its_restart_budget_rests_and_comes_back() {
    let (service, feed) = (Service::start().await, feed());
    service.recovers(&feed).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while service.signs("scorer_pool.cursed").exits.gave_up == 0 {
        service.cursed.tell(Curse::Panic);
        let (order, _) = service.rank(&feed).await;
        assert_eq!(order, [1, 2, 0]);
        assert!(Instant::now() < deadline, "never gave up");
    }
    let (order, degraded) = service.rank(&feed).await;
    assert_eq!(order, [1, 2, 0]);
    assert!(
        misses_only_cursed(&degraded, &["unavailable"]),
        "{degraded}"
    );

    service.recovers(&feed).await;
    assert!(service.signs("scorer_pool.cursed").generation >= 2);
}

#[actix_rt::test]
async fn a_frozen_actor_delays_no_answer_past_its_deadline_and_is_replaced() {
    let (service, feed) = (Service::start().await, feed());
    service.recovers(&feed).await;
    service.cursed.tell(Curse::Freeze);
    let begun = Instant::now();
    let (order, degraded) = service.rank(&feed).await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(order, [1, 2, 0]);
    assert!(
        misses_only_cursed(&degraded, &["timeout", "unavailable"]),
        "{degraded}"
    );

    service.recovers(&feed).await;
    let cursed = service.signs("scorer_pool.cursed");
    assert!(
        cursed.exits.frozen == 1 && cursed.generation == 2,
        "{cursed:?}"
    );
    assert_eq!(service.signs("scorer_pool.sentiment").generation, 1);
}
