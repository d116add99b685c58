//! RSS, Atom and JSON Feed.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::json;
use weir::sources::{Position, Source, SourceError};
use weir_feed::{ItemKind, Platform};
use wiremock::matchers::{header, headers, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{TIME_LIMIT, distinct, failure, fetch_all, ids, open};

fn feed(server: &MockServer) -> Arc<dyn Source> {
    let args = json!({"url": format!("{}/feed", server.uri()), "platform": "reddit"});
    open("rss", args, TIME_LIMIT)
}

async fn serve(body: impl Into<Vec<u8>>, content_type: &str) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_raw(body, content_type);
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn rss(guids: impl IntoIterator<Item = u32>) -> String {
    let items = guids.into_iter().fold(String::new(), |mut items, guid| {
        write!(
            items,
            "<item><title>Item {guid}</title><link>https://news.example/{guid}</link>\
             <guid isPermaLink=\"false\">{guid}</guid><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>\
             <description>&lt;p&gt;Fish &amp;amp; &lt;b&gt;chips&lt;/b&gt;&lt;/p&gt;</description></item>"
        )
        .unwrap();
        items
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"><channel><title>News</title>\
         <link>https://news.example/</link><description>d</description><language>en</language>{items}</channel></rss>"
    )
}

const ATOM: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><id>urn:uuid:60a76c80</id><updated>2026-11-20T10:00:00Z</updated>
<entry><title type="html">One &amp;amp; all</title><id>urn:uuid:1</id><link rel="self" href="https://b.example/self"/>
<link rel="alternate" href="https://b.example/1"/><link rel="enclosure" href="https://b.example/1.png"/>
<published>2026-11-20T09:00:00+01:00</published><updated>2026-11-20T10:00:00Z</updated>
<author><name>Ann</name></author><content type="html">&lt;p&gt;Hello&lt;/p&gt;</content></entry></feed>"#;

#[tokio::test]
async fn an_rss_item_becomes_an_item_with_its_address_and_its_original() {
    let server = serve(rss([1]), "application/rss+xml").await;
    let (pages, _) = fetch_all(&*feed(&server), Position::default(), 100).await;
    let post = &pages[0].posts[0];
    assert!(post.item.id.starts_with("rss:") && post.item.id.len() == 36);
    assert_eq!(post.item.title.as_deref(), Some("Item 1"));
    assert_eq!(post.item.text, "Fish & chips");
    assert_eq!(post.item.kind, ItemKind::Post);
    assert_eq!(
        post.item.created_at.to_rfc3339(),
        "2026-11-20T10:00:00+00:00"
    );
    assert_eq!(post.item.language.as_deref(), Some("en"));
    assert_eq!(post.url, "https://news.example/1");
    assert_eq!(post.platform, Platform::Reddit);
    let original: String = serde_json::from_str(post.original.get()).unwrap();
    assert!(original.starts_with("<item><title>Item 1</title>") && original.ends_with("</item>"));
    // As it is stored, it reads as an item again.
    let stored = serde_json::to_value(post).unwrap();
    assert_eq!(stored["url"], "https://news.example/1");
    let item: weir_feed::ContentItem = serde_json::from_value(stored).unwrap();
    assert_eq!(item, post.item);
}

#[tokio::test]
async fn an_atom_entry_too() {
    let server = serve(ATOM, "application/atom+xml").await;
    let (pages, _) = fetch_all(&*feed(&server), Position::default(), 100).await;
    let post = &pages[0].posts[0];
    assert_eq!(post.item.title.as_deref(), Some("One & all"));
    assert_eq!(post.item.text, "Hello");
    assert_eq!(post.url, "https://b.example/1");
    assert_eq!(post.item.embedded_urls, ["https://b.example/1.png"]);
    assert_eq!(
        post.item.created_at.to_rfc3339(),
        "2026-11-20T08:00:00+00:00"
    );
}

#[tokio::test]
async fn a_json_feed_item_too() {
    let item = json!({
        "id": "https://j.example/1", "url": "https://j.example/1", "title": "One", "content_html": "<p>Hello</p>",
        "date_published": "2026-11-20T10:00:00Z", "_ours": {"kept": true},
    });
    let body =
        json!({"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [item]});
    let server = serve(body.to_string(), "application/feed+json").await;
    let (pages, _) = fetch_all(&*feed(&server), Position::default(), 100).await;
    let post = &pages[0].posts[0];
    assert_eq!(
        (post.item.text.as_str(), post.url.as_str()),
        ("Hello", "https://j.example/1")
    );
    let original: serde_json::Value = serde_json::from_str(post.original.get()).unwrap();
    assert_eq!(original, item);
}

#[tokio::test]
async fn a_feed_in_another_encoding_is_read() {
    let text = rss([1])
        .replace("Item 1", "Привет")
        .replace("UTF-8", "windows-1251");
    let cyrillic: Vec<u8> = text
        .chars()
        .map(|sign| match u32::from(sign) {
            ascii @ 0..128 => u8::try_from(ascii).unwrap(),
            letter => u8::try_from(letter - 0x410 + 0xC0).unwrap(),
        })
        .collect();
    let server = serve(cyrillic, "application/rss+xml").await;
    let (pages, _) = fetch_all(&*feed(&server), Position::default(), 100).await;
    assert_eq!(pages[0].posts[0].item.title.as_deref(), Some("Привет"));
}

#[tokio::test]
async fn an_unchanged_feed_is_not_sent_again() {
    let server = MockServer::start().await;
    Mock::given(header("if-none-match", "\"one\""))
        .and(headers(
            "if-modified-since",
            vec!["Fri", "20 Nov 2026 10:00:00 GMT"],
        ))
        .respond_with(ResponseTemplate::new(304))
        .expect(1)
        .mount(&server)
        .await;
    let whole = ResponseTemplate::new(200)
        .insert_header("etag", "\"one\"")
        .insert_header("last-modified", "Fri, 20 Nov 2026 10:00:00 GMT")
        .set_body_raw(rss([1, 2]), "application/rss+xml");
    Mock::given(method("GET"))
        .respond_with(whole)
        .expect(1)
        .mount(&server)
        .await;
    let (pages, position) = fetch_all(&*feed(&server), Position::default(), 100).await;
    assert_eq!(ids(&pages).len(), 2);
    let (pages, after) = fetch_all(&*feed(&server), position.clone(), 100).await;
    assert!(ids(&pages).is_empty());
    assert_eq!(after, position);
}

#[tokio::test]
async fn entries_come_once_each_however_often_the_feed_grows() {
    let (mut position, mut found) = (Position::default(), Vec::new());
    let server = MockServer::start().await;
    for newest in [3, 3, 7, 12] {
        server.reset().await;
        let body = rss((newest.max(5) - 4..=newest).rev());
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_raw(body, "text/xml"))
            .mount(&server)
            .await;
        let (pages, after) = fetch_all(&*feed(&server), position, 100).await;
        position = after;
        found.extend(ids(&pages));
    }
    assert_eq!((found.len(), distinct(&found)), (12, 12));
}

#[tokio::test]
async fn a_long_feed_is_taken_in_pages_across_restarts() {
    let server = serve(rss((1..=25).rev()), "text/xml").await;
    let (mut position, mut found) = (Position::default(), Vec::new());
    for more in [true, true, false] {
        let page = feed(&server).fetch(&position, 10).await.unwrap();
        assert_eq!(page.more, more);
        found.extend(ids(std::slice::from_ref(&page)));
        position = page.next;
    }
    assert_eq!((found.len(), distinct(&found)), (25, 25));
}

#[tokio::test]
async fn equal_guids_of_two_feeds_are_two_posts_and_one_address_in_two_feeds_is_one() {
    let (one, two) = (
        serve(rss([1]), "text/xml").await,
        serve(rss([1]), "text/xml").await,
    );
    let id = |pages: &[weir::sources::Fetched]| ids(pages).remove(0);
    let (first, _) = fetch_all(&*feed(&one), Position::default(), 100).await;
    let (second, _) = fetch_all(&*feed(&two), Position::default(), 100).await;
    assert_ne!(id(&first), id(&second));
    let (one, two) = (serve(ATOM, "text/xml").await, serve(ATOM, "text/xml").await);
    let (first, _) = fetch_all(&*feed(&one), Position::default(), 100).await;
    let (second, _) = fetch_all(&*feed(&two), Position::default(), 100).await;
    assert_eq!(id(&first), id(&second));
}

#[tokio::test]
async fn an_entry_without_a_name_has_the_same_id_each_time() {
    let body = rss([1]).replace("<guid isPermaLink=\"false\">1</guid>", "");
    let server = serve(body, "text/xml").await;
    let (first, _) = fetch_all(&*feed(&server), Position::default(), 100).await;
    let (second, _) = fetch_all(&*feed(&server), Position::default(), 100).await;
    assert_eq!(ids(&first), ids(&second));
}

#[tokio::test]
async fn an_entry_without_an_address_is_reported_and_the_others_are_kept() {
    let body = rss([1, 2]).replace("<link>https://news.example/2</link>", "");
    let server = serve(body, "text/xml").await;
    let (pages, _) = fetch_all(&*feed(&server), Position::default(), 100).await;
    assert_eq!(ids(&pages).len(), 1);
    assert_eq!(pages[0].unreadable.len(), 1);
}

#[tokio::test]
async fn broken_or_foreign_documents_are_malformed() {
    let whole = rss([1, 2]);
    for body in [
        &whole[..whole.len() - 20],
        &whole.replace("</title>", "</titel>"),
        "<html><body>moved</body></html>",
        "{\"version\": \"https://jsonfeed.org/version/1\", \"items\": [",
        "plain",
        "",
    ] {
        let server = serve(body, "text/xml").await;
        let error = failure(&*feed(&server)).await;
        assert!(
            matches!(error, SourceError::Malformed(_)),
            "{body}: {error}"
        );
    }
}

#[tokio::test]
async fn an_xml_entity_bomb_is_harmless() {
    let body = rss([1]).replace(
        "<rss version",
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]><rss version",
    );
    let server = serve(body.replace("Item 1", "&b;"), "text/xml").await;
    let _ = feed(&server).fetch(&Position::default(), 100).await;
}
