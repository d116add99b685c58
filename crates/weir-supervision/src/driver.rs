use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Instant;

use actix::dev::ContextFut;
use actix::{Actor, ActorContext, Arbiter, Context, Supervised};
use tokio::sync::watch;

use super::lifecycle::{Incarnation, Lifecycle};
use super::policy::{RestartBudget, SupervisionPolicy};
use super::status::{Exit, State};

/// Runs one incarnation of an actor until it is superseded, gives up, or the system stops.
pub(super) struct Driver<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    pub(super) life: ContextFut<A, Context<A>>,
    pub(super) incarnation: Incarnation,
    pub(super) policy: SupervisionPolicy,
    pub(super) stop: watch::Receiver<bool>,
}

enum RunEnd {
    Exit(Exit),
    Superseded,
}

impl<A> Driver<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    /// Runs the incarnation to its end, then ends the thread of its arbiter.
    pub(super) async fn run(mut self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            // An error means that the system itself is gone, which is a stop too.
            _ = stop.wait_for(|&stopped| stopped) => {
                self.incarnation.if_current(|lifecycle| lifecycle.set_state(State::Stopped));
            }
            () = self.run_with_restarts() => {}
        }
        self.shut_down();
        Arbiter::current().stop();
    }

    async fn run_with_restarts(&mut self) {
        let mut budget = RestartBudget::new(self.policy.clone());
        loop {
            let ended = poll_fn(|cx| self.poll_once(cx)).await;
            let RunEnd::Exit(exit) = ended else { return };
            self.incarnation
                .if_current(|lifecycle| lifecycle.record(exit));

            let Some(pause) = budget.spend(Instant::now()) else {
                let exit = Exit::GaveUp {
                    max_restarts: self.policy.max_restarts,
                };
                self.incarnation
                    .if_current(|lifecycle| lifecycle.record(exit));
                return;
            };
            self.incarnation
                .if_current(|lifecycle| lifecycle.set_state(State::BackingOff));
            tokio::time::sleep(pause).await;
            self.restart();
        }
    }

    fn poll_once(&mut self, cx: &mut task::Context<'_>) -> Poll<RunEnd> {
        self.incarnation.if_current(Lifecycle::enter_poll);
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.life).poll(cx)));
        if !self.incarnation.is_current() {
            return Poll::Ready(RunEnd::Superseded);
        }
        self.incarnation.if_current(|lifecycle| {
            lifecycle.leave_poll();
            lifecycle.set_state(State::Running);
        });
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(RunEnd::Exit(Exit::Stopped)),
            Err(panic) => {
                // A terminated context runs none of the broken actor's code when it is dropped.
                self.life.ctx().terminate();
                Poll::Ready(RunEnd::Exit(Exit::from_panic(&*panic)))
            }
        }
    }

    /// Calls `Supervised::restarting` and drops the futures that the actor had spawned. After a panic in there the
    /// actor ends at its next poll, which counts that.
    fn restart(&mut self) {
        match catch_unwind(AssertUnwindSafe(|| self.life.restart())) {
            Ok(_) => self.incarnation.if_current(Lifecycle::count_restart),
            Err(panic) => self
                .incarnation
                .if_current(|lifecycle| lifecycle.record(Exit::from_panic(&*panic))),
        }
    }

    /// Drops the actor. A panic in its `stopping` or `stopped` does not leave this thread.
    fn shut_down(self) {
        if catch_unwind(AssertUnwindSafe(|| drop(self.life))).is_err() {
            tracing::warn!("actor panicked while it was stopped");
        }
    }
}
