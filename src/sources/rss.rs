use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use feed_rs::model::{Entry, Feed};
use feed_rs::parser;
use reqwest::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::client::{Answer, host_of};
use super::document::{decoded, raw_entries};
use super::html::html_to_text;
use super::registry::SourceKind;
use super::source::hash;
use super::{
    Fetched, OpenError, Position, ScrapedPost, Source, SourceArgumentError, SourceClient,
    SourceError,
};
use weir_feed::{ContentItem, ItemKind, Platform, is_web_address};

/// Most links that are kept of one entry.
const MAX_LINKS: usize = 100;

/// A feed in RSS (0.91 to 2.0), Atom or JSON Feed: the arguments.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rss {
    /// The feed's address.
    pub url: Url,
    /// In whose feeds its entries can be shown.
    pub platform: Platform,
    /// Other hosts that the feed may redirect to.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
}

impl SourceKind for Rss {
    const NAME: &'static str = "rss";

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
        Ok(Arc::new(RssSource { rss: self, client }))
    }
}

/// The feed itself.
struct RssSource {
    rss: Rss,
    client: SourceClient,
}

/// Where a feed stands.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    /// The document's `ETag`, once all of it was taken.
    etag: Option<String>,
    /// Its `Last-Modified`.
    last_modified: Option<String>,
    /// The ids of the entries taken that the document still had.
    taken: HashSet<String>,
}

#[async_trait]
impl Source for RssSource {
    async fn fetch(&self, from: &Position, limit: usize) -> Result<Fetched, SourceError> {
        let cursor: Cursor = from.cursor();
        let answer = self.client.get(&self.rss.url, cursor.conditions()).await?;
        match answer.status {
            StatusCode::NOT_MODIFIED => Ok(Fetched {
                next: from.clone(),
                ..Fetched::default()
            }),
            status if status.is_success() => {
                let rss = self.rss.clone();
                // Parsing is CPU-bound, and a parser that panics takes nothing along.
                tokio::task::spawn_blocking(move || rss.page(&answer, &cursor, limit))
                    .await
                    .unwrap_or_else(|_| Err(SourceError::Malformed("the parser failed".into())))
            }
            status => Err(SourceError::Status {
                host: host_of(&self.rss.url),
                status: status.as_u16(),
            }),
        }
    }
}

