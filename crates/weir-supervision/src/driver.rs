use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Instant;

use actix::dev::ContextFut;
use actix::{Actor, ActorContext, Arbiter, Context, Supervised};
use tokio::sync::watch;

use super::backoff::{RestartBudget, SupervisionPolicy};
use super::exit::Exit;
use super::incarnation::Incarnation;
use super::vitals::{State, Vitals};

/// Keeps one incarnation of an actor going until it is superseded, gives up, or the system stops.
pub(super) struct Driver<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    pub(super) life: ContextFut<A, Context<A>>,
    pub(super) incarnation: Incarnation,
    pub(super) policy: SupervisionPolicy,
    pub(super) stop: watch::Receiver<bool>,
}

enum Ended {
    By(Exit),
    Superseded,
}

impl<A> Driver<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    /// Runs to the end, then ends the arbiter's thread as well.
    pub(super) async fn run(mut self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            // An error means that the system itself is gone, which is a stop too.
            _ = stop.wait_for(|&stopped| stopped) => {
                self.incarnation.if_current(|vitals| vitals.set_state(State::Stopped));
            }
            () = self.keep_alive() => {}
        }
        self.lay_to_rest();
        Arbiter::current().stop();
    }

    async fn keep_alive(&mut self) {
        let mut budget = RestartBudget::new(self.policy.clone());
        loop {
            let ended = poll_fn(|cx| self.poll_once(cx)).await;
            let Ended::By(exit) = ended else { return };
            self.incarnation.if_current(|vitals| vitals.record(exit));

            let Some(pause) = budget.spend(Instant::now()) else {
                let exit = Exit::GaveUp {
                    max_restarts: self.policy.max_restarts,
                };
                self.incarnation.if_current(|vitals| vitals.record(exit));
                return;
            };
            self.incarnation
                .if_current(|vitals| vitals.set_state(State::BackingOff));
            tokio::time::sleep(pause).await;
            self.restart();
        }
    }

    fn poll_once(&mut self, cx: &mut task::Context<'_>) -> Poll<Ended> {
        self.incarnation.if_current(Vitals::enter_poll);
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.life).poll(cx)));
        if !self.incarnation.is_current() {
            return Poll::Ready(Ended::Superseded);
        }
        self.incarnation.if_current(|vitals| {
            vitals.leave_poll();
            vitals.set_state(State::Running);
        });
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(Ended::By(Exit::Stopped)),
            Err(panic) => {
                // A terminated context runs none of the broken actor's code when it is dropped.
                self.life.ctx().terminate();
                Poll::Ready(Ended::By(Exit::from_panic(&*panic)))
            }
        }
    }

    /// Calls `Supervised::restarting` and clears the futures that the actor had spawned. A panic in there leaves the
    /// actor to its next poll, which counts it.
    fn restart(&mut self) {
        match catch_unwind(AssertUnwindSafe(|| self.life.restart())) {
            Ok(_) => self.incarnation.if_current(Vitals::count_restart),
            Err(panic) => self
                .incarnation
                .if_current(|vitals| vitals.record(Exit::from_panic(&*panic))),
        }
    }

    /// Drops the actor; what its `stopping` and `stopped` do goes no further than this thread.
    fn lay_to_rest(self) {
        if catch_unwind(AssertUnwindSafe(|| drop(self.life))).is_err() {
            tracing::warn!("actor panicked while it was stopped");
        }
    }
}
