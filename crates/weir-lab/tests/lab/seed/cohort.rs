//! Users and their sessions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use weir_feed::{ContentItem, Platform};
use weir_lab::{Impression, InputReport, Progress, Seed, SeedPlanRow, UserPool};

use super::{normalised, run, seed, with_pool};

/// Time of a session and its impressions, in order.
type Session<'i> = (DateTime<Utc>, Vec<&'i Impression>);

/// Returns the sessions of each user.
fn sessions(impressions: &[Impression]) -> BTreeMap<&str, Vec<Session<'_>>> {
    let mut users = BTreeMap::<&str, Vec<Session<'_>>>::new();
    for impression in impressions {
        let sessions = users.entry(&impression.user_id).or_default();
        let time = impression.session_timestamp;
        match sessions.last_mut() {
            Some((last, seen)) if *last == time => seen.push(impression),
            _ => sessions.push((time, vec![impression])),
        }
    }
    users
}

/// Returns a seed with 60 users, some of them five times and some a fifth as active as others.
fn varied(items: &Path) -> Seed {
    let pool = UserPool {
        users: 60,
        activity: "0.2:20,1:65,5:15".parse().unwrap(),
        ..UserPool::new(3).unwrap()
    };
    with_pool(items, pool)
}

/// Returns the normalised items in the order of their files.
fn items_in_order(folder: &Path) -> Vec<ContentItem> {
    let lines =
        |platform: &Platform| fs::read_to_string(folder.join(format!("{platform}.jsonl"))).unwrap();
    let files: Vec<_> = Platform::ALL.iter().map(lines).collect();
    let lines = files.iter().flat_map(|file| file.lines());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn without_a_pool_a_single_user_sees_all_items_unchanged() {
    let items = normalised();
    let seed = seed(items.path());
    let planned = seed.prepare(&Progress::hidden()).unwrap().plan().posts();
    let (impressions, _) = run(&seed).unwrap();
    assert_eq!(impressions.len() as u64, planned);
    let users: HashSet<_> = impressions.iter().map(|seen| &seen.user_id).collect();
    assert_eq!(users.len(), 1);
    assert!(
        impressions
            .iter()
            .all(|seen| seen.session_timestamp == seed.now)
    );
    let in_order: Vec<_> = impressions.into_iter().map(|seen| seen.item).collect();
    assert!(in_order == items_in_order(items.path()));
    let newest: DateTime<Utc> = "2024-06-30T12:00:00Z".parse().unwrap();
    assert!(in_order.iter().all(|item| item.created_at <= newest));
}

#[test]
fn the_same_seed_gives_the_same_impressions() {
    let items = normalised();
    let [first, second] = [(); 2].map(|()| run(&varied(items.path())).unwrap());
    assert!(first == second);
    assert!(first.0.len() > 2_000);
}

#[test]
fn each_item_occurs_once_in_sessions_of_the_requested_size() {
    let items = normalised();
    let pool = UserPool {
        users: 40,
        ..UserPool::new(1).unwrap()
    };
    let (impressions, reports) = run(&with_pool(items.path(), pool)).unwrap();
    let ids: HashSet<_> = impressions.iter().map(|seen| &seen.item.id).collect();
    assert_eq!(ids.len(), impressions.len());
    let kept: u64 = reports.iter().map(InputReport::kept).sum();
    assert_eq!(impressions.len() as u64, kept);
    let users = sessions(&impressions);
    let sizes: Vec<_> = users
        .values()
        .flatten()
        .map(|(_, seen)| seen.len())
        .collect();
    // The last session of each platform may be smaller.
    assert!(
        sizes.iter().filter(|&&size| size != 10).count() <= 3,
        "{sizes:?}"
    );
    assert!(sizes.iter().all(|&size| size <= 10));
    for (_, seen) in users.values().flatten() {
        let ranks: Vec<_> = seen.iter().map(|seen| seen.item.original_rank).collect();
        let expected: Vec<_> = (0..seen.len() as u64).map(Some).collect();
        assert_eq!(ranks, expected);
    }
}

#[test]
fn a_user_reads_one_platform_in_the_order_of_its_feed() {
    let items = normalised();
    let (impressions, _) = run(&varied(items.path())).unwrap();
    let positions: HashMap<_, _> = items_in_order(items.path())
        .into_iter()
        .enumerate()
        .map(|(position, item)| (item.id, position))
        .collect();
    for (user, sessions) in sessions(&impressions) {
        let seen: Vec<_> = sessions.iter().flat_map(|(_, seen)| seen).collect();
        assert!(
            seen.iter().all(|next| next.platform == seen[0].platform),
            "{user}"
        );
        assert!(seen.is_sorted_by_key(|seen| positions[&seen.item.id]));
        assert!(seen.is_sorted_by(|a, b| a.item.created_at < b.item.created_at));
        assert!(sessions.is_sorted_by(|a, b| a.0 < b.0));
        let mut previous = None;
        for (time, seen) in &sessions {
            assert!(seen.iter().all(|seen| {
                seen.item.created_at <= *time && Some(seen.item.created_at) > previous
            }));
            previous = Some(*time);
        }
    }
}

#[test]
fn sessions_are_spaced_by_activity_and_the_newest_is_about_now() {
    let items = normalised();
    let seed = varied(items.path());
    let (impressions, _) = run(&seed).unwrap();
    let mut activities = HashSet::new();
    for sessions in sessions(&impressions)
        .values()
        .filter(|sessions| sessions.len() > 2)
    {
        let times: Vec<_> = sessions.iter().map(|(time, _)| *time).collect();
        let span = *times.last().unwrap() - times[0];
        let days = span.as_seconds_f64() / 86_400.0 / (times.len() - 1) as f64;
        // A session is at most a quarter of an interval early, so this bounds the mean interval of three sessions.
        let activity = [5.0, 1.0, 0.2]
            .into_iter()
            .find(|activity| (days * activity - 1.0).abs() <= 0.125);
        let activity = activity.unwrap_or_else(|| panic!("{days} days between sessions"));
        let newest = seed.now - *times.last().unwrap();
        let intervals = newest.as_seconds_f64() / 86_400.0 * activity;
        assert!((0.0..=0.25).contains(&intervals), "{newest}");
        activities.insert(activity.to_string());
    }
    assert!(
        activities.contains("1") && activities.contains("5"),
        "{activities:?}"
    );
}

/// Numbers of users and sessions by activity and platform, within four standard deviations.
#[test]
fn a_pool_has_the_requested_activities_and_platforms() {
    let items = tempfile::tempdir().unwrap();
    for platform in ["facebook", "reddit", "twitter"] {
        let line = |id: usize| {
            let engagements = r#"{"retweet":0,"like":0,"comment":0,"share":0}"#;
            format!(
                r#"{{"id":"{platform}{id}","text":"t","author_name_hash":"a","type":"post","created_at":"2020-01-01","engagements":{engagements}}}"#
            )
        };
        let lines: Vec<_> = (0..20_000).map(line).collect();
        let path = items.path().join(format!("{platform}.jsonl"));
        fs::write(path, lines.join("\n")).unwrap();
    }
    let pool = UserPool {
        users: 2_000,
        items_per_session: 2,
        activity: "0.2:20,1:65,5:15".parse().unwrap(),
        platforms: Some("facebook:11,reddit:7.4,twitter:1.25".parse().unwrap()),
        ..UserPool::new(9).unwrap()
    };
    let seed = with_pool(items.path(), pool);
    let prepared = seed.prepare(&Progress::hidden()).unwrap();
    let plan = prepared.plan();
    let within = |count: u64, share: f64, of: u64| {
        let (count, of) = (count as f64, of as f64);
        let deviation = (share * (1.0 - share) * of).sqrt();
        assert!(
            (count - share * of).abs() <= 4.0 * deviation,
            "{count} of {of}, not {share}"
        );
    };
    let users = |filter: &dyn Fn(&SeedPlanRow) -> bool| {
        let rows = plan.rows.iter().filter(|row| filter(row));
        rows.map(|row| row.users).sum::<u64>()
    };
    assert_eq!(users(&|_| true), 2_000);
    for (platform, weight) in [
        (Platform::Facebook, 11.0),
        (Platform::Reddit, 7.4),
        (Platform::Twitter, 1.25),
    ] {
        let users = users(&|row| row.platform == platform);
        within(users, weight / 19.65, 2_000);
    }
    for (activity, share) in [("0.2", 0.2), ("1", 0.65), ("5", 0.15)] {
        let activity = activity.parse().ok();
        within(users(&|row| row.activity == activity), share, 2_000);
    }
    // A user who is five times as active has five times as many sessions.
    for platform in [Platform::Facebook, Platform::Reddit] {
        let rows: Vec<_> = plan
            .rows
            .iter()
            .filter(|row| row.platform == platform)
            .collect();
        let weight = |row: &SeedPlanRow| row.users as f64 * row.activity.unwrap().get();
        let total_weight: f64 = rows.iter().map(|row| weight(row)).sum();
        let sessions: u64 = rows.iter().map(|row| row.sessions).sum();
        assert_eq!(sessions, 10_000);
        for row in rows {
            within(row.sessions, weight(row) / total_weight, sessions);
        }
    }
}

#[test]
fn the_plan_has_the_numbers_of_the_impressions() {
    let items = normalised();
    let seed = varied(items.path());
    let prepared = seed.prepare(&Progress::hidden()).unwrap();
    let plan = prepared.plan();
    let (impressions, _) = run(&seed).unwrap();
    for platform in Platform::ALL {
        let rows = plan.rows.iter().filter(|row| row.platform == *platform);
        let planned: u64 = rows.map(|row| row.posts).sum();
        let of_platform = impressions.iter().filter(|seen| seen.platform == *platform);
        assert_eq!(planned, of_platform.count() as u64);
    }
    let planned: u64 = plan.rows.iter().map(|row| row.sessions).sum();
    let sessions = sessions(&impressions);
    let written: usize = sessions.values().map(Vec::len).sum();
    assert_eq!(planned, written as u64);
}
