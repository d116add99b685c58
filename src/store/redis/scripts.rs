//! The scripts: what must happen in one step.

use ::redis::Script;

/// A script of jobs or schedules, with what they share before it.
macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(
            include_str!("../../queue/redis/lua/common.lua"),
            include_str!(concat!("../../queue/redis/lua/", $name, ".lua"))
        ))
    };
}

pub(crate) struct Scripts {
    pub(crate) put: Script,
    pub(crate) claim_first: Script,
    pub(crate) enqueue: Script,
    pub(crate) claim: Script,
    pub(crate) heartbeat: Script,
    pub(crate) settle: Script,
    pub(crate) put_fenced: Script,
    pub(crate) cancel: Script,
    pub(crate) replay: Script,
    pub(crate) recover: Script,
    pub(crate) plan: Script,
    pub(crate) fire: Script,
    pub(crate) pass: Script,
    pub(crate) announce: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
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
            announce: script!("../../../store/redis/lua/announce"),
        }
    }
}
