use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use weir_programs::{
    LauncherCommand, ProgramHost, ProgramLog, ProgramPool, ProgramSpec, test_program,
};

use super::config::{ConfigFile, load};
use super::endpoint::EndpointArgs;
use super::job::text;
use super::{print_error, print_line};
use crate::programs::{install_python_package, job_specs, scorer_specs};
use crate::settings::Settings;

/// See and reload the programs of a running server.
#[derive(Debug, Args)]
pub(super) struct Program {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List programs and their processes, one a line.
    List {
        #[command(flatten)]
        endpoint: EndpointArgs,
    },
    /// Start new processes of a program, which take over once one is ready.
    Reload {
        #[command(flatten)]
        endpoint: EndpointArgs,
        /// The program's name.
        name: String,
    },
    /// Run a program through the protocol and name each rule that it breaks.
    Test {
        /// The program and its arguments, after `--`.
        #[arg(required = true, last = true)]
        argv: Vec<String>,
    },
    /// Print the log of a program, which may hold text of posts.
    Logs {
        #[command(flatten)]
        config: ConfigFile,
        /// The program's name.
        name: String,
        /// Most lines from its end.
        #[arg(long, default_value_t = 100)]
        lines: usize,
    },
}

impl Program {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.action {
            Action::List { endpoint } => {
                endpoint.talk(async |client| print_programs(&client.get("/programs", &[]).await?))
            }
            Action::Reload { endpoint, name } => endpoint.talk(async |client| {
                let path = format!("/programs/{name}/reload");
                print_programs(&client.post(&path, &json!({})).await?)
            }),
            Action::Test { argv } => test(&argv),
            Action::Logs {
                config,
                name,
                lines,
            } => {
                let settings = load(config.path().as_deref())?;
                print_log(&settings, &name, lines)
            }
        }
    }
}

fn print_programs(answer: &Value) -> anyhow::Result<()> {
    let programs = answer["programs"].as_array();
    programs.into_iter().flatten().try_for_each(print_program)
}

fn print_program(program: &Value) -> anyhow::Result<()> {
    let name = text(&program["name"]);
    let role = text(&program["role"]);
    let version = text(&program["version"]);
    print_line(&format!("{name}  {role}  version {version}"))?;
    for process in program["processes"].as_array().into_iter().flatten() {
        let mebibytes = process["memory_bytes"].as_u64().unwrap_or_default() >> 20;
        let mut line = format!(
            "  {}  pid {}  {mebibytes} MiB  loaded in {} ms  starts {}",
            text(&process["state"]),
            text(&process["pid"]),
            text(&process["loaded_in_ms"]),
            text(&process["starts"]),
        );
        if let Some(failure) = process["last_failure"].as_str() {
            line = format!("{line}  last end: {failure}");
        }
        print_line(&line)?;
    }
    match program["trouble"].as_str() {
        Some(trouble) => print_line(&format!("  {trouble}")),
        None => Ok(()),
    }
}

fn test(argv: &[String]) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let findings = runtime.block_on(test_program(argv));
    let mut broken = 0;
    for finding in findings {
        match finding.broken {
            None => print_line(&format!("ok      {}", finding.rule))?,
            Some(what) => {
                broken += 1;
                print_line(&format!("broken  {}: {what}", finding.rule))?;
            }
        }
    }
    anyhow::ensure!(broken == 0, "the program breaks {broken} rules");
    Ok(())
}

fn print_log(settings: &Settings, name: &str, most: usize) -> anyhow::Result<()> {
    let file = settings
        .data_dir
        .join("programs")
        .join(format!("{name}.log"));
    let log = fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().collect();
    for line in &lines[lines.len().saturating_sub(most)..] {
        print_line(line)?;
    }
    Ok(())
}

/// Starts each program, prints what it has, and ends it. Returns whether all of them became ready.
pub(super) fn check_programs(settings: &Settings) -> anyhow::Result<bool> {
    let host = ProgramHost::start(LauncherCommand::this_binary())?;
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut good = true;
    // The data folder may be that of a running Weir of another version.
    let settings = Settings {
        data_dir: folder.path().to_owned(),
        ..settings.clone()
    };
    install_python_package(&settings.data_dir)?;
    let mut specs = job_specs(&settings, &[]);
    specs.extend(scorer_specs(&settings));
    for (name, spec) in specs {
        let log = ProgramLog::open(folder.path(), &name)?;
        let checked = runtime.block_on(check_program(&host, spec, log));
        match checked {
            Ok(lines) => lines.iter().try_for_each(|line| print_line(line))?,
            Err(error) => {
                good = false;
                print_error(&format!("programs.{name}: {error}"));
            }
        }
    }
    Ok(good)
}

async fn check_program(
    host: &ProgramHost,
    mut spec: ProgramSpec,
    log: ProgramLog,
) -> anyhow::Result<Vec<String>> {
    (spec.workers, spec.standby) = (1, 0);
    let name = spec.name.clone();
    let command: Vec<_> = spec
        .argv
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let command = command.join(" ");
    let begun = Instant::now();
    let pool = ProgramPool::start(host, spec, log);
    let announced = pool.warm().await?;
    let loaded_in_ms = begun.elapsed().as_millis();
    // Memory is measured once a second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mebibytes = pool.status()[0].memory_bytes >> 20;
    let version = &announced.version;
    let mut lines = vec![
        format!("program {name}: ready in {loaded_in_ms} ms, {mebibytes} MiB, version {version}"),
        format!("  {command}"),
    ];
    for (scorer, it) in &announced.scorers {
        let (outputs, reads) = (it.outputs.join(", "), it.reads.join(", "));
        lines.push(format!("  scorer {scorer}: {outputs}; reads {reads}"));
    }
    lines.extend(announced.jobs.keys().map(|job| format!("  job {job}")));
    let sources = announced.sources.keys();
    lines.extend(sources.map(|source| format!("  source {source}")));
    Ok(lines)
}
