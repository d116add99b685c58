//! What the data folder remembers of the last choice.

use std::path::Path;
use std::{fmt, fs, io};

use serde::{Deserialize, Serialize};

use super::{StoreKind, StoreLocation};
use crate::durable_file;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoreMarker {
    pub(crate) store: StoreKind,
    #[serde(default)]
    pub(crate) address: String,
}

impl StoreMarker {
    pub(crate) fn of(location: &StoreLocation) -> Self {
        Self {
            store: location.kind(),
            address: location.address(),
        }
    }

    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the whole note or nothing.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        durable_file::replace(path, &serde_json::to_vec(self)?)
    }
}

impl fmt::Display for StoreMarker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, address } = self;
        if address.is_empty() {
            write!(formatter, "{store}")
        } else {
            write!(formatter, "{store} ({address})")
        }
    }
}
