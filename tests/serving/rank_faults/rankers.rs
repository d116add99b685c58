//! A ranker that fails.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir::db::TimeRange;

use super::{Fault, Service, feed};

#[actix_rt::test]
async fn a_ranker_that_panics_is_back_for_the_next_request() {
    let (service, feed) = (Service::start().await, feed());
    service.recovers(&feed).await;
    for _ in 0..5 {
        service.ranker.tell(Fault::Panic);
        let (order, degraded) = service.rank(&feed).await;
        assert_eq!(
            (order, degraded),
            (vec![1, 2, 0], Value::Null),
            "the queue outlives the panic"
        );
    }
    assert_eq!(service.signs("ranker.1").restarts, 5);
}

#[actix_rt::test]
async fn a_frozen_ranker_costs_the_order_until_it_is_replaced() {
    let (service, feed) = (Service::start().await, feed());
    service.recovers(&feed).await;
    service.ranker.tell(Fault::Freeze);
    let begun = Instant::now();
    let (order, degraded) = service.rank(&feed).await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        (order, &degraded[0]["part"]),
        (vec![0, 1, 2], &json!("ranker"))
    );
    service.rankings.flush(Duration::from_secs(20)).await;
    let kept = service.database.ranking_pages(TimeRange::default(), 100);
    let kept = kept.await.unwrap().next().await.unwrap().unwrap();
    let kept = &kept.last().unwrap().ranking;
    assert_eq!(kept.ids_returned, kept.ids_sent);
    assert_eq!(json!(kept.degraded), degraded, "kept as answered");
    service.recovers(&feed).await;
    assert_eq!(service.signs("ranker.1").exits.frozen, 1);
}

#[actix_rt::test]
async fn without_any_ranker_the_answer_is_the_incoming_order() {
    let (service, feed) = (Service::start().await, feed());
    service.recovers(&feed).await;
    service.system.stop();

    let gone = Instant::now() + Duration::from_secs(20);
    let degraded = loop {
        let (order, degraded) = service.rank(&feed).await;
        if degraded[0]["part"] == "ranker" {
            assert_eq!(order, [0, 1, 2]);
            break degraded;
        }
        assert!(Instant::now() < gone, "the ranker never went");
    };
    assert_eq!(
        degraded,
        json!([{"part": "ranker", "missed": 3, "why": "unavailable"}])
    );
    let ready = service
        .client
        .get(format!("{}/health/ready", service.url))
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status(), 503);
}
