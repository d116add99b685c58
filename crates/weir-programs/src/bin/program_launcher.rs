//! The launcher alone: `program-launcher launch PARENT NETWORK PROGRAM [ARGUMENT]..`, `program-launcher guard`.

use std::process::ExitCode;

use weir_programs::launcher;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments
        .next()
        .as_deref()
        .and_then(std::ffi::OsStr::to_str)
    {
        Some(launcher::LAUNCH) => launcher::launch(arguments),
        Some(launcher::GUARD) => launcher::guard(),
        _ => ExitCode::from(2),
    }
}
