//! The scripts: what must happen in one step.

use ::redis::Script;

/// A script of jobs or schedules, with what they share before it.
macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(
            include_str!("lua/common.lua"),
            include_str!(concat!("lua/", $name, ".lua"))
        ))
    };
}

pub(super) struct Scripts {
    pub(super) put: Script,
    pub(super) claim_first: Script,
    pub(super) enqueue: Script,
    pub(super) claim: Script,
    pub(super) heartbeat: Script,
    pub(super) settle: Script,
    pub(super) put_fenced: Script,
    pub(super) cancel: Script,
    pub(super) replay: Script,
    pub(super) recover: Script,
    pub(super) plan: Script,
    pub(super) fire: Script,
    pub(super) pass: Script,
    pub(super) announce: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            put: Script::new(include_str!("lua/put.lua")),
            claim_first: Script::new(include_str!("lua/claim_first.lua")),
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
            announce: script!("announce"),
        }
    }
}
