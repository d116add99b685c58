use std::sync::Arc;

use super::StartupError;
use crate::actors::RedisServer;
use crate::data_dir::DataDir;
use crate::db::Database;
use crate::health::HealthIssues;
use crate::redis_server::{RedisServerOptions, redis_server_on_path};
use crate::settings::Settings;
use crate::store::{Environment, Store, StoreLocation, StoreSelection};
use weir_supervision::{ActorRef, ActorSystem};

/// The database and the store, and where they report failures.
pub(super) struct Stores {
    pub(super) database: Database,
    pub(super) store: Store,
    /// Where the results are.
    pub(super) location: StoreLocation,
    /// Actor of the managed `redis-server`, where that is the store.
    pub(super) redis_server: Option<ActorRef<RedisServer>>,
    /// Where each part reports what `/health/ready` should say of it.
    pub(super) health: HealthIssues,
}

impl Stores {
    /// Opens both stores without waiting for either to answer.
    pub(super) async fn open(
        settings: &Settings,
        data_dir: &DataDir,
        system: &ActorSystem,
    ) -> Result<Self, StartupError> {
        let environment = Environment {
            settings: &settings.store,
            database: &settings.database,
            redis_server: redis_server_on_path(),
            data_dir,
        };
        let selection = StoreSelection::resolve(&environment)?;
        selection.commit(&environment).await?;
        let redis_server = keep_redis_server(&selection, settings, data_dir, system);
        let health = HealthIssues::default();
        let store = Store::open_with_health(&settings.store, &selection.location, &health)?;
        let database = Database::watched(&settings.database, health.clone()).await?;
        Ok(Self {
            database,
            store,
            location: selection.location,
            redis_server,
            health,
        })
    }
}

fn keep_redis_server(
    selection: &StoreSelection,
    settings: &Settings,
    data_dir: &DataDir,
    system: &ActorSystem,
) -> Option<ActorRef<RedisServer>> {
    let StoreLocation::ManagedRedis { program, socket } = &selection.location else {
        return None;
    };
    let options = RedisServerOptions {
        program: program.clone(),
        folder: data_dir.redis(),
        socket: socket.clone(),
        durability: settings.store.durability,
    };
    Some(system.spawn("redis_server", Arc::default(), options))
}
