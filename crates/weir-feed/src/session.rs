use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::parse::choice::choice;
use crate::parse::{lenient, time};
use crate::web_address;

/// The browsing session a feed belongs to, in general one page view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The page view; requests of one page share it.
    pub session_id: String,
    /// The study participant.
    pub user_id: String,
    /// Salted hash of the user's name; equals `author_name_hash` on the user's own posts.
    pub user_name_hash: String,
    /// The cohort the user is assigned to.
    #[serde(default)]
    pub cohort: Option<String>,
    /// The user's random place among the cohorts.
    #[serde(default, deserialize_with = "lenient::optional_count")]
    pub cohort_index: Option<u64>,
    /// Where the feed is read.
    pub platform: Platform,
    /// The page's address, without its query.
    #[serde(deserialize_with = "web_address::one")]
    pub url: String,
    /// The time by the user's browser.
    #[serde(deserialize_with = "time::timestamp")]
    pub current_time: DateTime<Utc>,
    /// Whether the answer is only looked at for its new items; `null` and absent mean it is not.
    #[serde(default, deserialize_with = "lenient::optional_flag")]
    pub prefetch: Option<bool>,
}

impl Session {
    /// Whether this request only asks ahead for new items.
    pub fn is_prefetch(&self) -> bool {
        self.prefetch.unwrap_or(false)
    }
}

choice! {
    /// Platform on which the feed was read.
    Platform {
        Facebook = "facebook",
        Reddit = "reddit",
        Twitter = "twitter",
    }
}
