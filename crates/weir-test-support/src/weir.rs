//! `weir serve` as a process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;
use weir_feed::RankRequest;

use crate::feeds::ranked_indices;

/// Longest time that a test waits for anything; a busy machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs until it is dropped. Its data folder outlives [`Weir::kill`] and [`Weir::stop`].
pub struct Weir {
    folder: TempDir,
    command: Vec<String>,
    environment: Vec<(String, String)>,
    child: Child,
    address: String,
    log: Arc<Mutex<Vec<String>>>,
    /// Sends the admin key of the data folder, if there is one, unless the request has a key.
    pub client: Client,
}

impl Weir {
    /// Starts a server with `settings` over the tests' own: a free port, and a data folder and database of its own.
    pub fn start(settings: &str) -> Self {
        Self::start_with_args(settings, &[])
    }

    /// Starts a server with arguments to `weir serve`.
    pub fn start_with_args(settings: &str, args: &[&str]) -> Self {
        Self::start_as(settings, args, &[])
    }

    /// Starts a server with another `PATH`, which is where it finds programs.
    pub fn start_with_path(settings: &str, path: &str) -> Self {
        Self::start_as(settings, &[], &[("PATH", path)])
    }

    /// Starts a server with variables of the environment.
    pub fn start_with_environment(settings: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_as(settings, &[], variables)
    }

    fn start_as(settings: &str, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        write_settings(&folder, settings);
        let mut command = vec!["serve".to_owned()];
        command.extend(args.iter().map(|&arg| arg.to_owned()));
        let environment: Vec<_> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let (child, address, log) = spawn(&folder, &command, &environment);
        let client = client_with_key(key_in(&folder.path().join("data")).as_deref());
        Self {
            folder,
            command,
            environment,
            child,
            address,
            log,
            client,
        }
    }

    /// The URL of `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The admin key that the server generated.
    pub fn key(&self) -> String {
        key_in(&self.data_dir()).expect("a key, since auth.admin is empty")
    }

    /// The file of its SQLite database, unless a test has set another URL.
    pub fn database_file(&self) -> PathBuf {
        self.folder.path().join("weir.db")
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops the server with SIGTERM and returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        self.child.wait().unwrap().code()
    }

    /// Merges `settings` into the settings file.
    pub fn add_settings(&self, settings: &str) {
        let file = self.folder.path().join("weir.toml");
        let mut all: toml_edit::DocumentMut = fs::read_to_string(&file).unwrap().parse().unwrap();
        let settings: toml_edit::DocumentMut = settings.parse().unwrap();
        merge(all.as_table_mut(), settings.as_table());
        fs::write(file, all.to_string()).unwrap();
    }

    /// Waits for the end of the process and returns its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// The settings file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("weir.toml")
    }

    /// Replaces the settings file by a rename, as editors do.
    pub fn edit(&self, settings: &str) {
        write_settings(&self.folder, settings);
    }

    /// Starts the server again on the same folder and settings.
    pub fn start_again(&mut self) {
        (self.child, self.address, self.log) =
            spawn(&self.folder, &self.command, &self.environment);
    }

    /// Runs the server again on the same folder and settings, where it must fail, and returns its exit code.
    pub fn refuses_to_start(&self) -> Option<i32> {
        let refused = Command::new(weir_program())
            .args(&self.command)
            .arg("--config")
            .arg(self.config())
            .current_dir(self.folder.path())
            .envs(self.environment.iter().cloned())
            .output();
        refused.unwrap().status.code()
    }

    /// Everything logged since the last start.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `GET path`.
    pub async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// Sends `POST path` with a body.
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        self.client
            .post(self.url(path))
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// Ranks `feed`; returns the order, as indices in `feed`, and the metadata. Every id must come back once.
    pub async fn rank(&self, feed: &RankRequest) -> (Vec<usize>, Value) {
        self.rank_at("/rank", feed).await
    }

    /// Ranks `feed` at another path than `/rank`.
    pub async fn rank_at(&self, path: &str, feed: &RankRequest) -> (Vec<usize>, Value) {
        let response = self.post(path, serde_json::to_vec(feed).unwrap()).await;
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.unwrap();
        (ranked_indices(feed, &answer), answer["metadata"].clone())
    }

    /// Waits until `wanted` accepts the answer of `GET path`, and returns it.
    pub async fn when(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer: Value = self.get(path).await.json().await.unwrap();
            if wanted(&answer) {
                return answer;
            }
            assert!(
                Instant::now() < deadline,
                "not within {PATIENCE:?}: {answer}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The counters of an actor.
    pub async fn counters(&self, actor: &str) -> Value {
        self.when("/actors", |_| true).await["actors"]
            .as_array()
            .unwrap()
            .iter()
            .find(|signs| signs["name"] == actor)
            .unwrap_or_else(|| panic!("no actor {actor}"))["counters"]
            .clone()
    }

    /// Waits until the counter of an actor equals `exactly`.
    pub async fn counts(&self, actor: &str, counter: &str, exactly: u64) {
        self.when("/actors", |answer| {
            let mut actors = answer["actors"].as_array().unwrap().iter();
            let signs = actors.find(|signs| signs["name"] == actor).unwrap();
            signs["counters"][counter] == exactly
        })
        .await;
    }

    /// Waits until the counter of an actor is at least `least`.
    pub async fn counted(&self, actor: &str, counter: &str, least: u64) {
        self.when("/actors", |answer| {
            let mut actors = answer["actors"].as_array().unwrap().iter();
            let signs = actors.find(|signs| signs["name"] == actor).unwrap();
            signs["counters"][counter].as_u64().unwrap() >= least
        })
        .await;
    }
}

impl Drop for Weir {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
        // A test that killed the server leaves its redis-server behind, perhaps one that does not listen yet.
        let redis_folder = self.data_dir().join("redis");
        let _ = Command::new("pkill")
            .args(["-KILL", "-f"])
            .arg(redis_folder)
            .status();
    }
}

