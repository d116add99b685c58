//! Input that is invalid, in whole or in part.

use std::fs;

use weir_lab::{DropReason, Dropped, UserPool};

use super::{normalised, run, seed, with_pool};
use crate::folder_of;

const HEADER: &str =
    "id,title,parent_id,post_id,text,author_name_hash,type,created_at,upvotes,downvotes";

/// Returns the error of a seed from these files.
fn error(files: &[(&str, &[u8])]) -> String {
    let folder = folder_of(files);
    let error = run(&seed(folder.path())).unwrap_err();
    error
        .to_string()
        .replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn unusable_files_are_errors_that_name_the_file_and_line() {
    let good = r#"{"id":"1","text":"t","author_name_hash":"a","type":"post","created_at":"2020-01-01","engagements":{"like":1,"retweet":0,"comment":0,"share":0}}"#;
    let with_line = |line: &str| format!("{good}\n{line}\n").into_bytes();
    let out_of_range = good.replace("2020", "0000");
    let negative = good.replace(r#""like":1"#, r#""like":-1"#);
    let mut invalid_utf8 = with_line(good);
    invalid_utf8[100] = 0xff;
    for (name, content, expected) in [
        ("reddit.jsonl", Vec::new(), "reddit.jsonl is empty"),
        ("reddit.csv", Vec::new(), "reddit.csv is empty"),
        ("reddit.csv", HEADER.into(), "reddit.csv is empty"),
        (
            "reddit.csv",
            b"type,id,selftext\nPost,1,t\n".to_vec(),
            "reddit.csv, line 1: missing column `text`; found type, id, selftext",
        ),
        (
            "twitter.jsonl",
            with_line("{"),
            "twitter.jsonl, line 2: EOF while parsing",
        ),
        (
            "twitter.jsonl",
            with_line(r#"{"id":"2"}"#),
            "twitter.jsonl, line 2: missing field `text`",
        ),
        (
            "twitter.jsonl",
            with_line(&out_of_range),
            "twitter.jsonl, line 2: invalid value: string \"0000-01-01\"",
        ),
        (
            "twitter.jsonl",
            with_line(&negative),
            "twitter.jsonl, line 2: ",
        ),
        ("twitter.jsonl", invalid_utf8, "twitter.jsonl, line 1: "),
    ] {
        let message = error(&[(name, &content)]);
        assert!(message.starts_with(expected), "{message}");
    }
    let message = error(&[("notes.txt", b"")]);
    assert!(message.contains("weir preprocess"), "{message}");
}

#[test]
fn invalid_rows_of_a_table_are_dropped_and_counted() {
    let table = format!(
        "\u{feff}{HEADER}\r\n\
        1,A title,,,\"two lines,\r\nand a \"\"quote\"\"\",a,Post,2020-01-01 00:00:00,3.0,-1\r\n\
        2,,,1,a comment,a,Comment,2020-01-01T00:00:00Z,1,0\r\n\
        3,short\r\n\
        4,,,,time,a,Post,soon,1,0\r\n\
        5,,,,range,a,Post,0000-01-01,1,0\r\n\
        6,,,,type,a,Story,2020-01-01,1,0\r\n\
        7,,,,votes,a,Post,2020-01-01,many,0\r\n\
        8,,,,,a,Post,2020-01-01,1,0\r\n\
        1,,,,again,a,Post,2020-01-01,1,0\r\n"
    );
    let folder = folder_of(&[("reddit.csv", table.as_bytes())]);
    let (impressions, reports) = run(&seed(folder.path())).unwrap();
    let items: Vec<_> = impressions
        .iter()
        .map(|impression| serde_json::to_value(&impression.item).unwrap())
        .collect();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["title"], "A title");
    assert_eq!(items[0]["text"], "two lines,\r\nand a \"quote\"");
    assert_eq!(items[0]["engagements"]["score"], 3);
    assert_eq!(
        (&items[1]["post_id"], &items[1]["type"]),
        (&"1".into(), &"comment".into())
    );
    let dropped = |reason| {
        let key = (folder.path().join("reddit.csv"), reason);
        reports[0].dropped.get(&key).copied()
    };
    let rows = |count, first_line| Some(Dropped { count, first_line });
    assert_eq!(dropped(DropReason::WrongNumberOfFields), rows(1, 5));
    assert_eq!(dropped(DropReason::UnparseableTime), rows(2, 6));
    assert_eq!(dropped(DropReason::UnknownType), rows(1, 8));
    assert_eq!(dropped(DropReason::InvalidCount), rows(1, 9));
    assert_eq!(dropped(DropReason::NoContent), rows(1, 10));
    assert_eq!(dropped(DropReason::Duplicate), rows(1, 11));
}

#[test]
fn pools_that_do_not_fit_the_items_are_errors() {
    let items = normalised();
    let pool = || UserPool::new(0).unwrap();
    for (pool, expected) in [
        (
            UserPool { users: 0, ..pool() },
            "a user pool needs at least 1 user",
        ),
        (
            UserPool { users: 2, ..pool() },
            "2 users are too few for 3 platforms: each needs at least 1",
        ),
        (
            UserPool {
                users: 9_000,
                ..pool()
            },
            "facebook has 3960 users but only 1023 posts: reduce the number of users",
        ),
        (
            UserPool {
                items_per_session: 0,
                ..pool()
            },
            "a session needs at least 1 item",
        ),
        (
            UserPool {
                baseline_sessions_per_day: -1.0,
                ..pool()
            },
            "the baseline of sessions per day must be a positive number",
        ),
        (
            UserPool {
                baseline_sessions_per_day: f64::NAN,
                ..pool()
            },
            "the baseline of sessions per day must be a positive number",
        ),
        (
            UserPool {
                users: 3,
                baseline_sessions_per_day: 1e-5,
                ..pool()
            },
            "the oldest session of facebook would be before the year 1: increase the number of users or of sessions per day",
        ),
    ] {
        let error = run(&with_pool(items.path(), pool)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let reddit = fs::read(items.path().join("reddit.jsonl")).unwrap();
    let one_platform = folder_of(&[("reddit.jsonl", &reddit)]);
    let pool = UserPool {
        platforms: Some("facebook:1,reddit:1".parse().unwrap()),
        ..pool()
    };
    let error = run(&with_pool(one_platform.path(), pool)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the platform distribution includes facebook, which has no posts"
    );
}

#[test]
fn posts_of_a_platform_without_users_are_counted() {
    let items = normalised();
    let pool = UserPool {
        users: 20,
        platforms: Some("reddit:1".parse().unwrap()),
        ..UserPool::new(0).unwrap()
    };
    let (impressions, reports) = run(&with_pool(items.path(), pool)).unwrap();
    let twitter = &reports[2];
    assert_eq!((twitter.kept(), twitter.total_dropped()), (0, 295));
    assert!(
        twitter
            .to_string()
            .contains("295 for platform without users"),
        "{twitter}"
    );
    let platforms = impressions.iter().map(|impression| impression.platform);
    assert!(platforms.into_iter().all(|name| name.as_str() == "reddit"));
}
