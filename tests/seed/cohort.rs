use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use weir::db::post::Model;
use weir::seeding::preprocess::Report;
use weir::seeding::{Progress, Seed, UserPool};
use weir_feed::Platform;

use crate::common::databases::{TestDatabase, on_both_databases};
use crate::{cohort, item, normalised, rows, run, seed};

on_both_databases! {
    without_a_pool_one_user_saw_everything_and_times_stay,
    each_item_occurs_once_in_sessions_of_the_size_asked_for,
    a_user_reads_one_platform_in_the_order_of_its_feed,
    sessions_are_spaced_by_activity_and_the_newest_is_about_now,
}

/// Sessions of each user: their time and posts, in the order of rows.
type Sessions<'r> = BTreeMap<&'r str, Vec<(DateTime<Utc>, Vec<&'r Model>)>>;

fn sessions(rows: &[Model]) -> Sessions<'_> {
    let mut users = Sessions::new();
    for row in rows {
        let user = users
            .entry(row.session_user_id.as_deref().unwrap())
            .or_default();
        let at = row.session_timestamp.unwrap();
        match user.last_mut() {
            Some((last, posts)) if *last == at => posts.push(row),
            _ => user.push((at, vec![row])),
        }
    }
    users
}

/// A pool of 60 users, some five times and some a fifth as active as others.
fn varied(items: &std::path::Path) -> Seed {
    let pool = UserPool {
        users: 60,
        activity: "0.2:20,1:65,5:15".parse().unwrap(),
        ..UserPool::new(3).unwrap()
    };
    Seed {
        pool: Some(pool),
        ..seed(items)
    }
}

#[tokio::test]
async fn both_databases_hold_the_same_after_the_same_seed() {
    let items = normalised();
    for seed in [seed(items.path()), varied(items.path())] {
        let (sqlite, postgres) = (TestDatabase::sqlite().await, TestDatabase::postgres().await);
        for data in [&sqlite, &postgres] {
            run(&seed, data).await.unwrap();
        }
        let alike = |rows: Vec<Model>| -> Vec<_> {
            let row = |row: Model| {
                (
                    item(&row),
                    Model {
                        post_blob: None,
                        ..row
                    },
                )
            };
            rows.into_iter().map(row).collect()
        };
        let rows_of_sqlite = alike(rows(&sqlite).await);
        assert!(rows_of_sqlite.len() > 2_000);
        assert_eq!(rows_of_sqlite, alike(rows(&postgres).await));
    }
}

