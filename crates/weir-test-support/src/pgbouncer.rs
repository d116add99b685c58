//! `PgBouncer` in transaction mode.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::PATIENCE;
use crate::postgres::{Postgres, as_unprivileged_user};

/// Runs the program for as long as standard input stays open.
const KEEPER: &str = r#"trap '' INT TERM HUP; "$1" --quiet "$2" >"$3" 2>&1 & cat; kill "$!""#;

/// A pooler in front of a Postgres, reached over a unix socket. It ends when this is dropped, or with the process.
pub struct PgBouncer {
    keeper: Child,
    folder: TempDir,
}

impl PgBouncer {
    /// Starts a pooler with two connections for each user and database. `more` is added to its settings.
    pub fn start(postgres: &Postgres, users: &[&str], more: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let (settings, log) = (
            folder.path().join("settings.ini"),
            folder.path().join("log"),
        );
        let known = folder.path().join("users.txt");
        let lines = format!("\"{}\" \"\"\n", users.join("\" \"\"\n\""));
        fs::write(&known, lines).unwrap();
        let text = format!(
            "[databases]\n* = host={host}\n[pgbouncer]\nunix_socket_dir = {place}\nlisten_port = 6432\nauth_type = trust\n\
             auth_file = {known}\npool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 500\n{more}\n",
            host = postgres.folder(),
            place = folder.path().display(),
            known = known.display(),
        );
        fs::write(&settings, text).unwrap();
        let keeper = as_unprivileged_user()
            .args(["sh", "-c", KEEPER, "pgbouncer"])
            .args([program(), settings, log.clone()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let started = Self { keeper, folder };
        let deadline = Instant::now() + PATIENCE;
        while !started.folder.path().join(".s.PGSQL.6432").exists() {
            let said = || fs::read_to_string(&log).unwrap_or_default();
            assert!(
                Instant::now() < deadline,
                "pgbouncer did not start: {}",
                said()
            );
            thread::sleep(Duration::from_millis(10));
        }
        started
    }

    /// The URL of `database` through the pooler.
    pub fn url(&self, user: &str, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://{user}@localhost:6432/{database}?host={folder}")
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Debian installs it where only root looks.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([Path::new("/usr/sbin").to_owned()])
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file())
        .expect("these tests need PgBouncer: install the package `pgbouncer` (Debian, Ubuntu)")
}
