use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use actix::dev::channel::channel;
use actix::{Actor, Addr, Arbiter, Context, Supervised};
use tokio::sync::watch;

use super::actor_ref::ActorRef;
use super::backoff::SupervisionPolicy;
use super::driver::Driver;
use super::exit::Exit;
use super::incarnation::Incarnation;
use super::vitals::{State, Vitals};

/// Slots of a mailbox before senders that respect its capacity wait; ours are bounded elsewhere.
const MAILBOX_CAPACITY: usize = 16;

/// One actor as the system sees it, whatever its type.
pub(super) trait Member: Send {
    fn vitals(&self) -> &Vitals;

    /// Replaces the actor if it is frozen, and builds it anew if it gave up long enough ago.
    fn tend(&self);

    /// Ends the actor for good.
    fn stop(&self);

    /// Whether it was to live only as long as somebody may send to it, and nobody may any more.
    fn is_unused(&self) -> bool;
}

pub(super) struct Supervisee<A: Actor, F> {
    actor: ActorRef<A>,
    vitals: Arc<Vitals>,
    factory: Arc<F>,
    policy: SupervisionPolicy,
    stop: watch::Sender<bool>,
    while_used: bool,
}

impl<A, F> Supervisee<A, F>
where
    A: Actor<Context = Context<A>> + Supervised,
    F: Fn(&mut Context<A>, Incarnation) -> A + Send + Sync + 'static,
{
    /// Builds the actor's first incarnation.
    pub(super) fn start(
        vitals: Vitals,
        factory: F,
        policy: SupervisionPolicy,
        while_used: bool,
    ) -> Self {
        let (vitals, factory, stop) = (
            Arc::new(vitals),
            Arc::new(factory),
            watch::Sender::new(false),
        );
        let addr = incarnate(&vitals, &factory, &policy, stop.subscribe());
        Self {
            actor: ActorRef::new(addr),
            vitals,
            factory,
            policy,
            stop,
            while_used,
        }
    }

    pub(super) fn actor(&self) -> ActorRef<A> {
        self.actor.clone()
    }

    fn replace(&self) {
        let stop = self.stop.subscribe();
        self.actor
            .store(incarnate(&self.vitals, &self.factory, &self.policy, stop));
    }
}

impl<A, F> Member for Supervisee<A, F>
where
    A: Actor<Context = Context<A>> + Supervised,
    F: Fn(&mut Context<A>, Incarnation) -> A + Send + Sync + 'static,
{
    fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    fn stop(&self) {
        self.stop.send_replace(true);
    }

    fn is_unused(&self) -> bool {
        self.while_used && self.actor.is_sole()
    }

    fn tend(&self) {
        let frozen_for = self
            .vitals
            .polling_for()
            .filter(|&polling| polling > self.policy.freeze_after);
        if let Some(polling) = frozen_for {
            let polling_ms = u64::try_from(polling.as_millis()).unwrap_or(u64::MAX);
            self.vitals.record(Exit::Frozen { polling_ms });
            self.replace();
        } else if self
            .vitals
            .gave_up_for()
            .is_some_and(|rest| rest >= self.policy.window)
        {
            self.replace();
        }
    }
}

/// Starts a new incarnation on a fresh arbiter. Must run on a thread of the actix system.
fn incarnate<A, F>(
    vitals: &Arc<Vitals>,
    factory: &Arc<F>,
    policy: &SupervisionPolicy,
    stop: watch::Receiver<bool>,
) -> Addr<A>
where
    A: Actor<Context = Context<A>> + Supervised,
    F: Fn(&mut Context<A>, Incarnation) -> A + Send + Sync + 'static,
{
    let (sender, receiver) = channel(MAILBOX_CAPACITY);
    let incarnation = Incarnation::new(Arc::clone(vitals));
    let (factory, policy) = (Arc::clone(factory), policy.clone());
    Arbiter::new().spawn_fn(move || {
        let mut context = Context::with_receiver(receiver);
        let built = catch_unwind(AssertUnwindSafe(|| {
            factory(&mut context, incarnation.clone())
        }));
        match built {
            Ok(actor) => {
                let life = context.into_future(actor);
                actix_rt::spawn(
                    Driver {
                        life,
                        incarnation,
                        policy,
                        stop,
                    }
                    .run(),
                );
            }
            Err(panic) => {
                incarnation.if_current(|vitals| {
                    vitals.record(Exit::from_panic(&*panic));
                    vitals.record(Exit::GaveUp { max_restarts: 0 });
                    vitals.set_state(State::GaveUp);
                });
                Arbiter::current().stop();
            }
        }
    });
    Addr::new(sender)
}
