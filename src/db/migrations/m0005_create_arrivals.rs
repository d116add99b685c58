use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::db::entity_hours::schema::{arrivals_table, drop_triggers};

/// Creates what posts wait in to be counted one by one. The triggers before it knew only of hours; the next count makes
/// them anew, and counts everything.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_create_arrivals"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let backend = manager.get_database_backend();
        for statement in drop_triggers(backend) {
            connection.execute_unprepared(&statement).await?;
        }
        let table = arrivals_table(backend);
        connection.execute_unprepared(table).await?;
        Ok(())
    }
}
