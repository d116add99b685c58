use clap::{Args, Subcommand};
use serde_json::json;

use super::endpoint::EndpointArgs;
use super::job::{id_of, print_end, text};
use super::print_line;

/// See what a running server does when, and do it now.
#[derive(Debug, Args)]
pub(super) struct Schedule {
    #[command(flatten)]
    endpoint: EndpointArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List schedules, one a line: name, job, times, when it is due next, what came of it last.
    List,
    /// Run the job of a schedule now and print the job's id, or with --wait its result.
    Run {
        /// The schedule's name.
        name: String,
        /// Wait for the end; the exit code is 1 if the job did not succeed.
        #[arg(long)]
        wait: bool,
    },
}

impl Schedule {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let action = self.action;
        self.endpoint.talk(async |client| match action {
            Action::List => {
                let answer = client.get("/schedules", &[]).await?;
                for schedule in answer["schedules"].as_array().into_iter().flatten() {
                    print_line(&format!(
                        "{}  {}  {}  next {}  last {} ({})",
                        text(&schedule["name"]),
                        text(&schedule["job"]),
                        text(&schedule["timetable"]),
                        text(&schedule["next_due"]),
                        text(&schedule["last_due"]),
                        text(&schedule["last_outcome"]),
                    ))?;
                }
                Ok(())
            }
            Action::Run { name, wait } => {
                let path = format!("/schedules/{name}/run");
                let taken = client.post(&path, &json!({})).await?;
                let id = id_of(&taken)?;
                if wait {
                    return print_end(client, id).await;
                }
                print_line(id)
            }
        })
    }
}
