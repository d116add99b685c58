//! The `weir` binary: parse, dispatch, report.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use weir::cli::{Cli, print_error};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Fails only if there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Cli::parse().run().unwrap_or_else(|error| {
        print_error(&format!("weir: {error:#}"));
        ExitCode::FAILURE
    })
}
