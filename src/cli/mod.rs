//! The command line: one file per subcommand.

mod check;
mod serve;

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
    Check(check::Check),
    Serve(serve::Serve),
}

impl Cli {
    /// Runs the chosen subcommand.
    ///
    /// Exit codes: 0 for success, 1 for failure (the error is the caller's to print), 2 for usage (clap's own).
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Check(check) => check.run(),
            Command::Serve(serve) => serve.run(),
        }
    }
}
