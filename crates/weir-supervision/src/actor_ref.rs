use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, MailboxError, Message};
use arc_swap::ArcSwap;

/// Address of a supervised actor that stays valid across its incarnations.
pub struct ActorRef<A: Actor> {
    current: Arc<ArcSwap<Addr<A>>>,
}

/// Reason for which [`ActorRef::ask`] returned no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The actor did not answer in time.
    #[error("no answer within the time limit")]
    Timeout,
    /// The message was lost with the actor that had it.
    #[error("the actor ended before it answered")]
    Lost,
}

impl From<MailboxError> for AskError {
    fn from(error: MailboxError) -> Self {
        match error {
            MailboxError::Timeout => Self::Timeout,
            MailboxError::Closed => Self::Lost,
        }
    }
}

impl<A: Actor> ActorRef<A> {
    pub(super) fn new(addr: Addr<A>) -> Self {
        Self {
            current: Arc::new(ArcSwap::from_pointee(addr)),
        }
    }

    pub(super) fn store(&self, addr: Addr<A>) {
        self.current.store(Arc::new(addr));
    }

    /// Returns whether no other clone of this reference is left.
    pub(super) fn is_sole(&self) -> bool {
        Arc::strong_count(&self.current) == 1
    }

    /// Sends `message` and waits up to `limit` for the answer.
    pub async fn ask<M>(&self, message: M, limit: Duration) -> Result<M::Result, AskError>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        // A fresh clone is never parked behind other senders; callers are bounded where they are admitted.
        let addr = Addr::clone(&self.current.load());
        match tokio::time::timeout(limit, addr.send(message)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(AskError::Timeout),
        }
    }

    /// Sends `message` without waiting for an answer. It is lost if the actor is being replaced.
    pub fn tell<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.current.load().do_send(message);
    }
}

impl<A: Actor> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        Self {
            current: Arc::clone(&self.current),
        }
    }
}
