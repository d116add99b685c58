//! A Weir that is killed, stopped and started again, and what it must not lose.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_test_support::{PATIENCE, Weir, feed_of, top_entities};

const KEY: &str = "my_worker:scheduled:top_named_entities";
const STILL: &str = "schedules.top_named_entities.enabled = false\n";

fn socket_of(weir: &Weir) -> redis::Client {
    let socket = weir.data_dir().join("redis/redis.sock");
    redis::Client::open(format!("unix://{}", socket.display())).unwrap()
}

/// A connection to the managed server, once it answers.
fn connection_to(weir: &Weir) -> redis::Connection {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(connection) = socket_of(weir).get_connection() {
            return connection;
        }
        assert!(
            Instant::now() < deadline,
            "redis-server does not answer\n{}",
            weir.log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn put(weir: &Weir, value: &Value) {
    let set = redis::cmd("SET")
        .arg(KEY)
        .arg(value.to_string())
        .query(&mut connection_to(weir));
    let () = set.unwrap();
}

fn redis_pid(weir: &Weir) -> u32 {
    let info: String = redis::cmd("INFO")
        .arg("server")
        .query(&mut connection_to(weir))
        .unwrap();
    let pid = info
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"))
        .unwrap();
    pid.trim().parse().unwrap()
}

fn signal(signal: &str, pid: u32) {
    assert!(
        Command::new("kill")
            .args([signal, &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

#[tokio::test]
async fn after_a_kill_the_server_starts_again_and_adopts_its_redis() {
    let mut weir = Weir::start(STILL);
    put(&weir, &top_entities(&["Trump"]));
    weir.counted("snapshot.entities", "entries", 1).await;
    let before = redis_pid(&weir);

    weir.kill();
    weir.start_again();

    weir.counted("snapshot.entities", "entries", 1).await;
    assert_eq!(
        redis_pid(&weir),
        before,
        "the orphan is adopted, no second server is started"
    );
    assert_eq!(weir.rank(&feed_of(&["Trump", "a"])).await.0, [1, 0]);
}

#[tokio::test]
async fn a_stop_exits_with_0_after_redis_has_written_its_data() {
    let mut weir = Weir::start(STILL);
    put(&weir, &top_entities(&["Trump"]));
    weir.counted("snapshot.entities", "entries", 1).await;
    let redis = redis_pid(&weir);

    assert_eq!(weir.stop(), Some(0));
    assert!(
        !Command::new("kill")
            .args(["-0", &redis.to_string()])
            .status()
            .unwrap()
            .success()
    );

    weir.start_again();
    weir.counted("snapshot.entities", "entries", 1).await;
}

#[tokio::test]
async fn a_managed_redis_that_is_killed_is_started_again_and_no_answer_changes_its_status() {
    let weir = Weir::start(STILL);
    put(&weir, &top_entities(&["Trump"]));
    weir.counted("snapshot.entities", "entries", 1).await;
    let feed = feed_of(&["Trump", "a"]);

    let before = redis_pid(&weir);
    signal("-KILL", before);
    let deadline = Instant::now() + PATIENCE;
    while weir.counters("redis_server").await["started"] != 2 {
        assert_eq!(
            weir.rank(&feed).await.0,
            [1, 0],
            "a status other than 200 fails in here"
        );
        assert!(
            Instant::now() < deadline,
            "never started again\n{}",
            weir.log()
        );
    }
    assert_ne!(redis_pid(&weir), before);
    put(&weir, &top_entities(&["Obama", "NASA"]));
    weir.counted("snapshot.entities", "entries", 2).await;
}

#[tokio::test]
async fn without_redis_on_the_path_it_serves_on_the_embedded_store_and_says_so() {
    let weir = Weir::start_with_path(
        "schedules.top_named_entities.enabled = false",
        "/nonexistent",
    );
    assert_eq!(weir.rank(&feed_of(&["a"])).await.0, [0]);
    let chosen = weir.log();
    let line = chosen
        .lines()
        .find(|line| line.contains("store selected"))
        .unwrap();
    assert!(
        line.contains("embedded") && line.contains("not on PATH"),
        "{line}"
    );
}

#[tokio::test]
async fn a_second_instance_on_the_same_folder_is_refused() {
    let weir = Weir::start(STILL);
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["serve", "--config"])
        .arg(weir.config())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("another weir is running on the data folder"),
        "{said}"
    );
}

#[tokio::test]
async fn an_address_in_use_is_refused_by_name() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .arg("serve")
        .env("WEIR__SERVER__BIND", address.to_string())
        .env("WEIR__DATA_DIR", folder.path())
        .env("WEIR__STORE__BACKEND", "embedded")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(&format!("cannot listen on {address} (server.bind)")),
        "{said}"
    );
}

#[tokio::test]
async fn a_stopping_server_finishes_the_request_in_flight() {
    let mut weir = Weir::start(&format!(
        "{STILL}ranking.policy = \"slow\"\nranking.deadline = \"1500ms\"\n\
         [policies.slow]\nentity_weight = 0.0\nweights = {{ asleep = 1.0 }}\n\
         [scorers.asleep]\nkind = \"random\"\nsleep = \"1m\"\ntime_limit = \"1m\""
    ));
    let body = serde_json::to_vec(&feed_of(&["a"])).unwrap();
    let request = tokio::spawn(weir.client.post(weir.url("/rank")).body(body).send());
    weir.counted("scorer_pool.asleep", "requests", 1).await;

    signal("-TERM", weir.pid());
    let answer = request.await.unwrap().unwrap();

    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        answer["metadata"]["degraded"],
        json!([{"part": "asleep", "missed": 1, "why": "timeout"}])
    );
    assert_eq!(weir.wait(), Some(0));
}
