use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::client::host_of;
use super::program::ProgramSource;
use super::source::hash;
use super::{OpenError, Outside, Rss, Source, SourceArgumentError, SourceClient, TwitterSearch};
use crate::programs::ProgramDirectory;

/// A kind of source: the struct is its arguments, as `[scrapers.NAME] args` gives them.
pub trait SourceKind: DeserializeOwned + Send + Sync + 'static {
    /// What `source` calls it.
    const NAME: &'static str;

    /// Refuses arguments that can be read but make no sense.
    fn validate(&self) -> Result<(), SourceArgumentError>;

    /// The address that it fetches.
    fn url(&self) -> &Url;

    /// Other hosts that redirects may lead to.
    fn allow_hosts(&self) -> &[String];

    /// The source itself, with its credentials, which are the environment's.
    fn open(self, client: SourceClient) -> Result<Arc<dyn Source>, OpenError>;
}

/// A source with arguments that it takes, not yet opened.
pub struct SourcePlan {
    identity: String,
    hosts: Hosts,
    open: Open,
}

type Open = Box<dyn FnOnce(SourceClient, Duration) -> Result<Arc<dyn Source>, OpenError> + Send>;
type Plan = fn(Value) -> Result<SourcePlan, SourceArgumentError>;

struct Hosts {
    own: String,
    allowed: BTreeSet<String>,
}

/// The kinds that ship.
const KINDS: [(&str, Plan); 2] = [
    (Rss::NAME, plan_of::<Rss>),
    (TwitterSearch::NAME, plan_of::<TwitterSearch>),
];

/// The names of all kinds.
pub fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|(name, _)| *name).collect()
}

/// Reads and checks the arguments of a source of this kind. Those of `PROGRAM.SOURCE` are checked when it is fetched from, since a
/// program announces what it has once it runs.
pub fn plan(
    kind: &str,
    args: &Map<String, Value>,
    programs: &ProgramDirectory,
) -> Result<SourcePlan, SourceArgumentError> {
    if let Some((program, source)) = kind.split_once('.') {
        return Ok(plan_of_program(program, source, args, programs));
    }
    let (_, plan) = KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .ok_or_else(|| SourceArgumentError::Unknown {
            name: kind.to_owned(),
            known: kinds(),
        })?;
    plan(Value::Object(args.clone()))
}

fn plan_of_program(
    program: &str,
    source: &str,
    args: &Map<String, Value>,
    programs: &ProgramDirectory,
) -> SourcePlan {
    let arguments = Value::Object(args.clone()).to_string();
    let (program, source) = (program.to_owned(), source.to_owned());
    let (args, programs) = (args.clone(), programs.clone());
    SourcePlan {
        identity: format!("{program}.{source}:{}", hash(&[&arguments])),
        hosts: Hosts {
            own: String::new(),
            allowed: BTreeSet::new(),
        },
        open: Box::new(move |_, time_limit| {
            Ok(Arc::new(ProgramSource {
                programs,
                program,
                source,
                args,
                time_limit,
            }))
        }),
    }
}

impl SourcePlan {
    /// The kind with a hash of the arguments: where one source stands says nothing of another.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Hosts that may have private addresses: those named in `allow_hosts`, and this machine when the source is on it.
    pub fn private_hosts(&self) -> BTreeSet<String> {
        let local = (self.hosts.own == "localhost").then(|| self.hosts.own.clone());
        self.hosts.allowed.iter().cloned().chain(local).collect()
    }

    /// Opens the source; each of its requests takes up to `time_limit`.
    pub fn open(
        self,
        outside: &Outside,
        time_limit: Duration,
    ) -> Result<Arc<dyn Source>, OpenError> {
        let client = outside.client_for(self.hosts.allowed, time_limit);
        (self.open)(client, time_limit)
    }
}

fn no_address() -> SourceArgumentError {
    SourceArgumentError::new("url", "expected an http or https address")
}

fn plan_of<K: SourceKind>(args: Value) -> Result<SourcePlan, SourceArgumentError> {
    let identity = format!("{}:{}", K::NAME, hash(&[&args.to_string()]));
    let kind: K = serde_path_to_error::deserialize(args).map_err(|error| {
        match error.path().to_string().as_str() {
            // The message repeats the address, which may hold a credential.
            "url" => no_address(),
            argument => SourceArgumentError::new(argument, error.inner().to_string()),
        }
    })?;
    if !matches!(kind.url().scheme(), "http" | "https") {
        return Err(no_address());
    }
    kind.validate()?;
    let allowed = kind.allow_hosts().iter();
    Ok(SourcePlan {
        identity,
        hosts: Hosts {
            own: host_of(kind.url()),
            allowed: allowed.map(|host| host.to_ascii_lowercase()).collect(),
        },
        open: Box::new(move |client, _| kind.open(client)),
    })
}
