//! Random requests to every route of a running Weir: none may be answered with a 5xx, cost an answer, or harm a later one.
//!
//! Sends 3,000 requests; `make chaos` sets `WEIR_FUZZ_CASES=100000`. `WEIR_FUZZ_SEED` repeats a run.

mod corpus;
mod mutate;
mod request;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use request::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use weir_test_support::{PATIENCE, Weir, feed_of};

const KEY: &str = "fuzz-key";
const TASKS: u64 = 8;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_answered_with_a_5xx_or_harms_a_later_one() {
    let cases = number("WEIR_FUZZ_CASES", 3_000);
    let seed = number("WEIR_FUZZ_SEED", 1);
    let weir = Arc::new(Weir::start(&format!(
        "store.backend = \"embedded\"\nauth.admin = [{KEY:?}]\nauth.ingest = [{KEY:?}]\n\
         scorers.noise.kind = \"random\"\npolicies.entities.weights = {{ sentiment = 0.5, noise = 0.1 }}\n"
    )));
    let prepared = Instant::now() + PATIENCE;
    while !weir.log().contains("the database is ready") {
        assert!(Instant::now() < prepared, "{}", weir.log());
        sleep(Duration::from_millis(20)).await;
    }
    let next = Arc::new(AtomicU64::new(0));
    let classes: Arc<[AtomicU64; 6]> = Arc::default();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (weir, next, classes) = (Arc::clone(&weir), Arc::clone(&next), Arc::clone(&classes));
        tasks.spawn(async move {
            loop {
                let case = next.fetch_add(1, Ordering::Relaxed);
                if case >= cases {
                    break;
                }
                let mut rng = StdRng::seed_from_u64(seed << 32 | case);
                if rng.random_ratio(1, 20) {
                    malformed(&weir, &mut rng, case).await;
                } else {
                    let status = Request::random(&mut rng).check(&weir, case).await;
                    classes[usize::from(status / 100)].fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(panic) = ended {
            panic!("seed {seed}: {panic}\n{}", weir.log());
        }
    }

    for (class, what) in [(2, "accepted"), (4, "refused")] {
        let answers = classes[class].load(Ordering::Relaxed);
        assert!(
            answers > cases / 5,
            "{answers} of {cases} requests were {what}"
        );
    }
    assert_eq!(weir.get("/health/ready").await.status(), 200);
    let (order, _) = weir.rank(&feed_of(&["one", "two", "three"])).await;
    assert_eq!(order.len(), 3);
    assert!(!weir.log().contains("\"panic\""), "{}", weir.log());
}

/// Bytes that are hardly HTTP: whatever comes back is no 5xx, and the connection ends.
async fn malformed(weir: &Weir, rng: &mut StdRng, case: u64) {
    let mut bytes = Request::random(rng).to_bytes();
    for _ in 0..rng.random_range(1..4) {
        mutate::bytes(&mut bytes, rng);
    }
    let address = weir.url("").replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    let exchange = async {
        // The server may hang up before all is written.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    timeout(PATIENCE, exchange)
        .await
        .unwrap_or_else(|_| panic!("case {case}: the connection stays open after {bytes:?}"));
    assert!(
        !answer.starts_with(b"HTTP/1.1 5"),
        "case {case}: {}\nto {}",
        String::from_utf8_lossy(&answer),
        String::from_utf8_lossy(&bytes)
    );
}
