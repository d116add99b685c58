//! Raw exports to normalised items, and requests pulled from them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use weir::seeding::preprocess::{Dropped, Reason, Report};
use weir::seeding::{Preprocess, Progress, generate, pull};
use weir_feed::{ContentItem, Engagements, ItemKind, Platform, RankRequest, parse_timestamp};

/// Raw files, by name, and what became of them.
struct Run {
    input: TempDir,
    output: TempDir,
    reports: Vec<Report>,
}

fn options(input: &Path, output: &Path) -> Preprocess {
    Preprocess {
        seed: 7,
        author_salt: Some("salt".to_owned()),
        ..Preprocess::new(input, output)
    }
}

fn write_files(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn run(files: &[(&str, &[u8])]) -> Run {
    let (input, output) = (write_files(files), tempfile::tempdir().unwrap());
    let reports = options(input.path(), output.path())
        .run(&Progress::hidden())
        .unwrap();
    Run {
        input,
        output,
        reports,
    }
}

fn refusal(files: &[(&str, &[u8])]) -> String {
    let (input, output) = (write_files(files), tempfile::tempdir().unwrap());
    let error = options(input.path(), output.path())
        .run(&Progress::hidden())
        .unwrap_err();
    let left: Vec<_> = fs::read_dir(output.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    error
        .to_string()
        .replace(&format!("{}/", input.path().display()), "")
}

impl Run {
    fn items(&self, platform: Platform) -> Vec<ContentItem> {
        read_items(self.output.path(), platform)
    }

    fn dropped(&self, file: &str, reason: Reason) -> Option<(u64, u64)> {
        let key = (self.input.path().join(file), reason);
        let dropped = self
            .reports
            .iter()
            .find_map(|report| report.dropped.get(&key));
        dropped.map(|&Dropped { count, first_line }| (count, first_line))
    }
}

fn read_items(folder: &Path, platform: Platform) -> Vec<ContentItem> {
    let lines = fs::read_to_string(folder.join(format!("{platform}.jsonl"))).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

const POSTS: &str = "\u{feff}created_time,message,page_id,post_id,react_like,react_love,react_wow,react_haha,react_sad,react_angry,shares\r
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
fn facebook_rows_left_out_are_counted_by_reason_with_their_first_line() {
    let run = facebook();
    let posts = |reason| run.dropped("fb_news_posts.csv", reason);
    assert_eq!(posts(Reason::Duplicate), Some((1, 5)));
    assert_eq!(posts(Reason::UnparseableTime), Some((1, 6)));
    assert_eq!(posts(Reason::BadCount), Some((1, 7)));
    assert_eq!(posts(Reason::NoContent), Some((1, 8)));
    assert_eq!(posts(Reason::WrongNumberOfFields), Some((1, 9)));
    assert_eq!(
        run.dropped("fb_news_comments.csv", Reason::Duplicate),
        Some((1, 4))
    );
    assert_eq!(
        run.dropped("fb_news_comments.csv", Reason::PostMissing),
        Some((1, 6))
    );
    let report = run.reports[0].to_string();
    assert!(
        report.starts_with("facebook: 2 posts and 3 comments kept, 7 rows left out\n"),
        "{report}"
    );
}

const REDDIT: &str = "type,id,title,selftext,body,author,ups,downs,created_utc,parent_id
Post,a1,Title,Some text,,ann,10,3,1561972109,
Post,a2,Only a title,,,bob,-5,2,1561972110,
Post,a3,Gone,[removed],,[deleted],1,0,1561972111,
Comment,t1_b1,,,Top comment,cid,4,-9,1561972112,t3_a1
Comment,b2,,,Reply,dan,4,0,1561972113,t1_b1
Comment,b3,,,Somewhere,eve,4,0,1561972114,
Comment,b4,,,Reply to that,eve,4,0,1561972115,t1_b3
Comment,b3,,,Again,eve,4,0,1561972116,
Share,b5,,,What,eve,4,0,1561972117,
Comment,b6,,,Late,eve,4,0,999999999999999,
";

#[test]
fn reddit_comments_are_linked_and_votes_clamped() {
    let run = run(&[("reddit.csv", REDDIT.as_bytes())]);
    let items = run.items(Platform::Reddit);
    let score = |item: &ContentItem| match item.engagements {
        Engagements::Reddit(counts) => counts.score,
        _ => panic!("{item:?}"),
    };
    let [a1, a2, b1, b2, b3, b4] = items.as_slice() else {
        panic!("{items:#?}");
    };
    assert_eq!(
        (a1.title.as_deref(), a1.text.as_str(), score(a1)),
        (Some("Title"), "Some text", Some(7))
    );
    assert_eq!(
        (a2.title.as_deref(), a2.text.as_str(), score(a2)),
        (Some("Only a title"), "", Some(-2))
    );
    assert_eq!(
        (b1.post_id.as_ref(), b1.parent_id.as_ref(), score(b1)),
        (Some(&a1.id), None, Some(4))
    );
    assert_eq!(
        (b2.post_id.as_ref(), b2.parent_id.as_ref()),
        (Some(&a1.id), Some(&b1.id))
    );
    assert!([&a1.id, &a2.id].contains(&b3.post_id.as_ref().unwrap()));
    assert_eq!(
        (&b4.post_id, b4.parent_id.as_ref()),
        (&b3.post_id, Some(&b3.id))
    );
    let dropped = |reason| run.dropped("reddit.csv", reason);
    assert_eq!(dropped(Reason::Deleted), Some((1, 4)));
    assert_eq!(dropped(Reason::Duplicate), Some((1, 9)));
    assert_eq!(dropped(Reason::UnknownType), Some((1, 10)));
    assert_eq!(dropped(Reason::UnparseableTime), Some((1, 11)));
}

fn tweets(count: u32) -> String {
    let tweet = |id| {
        format!(
            r#"{{"data":{{"id":"{id}","author_id":"7","created_at":"2023-01-01T00:00:00.000Z","text":" tweet {id} ","lang":"en","entities":{{"urls":[{{"url":"https://t.co/x","expanded_url":"https://a.org/{id}"}}]}},"public_metrics":{{"like_count":{},"retweet_count":0,"reply_count":0,"quote_count":0}}}},"includes":{{"users":[{{"public_metrics":{{"followers_count":100000}}}}]}}}}"#,
            id % 2
        ) + "\n"
    };
    (0..count).map(tweet).collect()
}

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
fn lines_that_are_no_tweets_are_counted() {
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
    assert_eq!(dropped(Reason::NotJson), Some((2, 3)));
    assert_eq!(dropped(Reason::NoContent), Some((1, 5)));
    assert_eq!(dropped(Reason::InvalidUtf8), Some((1, 7)));
    assert_eq!(dropped(Reason::Duplicate), Some((2, 8)));
    assert_eq!(dropped(Reason::LineTooLong), Some((1, 9)));
    assert_eq!(dropped(Reason::BadCount), Some((2, 10)));
}

#[test]
fn what_spills_to_disk_changes_nothing() {
    let input = tempfile::tempdir().unwrap();
    generate(3, 1500, input.path(), &Progress::hidden()).unwrap();
    let [in_memory, spilled] = [24 << 20, 10_000].map(|spill_bytes| {
        let output = tempfile::tempdir().unwrap();
        let options = Preprocess {
            spill_bytes,
            ..options(input.path(), output.path())
        };
        let reports = options.run(&Progress::hidden()).unwrap();
        let files = Platform::ALL
            .iter()
            .map(|platform| fs::read(output.path().join(format!("{platform}.jsonl"))).unwrap());
        (reports, files.collect::<Vec<_>>())
    });
    assert!(in_memory == spilled);
}

#[test]
fn every_row_of_the_sample_is_kept_or_counted_and_references_hold() {
    let input = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/sample_data/raw"));
    let output = tempfile::tempdir().unwrap();
    let reports = options(input, output.path())
        .run(&Progress::hidden())
        .unwrap();
    let rows = |file: &str| {
        csv::ReaderBuilder::new()
            .flexible(true)
            .from_path(input.join(file))
            .unwrap()
            .byte_records()
            .count()
    };
    let expected = [
        rows("facebook/fb_news_posts.csv") + rows("facebook/fb_news_comments.csv"),
        rows("reddit/reddit.csv"),
        300,
    ];
    assert_eq!(
        reports
            .iter()
            .map(|report| report.platform)
            .collect::<Vec<_>>(),
        Platform::ALL
    );
    for (report, expected) in reports.iter().zip(expected) {
        assert_eq!(
            report.kept() + report.left_out(),
            expected as u64,
            "{report}"
        );
        assert!(report.left_out() > 0, "{report}");
        let items = read_items(output.path(), report.platform);
        assert_eq!(items.len() as u64, report.kept());
        let ids: HashSet<_> = items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids.len(), items.len());
        let known = items
            .iter()
            .filter_map(|item| item.post_id.as_deref())
            .filter(|id| ids.contains(id))
            .count();
        let comments = items
            .iter()
            .filter(|item| item.kind == ItemKind::Comment)
            .count();
        // Some comments are under posts that were deleted.
        assert!(
            known * 10 > comments * 9,
            "{known} of {comments} comments of {} have their post",
            report.platform
        );
    }
}

#[test]
fn author_names_are_salted_anew_in_each_run_but_ids_are_not() {
    let [a, b, c] = [None, None, Some("salt".to_owned())].map(|author_salt| {
        let (input, output) = (
            write_files(&[("reddit.csv", REDDIT.as_bytes())]),
            tempfile::tempdir().unwrap(),
        );
        let options = Preprocess {
            author_salt,
            ..options(input.path(), output.path())
        };
        options.run(&Progress::hidden()).unwrap();
        read_items(output.path(), Platform::Reddit).remove(0)
    });
    assert_eq!((&a.id, &b.id), (&b.id, &c.id));
    assert_ne!(a.author_name_hash, b.author_name_hash);
    let salted = run(&[("reddit.csv", REDDIT.as_bytes())])
        .items(Platform::Reddit)
        .remove(0);
    assert_eq!(salted.author_name_hash, c.author_name_hash);
}

#[test]
fn a_row_with_invalid_utf8_is_left_out_alone() {
    let mut table = REDDIT.as_bytes().to_vec();
    table.extend_from_slice(b"Comment,c1,,,\xff\xfe,eve,4,0,1561972117,t3_a1\nComment,c2,,,Fine,eve,4,0,1561972117,t3_a1\n");
    let run = run(&[("reddit.csv", &table)]);
    assert_eq!(
        run.dropped("reddit.csv", Reason::InvalidUtf8),
        Some((1, 12))
    );
    assert_eq!(run.items(Platform::Reddit).last().unwrap().text, "Fine");
}

#[test]
fn a_quote_that_is_never_closed_ends_the_table_and_is_counted() {
    for last_field in [4, 9] {
        let mut cells: Vec<_> = "Comment,b6,,,Late,eve,4,0,1561972117,t3_a1"
            .split(',')
            .collect();
        let quoted = format!("\"{}", cells[last_field]);
        cells[last_field] = &quoted;
        let table = format!(
            "{REDDIT}{}\nPost,a4,Title,,,ann,1,0,1561972118,\n",
            cells.join(",")
        );
        let run = run(&[("reddit.csv", table.as_bytes())]);
        assert_eq!(run.items(Platform::Reddit).len(), 6);
        assert_eq!(
            run.dropped("reddit.csv", Reason::UnclosedQuote),
            Some((1, 12))
        );
    }
}

#[test]
fn input_that_cannot_be_used_is_refused_by_name_and_leaves_nothing() {
    assert_eq!(refusal(&[("reddit.csv", b"")]), "reddit.csv is empty");
    assert_eq!(
        refusal(&[("reddit.csv", b"type,id\nPost,1\n")]),
        "reddit.csv, line 1: no column `title` among type, id"
    );
    assert_eq!(
        refusal(&[("tweets.jsonl", b"\n\n")]),
        "tweets.jsonl is empty"
    );
    let header = REDDIT.lines().next().unwrap();
    assert_eq!(
        refusal(&[("reddit.csv", header.as_bytes())]),
        "reddit.csv is empty"
    );
    assert_eq!(
        refusal(&[("tweets.jsonl", b"\nhello\nthere\n")]),
        "tweets.jsonl, line 2: not a JSON object, and no other row can be used either"
    );
    assert_eq!(
        refusal(&[
            ("fb_news_posts.csv", POSTS.as_bytes()),
            ("fb_news_comments.csv", b"")
        ]),
        "fb_news_comments.csv is empty"
    );
    let endless = format!("{REDDIT}Post,a4,\"{}", "x\n".repeat(9 << 20));
    assert_eq!(
        refusal(&[("reddit.csv", endless.as_bytes())]),
        "reddit.csv, line 12: a row over 16 MiB, perhaps for a quote that is not closed"
    );
    let nothing = refusal(&[("other.csv", b"")]);
    assert!(nothing.starts_with("no raw files in "), "{nothing}");
    let (output, nowhere) = (tempfile::tempdir().unwrap(), Path::new("/nowhere/at/all"));
    let error = options(nowhere, output.path())
        .run(&Progress::hidden())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read /nowhere/at/all: "),
        "{error}"
    );
}

#[test]
fn an_output_folder_that_cannot_be_written_is_named() {
    let input = write_files(&[("reddit.csv", REDDIT.as_bytes())]);
    let in_the_way = input.path().join("reddit.csv");
    let error = options(input.path(), &in_the_way)
        .run(&Progress::hidden())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(&format!("cannot create {}: ", in_the_way.display())),
        "{error}"
    );
}

