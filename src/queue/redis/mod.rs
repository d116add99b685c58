//! The queue in Redis. `lua/common.lua` says which keys there are.

mod due_check;
mod jobs;
mod records;
mod schedules;

use std::sync::Arc;

use ::redis::{Script, ScriptInvocation};

use self::due_check::DueCheck;
use super::{NewJob, QueueLimits};
use crate::store::clock::StoreClock;
use crate::store::redis::RedisStore;

/// A script, with what all of them share before it.
macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(
            include_str!("lua/common.lua"),
            include_str!(concat!("lua/", $name, ".lua"))
        ))
    };
}

/// The queue on the connections of a store.
pub(super) struct RedisQueue {
    store: Arc<RedisStore>,
    scripts: Scripts,
    clock: StoreClock,
    due_check: DueCheck,
}

/// What must happen in one step.
struct Scripts {
    enqueue: Script,
    claim: Script,
    heartbeat: Script,
    settle: Script,
    put_fenced: Script,
    cancel: Script,
    replay: Script,
    recover: Script,
    plan: Script,
    fire: Script,
    pass: Script,
}

impl RedisQueue {
    pub(super) fn new(store: Arc<RedisStore>) -> Self {
        Self {
            store,
            scripts: Scripts {
                enqueue: script!("enqueue"),
                claim: script!("claim"),
                heartbeat: script!("heartbeat"),
                settle: script!("settle"),
                put_fenced: script!("put_fenced"),
                cancel: script!("cancel"),
                replay: script!("replay"),
                recover: script!("recover"),
                plan: script!("plan"),
                fire: script!("fire"),
                pass: script!("pass"),
            },
            clock: StoreClock::default(),
            due_check: DueCheck::default(),
        }
    }

    fn script<'s>(&self, script: &'s Script) -> ScriptInvocation<'s> {
        script.key(self.store.prefix())
    }
}

/// The arguments that `job_from` in the scripts reads.
fn add_job(script: &mut ScriptInvocation<'_>, job: &NewJob, limits: &QueueLimits) {
    let (at_ms, delay_ms) = job.start.at_and_delay_ms();
    script
        .arg(job.id.to_string())
        .arg(&job.name)
        .arg(job.args.to_string())
        .arg(job.priority);
    script.arg(job.unique_key.as_deref().unwrap_or_default());
    script.arg(job.schedule.as_deref().unwrap_or_default());
    script
        .arg(at_ms.map(|ms| ms.to_string()).unwrap_or_default())
        .arg(delay_ms);
    script.arg(job.follow_up().unwrap_or_default());
    script.arg(limits.max_unfinished);
}
