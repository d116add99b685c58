//! Postgres on a unix socket: no port, no service, nothing left behind.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A server in a temporary folder, reached over a unix socket. It ends when this is dropped or when the
/// process ends, however that happens: its keeper script waits for the pipe between them to close.
pub struct Postgres {
    keeper: Child,
    binaries: PathBuf,
    folder: String,
    databases: AtomicUsize,
}

impl Postgres {
    /// Starts a server, about 0.3 s after the first time. Panics with the package to install when Postgres is absent.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts a server with command-line options.
    pub fn start_with(options: &str) -> Self {
        let binaries = find_binaries();
        let mut keeper = as_unprivileged_user()
            .args(["sh", "-c", include_str!("postgres.sh"), "postgres.sh"])
            .arg(&binaries)
            .arg(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Not ours: a test runner waits until nobody holds a test's output.
            .stderr(Stdio::piped())
            // A group of its own: a runner that kills a test's group must not kill what cleans up after it.
            .process_group(0)
            .spawn()
            .expect("cannot run sh");
        let mut folder = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut folder)
            .unwrap();
        let folder = folder.trim().to_owned();
        if folder.is_empty() {
            let stderr = keeper.stderr.take().unwrap();
            panic!(
                "Postgres did not start: {}",
                std::io::read_to_string(stderr).unwrap()
            );
        }
        drop(keeper.stderr.take());
        Self {
            keeper,
            binaries,
            folder,
            databases: AtomicUsize::new(0),
        }
    }

    /// Returns the server that the tests of one process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The URL of the database `postgres`.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Creates an empty database and returns its URL.
    pub fn fresh_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let created = Command::new(self.binaries.join("createdb"))
            .args(["--host", &self.folder, "--username", "postgres", &name])
            .status()
            .expect("cannot run createdb");
        assert!(created.success(), "createdb {name} failed");
        self.url_of(&name)
    }

    /// Requires the password of `role` from now on.
    pub fn require_password_of(&self, role: &str) {
        let rules = Path::new(&self.folder).join("pg_hba.conf");
        let others = std::fs::read_to_string(&rules).unwrap();
        std::fs::write(&rules, format!("local all {role} scram-sha-256\n{others}")).unwrap();
        self.control(&["reload"]);
    }

    /// Ends the server as a crash would. Its data stays.
    pub fn crash(&self) {
        self.control(&["stop", "--mode=immediate"]);
    }

    /// Starts the server at the same address, on the same data.
    pub fn start_again(&self) {
        self.control(&["restart"]);
    }

    fn control(&self, arguments: &[&str]) {
        let status = as_unprivileged_user()
            .arg(self.binaries.join("pg_ctl"))
            .args(["--silent", "--wait", "--pgdata", &self.folder])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("cannot run pg_ctl");
        assert!(status.success(), "pg_ctl {arguments:?} failed");
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    fn url_of(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost/{database}?host={}",
            self.folder
        )
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Returns a command that runs its arguments as a user other than root, whom Postgres refuses.
pub(crate) fn as_unprivileged_user() -> Command {
    let uid = Command::new("id")
        .arg("-u")
        .output()
        .expect("cannot run id")
        .stdout;
    if uid.trim_ascii() == b"0" {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]);
        command
    } else {
        Command::new("env")
    }
}

/// The newest version that Debian installs outside PATH, else what PATH has.
fn find_binaries() -> PathBuf {
    let version = |folder: &PathBuf| {
        folder
            .parent()
            .and_then(|v| v.file_name()?.to_str()?.parse::<u32>().ok())
    };
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| has_server(folder))
        .max_by_key(version)
        .or_else(|| std::env::split_paths(&path).find(|folder| has_server(folder)))
        .expect(
            "these tests need a Postgres server: install the package `postgresql` (Debian, Ubuntu)",
        )
}

fn has_server(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_ctl", "createdb"]
        .iter()
        .all(|name| folder.join(name).exists())
}
