//! Counting from scratch.

use std::collections::HashSet;

use proptest::prelude::*;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use weir::db::{Database, post as post_entity};
use weir_entities::{EntityCounts, Extractor, Scratch};

use super::JOB;
use crate::common::posts::time;
use crate::common::workplace::Workplace;

/// The periods and platforms that are asked for: whole hours, edges, within one hour, all.
pub(super) fn questions() -> [Value; 5] {
    [
        json!({"k": 100}),
        json!({"k": 2}),
        json!({"k": 100, "platform": "reddit", "to": "2017-05-31 23:30:00"}),
        json!({"k": 100, "from": "2017-05-31 20:15:00", "to": "2017-06-01 01:00:00"}),
        json!({"k": 100, "from": "2017-05-31 21:15:00", "to": "2017-05-31 21:46:00"}),
    ]
}

/// Counts all posts from scratch.
pub(super) async fn from_scratch(database: &Database, question: &Value) -> Value {
    let rows = post_entity::Entity::find()
        .order_by_asc(post_entity::Column::CreatedAt)
        .order_by_asc(post_entity::Column::Id)
        .all(database.reader())
        .await
        .unwrap();
    let bound = |name: &str| {
        let text = question[name].as_str()?;
        Some(time(&format!("{}Z", text.replace(' ', "T"))))
    };
    let (from, to) = (bound("from"), bound("to"));
    let (mut seen, mut counts) = (HashSet::new(), EntityCounts::default());
    for row in rows {
        let created_at = row.created_at;
        let in_range = (from.is_none() || created_at >= from)
            && to.is_none_or(|to| created_at.is_some_and(|time| time < to));
        let platform = question["platform"].as_str();
        if !in_range || platform.is_some() && row.platform.as_deref() != platform {
            continue;
        }
        let hour = created_at.map(|time| time.timestamp().div_euclid(3600));
        if !seen.insert((hour, row.platform, row.post_id)) {
            continue;
        }
        let blob: Value = serde_json::from_str(&row.post_blob.unwrap()).unwrap();
        let text = blob["text"].as_str().unwrap();
        counts.add(&Extractor::bundled().entities(text, &mut Scratch::default()));
    }
    let k = usize::try_from(question["k"].as_u64().unwrap()).unwrap();
    let top = counts.top(k);
    json!({
        "top_named_entities": top.iter().map(|entity| json!([entity.name, entity.count])).collect::<Vec<_>>(),
        "forms": top.iter().map(|entity| (entity.name.clone(), json!(entity.forms))).collect::<serde_json::Map<_, _>>(),
    })
}

pub(super) async fn both_agree(place: &Workplace) -> Result<(), TestCaseError> {
    for question in questions() {
        let mut counted = place.run(JOB, question.clone()).await;
        counted.as_object_mut().unwrap().remove("timestamp");
        let expected = from_scratch(&place.data.database, &question).await;
        prop_assert_eq!(counted, expected, "{}", question);
    }
    Ok(())
}
