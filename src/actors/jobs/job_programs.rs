use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Supervised};
use serde::Serialize;
use tokio::sync::watch;
use weir_programs::{Program, ProgramHost, ProgramLog, ProgramSpec};
use weir_supervision::{Incarnation, SupervisedActor, counters};

use crate::health::HealthIssues;
use crate::jobs::KnownJobs;
use crate::programs::{ProgramDirectory, job_specs};
use crate::settings::Settings;

/// Time between two looks at the programs.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// Keeps the processes of programs running that run jobs, and announces these jobs.
///
/// A program that scores is asked by its scoring processes whether it has jobs; only then does it get processes for them, since each
/// of them loads the program's code once more.
pub struct JobPrograms {
    deps: JobProgramsDeps,
    counters: Arc<JobProgramsCounters>,
    /// Programs that are not ready yet, or not again under new settings.
    starting: BTreeMap<String, Arc<Program>>,
    announced: BTreeSet<String>,
    reported: BTreeSet<String>,
}

/// Dependencies of [`JobPrograms`].
#[derive(Clone)]
pub struct JobProgramsDeps {
    /// Thread that drives the processes.
    pub host: ProgramHost,
    /// Folder of the logs of programs.
    pub logs: PathBuf,
    /// Variables that processes which run jobs get.
    pub variables: Arc<Vec<(&'static str, String)>>,
    /// Settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Programs that score.
    pub scoring: ProgramDirectory,
    /// Programs whose jobs can be run; kept up to date.
    pub jobs: ProgramDirectory,
    /// Names of the jobs that can be run; kept up to date.
    pub known: KnownJobs,
    /// Conditions shown to operators.
    pub health: HealthIssues,
}

counters! {
    /// Counters of the programs that run jobs.
    #[derive(Debug, Default, Serialize)]
    pub struct JobProgramsCounters {
        /// Programs whose jobs can be run.
        pub programs: Gauge "weir_job_programs_running",
        /// Jobs that they have.
        pub jobs: Gauge "weir_job_programs_jobs",
        /// Programs whose processes are not ready.
        pub starting: Gauge "weir_job_programs_starting",
    }
}

impl SupervisedActor for JobPrograms {
    type Deps = JobProgramsDeps;
    type Counters = JobProgramsCounters;

    fn new(deps: JobProgramsDeps, counters: Arc<JobProgramsCounters>, _: Incarnation) -> Self {
        Self {
            deps,
            counters,
            starting: BTreeMap::new(),
            announced: BTreeSet::new(),
            reported: BTreeSet::new(),
        }
    }
}

impl JobPrograms {
    fn run_once(&mut self) {
        let wanted = self.wanted();
        let mut running = (*self.deps.jobs.all()).clone();
        running.retain(|name, _| wanted.contains_key(name));
        self.starting.retain(|name, _| wanted.contains_key(name));
        for (name, spec) in wanted {
            let is_meant = |program: &Arc<Program>| *program.pool().spec() == spec;
            if self.starting.get(&name).is_some_and(is_meant) {
                continue;
            }
            self.starting.remove(&name);
            if !running.get(&name).is_some_and(is_meant) {
                self.start(name, spec);
            }
        }
        let is_ready =
            |_: &String, program: &mut Arc<Program>| program.pool().announcement().is_some();
        running.extend(self.starting.extract_if(.., is_ready));
        self.report(&running);
        self.deps.jobs.replace(running);
        self.announce();
    }

    /// Returns what the processes of each program with jobs are started with.
    fn wanted(&self) -> BTreeMap<String, ProgramSpec> {
        let settings = self.deps.settings.borrow().clone();
        let mut wanted = job_specs(&settings, &self.deps.variables);
        wanted.retain(|name, _| self.may_have_jobs(name));
        wanted
    }

    fn may_have_jobs(&self, name: &str) -> bool {
        let Some(scoring) = self.deps.scoring.get(name) else {
            return true;
        };
        let announcement = scoring.pool().announcement();
        announcement.is_some_and(|it| !it.jobs.is_empty() || !it.sources.is_empty())
    }

    fn start(&mut self, name: String, spec: ProgramSpec) {
        let scoring = self.deps.scoring.get(&name);
        let log = match scoring {
            Some(program) => Ok(program.log()),
            None => ProgramLog::open(&self.deps.logs, &name),
        };
        match log {
            Ok(log) => {
                let program = Program::start(&self.deps.host, spec, log);
                self.starting.insert(name, program);
            }
            Err(error) => {
                let why = format!("its log cannot be opened: {error}");
                self.deps.health.report(&part(&name), why);
                self.reported.insert(name);
            }
        }
    }

    /// Reports the programs that run no jobs although they should.
    fn report(&mut self, running: &BTreeMap<String, Arc<Program>>) {
        let mut reported = BTreeSet::new();
        for (name, program) in running.iter().chain(&self.starting) {
            if let Some(why) = program.pool().trouble() {
                self.deps.health.report(&part(name), why);
                reported.insert(name.clone());
            }
        }
        for name in self.reported.difference(&reported) {
            self.deps.health.clear(&part(name));
        }
        self.reported = reported;
        let counters = &self.counters;
        counters
            .programs
            .store(running.len() as u64, Ordering::Relaxed);
        let starting = self.starting.len() as u64;
        counters.starting.store(starting, Ordering::Relaxed);
    }

    /// Announces the jobs that can be run, and withdraws those that no longer can.
    fn announce(&mut self) {
        let names = self.deps.jobs.job_names();
        if names == self.announced {
            return;
        }
        self.deps.known.withdraw(self.announced.difference(&names));
        let new: Vec<String> = names.difference(&self.announced).cloned().collect();
        tracing::info!(jobs = ?new, "jobs of programs can be run");
        self.deps.known.announce(new);
        self.counters
            .jobs
            .store(names.len() as u64, Ordering::Relaxed);
        self.announced = names;
    }
}

fn part(program: &str) -> String {
    format!("program {program} (jobs)")
}

impl Actor for JobPrograms {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.run_once();
        ctx.run_interval(LOOK_PAUSE, |programs, _| programs.run_once());
    }
}

impl Supervised for JobPrograms {}
