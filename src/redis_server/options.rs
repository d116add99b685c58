//! How a managed server is started, and where.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::Hasher;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};
use xxhash_rust::xxh3::Xxh3Default;

use super::error::RedisServerError;
use crate::settings::Durability;

/// What an address of a unix socket holds, the ending zero included, on the narrowest system (macOS; Linux has 108).
const MAX_SOCKET_PATH_BYTES: usize = 104;
/// A log of an earlier run past this size is begun anew.
const MAX_LOG_BYTES: u64 = 10 * 1024 * 1024;

/// What a managed server is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisServerOptions {
    /// The `redis-server` to run.
    pub program: PathBuf,
    /// Its folder: append-only files, log and lock.
    pub folder: PathBuf,
    /// Where it listens.
    pub socket: PathBuf,
    /// What a write waits for.
    pub durability: Durability,
}

impl RedisServerOptions {
    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("redis-server.log")
    }

    pub(super) fn append_fsync(&self) -> &'static str {
        match self.durability {
            Durability::Second => "everysec",
            Durability::Disk => "always",
        }
    }

    pub(super) fn open_lock(&self) -> Result<File, RedisServerError> {
        let open = || {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.folder)?;
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).read(true).write(true);
            options.open(self.folder.join("redis-server.lock"))
        };
        open().map_err(|source| self.unusable(source))
    }

    /// Starts the program, which holds `lock` from now on. Its group is its own, so that a Ctrl-C meant for Weir does
    /// not end the server before Weir has written its last.
    pub(super) fn spawn(&self, lock: File) -> Result<Child, RedisServerError> {
        let log = self.open_log().map_err(|source| self.unusable(source))?;
        let errors = log.try_clone().map_err(|source| self.unusable(source))?;
        Command::new(&self.program)
            .args(["--port", "0", "--unixsocketperm", "700", "--unixsocket"])
            .arg(&self.socket)
            .arg("--dir")
            .arg(&self.folder)
            .args([
                "--appendonly",
                "yes",
                "--appendfsync",
                self.append_fsync(),
                "--save",
                "",
            ])
            .args(["--maxmemory-policy", "noeviction", "--daemonize", "no"])
            .stdin(Stdio::from(lock))
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors))
            .process_group(0)
            .kill_on_drop(false)
            .spawn()
            .map_err(|source| RedisServerError::Program {
                program: self.program.clone(),
                source,
            })
    }

    pub(super) fn unusable(&self, source: io::Error) -> RedisServerError {
        RedisServerError::Folder {
            path: self.folder.clone(),
            source,
        }
    }

    fn open_log(&self) -> io::Result<File> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())?;
        if log.metadata()?.len() > MAX_LOG_BYTES {
            log.set_len(0)?;
        }
        Ok(log)
    }
}

/// Where the server of `folder` listens: in the folder, or, where that path is too long for a socket, in a folder of
/// the user's own under the system's temporary one, named by a hash of `folder`.
pub fn socket_path(folder: &Path) -> io::Result<PathBuf> {
    let within = folder.join("redis.sock");
    if within.as_os_str().len() < MAX_SOCKET_PATH_BYTES {
        return Ok(within);
    }
    let mut hasher = Xxh3Default::new();
    hasher.write(folder.as_os_str().as_encoded_bytes());
    let short = std::env::temp_dir().join(format!("weir-{:016x}", hasher.finish()));
    private_folder(&short, folder)?;
    Ok(short.join("redis.sock"))
}

/// Makes a folder that nobody else can enter, and refuses one that somebody else has put there.
fn private_folder(path: &Path, data: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let existing_parent = data
        .ancestors()
        .find_map(|folder| fs::metadata(folder).ok());
    let (found, owner) = (
        fs::symlink_metadata(path)?,
        existing_parent.map(|folder| folder.uid()),
    );
    let private = found.is_dir() && found.permissions().mode().trailing_zeros() >= 6;
    if private && Some(found.uid()) == owner {
        return Ok(());
    }
    let why = format!("{} belongs to somebody else", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// The `redis-server` that a shell would run.
pub fn redis_server_on_path() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join("redis-server"))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_folder_holds_its_own_socket() {
        let folder = Path::new("/data/redis");
        assert_eq!(
            socket_path(folder).unwrap(),
            Path::new("/data/redis/redis.sock")
        );
    }

    #[test]
    fn a_long_folder_gets_a_short_private_path_that_stays_the_same() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("d".repeat(120));

        let socket = socket_path(&folder).unwrap();

        let private = socket.parent().unwrap();
        assert!(
            socket.as_os_str().len() < MAX_SOCKET_PATH_BYTES,
            "{}",
            socket.display()
        );
        assert_eq!(
            fs::metadata(private).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(socket_path(&folder).unwrap(), socket);
        fs::set_permissions(private, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(socket_path(&folder).is_err(), "open to others");
        fs::remove_dir(private).unwrap();
    }
}
