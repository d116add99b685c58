//! What jobs cost in each store that needs no server of its own: an empty queue against a long one, one caller against
//! many. `cargo bench --bench jobs_store -- [JOBS] [sqlite|redis]`, 100,000 in the long queue of both by default.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use weir::queue::{Claim, JobQueue, NewJob, Outcome, QueueLimits, Worker};
use weir::redis_server::{RedisServer, RedisServerOptions, redis_server_on_path, socket_path};
use weir::settings::{Durability, StoreConfig};
use weir::store::{Store, StoreLocation};

type Outcomes<T> = Result<T, Box<dyn Error>>;

/// The names that a worker claims: those that ship.
const NAMES: [&str; 8] = [
    "command",
    "count_top_named_entities",
    "post_statistics",
    "program",
    "prune_posts",
    "query_posts_db",
    "refresh_candidates",
    "substring_matches_by_platform",
];
const ONE_BY_ONE: usize = 2_000;
const TOGETHER: usize = 20_000;
const CALLERS: usize = 32;
const LEASE: Duration = Duration::from_mins(10);

#[tokio::main]
async fn main() -> Outcomes<()> {
    let long = std::env::args()
        .skip(1)
        .find_map(|text| text.parse().ok())
        .unwrap_or(100_000);
    let folder = tempfile::tempdir()?;
    let sqlite = StoreLocation::Sqlite {
        file: folder.path().join("results.db"),
    };
    let asked = |store: &str| {
        let others = ["sqlite", "redis"];
        let mut named = std::env::args().filter(|arg| others.contains(&arg.as_str()));
        named.all(|named| named == store)
    };
    if asked("sqlite") {
        measure("sqlite", &sqlite, long).await?;
    }
    if !asked("redis") {
        return Ok(());
    }
    let Some((mut server, redis)) = redis(folder.path()).await? else {
        eprintln!("redis-server is not on PATH");
        return Ok(());
    };
    measure("redis", &redis, long).await?;
    server.shut_down().await?;
    Ok(())
}

async fn redis(folder: &Path) -> Outcomes<Option<(RedisServer, StoreLocation)>> {
    let Some(program) = redis_server_on_path() else {
        return Ok(None);
    };
    let folder = folder.join("redis");
    let socket = socket_path(&folder)?;
    let options = RedisServerOptions {
        program: program.clone(),
        folder,
        socket: socket.clone(),
        durability: Durability::default(),
    };
    let server = RedisServer::start_or_adopt(options).await?;
    Ok(Some((
        server,
        StoreLocation::ManagedRedis { program, socket },
    )))
}

/// Bytes that Redis uses for data.
async fn memory(location: &StoreLocation) -> Outcomes<Option<u64>> {
    let StoreLocation::ManagedRedis { socket, .. } = location else {
        return Ok(None);
    };
    let client = redis::Client::open(format!("unix://{}", socket.display()))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let info: redis::InfoDict = redis::cmd("INFO").query_async(&mut connection).await?;
    Ok(info.get("used_memory"))
}

async fn measure(store: &str, location: &StoreLocation, long: usize) -> Outcomes<()> {
    let results = Store::open(&StoreConfig::default(), location)?;
    let jobs = JobQueue::new(&results, QueueLimits::default());
    latencies(store, "empty queue", &jobs).await?;
    throughput(store, &jobs).await?;
    let before = memory(location).await?;
    let begun = Instant::now();
    enqueue_together(&jobs, long).await?;
    let elapsed = begun.elapsed();
    if let (Some(before), Some(after)) = (before, memory(location).await?) {
        report(
            store,
            "bytes a waiting job",
            (after - before) as f64 / long as f64,
        );
    }
    report(
        store,
        &format!("jobs/s, enqueue {long}"),
        per_second(long, elapsed),
    );
    latencies(store, "long queue", &jobs).await?;
    Ok(())
}

/// Whole lives of jobs, one after the other. The job that is claimed is the oldest, not the one just enqueued.
async fn latencies(store: &str, queue: &str, jobs: &JobQueue) -> Outcomes<()> {
    let mut steps = [const { Vec::new() }; 3];
    for _ in 0..ONE_BY_ONE {
        let begun = Instant::now();
        enqueue(jobs).await?;
        let enqueued = Instant::now();
        let lease = jobs.claim(&worker(), LEASE).await?;
        let claimed = Instant::now();
        if let Claim::Leased(lease) = lease {
            jobs.settle(&lease, succeeded()).await?;
        }
        steps[0].push(enqueued - begun);
        steps[1].push(claimed - enqueued);
        steps[2].push(claimed.elapsed());
    }
    for (step, mut times) in ["enqueue", "claim", "settle"].into_iter().zip(steps) {
        times.sort_unstable();
        for (name, place) in [("p50", times.len() / 2), ("p99", times.len() * 99 / 100)] {
            let micros = times[place].as_secs_f64() * 1e6;
            report(store, &format!("us, {step} {name}, {queue}"), micros);
        }
    }
    Ok(())
}

/// Whole lives of jobs, many at a time.
async fn throughput(store: &str, jobs: &JobQueue) -> Outcomes<()> {
    let begun = Instant::now();
    enqueue_together(jobs, TOGETHER).await?;
    let workers = (0..CALLERS).map(|_| async {
        while let Claim::Leased(lease) = jobs.claim(&worker(), LEASE).await? {
            jobs.settle(&lease, succeeded()).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    });
    futures_util::future::try_join_all(workers).await?;
    report(
        store,
        "jobs/s, whole lives",
        per_second(TOGETHER, begun.elapsed()),
    );
    Ok(())
}

async fn enqueue_together(jobs: &JobQueue, count: usize) -> Outcomes<()> {
    let callers = (0..CALLERS).map(|_| async {
        for _ in 0..count / CALLERS {
            enqueue(jobs).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    });
    futures_util::future::try_join_all(callers).await?;
    Ok(())
}

async fn enqueue(jobs: &JobQueue) -> Outcomes<()> {
    jobs.enqueue(NewJob::new(
        "count_top_named_entities",
        json!({"k": 10, "window": "30d"}),
    ))
    .await?;
    Ok(())
}

fn worker() -> Worker {
    Worker {
        owner: "bench".into(),
        name: "bench/1".into(),
        instance: "bench".into(),
        jobs: Arc::new(NAMES.map(str::to_owned).into()),
    }
}

fn succeeded() -> Outcome {
    Outcome::Succeeded {
        result: json!({"counts": 1}),
        keep: Duration::from_hours(1),
    }
}

fn per_second(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

fn report(store: &str, what: &str, figure: f64) {
    println!("{store:<7} {what:<36} {figure:>10.0}");
}
