//! The command line: one file per subcommand.

mod client;
mod config;
mod demo;
mod endpoint;
mod entities;
mod export;
mod init;
mod job;
mod lab;
mod migrate_data;
mod program;
mod schedule;
mod serve;
mod signals;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use weir_programs::launcher;

/// A feed-ranking server.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Analyse(entities::Analyse),
    Bench(lab::Bench),
    Check(config::Check),
    Config(config::Config),
    Demo(demo::Demo),
    EvalEntities(entities::EvalEntities),
    Export(export::Export),
    Fake(lab::Fake),
    Generate(lab::Generate),
    #[command(name = launcher::GUARD, hide = true)]
    /// End the programs of a Weir that is gone.
    GuardPrograms,
    Job(job::Job),
    #[command(name = launcher::LAUNCH, hide = true)]
    /// Become a program of another Weir.
    LaunchProgram {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    MigrateData(migrate_data::MigrateData),
    Preprocess(lab::Preprocess),
    Program(program::Program),
    Pull(lab::Pull),
    #[command(name = crate::db::QUERY_COMMAND, hide = true)]
    /// Run the query on stdin, for another Weir.
    RunQuery,
    Schedule(schedule::Schedule),
    Seed(lab::Seed),
    Serve(serve::Serve),
    TrainEntities(entities::TrainEntities),
}

impl Cli {
    /// Runs the chosen subcommand.
    ///
    /// Exit codes: 0 for success, 1 for failure (the error is the caller's to print), 2 for usage (clap's own).
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command.run() {
            Err(error) if error.is::<StdoutClosed>() => Ok(ExitCode::SUCCESS),
            ended => ended,
        }
    }
}

impl Command {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Analyse(command) => command.run()?,
            Self::Bench(command) => return command.run(),
            Self::Check(command) => return command.run(),
            Self::Config(command) => return command.run(),
            Self::Demo(command) => command.run()?,
            Self::EvalEntities(command) => command.run()?,
            Self::Export(command) => command.run()?,
            Self::Fake(command) => command.run()?,
            Self::Generate(command) => command.run()?,
            Self::GuardPrograms => return Ok(launcher::guard()),
            Self::Job(command) => command.run()?,
            Self::LaunchProgram { arguments } => {
                return Ok(launcher::launch(arguments.into_iter()));
            }
            Self::MigrateData(command) => command.run()?,
            Self::Preprocess(command) => command.run()?,
            Self::Program(command) => command.run()?,
            Self::Pull(command) => command.run()?,
            Self::RunQuery => crate::db::run_query()?,
            Self::Schedule(command) => command.run()?,
            Self::Seed(command) => command.run()?,
            Self::Serve(command) => return command.run(),
            Self::TrainEntities(command) => command.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Standard output was closed by its reader, as `head` does: the command ends, and has not failed.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed by its reader")]
struct StdoutClosed;

/// Prints to standard output.
fn print_line(line: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(StdoutClosed.into()),
        other => Ok(other?),
    }
}

/// Prints to standard error, as far as it can be written: there is nobody to tell where it cannot.
pub fn print_error(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
