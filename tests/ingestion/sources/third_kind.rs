//! The example of docs/extending.md: a third kind of source, made of nothing but the library's public parts.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use weir::sources::{
    Fetched, OpenError, Outside, Position, ScrapedPost, Source, SourceArgumentError, SourceClient,
    SourceError, SourceKind,
};
use weir_feed::{ContentItem, Engagements, ItemKind, Platform, RedditEngagements, parse_timestamp};
use wiremock::matchers::{method, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{TIME_LIMIT, ids};

/// A bulletin board: the arguments.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Board {
    /// The board's address.
    pub(crate) url: Url,
    /// Other hosts that it may redirect to.
    #[serde(default)]
    pub(crate) allow_hosts: Vec<String>,
}

impl SourceKind for Board {
    const NAME: &'static str = "board";

    fn validate(&self) -> Result<(), SourceArgumentError> {
        Ok(())
    }

    fn url(&self) -> &Url {
        &self.url
    }

    fn allow_hosts(&self) -> &[String] {
        &self.allow_hosts
    }

    fn open(self, client: SourceClient) -> Result<Arc<dyn Source>, OpenError> {
        Ok(Arc::new(BoardSource {
            url: self.url,
            client,
        }))
    }
}

struct BoardSource {
    url: Url,
    client: SourceClient,
}

/// Where a board stands.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    newest: u64,
}

#[async_trait]
impl Source for BoardSource {
    async fn fetch(&self, from: &Position, limit: usize) -> Result<Fetched, SourceError> {
        let Cursor { newest } = from.cursor();
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("after", &newest.to_string())
            .append_pair("limit", &limit.to_string());
        let answer = self.client.get(&url, HeaderMap::new()).await?;
        page(&answer.body, newest, limit)
    }
}

#[derive(Deserialize)]
struct Page {
    posts: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct BoardPost {
    number: u64,
    author: String,
    text: String,
    at: String,
}

fn page(body: &[u8], newest: u64, limit: usize) -> Result<Fetched, SourceError> {
    let no_page = |_| SourceError::Malformed("no page of a board".to_owned());
    let Page { posts } = serde_json::from_slice(body).map_err(no_page)?;
    let mut cursor = Cursor { newest };
    let mut fetched = Fetched {
        more: posts.len() == limit,
        ..Fetched::default()
    };
    for original in posts {
        match serde_json::from_str::<BoardPost>(original.get()) {
            Ok(post) => {
                cursor.newest = cursor.newest.max(post.number);
                fetched.posts.extend(scraped(post, original));
            }
            Err(error) => fetched
                .unreadable
                .push(format!("a post, at column {}", error.column())),
        }
    }
    fetched.next = Position::new(&cursor);
    Ok(fetched)
}

fn scraped(post: BoardPost, original: Box<RawValue>) -> Option<ScrapedPost> {
    let item = ContentItem {
        id: format!("board:{}", post.number),
        original_rank: None,
        post_id: None,
        parent_id: None,
        title: None,
        text: post.text,
        author_name_hash: post.author,
        kind: ItemKind::Post,
        embedded_urls: Vec::new(),
        created_at: parse_timestamp(&post.at)?,
        engagements: Engagements::Reddit(RedditEngagements::default()),
        language: None,
    };
    Some(ScrapedPost {
        item,
        platform: Platform::Reddit,
        url: format!("https://board.example/{}", post.number),
        original,
    })
}

#[tokio::test]
async fn a_third_kind_pages_from_a_stored_position_without_loss_or_repeat() {
    let server = MockServer::start().await;
    for (after, numbers) in [(0, 1..=2), (2, 3..=3)] {
        let posts: Vec<_> = numbers
            .map(|number| json!({"number": number, "author": "a", "text": "t", "at": "2026-11-20T10:00:00Z"}))
            .collect();
        Mock::given(method("GET"))
            .and(query_param("after", after.to_string()))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "posts": posts })))
            .mount(&server)
            .await;
    }
    weir_test_support::http_client();
    let board = Board {
        url: server.uri().parse().unwrap(),
        allow_hosts: Vec::new(),
    };
    board.validate().unwrap();
    let client = Outside::new([].into())
        .unwrap()
        .client_for([].into(), TIME_LIMIT);
    let source = board.open(client).unwrap();
    let (mut position, mut found) = (Position::default(), Vec::new());
    for more in [true, false] {
        let page = source.fetch(&position, 2).await.unwrap();
        assert_eq!(page.more, more);
        position = page.next.clone();
        found.extend(ids(&[page]));
    }
    assert_eq!(found, ["board:1", "board:2", "board:3"]);
}

#[test]
fn the_documented_code_is_the_code_that_runs() {
    let squeezed = |text: &str| {
        text.split_whitespace()
            .collect::<String>()
            .replace(",}", "}")
            .replace(",)", ")")
    };
    let code = squeezed(include_str!("third_kind.rs"));
    let document = include_str!("../../../docs/extending.md");
    let (_, section) = document.split_once("## A third kind of source").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks: Vec<&str> = section
        .split("```rust\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 3);
    for block in blocks {
        assert!(code.contains(&squeezed(block)), "not in the test:\n{block}");
    }
}
