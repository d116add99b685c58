//! Whatever happens to posts between runs, counting what has changed comes to the same as counting all of them.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QueryOrder, Statement, TransactionTrait};
use serde_json::{Value, json, value::to_raw_value};
use weir::db::{
    Arrivals, ChangedHours, Database, Existing, Hour, HourCounts, NewPost, PostSpan, Said,
    TimeRange, post as post_entity,
};
use weir::entities::{EntityCounts, Extractor, PostNames, Scratch};

use crate::common::databases::{TestDatabase, on_both_databases, sql};
use crate::common::posts::{post, time};
use crate::common::workplace::Workplace;

const JOB: &str = "count_top_named_entities";

on_both_databases! {
    a_post_that_comes_is_added_to_its_hour,
    where_many_come_at_once_their_hours_are_counted,
    what_two_runs_add_at_once_is_added_once,
    a_row_that_has_moved_counts_where_it_is,
    without_an_index_on_post_id_hours_are_counted_whole,
    nothing_written_while_others_count_is_missed,
}

const TEXTS: [&str; 4] = [
    "Barack Obama met Angela Merkel in Berlin. Berlin was cold, said Barack Obama.",
    "We flew to London and then to BERLIN.",
    "Angela Merkel spoke in London yesterday.",
    "nothing to see here, just a quiet day",
];
const PLATFORMS: [&str; 2] = ["facebook", "reddit"];

/// A post of few that may be; time in quarters of an hour.
#[derive(Clone, Copy, Debug)]
struct Draft {
    post_id: u8,
    quarter: u8,
    platform: usize,
    text: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<Draft>),
    Upsert(Vec<Draft>),
    /// Drops the table.
    LoadAnew(Vec<Draft>),
    Rewrite {
        nth: u8,
        text: usize,
    },
    Move {
        nth: u8,
        quarter: u8,
    },
    ForgetTime {
        nth: u8,
    },
    /// Puts a row in the place of another.
    Replace {
        nth: u8,
        draft: Draft,
    },
    Delete {
        nth: u8,
    },
    Prune {
        quarter: u8,
    },
    /// A run of another process goes on, by one of its steps.
    Elsewhere(Other),
    /// A run with another model.
    CountOtherwise,
    Run,
}

/// What a run of another process does next.
#[derive(Clone, Copy, Debug)]
enum Other {
    ReadArrivals,
    AddArrivals,
    TakeHours,
    CountHours,
    KeepHours,
}

/// A run of another process, which may be as slow as it likes, and never come to its end.
#[derive(Default)]
struct Elsewhere {
    arrivals: Vec<(Arrivals, Vec<HourCounts>)>,
    hours: ChangedHours,
    counts: Vec<HourCounts>,
}

impl Elsewhere {
    async fn go_on(&mut self, step: Other, database: &Database) {
        match step {
            Other::ReadArrivals => {
                database.track_hours().await.unwrap();
                for day in database.arrivals().await.unwrap().by_day() {
                    let counts = counts_of(database, PostSpan::Keys(day.posts())).await;
                    self.arrivals.push((day, counts));
                }
            }
            Other::AddArrivals => {
                for (arrivals, counts) in std::mem::take(&mut self.arrivals) {
                    let added = database.add_counts(&arrivals, &counts, model());
                    added.await.unwrap();
                }
            }
            Other::TakeHours => {
                database.track_hours().await.unwrap();
                *self = Self {
                    hours: database.take_changed_hours(model()).await.unwrap(),
                    arrivals: std::mem::take(&mut self.arrivals),
                    counts: Vec::new(),
                };
                self.count(database).await;
            }
            Other::CountHours => self.count(database).await,
            Other::KeepHours => {
                let (changed, counts) = (&self.hours, &self.counts);
                for hours in changed.by_day() {
                    let kept = database.keep_counts(&hours, counts, model(), changed);
                    kept.await.unwrap();
                }
            }
        }
    }

    async fn count(&mut self, database: &Database) {
        let everything = PostSpan::Of(TimeRange::default());
        self.counts = counts_of(database, everything).await;
        self.counts
            .extend(counts_of(database, PostSpan::WithoutTime).await);
    }
}