async fn without_a_pool_one_user_saw_everything_and_times_stay(data: TestDatabase) {
    let items = normalised();
    let seed = seed(items.path());
    let seeded = run(&seed, &data).await.unwrap();
    let rows = rows(&data).await;
    assert_eq!(
        rows.len() as u64,
        seeded.plan.rows.iter().map(|row| row.posts).sum::<u64>()
    );
    let users: HashSet<_> = rows.iter().map(|row| &row.session_user_id).collect();
    assert_eq!(users.len(), 1);
    for (id, row) in (1..).zip(&rows) {
        let item = item(row);
        assert_eq!(row.id, id);
        assert_eq!(row.post_id.as_deref(), item["id"].as_str());
        assert_eq!(row.session_timestamp, Some(seed.now));
        let written: DateTime<Utc> = item["created_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(row.created_at, Some(written));
        assert!(written <= "2024-06-30T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
    }
}

async fn each_item_occurs_once_in_sessions_of_the_size_asked_for(data: TestDatabase) {
    let items = normalised();
    let seeded = run(&cohort(items.path(), 40), &data).await.unwrap();
    let rows = rows(&data).await;
    let ids: HashSet<_> = rows.iter().map(|row| &row.post_id).collect();
    assert_eq!(ids.len(), rows.len());
    let kept: u64 = seeded.reports.iter().map(Report::kept).sum();
    assert_eq!(rows.len() as u64, kept);
    let users = sessions(&rows);
    let sizes: Vec<_> = users
        .values()
        .flatten()
        .map(|(_, posts)| posts.len())
        .collect();
    // The last session of each platform may be smaller.
    assert!(
        sizes.iter().filter(|&&size| size != 10).count() <= 3,
        "{sizes:?}"
    );
    assert!(sizes.iter().all(|&size| size <= 10));
    for (_, posts) in users.values().flatten() {
        let ranks: Vec<_> = posts
            .iter()
            .map(|row| item(row)["original_rank"].as_u64())
            .collect();
        let expected: Vec<_> = (0..posts.len() as u64).map(Some).collect();
        assert_eq!(ranks, expected);
    }
}

async fn a_user_reads_one_platform_in_the_order_of_its_feed(data: TestDatabase) {
    let items = normalised();
    let seed = varied(items.path());
    run(&seed, &data).await.unwrap();
    let rows = rows(&data).await;
    let mut place = HashMap::new();
    for platform in Platform::ALL {
        let lines =
            std::fs::read_to_string(items.path().join(format!("{platform}.jsonl"))).unwrap();
        for line in lines.lines() {
            let item: serde_json::Value = serde_json::from_str(line).unwrap();
            place.insert(item["id"].as_str().unwrap().to_owned(), place.len());
        }
    }
    for (user, sessions) in sessions(&rows) {
        let posts: Vec<_> = sessions.iter().flat_map(|(_, posts)| posts).collect();
        assert!(
            posts.iter().all(|post| post.platform == posts[0].platform),
            "{user}"
        );
        let in_feed: Vec<_> = posts
            .iter()
            .map(|post| place[post.post_id.as_ref().unwrap()])
            .collect();
        assert!(in_feed.is_sorted());
        assert!(posts.is_sorted_by(|a, b| a.created_at < b.created_at));
        assert!(sessions.is_sorted_by(|a, b| a.0 < b.0));
        let mut since = None;
        for (at, posts) in &sessions {
            assert!(
                posts
                    .iter()
                    .all(|post| post.created_at.unwrap() <= *at && post.created_at > since)
            );
            since = Some(*at);
        }
        for post in posts {
            let item = item(post);
            let written: DateTime<Utc> = item["created_at"].as_str().unwrap().parse().unwrap();
            assert_eq!(post.created_at, Some(written));
        }
    }
}

async fn sessions_are_spaced_by_activity_and_the_newest_is_about_now(data: TestDatabase) {
    let items = normalised();
    let seed = varied(items.path());
    run(&seed, &data).await.unwrap();
    let rows = rows(&data).await;
    let mut levels = HashSet::new();
    for sessions in sessions(&rows)
        .values()
        .filter(|sessions| sessions.len() > 2)
    {
        let times: Vec<_> = sessions.iter().map(|(at, _)| *at).collect();
        let span = *times.last().unwrap() - times[0];
        let days = span.as_seconds_f64() / 86_400.0 / (times.len() - 1) as f64;
        // A session is at most a quarter of an interval early, so is their mean distance over two.
        let level = [5.0, 1.0, 0.2]
            .into_iter()
            .find(|level| (days * level - 1.0).abs() <= 0.125);
        let level = level.unwrap_or_else(|| panic!("{days} days between sessions"));
        let newest = seed.now - *times.last().unwrap();
        let intervals = newest.as_seconds_f64() / 86_400.0 * level;
        assert!((0.0..=0.25).contains(&intervals), "{newest}");
        levels.insert(level.to_string());
    }
    assert!(levels.contains("1") && levels.contains("5"), "{levels:?}");
}

/// Activity levels and platforms of users and sessions, against what was asked for, at four standard deviations.
#[tokio::test]
async fn a_pool_has_the_activities_and_platforms_asked_for() {
    let items = tempfile::tempdir().unwrap();
    for platform in ["facebook", "reddit", "twitter"] {
        let line = |id: usize| {
            let engagements = r#"{"retweet":0,"like":0,"comment":0,"share":0}"#;
            format!(
                r#"{{"id":"{platform}{id}","text":"t","author_name_hash":"a","type":"post","created_at":"2020-01-01","engagements":{engagements}}}"#
            )
        };
        let lines: Vec<_> = (0..20_000).map(line).collect();
        std::fs::write(
            items.path().join(format!("{platform}.jsonl")),
            lines.join("\n"),
        )
        .unwrap();
    }
    let pool = UserPool {
        users: 2_000,
        items_per_session: 2,
        activity: "0.2:20,1:65,5:15".parse().unwrap(),
        platforms: Some("facebook:11,reddit:7.4,twitter:1.25".parse().unwrap()),
        ..UserPool::new(9).unwrap()
    };
    let seed = Seed {
        pool: Some(pool),
        ..seed(items.path())
    };
    let plan = seed.plan(&Progress::hidden()).unwrap();
    let within = |count: u64, share: f64, of: u64| {
        let (count, of) = (count as f64, of as f64);
        let deviation = (share * (1.0 - share) * of).sqrt();
        assert!(
            (count - share * of).abs() <= 4.0 * deviation,
            "{count} of {of}, not {share}"
        );
    };
    let sum = |wanted: &dyn Fn(&weir::seeding::PlanRow) -> bool| {
        plan.rows
            .iter()
            .filter(|row| wanted(row))
            .map(|row| row.users)
            .sum::<u64>()
    };
    assert_eq!(sum(&|_| true), 2_000);
    for (platform, weight) in [
        (Platform::Facebook, 11.0),
        (Platform::Reddit, 7.4),
        (Platform::Twitter, 1.25),
    ] {
        within(sum(&|row| row.platform == platform), weight / 19.65, 2_000);
    }
    for (level, share) in [("0.2", 0.2), ("1", 0.65), ("5", 0.15)] {
        let level = level.parse().ok();
        within(sum(&|row| row.activity == level), share, 2_000);
    }
    // Sessions go by activity: a user five times as active has five times as many.
    for platform in [Platform::Facebook, Platform::Reddit] {
        let rows: Vec<_> = plan
            .rows
            .iter()
            .filter(|row| row.platform == platform)
            .collect();
        let weight: f64 = rows
            .iter()
            .map(|row| row.users as f64 * row.activity.unwrap().get())
            .sum();
        let sessions: u64 = rows.iter().map(|row| row.sessions).sum();
        assert_eq!(sessions, 10_000);
        for row in rows {
            within(
                row.sessions,
                row.users as f64 * row.activity.unwrap().get() / weight,
                sessions,
            );
        }
    }
}

#[tokio::test]
async fn the_plan_is_what_is_written() {
    let items = normalised();
    let data = TestDatabase::sqlite().await;
    let seed = varied(items.path());
    let plan = seed.plan(&Progress::hidden()).unwrap();
    assert!(rows(&data).await.is_empty());
    let seeded = run(&seed, &data).await.unwrap();
    assert_eq!(seeded.plan, plan);
    for platform in Platform::ALL {
        let planned: u64 = plan
            .rows
            .iter()
            .filter(|row| row.platform == *platform)
            .map(|row| row.posts)
            .sum();
        let written = rows(&data)
            .await
            .iter()
            .filter(|row| row.platform.as_deref() == Some(platform.as_str()))
            .count();
        assert_eq!(planned, written as u64);
    }
    let sessions: u64 = plan.rows.iter().map(|row| row.sessions).sum();
    let all = rows(&data).await;
    assert_eq!(
        sessions,
        self::sessions(&all)
            .values()
            .map(|sessions| sessions.len() as u64)
            .sum::<u64>()
    );
}
