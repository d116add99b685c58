//! Supervision of actix actors: an actor that panics, stops or freezes is restarted or replaced, unnoticed by the others.
//!
//! Each actor has a thread (an [`actix_rt::Arbiter`]) of its own, so that a frozen one stalls no neighbour. Its driver
//! polls it inside `catch_unwind`; after a panic or a stop it waits for an exponential back-off and restarts the
//! actor with the same address and mailbox. The message that caused the panic is lost, as are the actor's unfinished
//! `ResponseActFuture`s. The [`ActorSystem`] checks from outside: it replaces an actor that has been in one poll for
//! too long, and builds one that used up its restarts again after a while, both with a new mailbox.

mod actor_ref;
mod backoff;
mod bounded;
mod driver;
mod lifecycle;
mod metrics;
mod policy;
mod status;
mod supervisor;
mod system;
#[cfg(test)]
mod tests;

pub use actor_ref::{ActorRef, AskError};
pub use backoff::Backoff;
pub use bounded::{BoundedSender, Full, Permit};
pub use lifecycle::Incarnation;
pub use metrics::{ActorMetrics, Family, Kind, Sample};
pub use policy::{RestartBudget, SupervisionPolicy};
pub use status::{ActorStatus, Exit, ExitCounts, LastExit, Observable, State};
pub use system::{ActorSystem, SupervisedActor};
