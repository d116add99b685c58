use std::collections::HashMap;

use weir_feed::{Engagements, ItemKind, Platform};
use weir_lab::DropReason;

use super::run;
use crate::tweets;

#[test]
fn tweets_are_put_in_threads_without_cycles() {
    let run = run(&[("tweets.jsonl", tweets(2000).as_bytes())]);
    let items = run.items(Platform::Twitter);
    assert_eq!(items.len(), 2000);
    let mut roots: HashMap<&str, &str> = HashMap::new();
    for item in &items {
        let root = match item.kind {
            ItemKind::Post => &item.id,
            ItemKind::Comment => {
                let parent = item.parent_id.as_deref().unwrap();
                assert_eq!(roots[parent], item.post_id.as_deref().unwrap());
                roots[parent]
            }
        };
        roots.insert(&item.id, root);
    }
    let starts = items
        .iter()
        .filter(|item| item.kind == ItemKind::Post)
        .count();
    // 600 expected; four standard deviations are 82.
    assert!((518..=682).contains(&starts), "{starts}");
}

#[test]
fn tweets_without_counts_get_them_from_followers_and_keep_expanded_urls() {
    let run = run(&[("tweets.jsonl", tweets(100).as_bytes())]);
    let items = run.items(Platform::Twitter);
    for (id, item) in items.iter().enumerate() {
        let Engagements::Twitter(counts) = item.engagements else {
            panic!("{item:?}");
        };
        assert_eq!(item.embedded_urls, [format!("https://a.org/{id}")]);
        assert_eq!(item.text, format!("tweet {id}"));
        if id % 2 == 1 {
            assert_eq!((counts.like, counts.retweet), (1, 0));
        } else {
            assert!(counts.like > 1, "{counts:?}");
        }
    }
}

#[test]
fn invalid_lines_are_dropped_and_counted() {
    let mut lines = tweets(2).into_bytes();
    lines.extend_from_slice(b"{\"data\":{\"id\n\n{\"errors\":[]}\r\n[1]\n\xff\n");
    lines.extend_from_slice(tweets(1).as_bytes());
    lines.extend_from_slice(&vec![b'x'; (1 << 20) + 5]);
    lines.extend_from_slice(b"\n");
    lines.extend_from_slice(
        tweets(3)
            .replace("\"like_count\":0", "\"like_count\":-1")
            .as_bytes(),
    );
    let run = run(&[("twitter.jsonl", &lines)]);
    let dropped = |reason| run.dropped("twitter.jsonl", reason);
    assert_eq!(run.reports[0].kept(), 2);
    assert_eq!(dropped(DropReason::NotJson), Some((2, 3)));
    assert_eq!(dropped(DropReason::NoContent), Some((1, 5)));
    assert_eq!(dropped(DropReason::InvalidUtf8), Some((1, 7)));
    assert_eq!(dropped(DropReason::Duplicate), Some((2, 8)));
    assert_eq!(dropped(DropReason::LineTooLong), Some((1, 9)));
    assert_eq!(dropped(DropReason::InvalidCount), Some((2, 10)));
}
