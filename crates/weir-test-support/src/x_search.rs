//! The recent search of the X API v2, after its public documentation.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::{Request, Respond, ResponseTemplate};

/// Path of the search.
pub const PATH: &str = "/2/tweets/search/recent";

/// A tweet.
pub fn tweet(id: u64) -> Value {
    json!({
        "id": id.to_string(), "text": format!("tweet {id} https://t.co/x"), "author_id": "7",
        "created_at": "2026-11-20T10:00:00.000Z", "lang": "en", "conversation_id": id.to_string(),
        "edit_history_tweet_ids": [id.to_string()],
        "entities": {"urls": [{"start": 8, "end": 22, "url": "https://t.co/x", "expanded_url": "https://a.example/1"}]},
        "public_metrics": {"retweet_count": 1, "reply_count": 2, "like_count": 3, "quote_count": 4,
            "bookmark_count": 0, "impression_count": 99},
    })
}

/// An answer with `tweets`, the newest first.
pub fn page_of(tweets: &[Value], next_token: Option<&str>) -> Value {
    let mut meta = json!({"result_count": tweets.len()});
    if let (Some(newest), Some(oldest)) = (tweets.first(), tweets.last()) {
        meta["newest_id"] = newest["id"].clone();
        meta["oldest_id"] = oldest["id"].clone();
    }
    if let Some(token) = next_token {
        meta["next_token"] = token.into();
    }
    if tweets.is_empty() {
        return json!({ "meta": meta });
    }
    json!({
        "data": tweets,
        "includes": {"users": [{"id": "7", "name": "Seven", "username": "seven"}]},
        "meta": meta,
    })
}

/// A search over a growing list of tweets: the newest first, `max_results` a page, those after `since_id`.
#[derive(Clone, Default)]
pub struct Timeline(Arc<Mutex<Vec<u64>>>);

impl Timeline {
    /// A timeline of tweets with these ids.
    pub fn new(ids: impl IntoIterator<Item = u64>) -> Self {
        Self(Arc::new(Mutex::new(ids.into_iter().collect())))
    }

    /// Adds tweets.
    pub fn publish(&self, ids: impl IntoIterator<Item = u64>) {
        self.0.lock().unwrap().extend(ids);
    }
}

impl Respond for Timeline {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let parameter = |name: &str| {
            let mut pairs = request.url.query_pairs();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let size: usize = parameter("max_results").unwrap().parse().unwrap();
        assert!((10..=100).contains(&size));
        let since = parameter("since_id").map_or(0, |id| id.parse().unwrap());
        let before = parameter("next_token").map_or(u64::MAX, |token| {
            token.trim_start_matches("before").parse().unwrap()
        });
        let tweets = self.0.lock().unwrap();
        let mut newest: Vec<u64> = tweets
            .iter()
            .copied()
            .filter(|id| (since + 1..before).contains(id))
            .collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        let more = newest.len() > size;
        newest.truncate(size);
        let token = newest.last().map(|id| format!("before{id}"));
        let found: Vec<Value> = newest.into_iter().map(tweet).collect();
        let body = page_of(&found, token.as_deref().filter(|_| more));
        ResponseTemplate::new(200).set_body_json(body)
    }
}
