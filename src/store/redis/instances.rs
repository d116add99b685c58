//! Presence in Redis: a hash of ids, which expires with the last of them.

use std::time::Duration;

use ::redis::Cmd;
use async_trait::async_trait;

use super::RedisStore;
use crate::store::error::StoreError;
use crate::store::instances::{Instance, InstanceStore};
use crate::store::millis::ttl_ms;

#[async_trait]
impl InstanceStore for RedisStore {
    async fn announce(
        &self,
        instance: &Instance,
        lasts: Duration,
    ) -> Result<Vec<Instance>, StoreError> {
        let mut announce = self.scripts.announce.key(&self.prefix);
        announce
            .arg(&instance.id)
            .arg(&instance.name)
            .arg(instance.scrapers)
            .arg(ttl_ms(lasts));
        let others: Vec<(String, String, u64)> = self.run(&announce).await?;
        let others = others
            .into_iter()
            .map(|(id, name, scrapers)| Instance { id, name, scrapers });
        Ok(others.collect())
    }

    async fn leave(&self, id: &str) -> Result<(), StoreError> {
        let instances = format!("{}instances", self.prefix);
        Ok(self.run(&Cmd::hdel(instances, id)).await?)
    }
}
