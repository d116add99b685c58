use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use xxhash_rust::xxh3::Xxh3;

/// Creates a list of files of the package, each with its text.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../python/weir/", $name)))),*]
    };
}

/// The files of the package.
const FILES: &[(&str, &str)] = files![
    "__init__.py",
    "arguments.py",
    "channel.py",
    "client.py",
    "columns.py",
    "context.py",
    "decorators.py",
    "definitions.py",
    "endpoint.py",
    "failures.py",
    "items.py",
    "jobs.py",
    "loading.py",
    "process.py",
    "py.typed",
    "scoring.py",
    "testing.py",
    "worker.py",
];

/// Hash of the package, so that another version of it has a folder of its own.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Xxh3::new();
    for (name, text) in FILES {
        hash.update(name.as_bytes());
        hash.update(text.as_bytes());
    }
    format!("{:016x}", hash.digest())
});

/// Returns the folder from which programs in Python import the package, an absolute path.
pub(super) fn folder(data_dir: &Path) -> PathBuf {
    let data_dir = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    data_dir.join("python").join(VERSION.as_str())
}

/// Writes the package that this binary carries into the data folder, unless it is there, and removes those of other versions.
pub fn install_python_package(data_dir: &Path) -> io::Result<()> {
    let folder = folder(data_dir);
    let Some(parent) = folder.parent().filter(|_| !folder.exists()) else {
        return Ok(());
    };
    fs::create_dir_all(parent)?;
    for other in fs::read_dir(parent)? {
        fs::remove_dir_all(other?.path())?;
    }
    let unfinished = parent.join("unfinished");
    let package = unfinished.join("weir");
    fs::create_dir_all(&package)?;
    for (name, text) in FILES {
        fs::write(package.join(name), text)?;
    }
    fs::rename(unfinished, folder)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "__pycache__").collect()
    }

    #[test]
    fn the_binary_carries_every_file_of_the_package() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/weir");
        let carried: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(carried, names(&source));
    }

    #[test]
    fn the_package_is_written_once_and_other_versions_are_removed() {
        let data_dir = tempfile::tempdir().unwrap();
        let old = data_dir.path().join("python/0123");
        fs::create_dir_all(&old).unwrap();
        install_python_package(data_dir.path()).unwrap();
        assert!(!old.exists());
        let package = folder(data_dir.path()).join("weir");
        assert_eq!(names(&package).len(), FILES.len());
        let marker = package.join("marker");
        fs::write(&marker, "").unwrap();
        install_python_package(data_dir.path()).unwrap();
        assert!(marker.exists());
    }
}
