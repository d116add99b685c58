//! Posts to store.

use chrono::{DateTime, Utc};
use serde_json::{json, value::to_raw_value};
use weir::db::NewPost;

/// The post `post_id` of 2017-05-31 as one user saw it on facebook.
pub(crate) fn post(post_id: &str, text: &str) -> NewPost {
    NewPost {
        post_id: post_id.to_owned(),
        session_timestamp: time("2017-06-01T08:00:00Z"),
        session_user_id: "user".to_owned(),
        platform: "facebook".to_owned(),
        kind: "post".to_owned(),
        author_name_hash: "author".to_owned(),
        created_at: time("2017-05-31T12:00:00Z"),
        post_blob: to_raw_value(&json!({"id": post_id, "title": null, "text": text})).unwrap(),
    }
}

pub(crate) fn time(iso: &str) -> DateTime<Utc> {
    iso.parse().unwrap()
}

/// The same, written at another time.
pub(crate) fn created(iso: &str, post_id: &str) -> NewPost {
    NewPost {
        created_at: time(iso),
        ..post(post_id, "text")
    }
}
