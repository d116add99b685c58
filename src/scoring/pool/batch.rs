use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::job::Job;
use crate::scoring::{CacheKey, Subject};

/// Jobs that a thread works on together. It is settled once: by its thread, or by who abandons it.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) jobs: Vec<Job>,
    pub(super) started: Instant,
    settled: AtomicBool,
}

impl Batch {
    pub(super) fn start(jobs: Vec<Job>) -> Self {
        Self {
            jobs,
            started: Instant::now(),
            settled: AtomicBool::new(false),
        }
    }

    pub(super) fn subjects(&self) -> Vec<Subject<'_>> {
        self.jobs.iter().flat_map(Job::subjects).collect()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = CacheKey> {
        self.jobs.iter().flat_map(Job::keys)
    }

    pub(super) fn items(&self) -> usize {
        self.jobs.iter().map(|job| job.places.len()).sum()
    }

    /// Whether the caller is the first to settle it, and so the one who answers.
    pub(super) fn claim(&self) -> bool {
        !self.settled.swap(true, Ordering::AcqRel)
    }
}
