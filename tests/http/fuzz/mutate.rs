use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, rngs::StdRng};
use serde_json::{Value, json};

use super::corpus;

/// JSON that no `Value` can hold; each stands for the string `@RAW n@` in a mutated body.
const RAW: [&str; 12] = [
    "1e400",
    "-1e400",
    "NaN",
    "\"\\ud83d\"",
    "\"\\ude00\\ud83d tail\"",
    "\"\\\\ud83d\"",
    "18446744073709551616",
    "-9223372036854775809",
    "1.7976931348623157e308",
    "\"\\u0000\"",
    "01",
    "/* no */ null",
];

/// How deep the deepest value is nested: more than parsers bear.
const DEPTH: usize = 300;

/// Changes one place of `value`.
pub(crate) fn json(value: &mut Value, rng: &mut StdRng) {
    let is_leaf = match &*value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => true,
    };
    if is_leaf || rng.random_ratio(1, 12) {
        *value = odd_value(rng);
        return;
    }
    match value {
        Value::Array(items) => {
            let nth = rng.random_range(0..items.len());
            match rng.random_range(0..8) {
                0 => drop(items.remove(nth)),
                1 => items.push(items[nth].clone()),
                2 => items.insert(nth, odd_value(rng)),
                _ => json(&mut items[nth], rng),
            }
        }
        Value::Object(fields) => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            let key = keys.choose(rng).unwrap().clone();
            match rng.random_range(0..8) {
                0 => drop(fields.remove(&key)),
                1 => drop(fields.insert(corpus::string(rng).to_owned(), odd_value(rng))),
                2 => drop(fields.insert(key, odd_value(rng))),
                _ => json(fields.get_mut(&key).unwrap(), rng),
            }
        }
        _ => {}
    }
}

fn odd_value(rng: &mut StdRng) -> Value {
    match rng.random_range(0..14) {
        0 => Value::Null,
        1 => json!(rng.random::<bool>()),
        2 => json!(rng.random::<i64>()),
        3 => json!(rng.random::<u64>()),
        4 => json!(rng.random::<f64>() * 1e12),
        5 => json!(rng.random_range(-3..3)),
        6 => json!([]),
        7 => json!({}),
        8 => json!("x".repeat(rng.random_range(0..30_000))),
        9 => json!("@DEEP@"),
        10 | 11 => json!(format!("@RAW {}@", rng.random_range(0..RAW.len()))),
        _ => json!(corpus::string(rng)),
    }
}

/// `value` as JSON text, with what no `Value` can hold put in.
pub(crate) fn text_of(value: &Value) -> String {
    let mut text = value.to_string();
    for (nth, raw) in RAW.iter().enumerate() {
        let mark = format!("\"@RAW {nth}@\"");
        if text.contains(&mark) {
            text = text.replace(&mark, raw);
        }
    }
    let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    text.replace("\"@DEEP@\"", &deep)
}

/// Changes, removes, repeats or inserts a run of bytes.
pub(crate) fn bytes(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    if bytes.is_empty() {
        bytes.push(rng.random());
        return;
    }
    let from = rng.random_range(0..bytes.len());
    let to = (from + rng.random_range(1..32)).min(bytes.len());
    match rng.random_range(0..5) {
        0 => bytes[from] = rng.random(),
        1 => drop(bytes.drain(from..to)),
        2 => {
            let run = bytes[from..to].to_vec();
            bytes.splice(from..from, run);
        }
        3 => bytes.truncate(from),
        _ => {
            let mut run = vec![0; to - from];
            rng.fill_bytes(&mut run);
            bytes.splice(from..from, run);
        }
    }
}