/// The counts of posts by hour and platform.
async fn counts_of(database: &Database, span: PostSpan) -> Vec<HourCounts> {
    let mut posts = database.hour_posts(span, model(), 1_000);
    let (mut seen, mut counts) = (HashSet::new(), BTreeMap::<_, EntityCounts>::new());
    while let Some(page) = posts.next().await.unwrap() {
        for post in page {
            if !seen.insert((post.hour.clone(), post.platform.clone(), post.post_id)) {
                continue;
            }
            let names = match &post.said {
                Said::Names(names) => PostNames::from_bytes(names),
                Said::Text(text) => {
                    PostNames::of(&Extractor::bundled().entities(text, &mut Scratch::default()))
                }
            };
            let at = (post.hour, post.platform);
            counts.entry(at).or_default().add_names(&names);
        }
    }
    let packed =
        |((hour, platform), counts): ((Hour, String), _)| HourCounts::new(hour, platform, &counts);
    counts.into_iter().map(packed).collect()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let quarter = || 0..24_u8;
    let text = || 0..TEXTS.len();
    let draft = || {
        (0..5_u8, quarter(), 0..PLATFORMS.len(), text()).prop_map(
            |(post_id, quarter, platform, text)| Draft {
                post_id,
                quarter,
                platform,
                text,
            },
        )
    };
    let drafts = || prop::collection::vec(draft(), 1..5);
    // An upsert has each key once.
    let distinct = drafts().prop_map(|mut drafts| {
        drafts.sort_by_key(|draft| draft.post_id);
        drafts.dedup_by_key(|draft| draft.post_id);
        drafts
    });
    let nth = || 0..12_u8;
    let elsewhere = prop_oneof![
        Just(Other::ReadArrivals),
        Just(Other::AddArrivals),
        Just(Other::TakeHours),
        Just(Other::CountHours),
        Just(Other::KeepHours),
    ];
    let step = prop_oneof![
        6 => drafts().prop_map(Step::Insert),
        3 => distinct.prop_map(Step::Upsert),
        1 => drafts().prop_map(Step::LoadAnew),
        2 => (nth(), text()).prop_map(|(nth, text)| Step::Rewrite { nth, text }),
        2 => (nth(), quarter()).prop_map(|(nth, quarter)| Step::Move { nth, quarter }),
        1 => nth().prop_map(|nth| Step::ForgetTime { nth }),
        2 => (nth(), draft()).prop_map(|(nth, draft)| Step::Replace { nth, draft }),
        2 => nth().prop_map(|nth| Step::Delete { nth }),
        1 => quarter().prop_map(|quarter| Step::Prune { quarter }),
        6 => elsewhere.prop_map(Step::Elsewhere),
        1 => Just(Step::CountOtherwise),
        4 => Just(Step::Run),
    ];
    prop::collection::vec(step, 1..24)
}

fn at(quarter: u8) -> DateTime<Utc> {
    time("2017-05-31T20:00:00Z") + TimeDelta::minutes(15 * i64::from(quarter))
}

impl Draft {
    fn post(self) -> NewPost {
        NewPost {
            created_at: at(self.quarter),
            platform: PLATFORMS[self.platform].to_owned(),
            ..post(&self.post_id.to_string(), TEXTS[self.text])
        }
    }
}

fn model() -> i64 {
    Extractor::bundled().fingerprint().cast_signed()
}

