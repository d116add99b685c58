use std::fs;

use weir::db::Existing;
use weir::seeding::preprocess::{Dropped, Reason};
use weir::seeding::{Seed, UserPool};

use crate::common::databases::{TestDatabase, sql};
use crate::{cohort, folder_of, item, normalised, rows, run, seed};

const HEADER: &str =
    "id,title,parent_id,post_id,text,author_name_hash,type,created_at,upvotes,downvotes";

/// Why these files are refused; nothing is written.
async fn refusal(files: &[(&str, &[u8])]) -> String {
    let (folder, data) = (folder_of(files), TestDatabase::sqlite().await);
    let error = run(&seed(folder.path()), &data).await.unwrap_err();
    assert!(rows(&data).await.is_empty());
    error
        .to_string()
        .replace(&format!("{}/", folder.path().display()), "")
}

#[tokio::test]
async fn files_that_cannot_be_used_are_refused_by_name_and_line() {
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
            "reddit.csv, line 1: no column `text` among type, id, selftext",
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
        let message = refusal(&[(name, &content)]).await;
        assert!(message.starts_with(expected), "{message}");
    }
    let message = refusal(&[("notes.txt", b"")]).await;
    assert!(message.contains("weir preprocess"), "{message}");
}

#[tokio::test]
async fn rows_of_a_table_that_are_no_items_are_left_out_and_counted() {
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
    let (folder, data) = (
        folder_of(&[("reddit.csv", table.as_bytes())]),
        TestDatabase::sqlite().await,
    );
    let seeded = run(&seed(folder.path()), &data).await.unwrap();
    let rows = rows(&data).await;
    let items: Vec<_> = rows.iter().map(item).collect();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["title"], "A title");
    assert_eq!(items[0]["text"], "two lines,\r\nand a \"quote\"");
    assert_eq!(items[0]["engagements"]["score"], 3);
    assert_eq!(
        (&items[1]["post_id"], rows[1].kind.as_deref()),
        (&"1".into(), Some("comment"))
    );
    let dropped = |reason| {
        seeded.reports[0]
            .dropped
            .get(&(folder.path().join("reddit.csv"), reason))
            .copied()
    };
    let one = |first_line| {
        Some(Dropped {
            count: 1,
            first_line,
        })
    };
    assert_eq!(dropped(Reason::WrongNumberOfFields), one(5));
    assert_eq!(
        dropped(Reason::UnparseableTime),
        Some(Dropped {
            count: 2,
            first_line: 6
        })
    );
    assert_eq!(dropped(Reason::UnknownType), one(8));
    assert_eq!(dropped(Reason::BadCount), one(9));
    assert_eq!(dropped(Reason::NoContent), one(10));
    assert_eq!(dropped(Reason::Duplicate), one(11));
}

#[tokio::test]
async fn pools_that_there_cannot_be_are_refused() {
    let (items, data) = (normalised(), TestDatabase::sqlite().await);
    let pool = || UserPool::new(0).unwrap();
    for (pool, expected) in [
        (
            UserPool { users: 0, ..pool() },
            "a pool of 0 users: at least 1 is needed",
        ),
        (
            UserPool { users: 2, ..pool() },
            "2 users cannot be divided among 3 platforms: each needs one",
        ),
        (
            UserPool {
                users: 9_000,
                ..pool()
            },
            "3960 users of facebook are more than its 1023 posts: take fewer users",
        ),
        (
            UserPool {
                items_per_session: 0,
                ..pool()
            },
            "sessions of 0 items: at least 1 is needed",
        ),
        (
            UserPool {
                baseline_sessions_per_day: -1.0,
                ..pool()
            },
            "the baseline of sessions a day must be a number above 0",
        ),
        (
            UserPool {
                baseline_sessions_per_day: f64::NAN,
                ..pool()
            },
            "the baseline of sessions a day must be a number above 0",
        ),
        (
            UserPool {
                users: 3,
                baseline_sessions_per_day: 1e-5,
                ..pool()
            },
            "the oldest session of facebook would be before the year 1: take more users, or more sessions a day",
        ),
    ] {
        let seed = Seed {
            pool: Some(pool),
            ..seed(items.path())
        };
        assert_eq!(run(&seed, &data).await.unwrap_err().to_string(), expected);
    }
    let one_platform = folder_of(&[(
        "reddit.jsonl",
        &fs::read(items.path().join("reddit.jsonl")).unwrap(),
    )]);
    let platforms = Some("facebook:1,reddit:1".parse().unwrap());
    let seed = Seed {
        pool: Some(UserPool {
            platforms,
            ..pool()
        }),
        ..seed(one_platform.path())
    };
    assert_eq!(
        run(&seed, &data).await.unwrap_err().to_string(),
        "the platform distribution names facebook, of which there are no posts"
    );
    assert!(rows(&data).await.is_empty());
}

#[tokio::test]
async fn posts_of_a_platform_that_nobody_reads_are_counted() {
    let (items, data) = (normalised(), TestDatabase::sqlite().await);
    let platforms = Some("reddit:1".parse().unwrap());
    let seed = Seed {
        pool: Some(UserPool {
            users: 20,
            platforms,
            ..UserPool::new(0).unwrap()
        }),
        ..seed(items.path())
    };
    let seeded = run(&seed, &data).await.unwrap();
    let twitter = &seeded.reports[2];
    assert_eq!((twitter.kept(), twitter.left_out()), (0, 295));
    assert!(
        twitter
            .to_string()
            .contains("295 for a platform that no user reads"),
        "{twitter}"
    );
    assert!(
        rows(&data)
            .await
            .iter()
            .all(|row| row.platform.as_deref() == Some("reddit"))
    );
}

/// A database that grows to no more than this many pages is a full disk to SQLite.
#[tokio::test]
async fn a_full_disk_ends_the_seed_and_leaves_the_posts_that_were_there() {
    let (items, data) = (normalised(), TestDatabase::sqlite().await);
    run(&cohort(items.path(), 40), &data).await.unwrap();
    let before = rows(&data).await.len();
    sql(&data.database, "PRAGMA max_page_count = 1").await;
    let seed = Seed {
        existing: Existing::Replace,
        now: crate::time("2027-01-01T00:00:00Z"),
        ..cohort(items.path(), 41)
    };
    let error = run(&seed, &data).await.unwrap_err().to_string();
    assert!(error.contains("database or disk is full"), "{error}");
    assert_eq!(rows(&data).await.len(), before);
}

#[tokio::test]
async fn the_tables_of_real_items_are_loaded_but_for_their_broken_row() {
    let Some(folder) = crate::common::databases::shared_data() else {
        return;
    };
    let data = TestDatabase::sqlite().await;
    let seeded = run(&seed(&folder), &data).await.unwrap();
    let counts: Vec<_> = seeded
        .reports
        .iter()
        .map(|report| (report.kept(), report.left_out()))
        .collect();
    assert_eq!(counts, [(94, 1), (54, 0)]);
    assert_eq!(rows(&data).await.len(), 148);
}
