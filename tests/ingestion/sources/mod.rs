//! Sources against local servers that speak their true wire format.

mod hostile;
mod rss;
mod third_kind;
mod twitter_search;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use weir::programs::ProgramDirectory;
use weir::sources::{Fetched, Outside, Position, Source, SourceError, plan};

/// How long the sources of these tests wait.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The source that a settings file would open.
fn open(kind: &str, args: Value, time_limit: Duration) -> Arc<dyn Source> {
    weir_test_support::http_client();
    let Value::Object(args) = args else {
        panic!("arguments are an object")
    };
    let plan = plan(kind, &args, &ProgramDirectory::default()).unwrap();
    let outside = Outside::new(plan.private_hosts()).unwrap();
    plan.open(&outside, time_limit).unwrap()
}

/// Fetches until there is nothing more at once, storing the position as a scraper does: as text, between any two pages.
async fn fetch_all(source: &dyn Source, from: Position, limit: usize) -> (Vec<Fetched>, Position) {
    let (mut pages, mut position) = (Vec::new(), from);
    loop {
        let page = source.fetch(&position, limit).await.unwrap();
        position = serde_json::from_str(&serde_json::to_string(&page.next).unwrap()).unwrap();
        let more = page.more;
        pages.push(page);
        assert!(pages.len() < 50, "no end of pages");
        if !more {
            return (pages, position);
        }
    }
}

fn ids(pages: &[Fetched]) -> Vec<String> {
    let posts = pages.iter().flat_map(|page| &page.posts);
    posts.map(|post| post.item.id.clone()).collect()
}

fn distinct(ids: &[String]) -> usize {
    ids.iter().collect::<BTreeSet<_>>().len()
}

async fn failure(source: &dyn Source) -> SourceError {
    source.fetch(&Position::default(), 100).await.unwrap_err()
}