/// Does a step, but for runs.
async fn take(step: &Step, database: &Database) {
    let posts =
        |drafts: &[Draft]| -> Vec<NewPost> { drafts.iter().map(|draft| draft.post()).collect() };
    let nth_id = |nth: &u8| format!("(SELECT id FROM posts ORDER BY id LIMIT 1 OFFSET {nth})");
    let written = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S").to_string();
    let zone = match database.reader().get_database_backend() {
        DbBackend::Sqlite => "",
        _ => "+00",
    };
    let blob = |text: &usize| {
        let blob = json!({"id": "x", "title": null, "text": TEXTS[*text]});
        to_raw_value(&blob).unwrap().get().replace('\'', "''")
    };
    match step {
        Step::Insert(drafts) => drop(database.insert_posts(&posts(drafts)).await.unwrap()),
        Step::Upsert(drafts) => load(database, Existing::Replace, &posts(drafts)).await,
        Step::LoadAnew(drafts) => load(database, Existing::Drop, &posts(drafts)).await,
        Step::Rewrite { nth, text } => {
            let (blob, id) = (blob(text), nth_id(nth));
            sql(
                database,
                &format!("UPDATE posts SET post_blob = '{blob}' WHERE id = {id}"),
            )
            .await;
        }
        Step::Move { nth, quarter } => {
            let (time, id) = (written(at(*quarter)), nth_id(nth));
            sql(
                database,
                &format!("UPDATE posts SET created_at = '{time}{zone}' WHERE id = {id}"),
            )
            .await;
        }
        Step::ForgetTime { nth } => {
            let id = nth_id(nth);
            sql(
                database,
                &format!("UPDATE posts SET created_at = NULL WHERE id = {id}"),
            )
            .await;
        }
        Step::Replace { nth, draft } => {
            let id = nth_id(nth);
            let (time, platform) = (written(at(draft.quarter)), PLATFORMS[draft.platform]);
            let values = format!(
                "SELECT id, '{}', '{platform}', '{time}{zone}', '{}' FROM posts WHERE id = {id}",
                draft.post_id,
                blob(&draft.text)
            );
            let columns = "posts (id, post_id, platform, created_at, post_blob)";
            let replace = match database.reader().get_database_backend() {
                DbBackend::Sqlite => format!("INSERT OR REPLACE INTO {columns} {values}"),
                _ => format!(
                    "INSERT INTO {columns} {}
                    ON CONFLICT (id) DO UPDATE SET post_id = excluded.post_id, platform = excluded.platform,
                    created_at = excluded.created_at, post_blob = excluded.post_blob",
                    values
                        .replace("00'", "00'::timestamptz")
                        .replace("}'", "}'::jsonb")
                ),
            };
            sql(database, &replace).await;
        }
        Step::Delete { nth } => {
            let id = nth_id(nth);
            sql(database, &format!("DELETE FROM posts WHERE id = {id}")).await;
        }
        Step::Prune { quarter } => {
            database
                .delete_posts_before(at(*quarter), 1_000)
                .await
                .unwrap();
        }
        Step::CountOtherwise => {
            database.track_hours().await.unwrap();
            let changed = database.take_changed_hours(1).await.unwrap();
            for hours in changed.by_day() {
                let nothing = |hour: &Hour| HourCounts {
                    hour: hour.clone(),
                    platform: "facebook".into(),
                    names: 0,
                    counts: Vec::new(),
                };
                let counts: Vec<HourCounts> = hours.iter().map(nothing).collect();
                database
                    .keep_counts(&hours, &counts, 1, &changed)
                    .await
                    .unwrap();
            }
        }
        Step::Elsewhere(_) | Step::Run => {}
    }
}

async fn load(database: &Database, existing: Existing, posts: &[NewPost]) {
    let mut load = database.begin_load(existing).await.unwrap();
    let mut batch = load.batch();
    for post in posts {
        batch.push(post.clone());
    }
    load.write(batch).await.unwrap();
    load.index().await.unwrap().commit().await.unwrap();
}

/// The periods and platforms that are asked for: whole hours, edges, within one hour, all.
fn questions() -> [Value; 5] {
    [
        json!({"k": 100}),
        json!({"k": 2}),
        json!({"k": 100, "platform": "reddit", "to": "2017-05-31 23:30:00"}),
        json!({"k": 100, "from": "2017-05-31 20:15:00", "to": "2017-06-01 01:00:00"}),
        json!({"k": 100, "from": "2017-05-31 21:15:00", "to": "2017-05-31 21:46:00"}),
    ]
}

/// Counts all posts from scratch.
async fn from_scratch(database: &Database, question: &Value) -> Value {
    let rows = post_entity::Entity::find()
        .order_by_asc(post_entity::Column::CreatedAt)
        .order_by_asc(post_entity::Column::Id)
        .all(database.reader())
        .await
        .unwrap();
    let bound = |name: &str| {
        let text = question[name].as_str()?;
        Some(time(&format!("{}Z", text.replace(' ', "T"))))
    };
    let (from, to) = (bound("from"), bound("to"));
    let (mut seen, mut counts) = (HashSet::new(), EntityCounts::default());
    for row in rows {
        let created_at = row.created_at;
        let in_range = (from.is_none() || created_at >= from)
            && to.is_none_or(|to| created_at.is_some_and(|time| time < to));
        let platform = question["platform"].as_str();
        if !in_range || platform.is_some() && row.platform.as_deref() != platform {
            continue;
        }
        let hour = created_at.map(|time| time.timestamp().div_euclid(3600));
        if !seen.insert((hour, row.platform, row.post_id)) {
            continue;
        }
        let blob: Value = serde_json::from_str(&row.post_blob.unwrap()).unwrap();
        let text = blob["text"].as_str().unwrap();
        counts.add(&Extractor::bundled().entities(text, &mut Scratch::default()));
    }
    let k = usize::try_from(question["k"].as_u64().unwrap()).unwrap();
    let top = counts.top(k);
    json!({
        "top_named_entities": top.iter().map(|entity| json!([entity.name, entity.count])).collect::<Vec<_>>(),
        "forms": top.iter().map(|entity| (entity.name.clone(), json!(entity.forms))).collect::<serde_json::Map<_, _>>(),
    })
}