impl Cursor {
    fn conditions(&self) -> HeaderMap {
        let condition = |name: HeaderName, value: &Option<String>| {
            Some((name, HeaderValue::from_str(value.as_ref()?).ok()?))
        };
        [
            condition(IF_NONE_MATCH, &self.etag),
            condition(IF_MODIFIED_SINCE, &self.last_modified),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// An entry, and how it stands in the document.
struct Found {
    id: String,
    entry: Entry,
    original: Box<RawValue>,
}

impl Rss {
    /// The entries not taken yet, the last in the document first: `limit` at the most.
    fn page(&self, answer: &Answer, cursor: &Cursor, limit: usize) -> Result<Fetched, SourceError> {
        let (feed, mut found) = self.read(answer)?;
        let present: HashSet<String> = found.iter().map(|found| found.id.clone()).collect();
        let mut known: HashSet<String> = cursor.taken.intersection(&present).cloned().collect();
        found.reverse();
        found.retain(|found| known.insert(found.id.clone()));
        let more = found.len() > limit;
        let left: Vec<Found> = found.split_off(found.len().min(limit));
        for found in &left {
            known.remove(&found.id);
        }
        let header = |name: HeaderName| {
            let value = answer.headers.get(name).filter(|_| !more)?;
            value.to_str().ok().map(str::to_owned)
        };
        let next = Position::new(&Cursor {
            etag: header(ETAG),
            last_modified: header(LAST_MODIFIED),
            taken: known,
        });
        let mut fetched = Fetched {
            next,
            more,
            ..Fetched::default()
        };
        for found in found {
            match self.post(&feed, found) {
                Ok(post) => fetched.posts.push(post),
                Err(why) => fetched.unreadable.push(why),
            }
        }
        Ok(fetched)
    }

    /// The feed without its entries, and these.
    fn read(&self, answer: &Answer) -> Result<(Feed, Vec<Found>), SourceError> {
        let header = |name: HeaderName| answer.headers.get(name)?.to_str().ok();
        let document = decoded(&answer.body, header(CONTENT_TYPE));
        let originals = raw_entries(&document)?;
        let parser = parser::Builder::new()
            .base_uri(Some(self.url.as_str()))
            // Feeds name their entries; for one that does not, see `Found::id`.
            .id_generator(|_, _, _| String::new())
            .build();
        // The parser's words may quote the document.
        let not_a_feed = |_| SourceError::Malformed("neither RSS, Atom nor JSON Feed".to_owned());
        let mut feed = parser.parse(document.as_bytes()).map_err(not_a_feed)?;
        let entries = std::mem::take(&mut feed.entries);
        if entries.len() != originals.len() {
            let why = format!(
                "{} entries, of which {} can be read",
                originals.len(),
                entries.len()
            );
            return Err(SourceError::Malformed(why));
        }
        let found = entries
            .into_iter()
            .zip(originals)
            .map(|(entry, original)| Found {
                id: self.id(&entry, &original),
                entry,
                original,
            });
        let found = found.collect();
        Ok((feed, found))
    }

    /// `rss:HASH`, of an id that is unique in the world, else of the feed's address and what distinguishes the entry in it.
    fn id(&self, entry: &Entry, original: &RawValue) -> String {
        let worldwide = ["http://", "https://", "urn:", "tag:"];
        let hash = if worldwide.iter().any(|scheme| entry.id.starts_with(scheme)) {
            hash(&[&entry.id])
        } else if entry.id.is_empty() {
            let link = entry.links.first().map(|link| link.href.as_str());
            hash(&[self.url.as_str(), link.unwrap_or(original.get())])
        } else {
            hash(&[self.url.as_str(), &entry.id])
        };
        format!("rss:{hash}")
    }

    fn post(&self, feed: &Feed, found: Found) -> Result<ScrapedPost, String> {
        let Found {
            id,
            entry,
            original,
        } = found;
        let url = link(&entry).ok_or_else(|| format!("entry {id} has no address"))?;
        let author = entry.authors.first().map(|author| {
            let names = [&author.name, &author.email, &author.uri];
            names.into_iter().flatten().next().cloned()
        });
        let author = author
            .flatten()
            .or_else(|| Some(feed.title.as_ref()?.content.clone()));
        let host = host_of(&self.url);
        let text = text(&entry).ok_or_else(|| format!("entry {id} has a text that is no HTML"))?;
        let item = ContentItem {
            id,
            original_rank: None,
            post_id: None,
            parent_id: None,
            title: entry
                .title
                .as_ref()
                .and_then(|title| html_to_text(&title.content))
                .filter(|title| !title.is_empty()),
            text,
            author_name_hash: hash(&[&host, author.as_deref().unwrap_or_default()]),
            kind: ItemKind::Post,
            embedded_urls: enclosures(&entry),
            // A feed need not date its entries: they are then as old as our knowledge of them.
            created_at: entry.published.or(entry.updated).unwrap_or_else(Utc::now),
            engagements: ScrapedPost::no_engagements(self.platform),
            language: entry.language.or_else(|| feed.language.clone()),
        };
        Ok(ScrapedPost {
            item,
            platform: self.platform,
            url,
            original,
        })
    }
}

/// The content, else the summary; an entry may have neither.
fn text(entry: &Entry) -> Option<String> {
    let content = entry
        .content
        .as_ref()
        .and_then(|content| content.body.as_deref());
    let summary = entry
        .summary
        .as_ref()
        .map(|summary| summary.content.as_str());
    html_to_text(content.or(summary).unwrap_or_default())
}

fn link(entry: &Entry) -> Option<String> {
    let alternate = entry
        .links
        .iter()
        .filter(|link| matches!(link.rel.as_deref(), None | Some("alternate")))
        .map(|link| &link.href);
    alternate
        .chain([&entry.id])
        .find(|address| is_web_address(address))
        .cloned()
}

fn enclosures(entry: &Entry) -> Vec<String> {
    let media = entry.media.iter().flat_map(|media| &media.content);
    let media = media.filter_map(|content| Some(content.url.as_ref()?.to_string()));
    let links = entry.links.iter();
    let links = links
        .filter(|link| link.rel.as_deref() == Some("enclosure"))
        .map(|link| link.href.clone());
    media
        .chain(links)
        .filter(|address| is_web_address(address))
        .take(MAX_LINKS)
        .collect()
}
