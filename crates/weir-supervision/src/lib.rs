//! Supervision: an actor that panics, stops or freezes is brought back, and nobody else notices.
//!
//! Each actor has a thread (an [`actix_rt::Arbiter`]) of its own, so that a frozen one stalls no neighbour. Its driver
//! polls it inside `catch_unwind`; after a panic or a stop it waits a capped exponential back-off and restarts the
//! actor with the same address and mailbox. What the actor's handlers had under way as `ResponseActFuture` is lost, as
//! is the message that caused the panic. The [`ActorSystem`] watches from outside: it replaces an actor that has been
//! in one poll for too long, and builds anew one that used up its restarts, both with a new mailbox.

mod actor_ref;
mod backoff;
mod driver;
mod exit;
mod incarnation;
mod member;
mod system;
mod vitals;

#[cfg(test)]
mod tests;

pub use actor_ref::{ActorRef, AskError};
pub use backoff::{RestartBudget, SupervisionPolicy};
pub use exit::Exit;
pub use incarnation::Incarnation;
pub use system::ActorSystem;
pub use vitals::{ExitCounts, LastExit, Observable, State, VitalSigns};
