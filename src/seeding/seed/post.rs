use chrono::{DateTime, Utc};
use serde_json::value::to_raw_value;

use super::super::SeedingError;
use crate::db::NewPost;
use weir_feed::{ContentItem, Platform};

/// The item as a user saw it in a session.
pub(super) fn new_post(
    item: ContentItem,
    platform: Platform,
    user: &str,
    session: DateTime<Utc>,
) -> Result<NewPost, SeedingError> {
    let post_blob = to_raw_value(&item)?;
    Ok(NewPost {
        post_id: item.id,
        session_timestamp: session,
        session_user_id: user.to_owned(),
        platform: platform.as_str().to_owned(),
        kind: item.kind.as_str().to_owned(),
        author_name_hash: item.author_name_hash,
        created_at: item.created_at,
        post_blob,
    })
}
