//! Programs in other languages: what their processes are started with, and where those who call them find them.

mod python_package;
mod schema;

pub use python_package::install_python_package;
pub use schema::{SchemaError, check_arguments};

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::sync::Arc;
use std::thread;

use arc_swap::ArcSwap;
use weir_programs::{ExpectedScorer, Program, ProgramSpec, Role};

use crate::settings::{ProgramMode, ProgramSettings, Settings};

/// Variables of Weir's environment that every program gets.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// Variable with the folders in which Python looks for modules.
const PYTHON_PATH: &str = "PYTHONPATH";

/// Running programs by name. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct ProgramDirectory(Arc<ArcSwap<BTreeMap<String, Arc<Program>>>>);

impl ProgramDirectory {
    /// Returns the program with this name.
    pub fn get(&self, name: &str) -> Option<Arc<Program>> {
        self.0.load().get(name).cloned()
    }

    /// Returns all programs.
    pub fn all(&self) -> Arc<BTreeMap<String, Arc<Program>>> {
        self.0.load_full()
    }

    /// Returns the names of the jobs that the programs have announced, as `PROGRAM.JOB`.
    pub fn job_names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (program, running) in &*self.all() {
            let announcement = running.pool().announcement();
            let jobs = announcement.iter().flat_map(|it| it.jobs.keys());
            names.extend(jobs.map(|job| format!("{program}.{job}")));
        }
        names
    }

    /// Has these programs be found from now on.
    pub fn replace(&self, programs: BTreeMap<String, Arc<Program>>) {
        self.0.store(Arc::new(programs));
    }
}

/// The programs of a running server, by what their processes do. A program may be in both.
#[derive(Clone, Debug, Default)]
pub struct RunningPrograms {
    /// Programs with processes that score.
    pub scoring: ProgramDirectory,
    /// Programs with processes that run jobs and sources, once they are ready.
    pub jobs: ProgramDirectory,
}

/// Returns what the processes of each program that scores are started with.
pub fn scorer_specs(settings: &Settings) -> BTreeMap<String, ProgramSpec> {
    let mut scorers: BTreeMap<String, BTreeMap<String, ExpectedScorer>> = BTreeMap::new();
    for (name, scorer) in &settings.scorers {
        if let Some(wanted) = scorer.kind.program_use(name) {
            let functions = scorers.entry(wanted.program).or_default();
            functions.insert(wanted.function, wanted.expected);
        }
    }
    let workers = workers(settings).filter_map(|(name, program)| {
        let scorers = scorers.remove(name)?;
        let spec = spec(name, program, settings);
        Some((name.clone(), ProgramSpec { scorers, ..spec }))
    });
    workers.collect()
}

/// Returns what the processes that run jobs are started with, for each program that may have any; `variables` are for them alone.
pub fn job_specs(
    settings: &Settings,
    variables: &[(&'static str, String)],
) -> BTreeMap<String, ProgramSpec> {
    let workers = workers(settings).filter(|(_, program)| program.job_workers > 0);
    let specs = workers.map(|(name, program)| {
        let mut spec = spec(name, program, settings);
        let variables = variables.iter();
        spec.environment
            .extend(variables.map(|(name, value)| ((*name).into(), value.into())));
        let spec = ProgramSpec {
            role: Role::Job,
            workers: program.job_workers,
            standby: 0,
            kill_after: None,
            ..spec
        };
        (name.clone(), spec)
    });
    specs.collect()
}

fn workers(settings: &Settings) -> impl Iterator<Item = (&String, &ProgramSettings)> {
    let programs = settings.programs.iter();
    programs.filter(|(_, program)| program.mode == ProgramMode::Worker)
}

fn spec(name: &str, program: &ProgramSettings, settings: &Settings) -> ProgramSpec {
    let folder = program.folder();
    ProgramSpec {
        name: name.to_owned(),
        argv: program.command(),
        environment: environment(name, program, settings),
        role: Role::Scorer,
        scorers: BTreeMap::new(),
        workers: program.workers,
        standby: program.standby,
        devices: program.devices.clone(),
        start_timeout: program.start_timeout,
        kill_after: Some(program.kill_after),
        max_rss: program.max_rss,
        recycle_after: program.recycle_after,
        network: program.network,
        watched_folder: program.reload.then(|| folder.clone()),
        working_dir: folder,
        restarts: settings.supervision.policy(),
    }
}

fn environment(
    name: &str,
    program: &ProgramSettings,
    settings: &Settings,
) -> BTreeMap<OsString, OsString> {
    let names = PASSED_ON
        .into_iter()
        .chain(program.env.iter().map(String::as_str));
    let passed = names.filter_map(|name| Some((name.into(), env::var_os(name)?)));
    let mut environment: BTreeMap<OsString, OsString> = passed.collect();
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = (cores / program.workers.max(1)).max(1);
    environment
        .entry("OMP_NUM_THREADS".into())
        .or_insert_with(|| threads.to_string().into());
    environment.insert("WEIR_PROGRAM".into(), name.into());
    if program.argv.is_empty() {
        // Behind what `env` passes on, so that another version can take its place.
        let path = environment.entry(PYTHON_PATH.into()).or_default();
        if !path.is_empty() {
            path.push(":");
        }
        path.push(python_package::folder(&settings.data_dir));
    }
    environment
}
