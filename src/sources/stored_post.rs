//! Posts as they lie in the database: in Weir's form, or tweets as outside scrapers have them.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::source::hash;
use weir_feed::{
    ContentItem, Engagements, ItemKind, Platform, TwitterEngagements, is_web_address,
    parse_timestamp,
};

/// What can be made of a stored post.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPost {
    /// The post in Weir's vocabulary.
    pub item: ContentItem,
    /// In whose feeds it can be shown.
    pub platform: Platform,
    /// Where anybody can see it.
    pub url: String,
}

impl StoredPost {
    /// Reads a post; `None` for what has no text, no time or no address.
    pub fn read(blob: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Shown {
            platform: Platform,
            url: String,
        }
        if let (Ok(item), Ok(shown)) = (
            serde_json::from_str::<ContentItem>(blob),
            serde_json::from_str::<Shown>(blob),
        ) {
            let Shown { platform, url } = shown;
            return is_web_address(&url).then_some(Self {
                item,
                platform,
                url,
            });
        }
        Self::tweet(&serde_json::from_str(blob).ok()?)
    }

    /// A tweet in the form of the standard API (v1.1) or of the scraper `twscrape`.
    fn tweet(tweet: &Value) -> Option<Self> {
        let text_of = |place: &Value, names: &[&str]| {
            let mut found = names.iter().filter_map(|name| place[*name].as_str());
            found.next().map(str::to_owned)
        };
        let id = text_of(tweet, &["id_str"])?;
        let user = &tweet["user"];
        let author = text_of(user, &["id_str", "username", "screen_name"]).unwrap_or_default();
        let name = text_of(user, &["username", "screen_name"]);
        let url = text_of(tweet, &["url"])
            .filter(|url| is_web_address(url))
            .or_else(|| Some(format!("https://x.com/{}/status/{id}", name?)))
            .unwrap_or_else(|| format!("https://x.com/i/web/status/{id}"));
        let count = |names: [&str; 2]| {
            let mut counts = names.iter().filter_map(|name| tweet[*name].as_u64());
            counts.next().unwrap_or_default()
        };
        let parent_id = text_of(tweet, &["inReplyToTweetIdStr", "in_reply_to_status_id_str"]);
        let item = ContentItem {
            original_rank: None,
            post_id: text_of(tweet, &["conversationIdStr"]).filter(|_| parent_id.is_some()),
            kind: if parent_id.is_some() {
                ItemKind::Comment
            } else {
                ItemKind::Post
            },
            parent_id,
            title: None,
            text: text_of(tweet, &["rawContent", "full_text", "text"])?,
            author_name_hash: hash(&["twitter", &author]),
            embedded_urls: Vec::new(),
            created_at: time(&text_of(tweet, &["date", "created_at"])?)?,
            engagements: Engagements::Twitter(TwitterEngagements {
                retweet: count(["retweetCount", "retweet_count"]),
                like: count(["likeCount", "favorite_count"]),
                comment: count(["replyCount", "reply_count"]),
                share: count(["quoteCount", "quote_count"]),
            }),
            language: text_of(tweet, &["lang"]),
            id,
        };
        Some(Self {
            item,
            platform: Platform::Twitter,
            url,
        })
    }
}

/// ISO 8601, or as v1.1 writes it: `Wed Oct 10 20:19:24 +0000 2018`.
fn time(text: &str) -> Option<DateTime<Utc>> {
    parse_timestamp(text).or_else(|| {
        let parsed = DateTime::parse_from_str(text, "%a %b %d %H:%M:%S %z %Y").ok()?;
        Some(parsed.to_utc())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tweets_of_both_forms_are_read() {
        let ours = json!({
            "id_str": "7", "url": "https://x.com/ann/status/7", "date": "2018-10-10 20:19:24+00:00", "rawContent": "hello",
            "lang": "en", "user": {"id_str": "5", "username": "ann"}, "likeCount": 3, "inReplyToTweetIdStr": null,
        });
        let standard = json!({
            "id_str": "7", "created_at": "Wed Oct 10 20:19:24 +0000 2018", "full_text": "hello", "lang": "en",
            "user": {"id_str": "5", "screen_name": "ann"}, "favorite_count": 3,
        });
        let (one, two) = (ours.to_string(), standard.to_string());
        let read = StoredPost::read(&one).unwrap();
        assert_eq!(Some(&read), StoredPost::read(&two).as_ref());
        assert_eq!(read.item.text, "hello");
        assert_eq!(read.url, "https://x.com/ann/status/7");
        assert_eq!(read.item.kind, ItemKind::Post);
    }

    #[test]
    fn what_has_no_text_time_or_form_is_nothing() {
        for blob in ["", "[]", "{}", "{\"id_str\":\"1\",\"text\":\"t\"}"] {
            assert_eq!(StoredPost::read(blob), None, "{blob}");
        }
    }
}
