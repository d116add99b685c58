//! Actors that run background jobs.

mod job_programs;
mod job_queue;
mod job_worker;
mod scheduler;

pub use job_programs::{JobPrograms, JobProgramsCounters, JobProgramsDeps};
pub use job_queue::{Cancel, Enqueue, JobQueueActor, JobQueueDeps};
pub use job_worker::{JobWorker, JobWorkerCounters, JobWorkerDeps};
pub use scheduler::Scheduler;
