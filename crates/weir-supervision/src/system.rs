use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Actor, Context, Supervised};
use tokio::sync::watch;

use super::actor_ref::ActorRef;
use super::backoff::SupervisionPolicy;
use super::incarnation::Incarnation;
use super::member::{Member, Supervisee};
use super::vitals::{Observable, State, VitalSigns, Vitals};

/// All supervised actors of the process, and the watch over them.
///
/// Clones share the same actors. Must be made on a thread of the actix system.
#[derive(Clone)]
pub struct ActorSystem {
    members: Arc<Mutex<Vec<Box<dyn Member>>>>,
    policy: SupervisionPolicy,
    stop: watch::Sender<bool>,
}

impl ActorSystem {
    /// An empty system, which begins to watch at once.
    pub fn start(policy: SupervisionPolicy) -> Self {
        let pause =
            (policy.freeze_after / 5).clamp(Duration::from_millis(10), Duration::from_secs(1));
        let system = Self {
            members: Arc::default(),
            policy,
            stop: watch::Sender::new(false),
        };
        actix_rt::spawn(system.clone().watch_over_members(pause));
        system
    }

    /// Builds an actor by `factory` and keeps it alive from now on.
    ///
    /// `factory` makes each new incarnation; a restart within one is `Supervised::restarting`'s. `counters` is what
    /// [`VitalSigns::counters`] shows.
    pub fn supervise<A, F>(
        &self,
        name: &str,
        counters: Arc<dyn Observable>,
        factory: F,
    ) -> ActorRef<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: Fn(&mut Context<A>, Incarnation) -> A + Send + Sync + 'static,
    {
        self.keep(name, counters, factory, false)
    }

    /// The same for an actor that is stopped once no [`ActorRef`] to it is left.
    pub fn supervise_while_used<A, F>(
        &self,
        name: &str,
        counters: Arc<dyn Observable>,
        factory: F,
    ) -> ActorRef<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: Fn(&mut Context<A>, Incarnation) -> A + Send + Sync + 'static,
    {
        self.keep(name, counters, factory, true)
    }

    fn keep<A, F>(
        &self,
        name: &str,
        counters: Arc<dyn Observable>,
        factory: F,
        while_used: bool,
    ) -> ActorRef<A>
    where
        A: Actor<Context = Context<A>> + Supervised,
        F: Fn(&mut Context<A>, Incarnation) -> A + Send + Sync + 'static,
    {
        let vitals = Vitals::new(name, counters);
        let supervisee = Supervisee::start(vitals, factory, self.policy.clone(), while_used);
        let actor = supervisee.actor();
        self.members().push(Box::new(supervisee));
        actor
    }

    /// The signs of every actor, in the order they were started.
    pub fn signs(&self) -> Vec<VitalSigns> {
        let members = self.members();
        members
            .iter()
            .map(|member| member.vitals().signs())
            .collect()
    }

    /// Whether some actor whose name begins with `prefix` takes messages. Cheap enough for a health check.
    pub fn any_running(&self, prefix: &str) -> bool {
        let members = self.members();
        members.iter().any(|member| {
            let vitals = member.vitals();
            vitals.name().starts_with(prefix)
                && vitals.state() == State::Running
                && vitals
                    .polling_for()
                    .is_none_or(|polling| polling < self.policy.freeze_after)
        })
    }

    /// Stops every actor for good.
    pub fn stop(&self) {
        self.stop.send_replace(true);
        self.members().iter().for_each(|member| member.stop());
    }

    fn members(&self) -> MutexGuard<'_, Vec<Box<dyn Member>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn watch_over_members(self, pause: Duration) {
        let mut stopped = self.stop.subscribe();
        loop {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|&stopped| stopped) => return,
                () = tokio::time::sleep(pause) => {}
            }
            self.tend();
        }
    }

    fn tend(&self) {
        self.members().retain(|member| {
            let unused = member.is_unused();
            if unused {
                member.stop();
            } else {
                member.tend();
            }
            !unused
        });
    }
}
