use anyhow::ensure;
use clap::Args;
use serde_json::{Value, json};

use super::client::Client;
use super::endpoint::EndpointArgs;
use super::job::{id_of, result_of};
use super::print_line;

/// Run three jobs over the posts of a running server (`weir serve --sample-data` has some) and print each result twice: as the
/// job's handle gives it, and from the key it was stored under.
#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(flatten)]
    endpoint: EndpointArgs,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.endpoint.talk(async |client| {
            for (job, args) in tasks() {
                show(client, job, args).await?;
            }
            Ok(())
        })
    }
}

fn tasks() -> [(&'static str, Value); 3] {
    let query = "SELECT platform, count(*) AS posts FROM posts GROUP BY platform ORDER BY platform";
    [
        ("query_posts_db", json!({ "query": query })),
        (
            "substring_matches_by_platform",
            json!({ "match": "election" }),
        ),
        ("count_top_named_entities", json!({ "k": 10 })),
    ]
}

async fn show(client: &Client, job: &str, mut args: Value) -> anyhow::Result<()> {
    let key = format!("demo:{job}");
    args["result_key"] = json!(key);
    print_line(&format!("{job} {args}"))?;
    let taken = client
        .post("/jobs", &json!({"job": job, "args": args}))
        .await?;
    let result = result_of(client, id_of(&taken)?).await?;
    let stored = client.get(&format!("/results/{key}"), &[]).await?;
    print_line(&format!("  by its handle:  {result}"))?;
    print_line(&format!("  from its key:   {stored}\n"))?;
    ensure!(stored == result, "the two differ");
    Ok(())
}
