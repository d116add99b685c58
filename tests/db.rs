//! The posts database on SQLite and Postgres.

mod common;

use common::postgres::Postgres;

#[test]
fn a_fresh_database_is_made_on_a_server_of_our_own() {
    let postgres = Postgres::shared();
    assert_ne!(postgres.fresh_database(), postgres.fresh_database());
}
