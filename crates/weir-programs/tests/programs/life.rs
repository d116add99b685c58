//! Ends of processes, and who takes over.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use weir_programs::{ProcessState, ProgramPool};

use crate::common::{Fixture, batch, is_alive, kill, numbers, score, wait_for};

fn pid(pool: &ProgramPool, index: usize) -> u32 {
    pool.status()[index].pid.unwrap()
}

async fn scores_one(fixture: &Fixture) -> (ProgramPool, u32) {
    let pool = fixture.start_warm().await;
    assert_eq!(numbers(&score(&pool, &["a"]).await), [1.0]);
    let pid = pid(&pool, 0);
    (pool, pid)
}

#[tokio::test]
async fn a_killed_process_is_replaced_at_once_and_the_batch_is_not_lost() {
    let fixture = Fixture::of_python("def score(text):\n    time.sleep(0.3)\n    return len(text)");
    let pool = fixture.start_warm().await;
    let first = pid(&pool, 0);
    score(&pool, &["a"]).await;
    let batch = batch(&["a", "ab"]);
    let (rows, ()) = tokio::join!(
        pool.score(&batch, Instant::now() + crate::common::PATIENCE),
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            kill(first);
        }
    );
    assert_eq!(numbers(&rows), [1.0, 2.0]);
    assert_ne!(pid(&pool, 0), first);
    let failure = pool.status()[0].last_failure.clone().unwrap();
    assert_eq!(failure, "it ended with signal: 9 (SIGKILL)");
}

#[tokio::test]
async fn a_standby_takes_over_while_the_next_one_loads() {
    let code = "if os.path.exists('slow'):\n    time.sleep(1000)";
    let mut fixture = Fixture::of_python(code);
    fixture.spec.standby = 1;
    let (pool, _) = scores_one(&fixture).await;
    fs::write(fixture.folder.path().join("slow"), "").unwrap();
    let states = |pool: &ProgramPool| pool.status().iter().map(|it| it.state).collect::<Vec<_>>();
    let serving = states(&pool)
        .iter()
        .position(|&it| it == ProcessState::Serving)
        .unwrap();
    kill(pid(&pool, serving));
    assert_eq!(numbers(&score(&pool, &["abc"]).await), [3.0]);
    let after = states(&pool);
    assert_eq!(after[serving], ProcessState::Replacing);
    assert_eq!(after[1 - serving], ProcessState::Serving);
}

#[tokio::test]
async fn a_print_during_a_call_ends_the_process_and_its_text_is_told_nowhere() {
    let code =
        "def score(text):\n    if text == 'p':\n        print('a secret')\n    return len(text)";
    let fixture = Fixture::of_python(code);
    let (pool, _) = scores_one(&fixture).await;
    let error = score(&pool, &["p"])
        .await
        .remove(0)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a line on its stdout is no message"),
        "{error}"
    );
    assert!(!format!("{:?} {error}", pool.status()).contains("secret"));
    assert_eq!(numbers(&score(&pool, &["ab"]).await), [2.0]);
}

#[tokio::test]
async fn a_flood_during_a_call_ends_the_process() {
    for flood in [
        "sys.stdout.write('x' * (17 << 20))",
        "[send({'method': 'log', 'params': {'level': 'info', 'message': 'x'}}) for _ in range(10001)]",
        "send({'id': 99, 'result': None})",
    ] {
        let code =
            format!("def score(text):\n    if text == 'f':\n        {flood}\n    return len(text)");
        let fixture = Fixture::of_python(&code);
        let (pool, first) = scores_one(&fixture).await;
        let error = score(&pool, &["f"])
            .await
            .remove(0)
            .unwrap_err()
            .to_string();
        assert!(error.contains("it violated the protocol"), "{error}");
        assert_eq!(numbers(&score(&pool, &["ab"]).await), [2.0]);
        assert_ne!(pid(&pool, 0), first);
    }
}

#[tokio::test]
async fn what_a_program_leaves_running_is_killed_with_it() {
    let code = r#"
def score(text):
    if text == "fork":
        if os.fork() == 0:
            time.sleep(1000)
        open("child", "w").write("x")
        os._exit(0)
    return len(text)
"#;
    let fixture = Fixture::of_python(code);
    let (pool, first) = scores_one(&fixture).await;
    score(&pool, &["fork"]).await;
    assert!(fixture.folder.path().join("child").exists());
    let members = || {
        let shown = std::process::Command::new("pgrep")
            .args(["-g", &first.to_string()])
            .output();
        String::from_utf8(shown.unwrap().stdout).unwrap()
    };
    wait_for("the group to be gone", || members().is_empty()).await;
}

