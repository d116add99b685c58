use std::collections::HashSet;

use weir_feed::{ContentItem, Engagements, Platform, parse_timestamp};
use weir_lab::DropReason;

use super::{Run, run};

pub(super) const POSTS: &str = "\u{feff}created_time,message,page_id,post_id,react_like,react_love,react_wow,react_haha,react_sad,react_angry,shares\r
2017-05-31T10:00:00+0000,\"Two lines,\nand a \"\"quote\"\" https://a.org/x.\",9,9_1,5,1,,0,0,2,7\r
2017-05-31 11:00:00,Second,9,9_2,1.0,0,0,0,0,0,0\r
2017-05-31T12:00:00+0000,Second again,9,9_2,1,0,0,0,0,0,0\r
today,No time,9,9_3,1,0,0,0,0,0,0\r
2017-05-31T13:00:00+0000,Negative,9,9_4,-1,0,0,0,0,0,0\r
2017-05-31T13:00:00+0000,,9,9_5,1,0,0,0,0,0,0\r
2017-05-31T13:00:00+0000,Short,9\r
";
const COMMENTS: &str = "created_time,from_id,message,post_name
2017-05-31T10:01:00+0000,1,On the second,9_2
2017-05-31T10:02:00+0000,2,On the first,9_1
2017-05-31T10:03:00+0000,3,On the second,9_2
2017-05-31T10:03:00+0000,3,On the second,9_1
2017-05-31T10:04:00+0000,4,Lost,9_77
";

fn facebook() -> Run {
    run(&[
        ("fb_news_posts.csv", POSTS.as_bytes()),
        ("fb_news_comments.csv", COMMENTS.as_bytes()),
    ])
}

#[test]
fn facebook_comments_follow_their_post_which_counts_them() {
    let run = facebook();
    let items = run.items(Platform::Facebook);
    let texts: Vec<_> = items.iter().map(|item| item.text.as_str()).collect();
    let first = "Two lines,\nand a \"quote\" https://a.org/x.";
    assert_eq!(
        texts,
        [
            first,
            "On the first",
            "On the second",
            "Second",
            "On the second"
        ]
    );
    assert_eq!(items[0].embedded_urls, ["https://a.org/x"]);
    assert_eq!(
        items[0].created_at,
        parse_timestamp("2017-05-31 10:00:00").unwrap()
    );
    assert_eq!(items[1].post_id.as_ref(), Some(&items[0].id));
    assert_eq!(items[4].post_id.as_ref(), Some(&items[3].id));
    let counts = |item: &ContentItem| match item.engagements {
        Engagements::Facebook(counts) => counts,
        _ => panic!("{item:?}"),
    };
    assert_eq!(
        (counts(&items[0]).comment, counts(&items[3]).comment),
        (2, 1)
    );
    assert_eq!(
        (
            counts(&items[0]).like,
            counts(&items[0]).wow,
            counts(&items[0]).share
        ),
        (5, 0, 7)
    );
    assert_eq!(
        items
            .iter()
            .map(|item| &item.id)
            .collect::<HashSet<_>>()
            .len(),
        5
    );
}

#[test]
fn facebook_dropped_rows_are_counted_by_reason_with_their_first_line() {
    let run = facebook();
    let posts = |reason| run.dropped("fb_news_posts.csv", reason);
    assert_eq!(posts(DropReason::Duplicate), Some((1, 5)));
    assert_eq!(posts(DropReason::UnparseableTime), Some((1, 6)));
    assert_eq!(posts(DropReason::InvalidCount), Some((1, 7)));
    assert_eq!(posts(DropReason::NoContent), Some((1, 8)));
    assert_eq!(posts(DropReason::WrongNumberOfFields), Some((1, 9)));
    assert_eq!(
        run.dropped("fb_news_comments.csv", DropReason::Duplicate),
        Some((1, 4))
    );
    assert_eq!(
        run.dropped("fb_news_comments.csv", DropReason::PostMissing),
        Some((1, 6))
    );
    let report = run.reports[0].to_string();
    assert!(
        report.starts_with("facebook: 2 posts and 3 comments kept, 7 rows dropped\n"),
        "{report}"
    );
}
