use std::fs;
use std::sync::Arc;

use chrono::{SubsecRound, TimeDelta, Utc};
use serde_json::json;
use weir::db::PostFilter;
use weir::ranking::stages::ordering;
use weir::ranking::{EntityMatch, EntityMatches, Policy, Slate, TopEntitySet};
use weir::seeding::load_sample;
use weir_feed::{Platform, RankRequest};

use crate::common::databases::{TestDatabase, on_both_databases};
use crate::common::workplace::Workplace;

on_both_databases! {
    the_sample_fills_the_weeks_up_to_now_of_an_empty_database_only,
    every_sample_request_is_reordered_by_the_entities_of_the_loaded_sample,
}

async fn the_sample_fills_the_weeks_up_to_now_of_an_empty_database_only(data: TestDatabase) {
    let now = Utc::now().trunc_subsecs(0);
    let loaded = load_sample(&data.database, now).await.unwrap().unwrap();
    let counts = data
        .database
        .count_posts_by_day(&PostFilter::default(), 1_000)
        .await
        .unwrap();
    assert!(loaded > 2_000, "{loaded}");
    assert_eq!(counts.iter().map(|count| count.posts).sum::<u64>(), loaded);
    let newest = data.database.newest_created_at().await.unwrap().unwrap();
    assert!(
        newest <= now && newest > now - TimeDelta::hours(9),
        "{newest}"
    );
    let oldest = counts.iter().filter_map(|count| count.day).min().unwrap();
    let age = now.date_naive() - oldest;
    assert!(
        (TimeDelta::days(14)..TimeDelta::days(29)).contains(&age),
        "{oldest}"
    );
    assert_eq!(load_sample(&data.database, now).await.unwrap(), None);
}

async fn every_sample_request_is_reordered_by_the_entities_of_the_loaded_sample(
    data: TestDatabase,
) {
    load_sample(&data.database, Utc::now()).await.unwrap();
    let arguments = json!({"k": 10, "window": "30d"});
    let place = Workplace::new(data);
    let payload = place.run("count_top_named_entities", arguments).await;
    let payload = payload.to_string();
    let top = TopEntitySet::from_json(payload.as_bytes(), Utc::now()).unwrap();
    let top = Arc::new(top);
    let mut policy = Policy::incoming_order("entities");
    policy.config.entity_weight = 1.0;
    for platform in Platform::ALL {
        let path = format!(
            "{}/sample_data/requests/{platform}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let request = RankRequest::from_json(&fs::read(path).unwrap()).unwrap();
        let matches = EntityMatches::find(&request.items, EntityMatch::Word, Arc::clone(&top));
        let mut slate = Slate::new(&request.items, Vec::new(), Some(matches));
        ordering::apply(&mut slate, &policy);
        // Five of the first eight posts name what the sample names most: they go to the end, in order.
        let expected = [2, 5, 6, 8, 9, 10, 11, 12, 13, 14, 0, 1, 3, 4, 7];
        assert_eq!(slate.order, expected, "{platform}: {payload}");
    }
}
