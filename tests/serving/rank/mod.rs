//! `/rank` of a real server on real stores.

mod deadlines;
mod expressions;
mod order;
mod outages;
mod requests;

use serde_json::Value;
use weir_test_support::{Redis, Weir};

const KEY: &str = "my_worker:scheduled:top_named_entities";

/// No schedule overwrites what the tests put under the key.
const STILL: &str = "schedules.top_named_entities.enabled = false\n";

/// A Weir on a Redis that others write to, as any program of the challenge would.
fn with_redis(settings: &str) -> (Weir, Redis) {
    let redis = Redis::start();
    let weir = Weir::start(&format!(
        "{STILL}store.redis_url = {:?}\n{settings}",
        redis.url()
    ));
    (weir, redis)
}

fn put(redis: &Redis, value: &Value) {
    let _: () = redis::cmd("SET")
        .arg(KEY)
        .arg(value.to_string())
        .query(&mut redis.connection())
        .unwrap();
}
