use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::KINDS;
use super::{LookupTable, ProgramUse};
use crate::programs::ProgramDirectory;
use crate::scoring::pool::PoolConfig;
use crate::scoring::{Outputs, Scorer};
use crate::settings::{Check, Table};
use crate::snapshot::Snapshot;

/// A kind of scorer: the struct is its configuration, as `[scorers.NAME]` gives it beside the keys that all scorers have. It
/// derives `Deserialize` and `Serialize` with `#[serde(default, deny_unknown_fields)]`.
pub trait ScorerKind:
    Clone + fmt::Debug + Default + PartialEq + DeserializeOwned + Serialize + Send + Sync + 'static
{
    /// Name of the kind, the value of `kind`.
    const NAME: &'static str;

    /// Checks what types cannot express.
    fn validate(&self, _: &mut Check, _: &PoolConfig) {}

    /// Returns the outputs of the scorer, which policies name. By default it has one, `score`.
    fn outputs(&self) -> Outputs {
        Outputs::default()
    }

    /// Creates a scorer. It reads files and credentials, but connects to nothing.
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Scorer>, BuildError>;

    /// Returns the table of the store that the scorer reads from [`BuildContext::table`], if it reads one. The pool keeps the
    /// table up to date.
    fn watched_table(&self) -> Option<WatchedTable> {
        None
    }

    /// Returns what the scorer with this name asks of a program, if it asks one.
    fn program_use(&self, _scorer: &str) -> Option<ProgramUse> {
        None
    }
}

/// What a scorer is built from beside its configuration.
#[derive(Debug, Clone, Default)]
pub struct BuildContext {
    /// Name of the scorer.
    pub scorer: String,
    /// Longest time that a request waits for the scorer.
    pub time_limit: Duration,
    /// Running programs.
    pub programs: ProgramDirectory,
    /// `default` of the scorer.
    pub default: f64,
    /// Newest version of the table that the kind watches.
    pub table: Snapshot<LookupTable>,
}

/// A table of the store, `{"name": number, ...}`. Names that it does not have score `default`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedTable {
    /// Key of the store.
    pub key: String,
    /// Most entries; a larger table is not used.
    pub max_entries: usize,
}

/// A scorer could not be built from its configuration.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {cause}")]
pub struct BuildError {
    /// Key that is wrong, within the scorer's table.
    key: &'static str,
    /// The cause, which is part of the text and so no source of the error.
    cause: Box<dyn Error + Send + Sync>,
}

impl BuildError {
    /// Creates an error about `key`.
    pub fn new(key: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            key,
            cause: cause.into(),
        }
    }
}

/// Configuration of a scorer of any kind.
#[derive(Clone)]
pub struct KindConfig(Arc<dyn AnyKind>);

impl KindConfig {
    /// Wraps the configuration of a kind.
    pub fn new<K: ScorerKind>(kind: K) -> Self {
        Self(Arc::new(kind))
    }

    /// Returns the name of the kind.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Returns the keys of the kind with their values.
    pub(super) fn to_keys(&self) -> Map<String, Value> {
        self.0.to_keys()
    }

    pub(in crate::scoring) fn validate(&self, check: &mut Check, pool: &PoolConfig) {
        self.0.validate(check, pool);
    }

    pub(in crate::scoring) fn build(
        &self,
        context: &BuildContext,
    ) -> Result<Box<dyn Scorer>, BuildError> {
        self.0.build(context)
    }

    /// Returns the outputs of the scorer.
    pub fn outputs(&self) -> Outputs {
        self.0.outputs()
    }

    /// Returns the table that the scorer reads, if it reads one.
    pub fn watched_table(&self) -> Option<WatchedTable> {
        self.0.watched_table()
    }

    /// Returns what the scorer with this name asks of a program, if it asks one.
    pub fn program_use(&self, scorer: &str) -> Option<ProgramUse> {
        self.0.program_use(scorer)
    }
}

impl fmt::Debug for KindConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialEq for KindConfig {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(&*other.0)
    }
}

impl Serialize for KindConfig {
    /// Writes the name of the kind as `kind`, and its own keys beside it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keys = self.to_keys();
        let mut map = serializer.serialize_map(Some(keys.len() + 1))?;
        map.serialize_entry("kind", self.name())?;
        for (key, value) in &keys {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// [`ScorerKind`] without its type.
trait AnyKind: Any + fmt::Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn validate(&self, check: &mut Check, pool: &PoolConfig);
    fn outputs(&self) -> Outputs;
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Scorer>, BuildError>;
    fn watched_table(&self) -> Option<WatchedTable>;
    fn program_use(&self, scorer: &str) -> Option<ProgramUse>;
    fn equals(&self, other: &dyn AnyKind) -> bool;
    fn to_keys(&self) -> Map<String, Value>;
}

impl<K: ScorerKind> AnyKind for K {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn validate(&self, check: &mut Check, pool: &PoolConfig) {
        ScorerKind::validate(self, check, pool);
    }

    fn outputs(&self) -> Outputs {
        ScorerKind::outputs(self)
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        ScorerKind::build(self, context)
    }

    fn watched_table(&self) -> Option<WatchedTable> {
        ScorerKind::watched_table(self)
    }

    fn program_use(&self, scorer: &str) -> Option<ProgramUse> {
        ScorerKind::program_use(self, scorer)
    }

    fn equals(&self, other: &dyn AnyKind) -> bool {
        (other as &dyn Any).downcast_ref::<K>() == Some(self)
    }

    fn to_keys(&self) -> Map<String, Value> {
        Table::keys_of(self)
    }
}

/// Entry of the list of kinds.
pub(super) struct Kind {
    pub(super) name: &'static str,
    read: fn(&mut Table) -> Result<KindConfig, serde_json::Error>,
    pub(super) default: fn() -> KindConfig,
}

impl Kind {
    pub(super) const fn of<K: ScorerKind>() -> Self {
        Self {
            name: K::NAME,
            read: |table| table.take::<K>().map(KindConfig::new),
            default: || KindConfig::new(K::default()),
        }
    }
}

/// Removes the keys of a kind from a scorer's table and reads them. Keys of other kinds may stand there with their defaults.
pub(in crate::scoring) fn read(
    kind: &str,
    table: &mut Table,
) -> Result<KindConfig, serde_json::Error> {
    let Some(own) = KINDS.iter().find(|own| own.name == kind) else {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        return Err(Table::unknown_variant("kind", kind, &names));
    };
    let config = (own.read)(table)?;
    for other in KINDS.iter().filter(|other| other.name != own.name) {
        let default = (other.default)();
        let mut misplaced = table.split_off(&default.to_keys());
        let Some(first) = misplaced.first_key() else {
            continue;
        };
        if (other.read)(&mut misplaced)? != default {
            let text = format!("only scorers of the kind {} have this", other.name);
            return Err(Table::wrong(&first, &text));
        }
    }
    Ok(config)
}
