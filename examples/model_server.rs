//! A model server to measure against: it scores a call's texts by their lengths, after a delay. What it did is at `GET /counts`.
//! `cargo run --release --example model_server -- 127.0.0.1:8007 --delay-ms 5`

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::{Data, Json, JsonConfig};
use actix_web::{App, HttpResponse, HttpServer, web};
use clap::Parser;
use mimalloc::MiMalloc;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Longer than any client waits.
const HANG: Duration = Duration::from_mins(10);

/// Scores texts by their lengths, after a delay.
#[derive(Debug, Parser)]
struct Args {
    /// Where to listen.
    address: String,
    /// How long each call takes.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Calls at once; the others wait. 0 for any number.
    #[arg(long, default_value_t = 0)]
    concurrency: usize,
    /// The share of calls that are never answered, spread evenly, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    timeout_rate: f64,
}

struct Model {
    delay: Duration,
    slots: Semaphore,
    timeout_rate: f64,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    counts: Counts,
    /// Hashes of the texts that were scored.
    scored: HashSet<u64>,
}

/// What was done so far.
#[derive(Clone, Default, Serialize)]
struct Counts {
    /// Calls that came.
    calls: u64,
    /// Calls that are left without an answer.
    unanswered: u64,
    /// Calls that were answered.
    succeeded: u64,
    /// Texts in them.
    texts: u64,
    /// Texts in them that an earlier answer had scored already.
    texts_scored_before: u64,
}

#[derive(Deserialize)]
struct Call {
    inputs: Vec<String>,
}

#[derive(Serialize)]
struct Scores {
    scores: Vec<usize>,
}

impl Model {
    async fn score(&self, Call { inputs }: &Call) -> Option<Scores> {
        if self.is_to_hang() {
            tokio::time::sleep(HANG).await;
            return None;
        }
        let _slot = self.slots.acquire().await.ok()?;
        tokio::time::sleep(self.delay).await;
        self.note_success(inputs);
        Some(Scores {
            scores: inputs.iter().map(String::len).collect(),
        })
    }

    /// Counts the call, and tells whether it makes up the share that is not answered.
    fn is_to_hang(&self) -> bool {
        let counts = &mut self
            .done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .counts;
        counts.calls += 1;
        let due = counts.calls as f64 * self.timeout_rate;
        let hangs = due >= (counts.unanswered + 1) as f64;
        counts.unanswered += u64::from(hangs);
        hangs
    }

    fn note_success(&self, inputs: &[String]) {
        let Done { counts, scored } =
            &mut *self.done.lock().unwrap_or_else(PoisonError::into_inner);
        counts.succeeded += 1;
        for text in inputs {
            counts.texts += 1;
            counts.texts_scored_before += u64::from(!scored.insert(hash(text)));
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

async fn score(model: Data<Model>, call: Json<Call>) -> HttpResponse {
    match model.score(&call).await {
        Some(scores) => HttpResponse::Ok().json(scores),
        None => HttpResponse::GatewayTimeout().finish(),
    }
}

async fn counts(model: Data<Model>) -> Json<Counts> {
    let done = model.done.lock().unwrap_or_else(PoisonError::into_inner);
    Json(done.counts.clone())
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let slots = match args.concurrency {
        0 => Semaphore::MAX_PERMITS,
        slots => slots,
    };
    let model = Data::new(Model {
        delay: Duration::from_millis(args.delay_ms),
        slots: Semaphore::new(slots),
        timeout_rate: args.timeout_rate,
        done: Mutex::default(),
    });
    let app = move || {
        App::new()
            .app_data(model.clone())
            .app_data(JsonConfig::default().limit(4 << 20))
            .route("/", web::post().to(score))
            .route("/counts", web::get().to(counts))
    };
    HttpServer::new(app)
        .workers(1)
        .shutdown_timeout(0)
        .bind(args.address)?
        .run()
        .await
}
