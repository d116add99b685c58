use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::{
    fs::{self, File},
    io::{AsyncWriteExt, BufWriter},
};

use super::{JobError, Run};
use crate::durable_file::sync_folder_of;
use crate::queue::JobId;

/// The field that says that a result is a file.
const REFERENCE: &str = "large_result";
/// What the name of a file ends in while it is being written.
const UNFINISHED: &str = "part";

/// The folder of results too large for the store, each kept for a while.
#[derive(Clone, Debug)]
pub struct LargeResults {
    folder: PathBuf,
    max_bytes: u64,
    ttl: Duration,
}

/// A large result being written. Dropped before [`LargeResult::finish`] has succeeded, it is removed.
pub struct LargeResult {
    file: BufWriter<File>,
    name: String,
    path: PathBuf,
    unfinished: Unfinished,
    bytes: u64,
    max_bytes: u64,
    ttl: Duration,
}

/// File of a result that is not finished, removed when dropped: it takes room that a full disk does not have.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Not there once it has its name. What cannot be removed is left to the sweep.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A large result could not be written.
#[derive(Debug, thiserror::Error)]
enum LargeResultError {
    #[error("the result is longer than jobs.max_large_result_bytes = {0}")]
    TooLarge(u64),
    #[error("the result cannot be written to the data folder: {0}")]
    Io(#[from] io::Error),
}

impl From<LargeResultError> for JobError {
    fn from(error: LargeResultError) -> Self {
        match error {
            LargeResultError::TooLarge(_) => Self::Permanent(Box::new(error)),
            LargeResultError::Io(_) => Self::Transient(Box::new(error)),
        }
    }
}

impl LargeResults {
    /// Results in `folder`, each of up to `max_bytes`, kept for `ttl`.
    pub fn new(folder: PathBuf, max_bytes: u64, ttl: Duration) -> Self {
        Self {
            folder,
            max_bytes,
            ttl,
        }
    }

    pub(super) async fn begin(&self, run: Run) -> Result<LargeResult, JobError> {
        // Two runs of one job must not write one file.
        let name = format!("{}-{}", run.job, run.token.0);
        let path = self.folder.join(&name);
        let unfinished = path.with_extension(UNFINISHED);
        let open = async {
            if !fs::try_exists(&self.folder).await? {
                fs::create_dir_all(&self.folder).await?;
                sync_folder_of(&self.folder)?;
            }
            File::create(&unfinished).await
        };
        Ok(LargeResult {
            file: BufWriter::new(open.await.map_err(LargeResultError::Io)?),
            name,
            path,
            unfinished: Unfinished(unfinished),
            bytes: 0,
            max_bytes: self.max_bytes,
            ttl: self.ttl,
        })
    }

    /// The file that the result of `job` refers to, if it refers to one.
    pub fn file_of(&self, job: JobId, result: &Value) -> Option<PathBuf> {
        let name = result.get(REFERENCE)?.as_str()?;
        // The name comes from the store: it must be one that a run of this job wrote.
        let token = name.strip_prefix(&job.to_string())?.strip_prefix('-')?;
        token.parse::<u64>().ok()?;
        Some(self.folder.join(name))
    }

    /// Removes what is older than its time, finished or not, and answers how many files that were.
    pub async fn sweep(&self) -> io::Result<u64> {
        let mut entries = match fs::read_dir(&self.folder).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let mut removed = 0;
        while let Some(entry) = entries.next_entry().await? {
            if is_older(&entry.path(), self.ttl).await
                && fs::remove_file(entry.path()).await.is_ok()
            {
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// A file that was written before the clock was set back counts from now on.
async fn is_older(path: &Path, age: Duration) -> bool {
    let Ok(written) = fs::metadata(path).await.and_then(|file| file.modified()) else {
        return false;
    };
    let now = SystemTime::now();
    let Ok(elapsed) = now.duration_since(written) else {
        if let Ok(file) = fs::File::options().append(true).open(path).await {
            // Without success the file is tried again at the next sweep.
            let _ = file.into_std().await.set_modified(now);
        }
        return false;
    };
    elapsed > age
}

impl LargeResult {
    /// Adds bytes to the end.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), JobError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.max_bytes {
            return Err(LargeResultError::TooLarge(self.max_bytes).into());
        }
        Ok(self
            .file
            .write_all(bytes)
            .await
            .map_err(LargeResultError::Io)?)
    }

    /// Brings the bytes to disk and answers what stands for them:
    /// `{"large_result": name, "bytes": n, "expires_at": time}`.
    pub async fn finish(mut self) -> Result<Value, JobError> {
        let finish = async {
            self.file.flush().await?;
            self.file.get_ref().sync_all().await?;
            fs::rename(&self.unfinished.0, &self.path).await?;
            sync_folder_of(&self.path)
        };
        finish.await.map_err(LargeResultError::Io)?;
        let expires_at: DateTime<Utc> = (SystemTime::now() + self.ttl).into();
        Ok(json!({
            REFERENCE: self.name,
            "bytes": self.bytes,
            "expires_at": expires_at,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::FencingToken;

    fn run() -> Run {
        Run {
            job: uuid::Uuid::now_v7(),
            token: FencingToken(7),
            attempt: 1,
        }
    }

    #[tokio::test]
    async fn a_large_result_is_a_file_with_a_name_and_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let results = LargeResults::new(folder.path().join("new"), 10, Duration::ZERO);
        let run = run();
        let mut result = results.begin(run).await.unwrap();
        result.write(b"12345").await.unwrap();
        result.write(b"67890").await.unwrap();
        let reference = result.finish().await.unwrap();
        assert_eq!(reference["bytes"], 10);
        let file = results.file_of(run.job, &reference).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"1234567890");

        assert_eq!(results.sweep().await.unwrap(), 1);
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn a_result_over_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let results = LargeResults::new(folder.path().into(), 3, Duration::from_hours(1));
        let mut result = results.begin(run()).await.unwrap();
        let error = result.write(b"1234").await.unwrap_err();
        assert!(!error.is_retryable());
        assert!(error.to_string().contains("max_large_result_bytes = 3"));
        assert_eq!(results.sweep().await.unwrap(), 0);
        drop(result);
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "what is not finished takes no room");
    }

    #[tokio::test]
    async fn a_file_from_before_the_clock_was_set_back_goes_after_its_time_from_now() {
        let folder = tempfile::tempdir().unwrap();
        let results = LargeResults::new(folder.path().into(), 10, Duration::ZERO);
        let file = std::fs::File::create(folder.path().join("result")).unwrap();
        let year = Duration::from_hours(365 * 24);
        file.set_modified(SystemTime::now() + year).unwrap();
        assert_eq!(results.sweep().await.unwrap(), 0);
        assert_eq!(results.sweep().await.unwrap(), 1);
    }

    #[test]
    fn only_names_of_the_jobs_own_runs_are_files() {
        let results = LargeResults::new("/data".into(), 1, Duration::ZERO);
        let job = uuid::Uuid::now_v7();
        for name in [
            "../secret",
            &format!("{job}-../x"),
            &format!("{job}"),
            "x-1",
        ] {
            assert_eq!(
                results.file_of(job, &json!({REFERENCE: name})),
                None,
                "{name}"
            );
        }
        assert_eq!(results.file_of(job, &json!({"other": 1})), None);
    }
}
