//! A `weir serve` whose stderr is the test's own affair, so that its log tells no port.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::weir::{PATIENCE, feed_of, http_client, places};

/// Settings without Redis and without jobs of their own accord.
pub(crate) const QUIET: &str =
    "results.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";

/// Serves until it is dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) folder: TempDir,
    address: String,
    client: Client,
}

impl Server {
    /// Starts `weir serve` by this program and arguments, which end in those of `weir`, and waits until it answers.
    pub(crate) async fn start(settings: &str, command: &[&str], stderr: Stdio) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let all = format!(
            "data_dir = {data:?}\nserver.bind = \"127.0.0.1:{port}\"\ndatabase.url = {url:?}\n{settings}",
            data = folder.path().join("data").display().to_string(),
            url = format!("sqlite://{}/weir.db", folder.path().display()),
        );
        fs::write(folder.path().join("weir.toml"), all).unwrap();
        let (program, arguments) = command.split_first().unwrap();
        let child = Command::new(program)
            .args(arguments)
            .args(["serve", "--config"])
            .arg(folder.path().join("weir.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            folder,
            address: format!("127.0.0.1:{port}"),
            client: http_client(),
        };
        server.until_live().await;
        server
    }

    async fn until_live(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self
            .client
            .get(self.url("/health/live"))
            .send()
            .await
            .is_err()
        {
            let ended = self.child.try_wait().unwrap();
            assert_eq!(ended, None, "weir ended while it started");
            assert!(Instant::now() < deadline, "weir never answered");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("weir.toml")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        let answer = self.client.get(self.url(path)).send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// Ranks one post, which must come back.
    pub(crate) async fn rank(&self) {
        let feed = feed_of(&["a post"]);
        let request = self.client.post(self.url("/rank")).json(&feed).send();
        let answer = request.await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(places(&feed, &answer), [0]);
    }

    /// The value of a metric without labels.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics").await;
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("no {name} in {metrics}"))
            .parse()
            .unwrap()
    }

    /// Waits until `/health/ready` is as `wanted`.
    pub(crate) async fn until_ready_says(&self, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ready = self.get("/health/ready").await;
            if wanted(&ready) {
                return;
            }
            assert!(Instant::now() < deadline, "never came to pass: {ready}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        signal_to(self.child.id(), signal);
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

pub(crate) fn signal_to(pid: u32, signal: &str) {
    let sent = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
