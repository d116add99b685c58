use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Actor, Context, Supervised};
use tokio::sync::watch;

use super::actor_ref::ActorRef;
use super::lifecycle::{Incarnation, Lifecycle};
use super::policy::SupervisionPolicy;
use super::status::{ActorStatus, Observable, State};
use super::supervisor::{Supervise, Supervisor};

/// An actor that an [`ActorSystem`] can build, again and again.
pub trait SupervisedActor: Actor<Context = Context<Self>> + Supervised {
    /// Everything that an incarnation is made from. Each gets a clone.
    type Deps: Clone + Send + Sync + 'static;
    /// Counters that all incarnations share; [`ActorStatus::counters`] shows them.
    type Counters: Observable + 'static;

    /// Builds one incarnation. A restart within it is `Supervised::restarting`'s.
    fn new(deps: Self::Deps, counters: Arc<Self::Counters>, incarnation: Incarnation) -> Self;
}

/// All supervised actors of the process, and the task that checks their health.
///
/// Clones share the same actors. Must be made on a thread of the actix system.
#[derive(Clone)]
pub struct ActorSystem {
    supervisors: Arc<Mutex<Vec<Box<dyn Supervise>>>>,
    policy: SupervisionPolicy,
    stop: watch::Sender<bool>,
}

impl ActorSystem {
    /// Starts a system without actors.
    pub fn start(policy: SupervisionPolicy) -> Self {
        let pause =
            (policy.freeze_after / 5).clamp(Duration::from_millis(10), Duration::from_secs(1));
        let system = Self {
            supervisors: Arc::default(),
            policy,
            stop: watch::Sender::new(false),
        };
        actix_rt::spawn(system.clone().check_health_every(pause));
        system
    }

    /// Starts an actor and supervises it until the system stops.
    pub fn spawn<A: SupervisedActor>(
        &self,
        name: &str,
        counters: Arc<A::Counters>,
        deps: A::Deps,
    ) -> ActorRef<A> {
        self.supervise(name, counters, deps, false)
    }

    /// Starts an actor and supervises it until no [`ActorRef`] to it is left.
    pub fn spawn_while_used<A: SupervisedActor>(
        &self,
        name: &str,
        counters: Arc<A::Counters>,
        deps: A::Deps,
    ) -> ActorRef<A> {
        self.supervise(name, counters, deps, true)
    }

    fn supervise<A: SupervisedActor>(
        &self,
        name: &str,
        counters: Arc<A::Counters>,
        deps: A::Deps,
        while_used: bool,
    ) -> ActorRef<A> {
        let lifecycle = Lifecycle::new(name, Arc::clone(&counters) as _);
        let factory = move |incarnation| A::new(deps.clone(), Arc::clone(&counters), incarnation);
        let supervisor = Supervisor::start(lifecycle, factory, self.policy.clone(), while_used);
        let actor = supervisor.actor();
        self.supervisors().push(Box::new(supervisor));
        actor
    }

    /// Returns the status of every actor, in the order in which they were started.
    pub fn statuses(&self) -> Vec<ActorStatus> {
        let supervisors = self.supervisors();
        supervisors
            .iter()
            .map(|supervisor| supervisor.lifecycle().status())
            .collect()
    }

    /// Returns the name and state of every actor, in the order in which they were started. Reads no counters.
    pub fn states(&self) -> Vec<(String, State)> {
        let supervisors = self.supervisors();
        let lifecycles = supervisors.iter().map(|supervisor| supervisor.lifecycle());
        lifecycles
            .map(|lifecycle| (lifecycle.name().to_owned(), lifecycle.state()))
            .collect()
    }

    /// Returns whether an actor whose name begins with `prefix` takes messages. Cheap enough for a health check.
    pub fn any_running(&self, prefix: &str) -> bool {
        let supervisors = self.supervisors();
        supervisors.iter().any(|supervisor| {
            let lifecycle = supervisor.lifecycle();
            lifecycle.name().starts_with(prefix)
                && lifecycle.state() == State::Running
                && lifecycle
                    .polling_for()
                    .is_none_or(|polling| polling < self.policy.freeze_after)
        })
    }

    /// Stops every actor for good.
    pub fn stop(&self) {
        self.stop.send_replace(true);
        for supervisor in self.supervisors().iter() {
            supervisor.shut_down();
        }
    }

    fn supervisors(&self) -> MutexGuard<'_, Vec<Box<dyn Supervise>>> {
        self.supervisors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn check_health_every(self, pause: Duration) {
        let mut stopped = self.stop.subscribe();
        loop {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|&stopped| stopped) => return,
                () = tokio::time::sleep(pause) => {}
            }
            self.supervisors().retain(|supervisor| {
                let unused = supervisor.is_unused();
                if unused {
                    supervisor.shut_down();
                } else {
                    supervisor.check_health();
                }
                !unused
            });
        }
    }
}