#[test]
fn a_pulled_request_is_valid_random_and_keeps_the_order_of_the_file() {
    let run = run(&[("tweets.jsonl", tweets(500).as_bytes())]);
    let path = run.output.path().join("twitter.jsonl");
    let now = parse_timestamp("2024-06-01 12:00:00").unwrap();
    let pull = |seed, items| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        pull(&path, Platform::Twitter, items, "ann", now, &mut rng).unwrap()
    };
    let request = pull(1, 100);
    let json = serde_json::to_vec(&request).unwrap();
    assert_eq!(RankRequest::from_json(&json).unwrap(), request);
    assert_eq!(
        (request.items.len(), request.distinct_items().len()),
        (100, 100)
    );
    let all: Vec<_> = run
        .items(Platform::Twitter)
        .into_iter()
        .map(|item| item.id)
        .collect();
    let places: Vec<_> = request
        .items
        .iter()
        .map(|item| all.iter().position(|id| *id == item.id).unwrap())
        .collect();
    assert!(
        places.is_sorted() && places[0] < 50 && places[99] > 450,
        "{places:?}"
    );
    assert_eq!(pull(1, 100), request);
    assert_ne!(pull(2, 100).items, request.items);
    assert_eq!(pull(1, 1000).items.len(), 500);
}
