use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// Most files that are looked at.
const MOST_FILES: usize = 10_000;
/// Deepest folder that is looked at.
const MOST_LEVELS: usize = 8;

/// Returns a hash of the names, sizes and times of change of the files in `folder`. Hidden ones, virtual environments and compiled
/// Python are left out, as are links to folders.
pub(crate) fn fingerprint(folder: &Path) -> u64 {
    let mut files = Vec::new();
    list(folder, MOST_LEVELS, &mut files);
    files.sort_unstable();
    let mut hash = DefaultHasher::new();
    files.hash(&mut hash);
    hash.finish()
}

type Signs = (std::path::PathBuf, u64, Option<std::time::SystemTime>);

fn list(folder: &Path, levels: usize, files: &mut Vec<Signs>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if files.len() >= MOST_FILES || name.starts_with('.') || name == "__pycache__" {
            continue;
        }
        let path = entry.path();
        if kind.is_dir() {
            if levels > 0 && !path.join("pyvenv.cfg").exists() {
                list(&path, levels - 1, files);
            }
        } else if let Ok(data) = fs::metadata(&path)
            && data.is_file()
        {
            files.push((path, data.len(), data.modified().ok()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_change_the_fingerprint_unless_they_are_hidden_or_compiled() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            fingerprint(folder.path())
        };
        let first = write("mine.py", "a");
        assert_eq!(write(".mine.py.swp", "a"), first);
        assert_eq!(write("__pycache__/mine.pyc", "a"), first);
        assert_eq!(write("env/pyvenv.cfg", "a"), first);
        assert_eq!(write("env/lib/x.py", "a"), first);
        let second = write("models/m.py", "a");
        assert_ne!(second, first);
        assert_ne!(write("mine.py", "abc"), second);
    }
}
