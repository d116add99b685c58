use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

/// Names of the jobs that can be run: those of this instance, whose workers claim no others, and those that other instances on
/// the same store have announced. Names come and go while the instance runs. Clones share them.
#[derive(Clone, Debug)]
pub struct KnownJobs(watch::Sender<Known>);

#[derive(Clone, Debug)]
struct Known {
    own: Arc<BTreeSet<String>>,
    /// `None` until the other instances were asked for.
    others: Option<BTreeSet<String>>,
}

impl KnownJobs {
    /// Creates the names of this instance, while nothing is known of others.
    pub fn new<N: Into<String>>(own: impl IntoIterator<Item = N>) -> Self {
        let own = Arc::new(own.into_iter().map(Into::into).collect());
        Self(watch::Sender::new(Known { own, others: None }))
    }

    /// Returns the names that this instance can run.
    pub fn own(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&self.0.borrow().own)
    }

    /// Adds names that this instance can run from now on; its idle workers look for such jobs at once. The registry must be
    /// able to prepare them by now.
    pub fn announce<N: Into<String>>(&self, names: impl IntoIterator<Item = N>) {
        self.0.send_modify(|known| {
            Arc::make_mut(&mut known.own).extend(names.into_iter().map(Into::into));
        });
    }

    /// Removes names that this instance can no longer run. Jobs that run go on.
    pub fn withdraw<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) {
        self.0.send_modify(|known| {
            let own = Arc::make_mut(&mut known.own);
            for name in names {
                own.remove(name.as_ref());
            }
        });
    }

    /// Replaces the names that the other instances on the same store can run.
    pub fn set_others(&self, others: BTreeSet<String>) {
        self.0.send_if_modified(|known| {
            let is_news = known.others.as_ref() != Some(&others);
            known.others = Some(others);
            is_news
        });
    }

    /// Returns whether a running instance can run the job; `None` if this one cannot and the others have not been asked yet.
    pub fn is_known(&self, name: &str) -> Option<bool> {
        let known = self.0.borrow();
        if known.own.contains(name) {
            return Some(true);
        }
        Some(known.others.as_ref()?.contains(name))
    }

    /// Returns all names; `None` until the other instances were asked.
    pub(crate) fn all(&self) -> Option<BTreeSet<String>> {
        let known = self.0.borrow();
        Some(known.own.union(known.others.as_ref()?).cloned().collect())
    }

    /// Waits until names come or go, from the moment of the call on.
    pub(crate) fn changed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut changes = self.0.subscribe();
        async move {
            // An error means that the process ends.
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_unknown_only_once_the_others_were_asked() {
        let known = KnownJobs::new(["own"]);
        assert_eq!(known.is_known("own"), Some(true));
        assert_eq!((known.is_known("x"), known.all()), (None, None));
        known.set_others(BTreeSet::from(["theirs".to_owned()]));
        assert_eq!(known.is_known("theirs"), Some(true));
        assert_eq!(known.is_known("x"), Some(false));
    }

    #[tokio::test]
    async fn names_come_and_go_for_all_clones() {
        let known = KnownJobs::new(["own"]);
        let changed = known.changed();
        known.clone().announce(["mine.topics"]);
        changed.await;
        assert!(known.own().contains("mine.topics"));
        known.clone().withdraw(["mine.topics"]);
        assert_eq!(*known.own(), BTreeSet::from(["own".to_owned()]));
    }
}
