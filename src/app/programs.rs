use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::try_join_all;
use weir_programs::{LauncherCommand, Program, ProgramHost, ProgramLog, ProgramPool, ProgramSpec};
use weir_supervision::{ActorRef, ActorSystem};

use super::StartupError;
use super::reload::{Change, Preparation, Reconcile};
use super::runtime::Runtime;
use crate::actors::{ProgramWatcher, ProgramWatcherDeps};
use crate::data_dir::DataDir;
use crate::health::HealthIssues;
use crate::programs::{ProgramDirectory, install_python_package, scorer_specs};
use crate::settings::Settings;

/// The programs whose processes score, as the settings say.
pub(super) struct ProgramReconciler {
    system: ActorSystem,
    health: HealthIssues,
    host: ProgramHost,
    logs: PathBuf,
    directory: ProgramDirectory,
    running: BTreeMap<String, RunningProgram>,
    /// Pools that are ready for the edit that is planned next.
    prepared: Vec<PreparedProgram>,
}

struct RunningProgram {
    program: Arc<Program>,
    /// Keeps the actor that reports the processes.
    _watcher: ActorRef<ProgramWatcher>,
}

enum PreparedProgram {
    /// A program that is new.
    Started(String, Arc<Program>),
    /// Processes of a program that was there before.
    Pool(String, ProgramPool),
}

impl ProgramReconciler {
    /// Starts the programs and waits for none of them: until they are ready their scorers are unavailable.
    pub(super) fn start(
        settings: &Settings,
        health: &HealthIssues,
        data_dir: &DataDir,
        runtime: &Runtime,
    ) -> Result<Self, StartupError> {
        if let Err(error) = install_python_package(data_dir.path()) {
            tracing::warn!(%error, "failed to write the Python package: programs need one of their own");
        }
        let host = ProgramHost::start(LauncherCommand::this_binary());
        let mut programs = Self {
            system: runtime.system.clone(),
            health: health.clone(),
            host: host.map_err(StartupError::Threads)?,
            logs: data_dir.program_logs(),
            directory: ProgramDirectory::default(),
            running: BTreeMap::new(),
            prepared: Vec::new(),
        };
        for (name, spec) in scorer_specs(settings) {
            let program = programs.start_program(spec)?;
            programs
                .prepared
                .push(PreparedProgram::Started(name, program));
        }
        programs.plan(settings)?();
        Ok(programs)
    }

    /// Returns where scorers find the programs.
    pub(super) fn directory(&self) -> ProgramDirectory {
        self.directory.clone()
    }

    /// Returns the thread that drives the processes.
    pub(super) fn host(&self) -> ProgramHost {
        self.host.clone()
    }

    fn start_program(&self, spec: ProgramSpec) -> Result<Arc<Program>, StartupError> {
        let log = ProgramLog::open(&self.logs, &spec.name);
        let log = log.map_err(|source| StartupError::ProgramLog {
            program: spec.name.clone(),
            source,
        })?;
        Ok(Program::start(&self.host, spec, log))
    }

    /// Returns the processes that `spec` needs, once one is ready; `None` if they run already.
    async fn prepare_program(
        &self,
        name: String,
        spec: ProgramSpec,
    ) -> Result<Option<PreparedProgram>, StartupError> {
        let failed = |program: &String| {
            let program = program.clone();
            move |source| StartupError::Program { program, source }
        };
        if let Some(RunningProgram { program, .. }) = self.running.get(&name) {
            if *program.pool().spec() == spec {
                return Ok(None);
            }
            let pool = program.prepare(spec).await.map_err(failed(&name))?;
            return Ok(Some(PreparedProgram::Pool(name, pool)));
        }
        let program = self.start_program(spec)?;
        program.pool().warm().await.map_err(failed(&name))?;
        Ok(Some(PreparedProgram::Started(name, program)))
    }

    fn apply(&mut self, names: &[String]) {
        self.running.retain(|name, _| names.contains(name));
        for prepared in std::mem::take(&mut self.prepared) {
            match prepared {
                PreparedProgram::Pool(name, pool) => {
                    if let Some(running) = self.running.get(&name) {
                        running.program.replace(pool);
                    }
                }
                PreparedProgram::Started(name, program) => {
                    let deps = ProgramWatcherDeps {
                        name: name.clone(),
                        program: Arc::clone(&program),
                        health: self.health.clone(),
                    };
                    let actor = format!("program.{name}");
                    let watcher = self.system.spawn_while_used(&actor, Arc::default(), deps);
                    let running = RunningProgram {
                        program,
                        _watcher: watcher,
                    };
                    self.running.insert(name, running);
                }
            }
        }
        let programs = self.running.iter();
        let programs = programs.map(|(name, it)| (name.clone(), Arc::clone(&it.program)));
        self.directory.replace(programs.collect());
    }
}

impl Reconcile for ProgramReconciler {
    fn prepare<'a>(&'a mut self, settings: &'a Settings) -> Preparation<'a> {
        Box::pin(async move {
            self.prepared.clear();
            let specs = scorer_specs(settings).into_iter();
            let preparations = specs.map(|(name, spec)| self.prepare_program(name, spec));
            let prepared = try_join_all(preparations).await?;
            self.prepared = prepared.into_iter().flatten().collect();
            Ok(())
        })
    }

    fn plan<'a>(&'a mut self, settings: &Settings) -> Result<Change<'a>, StartupError> {
        let names: Vec<String> = scorer_specs(settings).into_keys().collect();
        Ok(Box::new(move || self.apply(&names)))
    }
}