async fn both_agree(place: &Workplace) -> Result<(), TestCaseError> {
    for question in questions() {
        let mut counted = place.run(JOB, question.clone()).await;
        counted.as_object_mut().unwrap().remove("timestamp");
        let expected = from_scratch(&place.data.database, &question).await;
        prop_assert_eq!(counted, expected, "{}", question);
    }
    Ok(())
}

async fn empty(database: &Database) {
    for table in [
        "posts",
        "weir_changed_hours",
        "weir_post_entities",
        "weir_entity_hours",
        "weir_arrivals",
    ] {
        sql(database, &format!("DELETE FROM {table}")).await;
    }
}

fn check(data: impl Future<Output = TestDatabase>, cases: u32) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = runtime.block_on(async { Workplace::new(data.await) });
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::with_cases(cases)
    });
    let outcome = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            empty(&place.data.database).await;
            let mut elsewhere = Elsewhere::default();
            take(&Step::Insert(vec![draft(0, 0)]), &place.data.database).await;
            both_agree(&place).await?;
            for step in &steps {
                match step {
                    Step::Run => both_agree(&place).await?,
                    Step::Elsewhere(other) => elsewhere.go_on(*other, &place.data.database).await,
                    other => take(other, &place.data.database).await,
                }
            }
            both_agree(&place).await
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn counting_what_has_changed_comes_to_the_same_as_counting_all_on_sqlite() {
    check(TestDatabase::sqlite(), 40);
}

#[test]
fn counting_what_has_changed_comes_to_the_same_as_counting_all_on_postgres() {
    check(TestDatabase::postgres(), 20);
}

/// How many hours are marked, and how many posts wait to be added.
async fn to_do(database: &Database) -> (i64, i64) {
    let count = async |table| {
        let count = format!("SELECT count(*) FROM {table}");
        let count = Statement::from_string(database.reader().get_database_backend(), count);
        let row = database
            .reader()
            .query_one_raw(count)
            .await
            .unwrap()
            .unwrap();
        row.try_get_by_index(0).unwrap()
    };
    (
        count("weir_changed_hours").await,
        count("weir_arrivals").await,
    )
}

fn draft(post_id: u8, text: usize) -> Draft {
    Draft {
        post_id,
        quarter: 1,
        platform: 0,
        text,
    }
}

async fn a_post_that_comes_is_added_to_its_hour(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    take(&Step::Insert(vec![draft(0, 0)]), database).await;
    both_agree(&place).await.unwrap();

    let come = vec![draft(1, 1), draft(1, 1), draft(0, 2), draft(2, 2)];
    take(&Step::Insert(come), database).await;
    assert_eq!(to_do(database).await, (0, 4));
    both_agree(&place).await.unwrap();
    assert_eq!(to_do(database).await, (0, 0));

    let before_all = Draft {
        quarter: 0,
        ..draft(0, 1)
    };
    take(&Step::Insert(vec![before_all]), database).await;
    both_agree(&place).await.unwrap();
    assert_eq!(to_do(database).await, (0, 0));
}

async fn where_many_come_at_once_their_hours_are_counted(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    let posts = |hour: &str| -> Vec<NewPost> {
        let created_at = time(hour);
        let post = |number: i32| NewPost {
            created_at,
            ..post(&format!("{hour} {number}"), "a")
        };
        (0..3_600).map(post).collect()
    };
    database.track_hours().await.unwrap();
    drop(place.run(JOB, json!({})).await);
    for hour in ["2017-05-31T20:00:00Z", "2017-05-31T21:00:00Z"] {
        database.insert_posts(&posts(hour)).await.unwrap();
    }
    let most = 10_000;
    database
        .insert_posts(&posts("2017-05-31T22:00:00Z"))
        .await
        .unwrap();
    let (marked, waiting) = to_do(database).await;
    assert!(marked > 0 && waiting < most + 3_600, "{marked} {waiting}");
    drop(place.run(JOB, json!({})).await);
    assert_eq!(to_do(database).await, (0, 0));
}

async fn what_two_runs_add_at_once_is_added_once(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    let mut elsewhere = Elsewhere::default();
    take(&Step::Insert(vec![draft(0, 0)]), database).await;
    both_agree(&place).await.unwrap();
    take(&Step::Insert(vec![draft(1, 0)]), database).await;
    elsewhere.go_on(Other::ReadArrivals, database).await;
    both_agree(&place).await.unwrap();
    elsewhere.go_on(Other::AddArrivals, database).await;
    both_agree(&place).await.unwrap();
}

