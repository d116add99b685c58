//! Redis on a unix socket in a temporary folder.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use redis::ConnectionLike;
use tempfile::TempDir;

/// A server that is killed when dropped. It keeps its data through [`Redis::kill`] and [`Redis::start_again`]: what is
/// written outlives the process, synced or not.
pub struct Redis {
    folder: TempDir,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl Redis {
    /// Starts a server and waits until it answers.
    pub fn start() -> Self {
        let mut redis = Self::absent();
        redis.start_again();
        redis
    }

    /// Starts a server with arguments that override those of every server.
    pub fn start_with(arguments: &[&str]) -> Self {
        let mut redis = Self::absent();
        redis.arguments = arguments.iter().map(|&argument| argument.into()).collect();
        redis.start_again();
        redis
    }

    /// A server that does not run yet.
    pub fn absent() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            arguments: Vec::new(),
            process: None,
        }
    }

    /// Adds arguments for the next start.
    pub fn add_arguments(&mut self, arguments: &[&str]) {
        let arguments = arguments.iter().map(|&argument| argument.into());
        self.arguments.extend(arguments);
    }

    /// Ends the server as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts the server at the same address, on the same data, and waits until it answers.
    pub fn start_again(&mut self) {
        self.begin_start();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self
            .client()
            .get_connection()
            .is_ok_and(|mut connection| connection.check_connection())
        {
            assert!(Instant::now() < deadline, "redis-server does not answer");
            sleep(Duration::from_millis(5));
        }
    }

    /// Starts the server without waiting for it.
    pub fn begin_start(&mut self) {
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "no", "--unixsocket", "redis.sock"])
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("these tests need the package `redis-server` (Debian, Ubuntu)");
        self.process = Some(process);
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// The folder of its socket and data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command given as its words.
    pub fn run(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query(&mut self.connection())
    }

    /// Runs a command that must succeed.
    pub fn command(&self, words: &[&str]) {
        self.run(words).unwrap();
    }

    /// The URL of the server.
    pub fn url(&self) -> String {
        format!("unix://{}", self.folder.path().join("redis.sock").display())
    }

    /// A client besides Weir's.
    pub fn client(&self) -> redis::Client {
        redis::Client::open(self.url()).unwrap()
    }

    /// A connection besides Weir's.
    pub fn connection(&self) -> redis::Connection {
        self.client().get_connection().unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
