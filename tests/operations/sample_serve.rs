//! The first look: sample posts, their top entities, and feeds that are visibly re-ordered.

use serde_json::Value;
use weir_feed::RankRequest;
use weir_test_support::{Weir, ranked_indices};

#[tokio::test]
async fn an_empty_database_gets_the_sample_and_the_example_requests_are_re_ordered() {
    let weir = Weir::start_with_args("", &["--sample-data"]);
    weir.counted("snapshot.entities", "entries", 10).await;
    for platform in ["facebook", "reddit", "twitter"] {
        let path = format!(
            "{}/sample_data/requests/{platform}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let body = std::fs::read(path).unwrap();
        let feed = RankRequest::from_json(&body).unwrap();
        let answer: Value = weir.post("/rank", body).await.json().await.unwrap();
        assert_eq!(answer["metadata"]["intervention_on"], true);
        let order = ranked_indices(&feed, &answer);
        let (unnamed, naming) = order.split_at(feed.items.len() - 5);
        assert!(
            unnamed.is_sorted() && naming.is_sorted(),
            "{platform}: order kept within: {order:?}"
        );
        assert!(
            naming[0] < 5,
            "{platform}: what stood near the top goes last: {order:?}"
        );
    }
}

#[tokio::test]
async fn a_database_with_posts_gets_no_sample() {
    let mut weir = Weir::start_with_args("", &["--sample-data"]);
    weir.counted("job_queue", "succeeded", 1).await;
    assert_eq!(weir.stop(), Some(0));
    weir.start_again();
    weir.when("/health/ready", |_| {
        weir.log().contains("no sample is loaded")
    })
    .await;
}
