//! A `weir serve` of its own, as a process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use chrono::Utc;
use rand::SeedableRng;
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_feed::fake::FakeFeed;
use weir_feed::{Platform, RankRequest};

/// How long anything may take before a test gives up on it; a busy machine is slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Serves until it is dropped. Its data folder outlives [`Weir::kill`] and [`Weir::stop`].
pub(crate) struct Weir {
    folder: TempDir,
    command: Vec<String>,
    environment: Vec<(String, String)>,
    child: Child,
    address: String,
    log: Arc<Mutex<Vec<String>>>,
    /// Sends the admin key of the data folder, if Weir has made one, unless the request has a key.
    pub(crate) client: Client,
}

impl Weir {
    /// Starts with these settings over the tests' own: a free port, a data folder and database of its own.
    pub(crate) fn start(settings: &str) -> Self {
        Self::start_with_args(settings, &[])
    }

    /// The same with arguments to `weir serve`.
    pub(crate) fn start_with_args(settings: &str, args: &[&str]) -> Self {
        Self::start_as(settings, args, &[])
    }

    /// The same with another `PATH`, on which programs are looked for.
    pub(crate) fn start_with_path(settings: &str, path: &str) -> Self {
        Self::start_as(settings, &[], &[("PATH", path)])
    }

    /// The same with variables of the environment.
    pub(crate) fn start_with_environment(settings: &str, variables: &[(&str, &str)]) -> Self {
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

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The admin key that Weir has made.
    pub(crate) fn key(&self) -> String {
        key_in(&self.data_dir()).expect("a key, since auth.admin is empty")
    }

    pub(crate) fn database_file(&self) -> PathBuf {
        self.folder.path().join("weir.db")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        self.child.wait().unwrap().code()
    }

    /// Lays settings over those it was started with, for the next start.
    pub(crate) fn add_settings(&self, settings: &str) {
        let file = self.folder.path().join("weir.toml");
        let mut all: toml_edit::DocumentMut = fs::read_to_string(&file).unwrap().parse().unwrap();
        let settings: toml_edit::DocumentMut = settings.parse().unwrap();
        lay_over(all.as_table_mut(), settings.as_table());
        fs::write(file, all.to_string()).unwrap();
    }

    /// The exit code, once it has ended.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// The settings file.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("weir.toml")
    }

    /// Edits the settings file, as an editor that saves by a rename.
    pub(crate) fn edit(&self, settings: &str) {
        write_settings(&self.folder, settings);
    }