/// A client with default settings, which sends no key. reqwest needs a crypto provider although nothing here is encrypted.
pub fn http_client() -> Client {
    client_with_key(None)
}

fn client_with_key(key: Option<&str>) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = key.map(|key| (AUTHORIZATION, format!("Bearer {key}").parse().unwrap()));
    let client = Client::builder().default_headers(key.into_iter().collect());
    client.build().unwrap()
}

fn key_in(data_dir: &Path) -> Option<String> {
    let text = fs::read_to_string(data_dir.join("admin.key")).ok()?;
    Some(text.trim_end().to_owned())
}

/// Deadline of requests unless a test sets its own: long, since a busy machine is slow.
const DEADLINE: Duration = Duration::from_secs(5);

/// The program under test, built by the test runner before the tests of the root package.
///
/// Cargo and nextest name it in the environment; only nextest does so under a name of its own in older versions.
pub fn weir_program() -> PathBuf {
    ["CARGO_BIN_EXE_weir", "NEXTEST_BIN_EXE_weir"]
        .into_iter()
        .find_map(env::var_os)
        .expect("run by `cargo nextest run` or `cargo test`, which name the program `weir`")
        .into()
}

fn write_settings(folder: &TempDir, settings: &str) {
    let settings: toml_edit::DocumentMut = settings.parse().unwrap();
    let mut all: toml_edit::DocumentMut = format!(
        "data_dir = {data:?}\nserver.bind = \"127.0.0.1:0\"\nlog.format = \"json\"\ndatabase.url = {url:?}\n\
         ranking.deadline = \"{deadline}ms\"\n",
        data = folder.path().join("data").display().to_string(),
        url = format!("sqlite://{}/weir.db", folder.path().display()),
        deadline = DEADLINE.as_millis(),
    )
    .parse()
    .unwrap();
    merge(all.as_table_mut(), settings.as_table());
    let (new, file) = (folder.path().join("new"), folder.path().join("weir.toml"));
    fs::write(&new, all.to_string()).unwrap();
    fs::rename(new, file).unwrap();
}

/// Merges `over` into `under`, table by table.
fn merge(under: &mut toml_edit::Table, over: &toml_edit::Table) {
    for (key, item) in over {
        match (
            under.get_mut(key).and_then(toml_edit::Item::as_table_mut),
            item.as_table(),
        ) {
            (Some(under), Some(over)) => merge(under, over),
            _ => drop(under.insert(key, item.clone())),
        }
    }
}

fn spawn(
    folder: &TempDir,
    command: &[String],
    environment: &[(String, String)],
) -> (Child, String, Arc<Mutex<Vec<String>>>) {
    let mut child = Command::new(weir_program())
        .args(command)
        .arg("--config")
        .arg(folder.path().join("weir.toml"))
        .current_dir(folder.path())
        .envs(environment.iter().cloned())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log = Arc::new(Mutex::new(Vec::new()));
    let address = loop {
        let Some(Ok(line)) = lines.next() else {
            panic!("weir did not start: {:?}", log.lock().unwrap())
        };
        let port = port_of(&line);
        log.lock().unwrap().push(line);
        if let Some(port) = port {
            break format!("127.0.0.1:{port}");
        }
    };
    let kept = Arc::clone(&log);
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            kept.lock().unwrap().push(line);
        }
    });
    (child, address, log)
}

/// The port in the log line that says that the server listens.
fn port_of(line: &str) -> Option<u64> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["fields"]["message"] == "weir is listening").then(|| line["fields"]["port"].as_u64())?
}
