use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Handler, Message};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::actor_ref::ActorRef;

/// Address of an actor with a bound on what waits for it, which the mailboxes of actix do not have.
///
/// A message carries a [`Permit`] for its weight; the weight is free again when the permit is dropped, which the actor
/// does once it has processed the message.
pub struct BoundedSender<A: Actor> {
    actor: ActorRef<A>,
    permits: Arc<Semaphore>,
    capacity: u32,
}

/// Part of a sender's capacity that one message takes up.
#[derive(Debug)]
pub struct Permit(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// There is no room for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many messages wait for the actor")]
pub struct Full;

impl<A: Actor> BoundedSender<A> {
    /// A sender that lets messages of a weight of up to `capacity` together wait. 0 counts as 1.
    pub fn new(actor: ActorRef<A>, capacity: u32) -> Self {
        let capacity = capacity.max(1);
        Self {
            actor,
            permits: Arc::new(Semaphore::new(capacity as usize)),
            capacity,
        }
    }

    /// Sends the message that `message` makes, if there is room. A message heavier than the capacity takes all of it.
    pub fn try_send<M>(&self, weight: u32, message: impl FnOnce(Permit) -> M) -> Result<(), Full>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        let weight = weight.clamp(1, self.capacity);
        let permit = Arc::clone(&self.permits).try_acquire_many_owned(weight);
        self.actor.tell(message(Permit(permit.map_err(|_| Full)?)));
        Ok(())
    }

    /// Returns the unbounded address, for messages that must not be refused.
    pub fn actor(&self) -> &ActorRef<A> {
        &self.actor
    }
}

impl<A: Actor> Clone for BoundedSender<A> {
    fn clone(&self) -> Self {
        Self {
            actor: self.actor.clone(),
            permits: Arc::clone(&self.permits),
            capacity: self.capacity,
        }
    }
}
