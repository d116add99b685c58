//! The command line: one file per subcommand.

mod analyse;
mod bench;
mod check;
mod client;
mod demo;
mod eval_entities;
mod export;
mod fake;
mod generate;
mod job;
mod migrate_data;
mod preprocess;
mod pull;
mod schedule;
mod seed;
mod serve;
mod train_entities;
mod user_pool;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A feed-ranking server.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Analyse(analyse::Analyse),
    Bench(bench::Bench),
    Check(check::Check),
    Demo(demo::Demo),
    EvalEntities(eval_entities::EvalEntities),
    Export(export::Export),
    Fake(fake::Fake),
    Generate(generate::Generate),
    Job(job::Job),
    MigrateData(migrate_data::MigrateData),
    Preprocess(preprocess::Preprocess),
    Pull(pull::Pull),
    Schedule(schedule::Schedule),
    Seed(seed::Seed),
    Serve(serve::Serve),
    TrainEntities(train_entities::TrainEntities),
}

impl Cli {
    /// Runs the chosen subcommand.
    ///
    /// Exit codes: 0 for success, 1 for failure (the error is the caller's to print), 2 for usage (clap's own).
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Analyse(command) => command.run()?,
            Command::Bench(command) => return command.run(),
            Command::Check(command) => return command.run(),
            Command::Demo(command) => command.run()?,
            Command::EvalEntities(command) => command.run()?,
            Command::Export(command) => command.run()?,
            Command::Fake(command) => command.run()?,
            Command::Generate(command) => command.run()?,
            Command::Job(command) => command.run()?,
            Command::MigrateData(command) => command.run()?,
            Command::Preprocess(command) => command.run()?,
            Command::Pull(command) => command.run()?,
            Command::Schedule(command) => command.run()?,
            Command::Seed(command) => command.run()?,
            Command::Serve(command) => command.run()?,
            Command::TrainEntities(command) => command.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints to standard output; a reader that has gone away, as `head` does, is no failure.
fn print_line(line: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
