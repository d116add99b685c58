mod wire;

use std::env;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};

use self::wire::{Page, Problems, Tweet, Users};
use super::client::host_of;
use super::registry::SourceKind;
use super::{Fetched, OpenError, Position, Source, SourceArgumentError, SourceClient, SourceError};

/// The API's bounds on `max_results`.
const PAGE_SIZES: std::ops::RangeInclusive<usize> = 10..=100;
/// The longest query of the widest access, in characters.
const MAX_QUERY_CHARS: usize = 4_096;

/// Recent search of the X API v2: the arguments.
/// <https://docs.x.com/x-api/posts/search-recent-posts>
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwitterSearch {
    /// What to search for, in the API's own language.
    pub query: String,
    /// The environment variable that holds the bearer token.
    #[serde(default = "token_variable")]
    pub token_variable: String,
    /// The endpoint.
    #[serde(default = "endpoint")]
    pub url: Url,
    /// Other hosts that it may redirect to; they are not told the token.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
}

fn token_variable() -> String {
    "X_BEARER_TOKEN".to_owned()
}

#[expect(clippy::expect_used, reason = "a constant")]
fn endpoint() -> Url {
    Url::parse("https://api.x.com/2/tweets/search/recent").expect("a URL")
}

impl SourceKind for TwitterSearch {
    const NAME: &'static str = "twitter_search";

    fn validate(&self) -> Result<(), SourceArgumentError> {
        let refuse = |argument: &str, why: String| Err(SourceArgumentError::new(argument, why));
        if !(1..=MAX_QUERY_CHARS).contains(&self.query.chars().count()) {
            let why = format!("expected 1 to {MAX_QUERY_CHARS} characters");
            return refuse("query", why);
        }
        if self.token_variable.is_empty() || self.token_variable.contains(['=', '\0']) {
            let why = "expected the name of an environment variable";
            return refuse("token_variable", why.to_owned());
        }
        Ok(())
    }

    fn url(&self) -> &Url {
        &self.url
    }

    fn allow_hosts(&self) -> &[String] {
        &self.allow_hosts
    }

    fn open(self, client: SourceClient) -> Result<Arc<dyn Source>, OpenError> {
        let token = env::var(&self.token_variable).unwrap_or_default();
        let header = HeaderValue::from_str(&format!("Bearer {token}"));
        let (Ok(mut authorization), false) = (header, token.is_empty()) else {
            return Err(OpenError::Credential {
                variable: self.token_variable,
                what: "a bearer token of the X API",
            });
        };
        authorization.set_sensitive(true);
        Ok(Arc::new(Search {
            arguments: self,
            headers: [(AUTHORIZATION, authorization)].into_iter().collect(),
            client,
        }))
    }
}

/// The search with its token.
struct Search {
    arguments: TwitterSearch,
    headers: HeaderMap,
    client: SourceClient,
}

/// Where the search stands. Pages go back in time, from the newest tweet to `since_id`; only after the last of them is
/// the newest one where the next search begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    /// All tweets up to this one were had.
    since_id: Option<String>,
    /// The page to fetch next.
    next_token: Option<String>,
    /// The newest tweet of the pages before it.
    newest_id: Option<String>,
}

#[async_trait]
impl Source for Search {
    async fn fetch(&self, from: &Position, limit: usize) -> Result<Fetched, SourceError> {
        let cursor: Cursor = from.cursor();
        let url = self.page_url(&cursor, limit);
        let answer = self.client.get(&url, self.headers.clone()).await?;
        match answer.status {
            status if status.is_success() => page(&answer.body, cursor),
            StatusCode::BAD_REQUEST => {
                let refused = Problems::of(&answer.body).refused_parameters();
                let Some(next) = cursor.without(&refused) else {
                    return Err(self.failed(answer.status));
                };
                Ok(Fetched {
                    next: Position::new(&next),
                    more: true,
                    ..Fetched::default()
                })
            }
            status => Err(self.failed(status)),
        }
    }
}

impl Search {
    fn page_url(&self, cursor: &Cursor, limit: usize) -> Url {
        let size = limit.clamp(*PAGE_SIZES.start(), *PAGE_SIZES.end());
        let mut url = self.arguments.url.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("query", &self.arguments.query)
            .append_pair("max_results", &size.to_string())
            .append_pair("tweet.fields", wire::TWEET_FIELDS)
            .append_pair("expansions", "author_id")
            .append_pair("user.fields", "username");
        for (name, value) in [
            ("since_id", &cursor.since_id),
            ("next_token", &cursor.next_token),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        drop(query);
        url
    }

    fn failed(&self, status: StatusCode) -> SourceError {
        SourceError::Status {
            host: host_of(&self.arguments.url),
            status: status.as_u16(),
        }
    }
}

impl Cursor {
    /// What is left of it when the API takes some of its parameters no longer: a token expires, an id grows older than
    /// the week that is searched. `None` if that is not what ails.
    fn without(mut self, refused: &[String]) -> Option<Self> {
        let is_refused = |name: &str| refused.iter().any(|refused| refused == name);
        if self.next_token.is_some() && is_refused("next_token") {
            // From the newest once more: what was had comes again, nothing is missed.
            self.next_token = None;
            self.newest_id = None;
            return Some(self);
        }
        if self.since_id.is_some() && is_refused("since_id") {
            return Some(Self::default());
        }
        None
    }

    fn after(self, page: &wire::Meta) -> Self {
        let newest_id = self.newest_id.or_else(|| page.newest_id.clone());
        match &page.next_token {
            Some(token) => Self {
                since_id: self.since_id,
                next_token: Some(token.clone()),
                newest_id,
            },
            None => Self {
                since_id: newest_id.or(self.since_id),
                ..Self::default()
            },
        }
    }
}

fn page(body: &[u8], cursor: Cursor) -> Result<Fetched, SourceError> {
    let page = Page::of(body)?;
    let users = Users::of(&page);
    let next = cursor.after(&page.meta);
    let mut fetched = Fetched {
        more: next.next_token.is_some(),
        next: Position::new(&next),
        ..Fetched::default()
    };
    for original in page.data {
        match Tweet::of(&original).and_then(|tweet| tweet.post(&users, original)) {
            Ok(post) => fetched.posts.push(post),
            Err(why) => fetched.unreadable.push(why),
        }
    }
    Ok(fetched)
}