/// From the second day to the first, of which only the first is counted anew before the run dies.
async fn a_row_that_has_moved_counts_where_it_is(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    let (tomorrow, today, later_in_that_hour) = (16, 0, 3);
    let at = |post_id, quarter| Draft {
        quarter,
        ..draft(post_id, 0)
    };
    take(&Step::Insert(vec![at(1, tomorrow), at(1, today)]), database).await;
    both_agree(&place).await.unwrap();
    take(&Step::Insert(vec![at(0, tomorrow)]), database).await;
    let moved = Step::Move {
        nth: 2,
        quarter: later_in_that_hour,
    };
    take(&moved, database).await;

    let mut elsewhere = Elsewhere::default();
    elsewhere.go_on(Other::TakeHours, database).await;
    let first = &elsewhere.hours.by_day()[0];
    let kept = database.keep_counts(first, &elsewhere.counts, model(), &elsewhere.hours);
    kept.await.unwrap();
    take(&Step::Insert(vec![at(0, today)]), database).await;
    both_agree(&place).await.unwrap();
}

async fn without_an_index_on_post_id_hours_are_counted_whole(data: TestDatabase) {
    let place = Workplace::new(data);
    let database = &place.data.database;
    sql(database, "DROP INDEX idx_posts_post_id").await;
    take(&Step::Insert(vec![draft(0, 0)]), database).await;
    both_agree(&place).await.unwrap();
    take(&Step::Insert(vec![draft(1, 1)]), database).await;
    assert_eq!(to_do(database).await, (1, 0));
    both_agree(&place).await.unwrap();
}

/// SQLite tells no trigger of the row that goes.
#[tokio::test]
async fn a_row_replaced_by_an_index_of_the_table_s_own_counts_once() {
    let place = Workplace::new(TestDatabase::sqlite().await);
    let database = &place.data.database;
    sql(database, "CREATE UNIQUE INDEX own ON posts (post_id)").await;
    take(&Step::Insert(vec![draft(0, 0)]), database).await;
    both_agree(&place).await.unwrap();
    let replace = "INSERT OR REPLACE INTO posts (post_id, platform, created_at, post_blob)
        SELECT post_id, platform, created_at, post_blob FROM posts";
    sql(database, replace).await;
    both_agree(&place).await.unwrap();
}

/// What a writer has not committed when the marks of its hour are taken is seen by the count, or it is not.
#[tokio::test]
async fn what_is_committed_while_its_hour_is_counted_is_counted_once() {
    let place = Workplace::new(TestDatabase::postgres().await);
    let database = &place.data.database;
    for is_seen in [true, false] {
        empty(database).await;
        take(&Step::Insert(vec![draft(0, 0)]), database).await;
        both_agree(&place).await.unwrap();
        let writing = database.reader().begin().await.unwrap();
        let insert = "INSERT INTO posts (post_id, platform, created_at, post_blob)
            SELECT 'another', platform, created_at, post_blob FROM posts";
        writing.execute_unprepared(insert).await.unwrap();
        take(&Step::Rewrite { nth: 0, text: 1 }, database).await;

        let mut elsewhere = Elsewhere::default();
        elsewhere.go_on(Other::TakeHours, database).await;
        writing.commit().await.unwrap();
        if is_seen {
            elsewhere.go_on(Other::CountHours, database).await;
        }
        elsewhere.go_on(Other::KeepHours, database).await;
        both_agree(&place).await.unwrap();
    }
}

/// Writers that are never held up or made to fail, and runs that lose none of what they write.
async fn nothing_written_while_others_count_is_missed(data: TestDatabase) {
    let place = Workplace::new(data);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4_u8 {
        let database = place.data.database.clone();
        writers.spawn(async move {
            for round in 0..25_u8 {
                let draft = Draft {
                    post_id: round % 5,
                    quarter: (writer * 7 + round) % 24,
                    platform: 0,
                    text: usize::from(round) % TEXTS.len(),
                };
                take(&Step::Insert(vec![draft; 3]), &database).await;
                let nth = writer * 3;
                take(&Step::Rewrite { nth, text: 0 }, &database).await;
                take(&Step::Delete { nth: nth + 1 }, &database).await;
            }
        });
    }
    let runs = async {
        while !writers.is_empty() {
            while let Some(ended) = writers.try_join_next() {
                ended.unwrap();
            }
            tokio::join!(
                place.run(JOB, json!({"k": 100})),
                place.run(JOB, json!({"k": 100, "platform": "facebook"}))
            );
        }
    };
    runs.await;
    both_agree(&place).await.unwrap();
}
