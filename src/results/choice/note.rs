//! What the data folder remembers of the last choice.

use std::path::Path;
use std::{fmt, fs, io};

use serde::{Deserialize, Serialize};

use super::{StoreKind, StoreLocation};
use crate::durable_file;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) store: StoreKind,
    #[serde(default)]
    pub(super) address: String,
}

impl Note {
    pub(super) fn of(location: &StoreLocation) -> Self {
        Self {
            store: location.kind(),
            address: location.address(),
        }
    }

    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the whole note or nothing.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        durable_file::replace(path, &serde_json::to_vec(self)?)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, address } = self;
        if address.is_empty() {
            write!(formatter, "{store}")
        } else {
            write!(formatter, "{store} ({address})")
        }
    }
}
