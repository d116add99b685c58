use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::Client;
use super::endpoint::EndpointArgs;
use super::print_line;
use crate::queue::JobId;

/// Run and look after jobs on a running server.
#[derive(Debug, Args)]
pub(super) struct Job {
    #[command(flatten)]
    endpoint: EndpointArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Run(Run),
    List(List),
    /// Print all that is known of a job.
    Show {
        /// The job's id.
        id: JobId,
    },
    /// Cancel a waiting job, or ask a running one to end.
    Cancel {
        /// The job's id.
        id: JobId,
    },
    /// Queue a dead job again.
    Retry {
        /// The job's id.
        id: JobId,
    },
}

/// Take a job in and print its id, or with --wait its result.
#[derive(Debug, Args)]
struct Run {
    /// The job's name.
    name: String,
    /// Its arguments, as JSON.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    args: String,
    /// Wait for the end; the exit code is 1 if the job did not succeed.
    #[arg(long)]
    wait: bool,
    /// Milliseconds before it may run.
    #[arg(long, value_name = "MS")]
    delay_ms: Option<u64>,
    /// -128 to 127; higher runs first.
    #[arg(long, allow_hyphen_values = true, default_value_t = 0)]
    priority: i8,
    /// While a job with this key has not finished, its id is printed and nothing is taken in.
    #[arg(long, value_name = "KEY")]
    unique_key: Option<String>,
}

/// List jobs, newest first, one a line: id, state, name, attempts, time.
#[derive(Debug, Args)]
struct List {
    /// queued, scheduled, waiting, running, retrying, succeeded, dead or cancelled.
    #[arg(long)]
    state: Option<String>,
    /// The jobs' name.
    #[arg(long)]
    name: Option<String>,
    /// Most jobs.
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

impl Job {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let action = self.action;
        self.endpoint.talk(async |client| match action {
            Action::Run(run) => run.take_in(client).await,
            Action::List(list) => list.print(client).await,
            Action::Show { id } => show(&client.get(&format!("/jobs/{id}"), &[]).await?),
            Action::Cancel { id } => show(&client.delete(&format!("/jobs/{id}")).await?),
            Action::Retry { id } => {
                let path = format!("/jobs/{id}/retry");
                show(&client.post(&path, &json!({})).await?)
            }
        })
    }
}

impl Run {
    async fn take_in(self, client: &Client) -> anyhow::Result<()> {
        let args: Value = serde_json::from_str(&self.args).context("--args is not JSON")?;
        let mut job = Map::from_iter([
            ("job".to_owned(), json!(self.name)),
            ("args".to_owned(), args),
            ("priority".to_owned(), json!(self.priority)),
        ]);
        job.extend(self.delay_ms.map(|ms| ("delay_ms".to_owned(), json!(ms))));
        job.extend(
            self.unique_key
                .map(|key| ("unique_key".to_owned(), json!(key))),
        );
        let taken = client.post("/jobs", &Value::Object(job)).await?;
        let id = id_of(&taken)?;
        if self.wait {
            return print_end(client, id).await;
        }
        print_line(id)
    }
}

impl List {
    async fn print(self, client: &Client) -> anyhow::Result<()> {
        let mut cursor = String::new();
        let mut left = self.limit;
        while left > 0 {
            let limit = left.min(1_000).to_string();
            let page = client
                .get(
                    "/jobs",
                    &[
                        ("state", self.state.as_deref().unwrap_or_default()),
                        ("name", self.name.as_deref().unwrap_or_default()),
                        ("cursor", &cursor),
                        ("limit", &limit),
                    ],
                )
                .await?;
            for job in page["jobs"].as_array().into_iter().flatten().take(left) {
                print_line(&line(job))?;
                left -= 1;
            }
            for job in page["unreadable"].as_array().into_iter().flatten() {
                print_line(&format!(
                    "{}  unreadable: {}",
                    text(&job["id"]),
                    text(&job["why"])
                ))?;
            }
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        Ok(())
    }
}

/// Waits for a job and prints its result.
pub(super) async fn print_end(client: &Client, id: &str) -> anyhow::Result<()> {
    show(&result_of(client, id).await?)
}

/// Waits for a job and answers its result, or else its error.
pub(super) async fn result_of(client: &Client, id: &str) -> anyhow::Result<Value> {
    let mut job = client.finished(id).await?;
    if job["state"] == "succeeded" {
        return Ok(job["result"].take());
    }
    let causes = job["error"].as_array().into_iter().flatten();
    let causes: Vec<_> = causes.filter_map(Value::as_str).collect();
    anyhow::bail!("job {id} is {}: {}", text(&job["state"]), causes.join(": "))
}

pub(super) fn id_of(taken: &Value) -> anyhow::Result<&str> {
    taken["id"].as_str().context("the answer names no job")
}

pub(super) fn show(value: &Value) -> anyhow::Result<()> {
    print_line(&serde_json::to_string_pretty(value)?)
}

fn line(job: &Value) -> String {
    format!(
        "{}  {:9}  {}  attempts {}  {}{}",
        text(&job["id"]),
        text(&job["state"]),
        text(&job["job"]),
        job["attempts"],
        text(&job["enqueued_at"]),
        if job["unknown_job"] == true {
            "  no running instance can run it"
        } else {
            ""
        },
    )
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
