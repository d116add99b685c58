//! Files that are named in the settings, opened so that neither a FIFO nor a device nor a huge file can hold Weir up.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Take};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file of up to `max_bytes` for reading, through links.
///
/// Anything else is refused without being opened, since that may wait for ever, or take what somebody else should have.
pub(crate) fn open(path: &Path, max_bytes: u64) -> io::Result<Take<File>> {
    check(&fs::metadata(path)?, max_bytes)?;
    let mut options = OpenOptions::new();
    // The path may name something else by now.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    check(&file.metadata()?, max_bytes)?;
    Ok(file.take(max_bytes))
}

/// Reads a regular file of text, of up to `max_bytes`.
pub(crate) fn read_to_string(path: &Path, max_bytes: u64) -> io::Result<String> {
    let mut text = String::new();
    open(path, max_bytes)?.read_to_string(&mut text)?;
    Ok(text)
}

fn check(metadata: &Metadata, max_bytes: u64) -> io::Result<()> {
    let kind = metadata.file_type();
    let found = if kind.is_file() {
        if metadata.len() <= max_bytes {
            return Ok(());
        }
        let error = format!(
            "expected at most {max_bytes} bytes, found {}",
            metadata.len()
        );
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO (process substitution makes one)"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    let error = format!("expected a regular file, found {found}");
    Err(io::Error::new(io::ErrorKind::InvalidInput, error))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn refusal(path: &Path) -> String {
        read_to_string(path, 10).unwrap_err().to_string()
    }

    #[test]
    fn only_regular_files_up_to_a_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "1234567890").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        assert_eq!(read_to_string(&at("link"), 10).unwrap(), "1234567890");

        fs::write(at("longer"), "1234567890.").unwrap();
        assert_eq!(
            refusal(&at("longer")),
            "expected at most 10 bytes, found 11"
        );
        let made = Command::new("mkfifo").arg(at("fifo")).status();
        assert!(made.unwrap().success());
        assert!(refusal(&at("fifo")).contains("found a FIFO"));
        assert!(refusal(folder.path()).ends_with("found a directory"));
        assert!(refusal(Path::new("/dev/zero")).ends_with("found a device"));
    }
}
