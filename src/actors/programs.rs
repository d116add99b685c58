use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Supervised};
use serde::Serialize;
use weir_programs::{ProcessState, Program};
use weir_supervision::{Incarnation, SupervisedActor, counters};

use crate::health::HealthIssues;

/// Time between two looks at the processes.
const WATCH_PAUSE: Duration = Duration::from_millis(250);

/// Reports the processes of one program. They are started and replaced by their pool, so that calls do not depend on this actor.
pub struct ProgramWatcher {
    deps: ProgramWatcherDeps,
    counters: Arc<ProgramCounters>,
    part: String,
}

/// Dependencies of a [`ProgramWatcher`].
#[derive(Clone)]
pub struct ProgramWatcherDeps {
    /// Name of the program.
    pub name: String,
    /// The program.
    pub program: Arc<Program>,
    /// Conditions shown to operators.
    pub health: HealthIssues,
}

counters! {
    /// Counters of a program.
    #[derive(Debug, Default, Serialize)]
    pub struct ProgramCounters {
        /// Processes that take calls.
        pub serving: Gauge "weir_program_processes_serving",
        /// Processes that are ready to take over.
        pub standby: Gauge "weir_program_processes_standby",
        /// Starts of the processes that the pool has now and had before in their places.
        pub starts: Gauge "weir_program_process_starts",
        /// Resident memory of all processes in bytes.
        pub memory_bytes: Gauge "weir_program_memory_bytes",
    }
}

impl SupervisedActor for ProgramWatcher {
    type Deps = ProgramWatcherDeps;
    type Counters = ProgramCounters;

    fn new(deps: ProgramWatcherDeps, counters: Arc<ProgramCounters>, _: Incarnation) -> Self {
        Self {
            part: format!("program {}", deps.name),
            deps,
            counters,
        }
    }
}

impl ProgramWatcher {
    fn watch(&self) {
        let program = &self.deps.program;
        let pool = program.pool();
        let processes = pool.status();
        let count = |state| processes.iter().filter(|it| it.state == state).count() as u64;
        let counters = &self.counters;
        let serving = count(ProcessState::Serving);
        counters.serving.store(serving, Ordering::Relaxed);
        let standby = count(ProcessState::Standby);
        counters.standby.store(standby, Ordering::Relaxed);
        let starts = processes.iter().map(|process| process.starts).sum();
        counters.starts.store(starts, Ordering::Relaxed);
        let memory = processes.iter().map(|process| process.memory_bytes).sum();
        counters.memory_bytes.store(memory, Ordering::Relaxed);
        let reload = program.reload_error();
        let reload = reload.map(|why| format!("its files have changed, but {why}"));
        match pool.trouble().or(reload) {
            Some(why) => self.deps.health.report(&self.part, why),
            None => self.deps.health.clear(&self.part),
        };
    }
}

impl Actor for ProgramWatcher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.watch();
        ctx.run_interval(WATCH_PAUSE, |watcher, _| watcher.watch());
    }
}

impl Supervised for ProgramWatcher {}

impl Drop for ProgramWatcher {
    fn drop(&mut self) {
        self.deps.health.clear(&self.part);
    }
}
