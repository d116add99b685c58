use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use actix::dev::channel::channel;
use actix::{Actor, Addr, Arbiter, Context, Supervised};
use tokio::sync::watch;

use super::actor_ref::ActorRef;
use super::driver::Driver;
use super::lifecycle::{Incarnation, Lifecycle};
use super::policy::SupervisionPolicy;
use super::status::Exit;

/// Slots of a mailbox before senders that respect its capacity wait. Callers are bounded where they are admitted.
const MAILBOX_CAPACITY: usize = 16;

/// Supervision of one actor, whatever its type.
pub(super) trait Supervise: Send {
    fn lifecycle(&self) -> &Lifecycle;

    /// Replaces the actor if it is frozen, and builds it again if it gave up long enough ago.
    fn check_health(&self);

    /// Stops the actor for good.
    fn shut_down(&self);

    /// Returns whether the actor lives only while somebody may send to it, and nobody may any more.
    fn is_unused(&self) -> bool;
}

/// Builds the actor's incarnations by `factory`, each on a thread of its own.
pub(super) struct Supervisor<A: Actor, F> {
    actor: ActorRef<A>,
    lifecycle: Arc<Lifecycle>,
    factory: Arc<F>,
    policy: SupervisionPolicy,
    stop: watch::Sender<bool>,
    while_used: bool,
}

impl<A, F> Supervisor<A, F>
where
    A: Actor<Context = Context<A>> + Supervised,
    F: Fn(Incarnation) -> A + Send + Sync + 'static,
{
    /// Builds the actor's first incarnation.
    pub(super) fn start(
        lifecycle: Lifecycle,
        factory: F,
        policy: SupervisionPolicy,
        while_used: bool,
    ) -> Self {
        let (lifecycle, factory) = (Arc::new(lifecycle), Arc::new(factory));
        let stop = watch::Sender::new(false);
        let addr = incarnate(&lifecycle, &factory, &policy, stop.subscribe());
        Self {
            actor: ActorRef::new(addr),
            lifecycle,
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
        self.actor.store(incarnate(
            &self.lifecycle,
            &self.factory,
            &self.policy,
            stop,
        ));
    }
}

impl<A, F> Supervise for Supervisor<A, F>
where
    A: Actor<Context = Context<A>> + Supervised,
    F: Fn(Incarnation) -> A + Send + Sync + 'static,
{
    fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    fn check_health(&self) {
        let frozen_for = self
            .lifecycle
            .polling_for()
            .filter(|&polling| polling > self.policy.freeze_after);
        if let Some(polling) = frozen_for {
            let polling_ms = u64::try_from(polling.as_millis()).unwrap_or(u64::MAX);
            self.lifecycle.record(Exit::Frozen { polling_ms });
            self.replace();
        } else if self
            .lifecycle
            .gave_up_for()
            .is_some_and(|rest| rest >= self.policy.window)
        {
            self.replace();
        }
    }

    fn shut_down(&self) {
        self.stop.send_replace(true);
    }

    fn is_unused(&self) -> bool {
        self.while_used && self.actor.is_sole()
    }
}

/// Starts a new incarnation on a fresh arbiter. Must run on a thread of the actix system.
fn incarnate<A, F>(
    lifecycle: &Arc<Lifecycle>,
    factory: &Arc<F>,
    policy: &SupervisionPolicy,
    stop: watch::Receiver<bool>,
) -> Addr<A>
where
    A: Actor<Context = Context<A>> + Supervised,
    F: Fn(Incarnation) -> A + Send + Sync + 'static,
{
    let (sender, receiver) = channel(MAILBOX_CAPACITY);
    let incarnation = Incarnation::new(Arc::clone(lifecycle));
    let (factory, policy) = (Arc::clone(factory), policy.clone());
    Arbiter::new().spawn_fn(move || {
        let built = catch_unwind(AssertUnwindSafe(|| factory(incarnation.clone())));
        match built {
            Ok(actor) => {
                let life = Context::with_receiver(receiver).into_future(actor);
                let driver = Driver {
                    life,
                    incarnation,
                    policy,
                    stop,
                };
                actix_rt::spawn(driver.run());
            }
            Err(panic) => {
                incarnation.if_current(|lifecycle| {
                    lifecycle.record(Exit::from_panic(&*panic));
                    lifecycle.record(Exit::GaveUp { max_restarts: 0 });
                });
                Arbiter::current().stop();
            }
        }
    });
    Addr::new(sender)
}
