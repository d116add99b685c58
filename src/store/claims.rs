//! Claims: keys of which each belongs to whoever took it first, for a time.

use std::time::Duration;

use super::error::StoreError;
use super::handle::Store;

impl Store {
    /// Takes the first `most` of `names` that nobody has, each for `ttl`, in one step: of two who ask at once no two get
    /// the same. Answers their places in `names`. May take a claim although its answer is lost on the way.
    pub async fn claim(
        &self,
        names: &[String],
        most: usize,
        ttl: Duration,
    ) -> Result<Vec<usize>, StoreError> {
        self.first_unclaimed(names, most, Some(ttl)).await
    }

    /// What [`claim`](Self::claim) would take, without taking it.
    pub async fn unclaimed(&self, names: &[String], most: usize) -> Result<Vec<usize>, StoreError> {
        self.first_unclaimed(names, most, None).await
    }

    async fn first_unclaimed(
        &self,
        names: &[String],
        most: usize,
        ttl: Option<Duration>,
    ) -> Result<Vec<usize>, StoreError> {
        if names.is_empty() || most == 0 {
            return Ok(Vec::new());
        }
        let keys = names.iter().map(|name| self.claim_key(name));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        self.call(|inner| async move { inner.store.first_unclaimed(&keys, most, ttl).await })
            .await
    }
}
