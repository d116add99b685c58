//! Small files that are replaced as a whole: a crash, a loss of power or a full disk leaves the old content or the new.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// Replaces the content of the file at `path`, on the disk when this returns. After an error it is the old or the new.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    put(path, content)?;
    sync_folder_of(path)
}

/// Puts a file with `content` in the place of the one at `path`, and returns it, open. After an error the old one is in
/// its place. A loss of power may bring the old one back until the folder is synced. The new file has the mode of the old one, and
/// its owner if this process may give files away.
pub(crate) fn put(path: &Path, content: &[u8]) -> io::Result<File> {
    let new = path.with_extension("new");
    let old = fs::metadata(path).ok();
    let mode = old.as_ref().map(|old| old.permissions().mode());
    let written = write_synced(&new, content, mode).and_then(|file| {
        if let Some(old) = old {
            let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
            file.set_permissions(old.permissions())?;
        }
        fs::rename(&new, path)?;
        Ok(file)
    });
    if written.is_err() {
        // It takes room that a full disk does not have.
        let _ = fs::remove_file(&new);
    }
    written
}

/// Creates the file with `mode`, so that others cannot read at any moment what they could not read before.
fn write_synced(path: &Path, content: &[u8], mode: Option<u32>) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    if let Some(mode) = mode {
        options.mode(mode);
    }
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(file)
}

/// Brings to the disk that a file was made, renamed or removed, which its folder notes.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note.json");
        for content in ["first", "second"] {
            replace(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_private_file_stays_private_although_another_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weir.toml");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        // What an interrupted replacement may have left.
        fs::write(path.with_extension("new"), "left").unwrap();
        let mut open = put(&path, b"new").unwrap();
        open.write_all(b"er").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let new = folder.path().join("weir.new");
        let created = write_synced(&new, b"", Some(0o600)).unwrap();
        assert_eq!(
            created.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_as_it_was_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        // Not a file, so that the rename fails.
        let path = folder.path().join("note.json");
        fs::create_dir_all(path.join("inside")).unwrap();
        replace(&path, b"content").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