    /// Starts again on the same folder and settings.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.address, self.log) =
            spawn(&self.folder, &self.command, &self.environment);
    }

    /// The exit code of a start on the same folder and settings that fails.
    pub(crate) fn refuses_to_start(&self) -> Option<i32> {
        let refused = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(&self.command)
            .arg("--config")
            .arg(self.config())
            .current_dir(self.folder.path())
            .envs(self.environment.iter().cloned())
            .output();
        refused.unwrap().status.code()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        self.client
            .post(self.url(path))
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// Ranks `feed` and answers the order, by incoming places, and the metadata. Every id must come back once.
    pub(crate) async fn rank(&self, feed: &RankRequest) -> (Vec<usize>, Value) {
        self.rank_at("/rank", feed).await
    }

    pub(crate) async fn rank_at(&self, path: &str, feed: &RankRequest) -> (Vec<usize>, Value) {
        let response = self.post(path, serde_json::to_vec(feed).unwrap()).await;
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.unwrap();
        (places(feed, &answer), answer["metadata"].clone())
    }

    /// Waits until `GET path` answers something that `wanted` accepts.
    pub(crate) async fn when(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer: Value = self.get(path).await.json().await.unwrap();
            if wanted(&answer) {
                return answer;
            }
            assert!(
                Instant::now() < deadline,
                "never came to pass: {answer}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The counters of an actor.
    pub(crate) async fn counters(&self, actor: &str) -> Value {
        self.when("/actors", |_| true).await["actors"]
            .as_array()
            .unwrap()
            .iter()
            .find(|signs| signs["name"] == actor)
            .unwrap_or_else(|| panic!("no actor {actor}"))["counters"]
            .clone()
    }

    /// Waits until the counter of an actor is `exactly` so.
    pub(crate) async fn counts(&self, actor: &str, counter: &str, exactly: u64) {
        self.when("/actors", |answer| {
            let mut actors = answer["actors"].as_array().unwrap().iter();
            let signs = actors.find(|signs| signs["name"] == actor).unwrap();
            signs["counters"][counter] == exactly
        })
        .await;
    }

    /// Waits until the counter of an actor is at least `least`.
    pub(crate) async fn counted(&self, actor: &str, counter: &str, least: u64) {
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
        // A test that killed Weir leaves its redis-server behind, perhaps one that does not listen yet.
        let of_this_weir = self.data_dir().join("redis");
        let _ = Command::new("pkill")
            .args(["-KILL", "-f"])
            .arg(of_this_weir)
            .status();
    }
}

/// A client of no particular settings, which sends no key. reqwest asks for a crypto provider although nothing here is
/// encrypted.
pub(crate) fn http_client() -> Client {
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

/// How long a request may take unless a test says otherwise: a machine that pauses is no fault of an answer.
const DEADLINE: Duration = Duration::from_secs(5);

fn write_settings(folder: &TempDir, settings: &str) {
    let settings: toml_edit::DocumentMut = settings.parse().unwrap();
    let mut all: toml_edit::DocumentMut = format!(
        "data_dir = {data:?}\nserver.bind = \"127.0.0.1:0\"\nlog.format = \"json\"\ndatabase.url = {url:?}\n\
         ranking.deadline_ms = {deadline}\n",
        data = folder.path().join("data").display().to_string(),
        url = format!("sqlite://{}/weir.db", folder.path().display()),
        deadline = DEADLINE.as_millis(),
    )
    .parse()
    .unwrap();
    lay_over(all.as_table_mut(), settings.as_table());
    let (new, file) = (folder.path().join("new"), folder.path().join("weir.toml"));
    fs::write(&new, all.to_string()).unwrap();
    fs::rename(new, file).unwrap();
}

/// Lays `over` on `under`, table on table.
fn lay_over(under: &mut toml_edit::Table, over: &toml_edit::Table) {
    for (key, item) in over {
        match (
            under.get_mut(key).and_then(toml_edit::Item::as_table_mut),
            item.as_table(),
        ) {
            (Some(under), Some(over)) => lay_over(under, over),
            _ => drop(under.insert(key, item.clone())),
        }
    }
}

fn spawn(
    folder: &TempDir,
    command: &[String],
    environment: &[(String, String)],
) -> (Child, String, Arc<Mutex<Vec<String>>>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
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

/// The port in the log line that says that Weir is listening.
fn port_of(line: &str) -> Option<u64> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["fields"]["message"] == "weir is listening").then(|| line["fields"]["port"].as_u64())?
}

/// A feed of `texts`, in this order.
pub(crate) fn feed_of(texts: &[&str]) -> RankRequest {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let fake = FakeFeed {
        posts: texts.len(),
        comments: 0,
        platform: Platform::Reddit,
        now: Utc::now(),
    };
    let mut feed = fake.request(&mut rng);
    for (item, text) in feed.items.iter_mut().zip(texts) {
        (*text).clone_into(&mut item.text);
        item.title = None;
    }
    feed
}

/// The incoming places of an answer's ids. Every id of the feed must be there once.
pub(crate) fn places(feed: &RankRequest, answer: &Value) -> Vec<usize> {
    let place = |id: &Value| {
        feed.items
            .iter()
            .position(|item| *id == json!(item.id))
            .unwrap()
    };
    let places: Vec<usize> = answer["ranked_ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(place)
        .collect();
    let mut sorted = places.clone();
    sorted.sort_unstable();
    assert!(
        sorted.into_iter().eq(0..feed.items.len()),
        "every id once: {places:?}"
    );
    places
}

/// Top entities as a job leaves them, counted just now.
pub(crate) fn top_entities(names: &[&str]) -> Value {
    let counted: Vec<_> = names.iter().map(|name| json!([name, 1])).collect();
    json!({"top_named_entities": counted, "forms": {}, "timestamp": Utc::now()})
}