#[tokio::test]
async fn a_program_that_forks_and_answers_from_the_child_does_not_stay() {
    let code = "if os.fork() != 0:\n    os._exit(0)";
    let mut fixture = Fixture::of_python(code);
    fixture.spec.start_timeout = Duration::from_secs(5);
    let pool = fixture.start();
    let _ = pool.warm().await;
    wait_for("an end", || pool.status()[0].last_failure.is_some()).await;
}

#[tokio::test]
async fn a_process_that_leaks_memory_is_replaced_and_no_item_is_missed() {
    let code = "leak = []\ndef score(text):\n    leak.append(b'x' * (8 << 20))\n    time.sleep(0.02)\n    return len(text)";
    let mut fixture = Fixture::of_python(code);
    fixture.spec.max_rss = 96 << 20;
    let (pool, first) = scores_one(&fixture).await;
    let begun = Instant::now();
    while pid_or_zero(&pool) == first || begun.elapsed() < Duration::from_secs(3) {
        assert_eq!(numbers(&score(&pool, &["ab", "abc"]).await), [2.0, 3.0]);
        assert!(begun.elapsed() < crate::common::PATIENCE, "never replaced");
    }
    let failure = pool.status()[0].last_failure.clone().unwrap();
    assert!(
        failure.contains("more than max_rss = 100663296"),
        "{failure}"
    );
}

fn pid_or_zero(pool: &ProgramPool) -> u32 {
    pool.status()[0].pid.unwrap_or_default()
}

#[tokio::test]
async fn a_process_is_recycled_after_so_many_calls() {
    let mut fixture = Fixture::of_python("score = lambda text: os.getpid()");
    fixture.spec.recycle_after = 3;
    let pool = fixture.start_warm().await;
    let mut pids = Vec::new();
    for _ in 0..9 {
        pids.push(numbers(&score(&pool, &["a"]).await)[0].to_bits());
    }
    pids.dedup();
    assert_eq!(pids.len(), 3, "{pids:?}");
}

#[tokio::test]
async fn devices_are_given_in_turn() {
    let code = "score = lambda text: int(os.environ['CUDA_VISIBLE_DEVICES']) + 10 * len(os.environ['WEIR_DEVICE'])";
    let mut fixture = Fixture::of_python(code);
    fixture.spec.devices = vec!["cuda:1".to_owned(), "cuda:3".to_owned()];
    fixture.spec.workers = 2;
    let pool = fixture.start_warm().await;
    let devices: Vec<_> = pool
        .status()
        .into_iter()
        .filter_map(|it| it.device)
        .collect();
    assert_eq!(devices, ["cuda:1", "cuda:3"]);
    let score = numbers(&score(&pool, &["a"]).await)[0];
    assert!([61.0, 63.0].contains(&score), "{score}");
}

#[tokio::test]
async fn a_pool_that_is_dropped_takes_its_processes_along() {
    let mut fixture = Fixture::of_python("");
    fixture.spec.workers = 2;
    fixture.spec.standby = 1;
    let pool = fixture.start_warm().await;
    let pids: Vec<u32> = pool.status().iter().filter_map(|it| it.pid).collect();
    assert_eq!(pids.len(), 3);
    drop(pool);
    wait_for("the processes to end", || {
        !pids.iter().any(|&pid| is_alive(pid))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_random_kills_nearly_every_item_is_scored() {
    let mut fixture = Fixture::of_python("");
    (fixture.spec.workers, fixture.spec.standby) = (2, 1);
    let pool = std::sync::Arc::new(fixture.start_warm().await);
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let killer = {
        let (pool, stop) = (pool.clone(), stop.clone());
        tokio::spawn(async move {
            let mut turn = 0;
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let pids: Vec<u32> = pool.status().iter().filter_map(|it| it.pid).collect();
                turn += 1;
                if !pids.is_empty() {
                    kill(pids[turn % pids.len()]);
                }
            }
        })
    };
    let (mut scored, mut all) = (0, 0);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        let batch = batch(&["a"; 20]);
        let rows = pool
            .score(&batch, Instant::now() + Duration::from_secs(1))
            .await;
        all += rows.len();
        scored += rows.iter().filter(|row| row.is_ok()).count();
    }
    stop.store(true, Ordering::Relaxed);
    killer.await.unwrap();
    assert!(scored * 100 >= all * 95, "{scored} of {all}");
}
