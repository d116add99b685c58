//! A `weir serve` whose stderr is the test's own affair, so that its log tells no port.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_test_support::{PATIENCE, feed_of, http_client, ranked_indices};

/// Settings without Redis and without jobs of their own accord.
pub(crate) const QUIET: &str =
    "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";

const ADMIN_KEY: &str = "the-key-of-the-admin-of-these-tests";

/// Serves until it is dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) folder: TempDir,
    address: String,
    client: Client,
}

impl Server {
    /// Starts `weir serve` by this program and arguments, which end in the path of `weir`, and waits until it answers.
    pub(crate) async fn start(settings: &str, command: &[&str], stderr: Stdio) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("weir.toml");
        fs::write(&file, settings).unwrap();
        let arguments = ["serve", "--config", file.to_str().unwrap()];
        Self::spawn(folder, &[command, &arguments].concat(), stderr).await
    }

    /// The same without a settings file.
    pub(crate) async fn start_without_file(command: &[&str], stderr: Stdio) -> Self {
        let folder = TempDir::new().unwrap();
        Self::spawn(folder, &[command, &["serve"]].concat(), stderr).await
    }

    async fn spawn(folder: TempDir, command: &[&str], stderr: Stdio) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let (program, arguments) = command.split_first().unwrap();
        let child = Command::new(program)
            .args(arguments)
            .envs(environment(&folder))
            .env("WEIR__SERVER__BIND", &address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            folder,
            address,
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
        assert_eq!(ranked_indices(&feed, &answer), [0]);
    }

    /// Sends a request without a key and answers the response, whatever its status.
    pub(crate) async fn send(
        &self,
        method: &Method,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Response {
        let mut request = self.client.request(method.clone(), self.url(path));
        if !body.is_empty() {
            request = request.body(body.to_owned());
        }
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        request.send().await.unwrap()
    }

    /// Submits the job `program` with this program, and answers its id.
    pub(crate) async fn submit_program(&self, name: &str) -> String {
        let job = json!({"job": "program", "args": {"program": name}});
        let taken = self.client.post(self.url("/jobs")).json(&job);
        let taken = self.answer(taken).await;
        let id = taken["id"].as_str();
        id.unwrap_or_else(|| panic!("{taken}")).to_owned()
    }

    /// All that is known of the job `program` with this program once it has ended.
    pub(crate) async fn run_program(&self, name: &str) -> Value {
        let id = self.submit_program(name).await;
        let path = format!("/jobs/{id}?wait_ms=30000");
        self.answer(self.client.get(self.url(&path))).await
    }

    async fn answer(&self, request: RequestBuilder) -> Value {
        let answer = request.bearer_auth(ADMIN_KEY).send().await.unwrap();
        answer.json().await.unwrap()
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

/// A data folder and a database in `folder`, and a key for the admin.
pub(crate) fn environment(folder: &TempDir) -> [(&'static str, String); 3] {
    let path = folder.path().display();
    [
        ("WEIR__DATA_DIR", format!("{path}/data")),
        ("WEIR__DATABASE__URL", format!("sqlite://{path}/weir.db")),
        ("WEIR__AUTH__ADMIN", ADMIN_KEY.to_owned()),
    ]
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
