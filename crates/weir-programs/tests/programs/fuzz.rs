//! Random lines in both directions: no panic, no stuck pool, bounded memory.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::common::{Fixture, PATIENCE, batch, numbers, score};

/// Answers each call with random lines: bytes, JSON, nearly messages, and now and then the right answer.
const FUZZ: &str = r#"
import random
# Each process has a sequence of its own: the first lines of one may end it before it scores.
rng = random.Random(f"{os.environ['SEED']} {os.getpid()}")
out = sys.stdout.buffer

def value(depth):
    pick = rng.randrange(9 if depth < 4 else 6)
    if pick == 0: return None
    if pick == 1: return rng.choice([True, False])
    if pick == 2: return rng.choice([float("nan"), float("inf"), 1e308, -1, 0.5, 10 ** 30])
    if pick == 3: return "".join(chr(rng.choice([34, 92, 10, 0xd83d, 0x1f600, rng.randrange(32, 127)])) for _ in range(rng.randrange(8)))
    if pick < 6: return rng.randrange(-5, 200000)
    if pick < 8: return [value(depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(["id", "method", "params", "result", "error", "code", "x"]): value(depth + 1) for _ in range(rng.randrange(4))}

def line(id):
    pick = rng.randrange(40)
    if pick == 0: return bytes(rng.randrange(256) for _ in range(rng.randrange(40))).replace(b"\n", b" ")
    if pick == 1: return json.dumps(value(0)).encode()
    if pick == 2: return json.dumps({"jsonrpc": "2.0", "id": id, "result": value(0)}).encode()
    if pick == 3: return json.dumps({"jsonrpc": "2.0", "id": value(3), "method": value(3), "params": value(0)}).encode()
    if pick == 4: return json.dumps({"jsonrpc": "2.0", "id": id, "error": value(0)}).encode()
    if pick == 5: return json.dumps({"jsonrpc": "2.0", "id": id, "result": {"columns": {"score": value(2)}, "errors": value(2)}}).encode()
    if pick < 20: return json.dumps({"jsonrpc": "2.0", "method": rng.choice(["log", "progress", "x"]), "params": value(0)}).encode()
    if pick < 30: return b" " * rng.randrange(3)
    return None

def main():
    for text in sys.stdin:
        message = json.loads(text)
        if message["method"] == "initialize":
            send({"id": 1, "result": announce()})
            continue
        for _ in range(60):
            made = line(message["id"])
            if made is None:
                break
            out.write(made + b"\n")
        send({"id": message["id"], "result": {"columns": {"score": [1] * len(message["params"]["items"])}}})
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_lines_of_a_program_never_panic_or_block_the_pool() {
    let mut fixture = Fixture::of_python(FUZZ);
    fixture
        .spec
        .environment
        .insert("SEED".into(), std::process::id().to_string().into());
    fixture.spec.kill_after = Some(Duration::from_secs(2));
    fixture.spec.standby = 1;
    fixture.spec.restarts.max_restarts = 1_000_000;
    let pool = fixture.start_warm().await;
    let mut scored = 0;
    let begun = Instant::now();
    let mut calls = 0;
    while begun.elapsed() < Duration::from_secs(5) {
        let deadline = Instant::now() + PATIENCE;
        let rows = pool.score(&batch(&["a", "b"]), deadline).await;
        assert_eq!(rows.len(), 2);
        scored += rows.iter().filter(|row| row.is_ok()).count();
        calls += 1;
    }
    assert!(scored > 0 && calls > 10, "{scored} of {calls} calls");
}

/// A program echoes what it has read: whatever texts Weir sends, they are lines of JSON.
#[test]
fn random_texts_reach_a_program_as_they_are() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fixture = Fixture::of_python("score = lambda text: len(text.encode('utf-16-le')) // 2");
    let pool = runtime.block_on(fixture.start_warm());
    let mut runner = TestRunner::new(Config::with_cases(200));
    let texts = prop::collection::vec(any::<String>(), 1..50);
    let run = runner.run(&texts, |texts| {
        let slices: Vec<&str> = texts.iter().map(String::as_str).collect();
        let rows = runtime.block_on(score(&pool, &slices));
        let lengths: Vec<f64> = texts
            .iter()
            .map(|text| text.encode_utf16().count() as f64)
            .collect();
        prop_assert_eq!(numbers(&rows), lengths);
        Ok(())
    });
    run.unwrap();
    assert_eq!(pool.status()[0].starts, 1);
}
