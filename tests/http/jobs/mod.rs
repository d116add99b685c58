//! Jobs, schedules and results of a real server, over HTTP.

mod command_line;
mod records;
mod results;
mod running;
mod schedules;
mod submitting;

use serde_json::{Value, json};
use weir_test_support::{Redis, Weir};

/// No schedule but those of a test.
const STILL: &str = "schedules.top_named_entities.enabled = false\n";

/// Programs for all that a job may do.
const PROGRAMS: &str = r#"
[programs.echo]
mode = "once"
argv = ["cat"]
[programs.sleep]
mode = "once"
argv = ["sh", "-c", "sleep 60 & echo $! >&2; wait"]
[programs.fail]
mode = "once"
argv = ["sh", "-c", "echo no such luck >&2; exit 3"]
max_attempts = 1
"#;

fn with_redis(settings: &str) -> (Weir, Redis) {
    let redis = Redis::start();
    let weir = Weir::start(&format!(
        "store.redis_url = {:?}\n{STILL}{settings}\n{PROGRAMS}",
        redis.url()
    ));
    (weir, redis)
}

/// On the embedded store, which needs no server.
fn embedded(settings: &str) -> Weir {
    Weir::start(&format!(
        "store.backend = \"embedded\"\n{STILL}{settings}\n{PROGRAMS}"
    ))
}

fn program(name: &str) -> Value {
    json!({"job": "program", "args": {"program": name}})
}
