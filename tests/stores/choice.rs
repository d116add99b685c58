//! Changing from one results store to another.

use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use weir::{
    data_dir::DataDir,
    queue::{Claim, JobQueue, NewJob, Outcome, QueueLimits, Worker},
    redis_server::{RedisServer, RedisServerOptions, redis_server_on_path},
    settings::{Backend, DatabaseSettings, StoreConfig},
    store::{Environment, SelectionError, Store, StoreKind, StoreLocation, StoreSelection},
};
use weir_test_support::Redis;

/// A data folder and the settings that it is used with.
struct Folder {
    _guard: TempDir,
    data_dir: DataDir,
    settings: StoreConfig,
    database: DatabaseSettings,
}

impl Folder {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            data_dir: DataDir::open(folder.path()).unwrap(),
            _guard: folder,
            settings: StoreConfig::default(),
            database: DatabaseSettings::with_url("sqlite://weir.db"),
        }
    }

    async fn choose(&self) -> Result<StoreLocation, SelectionError> {
        let environment = Environment {
            settings: &self.settings,
            database: &self.database,
            redis_server: redis_server_on_path(),
            data_dir: &self.data_dir,
        };
        let selection = StoreSelection::resolve(&environment)?;
        selection.commit(&environment).await?;
        Ok(selection.location)
    }

    fn open(&self, location: &StoreLocation) -> Store {
        Store::open(&self.settings, location).unwrap()
    }

    async fn redis_server(&self, location: &StoreLocation) -> RedisServer {
        let StoreLocation::ManagedRedis { program, socket } = location else {
            panic!("{location:?}");
        };
        let options = RedisServerOptions {
            program: program.clone(),
            folder: self.data_dir.redis(),
            socket: socket.clone(),
            durability: self.settings.durability,
        };
        RedisServer::start_or_adopt(options).await.unwrap()
    }
}

async fn enqueue(store: &Store) {
    JobQueue::new(store, QueueLimits::default())
        .enqueue(NewJob::new("j", json!({})))
        .await
        .unwrap();
}

async fn finish_all(store: &Store) {
    let jobs = JobQueue::new(store, QueueLimits::default());
    let worker = Worker {
        owner: "o".into(),
        instance: "host-1".into(),
        jobs: crate::common::stores::job_names(&["j"]),
        name: "w".into(),
    };
    while let Claim::Leased(lease) = jobs.claim(&worker, Duration::from_mins(1)).await.unwrap() {
        let outcome = Outcome::Succeeded {
            result: json!(null),
            keep: Duration::from_mins(1),
        };
        jobs.settle(&lease, outcome).await.unwrap();
    }
}

#[tokio::test]
async fn a_file_with_unfinished_jobs_is_not_left_for_redis() {
    let mut folder = Folder::new();
    folder.settings.backend = Backend::Embedded;
    let file = folder.choose().await.unwrap();
    let results = folder.open(&file);
    enqueue(&results).await;

    folder.settings.backend = Backend::Redis;
    let refusal = folder.choose().await.unwrap_err();
    assert!(
        matches!(refusal, SelectionError::Unfinished { count: 1, .. }),
        "{refusal}"
    );
    assert!(
        refusal.to_string().contains("results.json"),
        "it names the way out: {refusal}"
    );
    let refusal = folder.choose().await.unwrap_err();
    assert!(
        matches!(refusal, SelectionError::Unfinished { .. }),
        "it stays refused: {refusal}"
    );

    finish_all(&results).await;
    assert_eq!(
        folder.choose().await.unwrap().kind(),
        StoreKind::ManagedRedis
    );
}

#[tokio::test]
async fn a_stopped_managed_server_is_checked_for_unfinished_jobs() {
    let mut folder = Folder::new();
    let managed = folder.choose().await.unwrap();
    let mut server = folder.redis_server(&managed).await;
    enqueue(&folder.open(&managed)).await;
    server.shut_down().await.unwrap();

    folder.settings.backend = Backend::Embedded;
    let refusal = folder.choose().await.unwrap_err();
    assert!(
        matches!(refusal, SelectionError::Unfinished { count: 1, .. }),
        "{refusal}"
    );

    // The way out: forget about them.
    std::fs::remove_file(folder.data_dir.results_note()).unwrap();
    assert_eq!(folder.choose().await.unwrap().kind(), StoreKind::Sqlite);
}

#[tokio::test]
async fn a_former_redis_must_answer_before_another_store_is_used() {
    let mut redis = Redis::start();
    let mut folder = Folder::new();
    folder.settings.redis_url = redis.url().as_str().into();
    let external = folder.choose().await.unwrap();
    assert_eq!(external.kind(), StoreKind::ExternalRedis);
    JobQueue::new(&folder.open(&external), QueueLimits::default())
        .counts()
        .await
        .unwrap();

    let elsewhere = Redis::absent();
    folder.settings.redis_url = elsewhere.url().as_str().into();
    let refusal = folder.choose().await.unwrap_err();
    assert!(
        matches!(refusal, SelectionError::Unknown { source: None, .. }),
        "{refusal}"
    );

    folder.settings.redis_url = redis.url().as_str().into();
    folder.settings.backend = Backend::Embedded;
    redis.kill();
    let refusal = folder.choose().await.unwrap_err();
    assert!(
        matches!(
            refusal,
            SelectionError::Unknown {
                source: Some(_),
                ..
            }
        ),
        "{refusal}"
    );
    redis.start_again();
    assert_eq!(folder.choose().await.unwrap().kind(), StoreKind::Sqlite);
}

#[tokio::test]
async fn the_same_store_is_never_asked() {
    let absent = Redis::absent();
    let mut folder = Folder::new();
    folder.settings.redis_url = absent.url().as_str().into();
    for _ in 0..2 {
        assert_eq!(
            folder.choose().await.unwrap().kind(),
            StoreKind::ExternalRedis
        );
    }
}

#[tokio::test]
async fn an_unreadable_note_is_an_error_that_names_it() {
    let folder = Folder::new();
    std::fs::write(folder.data_dir.results_note(), "{").unwrap();
    let error = folder.choose().await.unwrap_err();
    assert!(error.to_string().contains("results.json"), "{error}");
}
