//! Fills a posts database for measuring: `many_posts URL POSTS [DAYS [TEXTS]]` adds so many made-up posts, spread over the last
//! days (30), of the lines of the file `TEXTS` (those of `benches/posts.txt`) with names put in.

use std::error::Error;
use std::fmt::Write;
use std::fs;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use serde_json::value::to_raw_value;
use weir::db::{Database, NewPost};
use weir::settings::DatabaseSettings;

const TEXTS: &str = include_str!("../benches/posts.txt");
const FIRST: [&str; 12] = [
    "Anna", "Omar", "Lucia", "Peter", "Ines", "Viktor", "Grace", "Tom", "Aisha", "Karl", "Rosa",
    "Henry",
];
const BATCH: usize = 5_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, posts, rest @ ..] = arguments.as_slice() else {
        return Err("usage: many_posts URL POSTS [DAYS [TEXTS]]".into());
    };
    let posts: usize = posts.parse()?;
    let days: i64 = rest.first().map_or(Ok(30), |days| days.parse())?;
    let texts = rest
        .get(1)
        .map_or(Ok(TEXTS.to_owned()), fs::read_to_string)?;
    let texts: Vec<&str> = texts.lines().collect();
    if texts.is_empty() {
        return Err("no line in TEXTS".into());
    }
    let database = Database::connect(&DatabaseSettings::with_url(url)).await?;
    database.migrate().await?;
    let step = TimeDelta::milliseconds(days * 86_400_000 / i64::try_from(posts.max(1))?);
    let run = uuid::Uuid::now_v7();
    let mut created_at = Utc::now() - TimeDelta::days(days);
    for first in (0..posts).step_by(BATCH) {
        let batch = (first..(first + BATCH).min(posts)).map(|number| {
            created_at += step;
            let mut text = texts[number % texts.len()].to_owned();
            let name = FIRST[number / 3 % FIRST.len()];
            // Some names are many posts', most are few posts'.
            write!(text, " {name} {} agreed.", surname(number))?;
            let id = format!("{run}-{number}");
            Ok(NewPost {
                post_id: id.clone(),
                session_timestamp: created_at,
                session_user_id: "measured".into(),
                platform: ["facebook", "reddit", "twitter"][number % 3].into(),
                kind: "post".into(),
                author_name_hash: "author".into(),
                created_at,
                post_blob: to_raw_value(&json!({"id": id, "title": null, "text": text}))?,
            })
        });
        let batch: Vec<NewPost> = batch.collect::<Result<_, Box<dyn Error>>>()?;
        database.insert_posts(&batch).await?;
    }
    Ok(database.close().await?)
}

/// Each of 40,000 surnames, the first ones far more often.
fn surname(number: usize) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let rank = mixed % 200 * (mixed / 200 % 200);
    let syllables = [
        "ber", "mon", "tal", "ves", "kor", "din", "lar", "sted", "rov", "man",
    ];
    let name: String = rank
        .to_string()
        .bytes()
        .map(|digit| syllables[usize::from(digit - b'0')])
        .collect();
    name[..1].to_uppercase() + &name[1..]
}
