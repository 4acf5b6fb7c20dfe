//! An entry's files in its bucket: stored with their SHA-256, and compared with it when they are
//! fetched.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use crate::queue::state::{Entry, EntryId, StoredFile, Use};
#[cfg(test)]
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tripline::text::excerpt;
use tripline_aws::{CONNECT_TIMEOUT, Failure, FailureKind, SdkConfig};
use tripline_config::FileName;

use crate::aws::s3;
use crate::exit::Error;
use crate::input::buckets::Buckets;
use crate::input::source::{self, name_of};

/// What every entry's `dev.ini` is called.
pub const CONFIG: &str = "dev.ini";
/// What S3 takes in one request.
const MAX_BYTES: u64 = 5_000_000_000;
/// A line slower than this many bytes a second is given up.
const SLOWEST: u64 = 100_000;
const PUT: &str = "PutObject";
const GET: &str = "GetObject";

/// The buckets of a region.
#[derive(Debug, Clone)]
pub struct Files(Buckets);

/// A file's digest and length.
#[derive(Debug, PartialEq, Eq)]
struct Digested {
    bytes: u64,
    sha256: String,
}

/// Where a file of an entry is.
pub fn key(entry: &EntryId, name: &FileName) -> String {
    format!("queue/{entry}/{name}")
}

/// Reads a file to its end, in pieces, and returns what it is.
pub fn describe(path: &Path, used: Use, name: FileName) -> Result<StoredFile, Error> {
    let shown = name_of(path);
    let fault = |text: String| Error::in_file(&shown, text);
    let cannot = |error: std::io::Error| fault(format!("cannot be read: {error}"));
    let file = source::open(path, "a file of the release")?;
    let found = digest(file.take(MAX_BYTES + 1), &mut std::io::sink()).map_err(cannot)?;
    if found.bytes > MAX_BYTES {
        return Err(fault(format!("too long (expected at most {MAX_BYTES} bytes)")));
    }
    if found.bytes == 0 {
        return Err(fault("is empty".to_owned()));
    }
    Ok(StoredFile { used, name, bytes: found.bytes, sha256: found.sha256 })
}

fn digest(mut from: impl Read, to: &mut impl Write) -> std::io::Result<Digested> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 65_536];
    let mut bytes = 0;
    loop {
        let read = from.read(&mut buffer)?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            return Ok(Digested { bytes, sha256: hex(&hash.finalize()) });
        }
        hash.update(piece);
        to.write_all(piece)?;
        bytes += piece.len() as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What S3 wants to have instead.
fn base64_of(hex: &str) -> String {
    let pairs = (0..hex.len()).step_by(2).filter_map(|at| hex.get(at..at + 2));
    let bytes: Vec<u8> = pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
    STANDARD.encode(bytes)
}

impl Files {
    /// Those of the account that an ARN names, if it names one.
    pub fn new(config: &SdkConfig, arn: &str) -> Self {
        Self(Buckets::of_arn(s3::client(config), arn))
    }

    #[cfg(test)]
    pub fn with_client(client: Client) -> Self {
        Self(Buckets::of_any(client))
    }

    /// Stores a file. S3 compares it with the SHA-256, so that a file that has changed since is
    /// refused as well as one that was damaged on its way.
    pub async fn store(
        &self,
        bucket: &str,
        entry: &EntryId,
        file: &StoredFile,
        from: &Path,
    ) -> Result<(), Error> {
        let body = ByteStream::from_path(from).await;
        let body = body.map_err(|error| Error::in_file(&name_of(from), format!("{error}")))?;
        let attempt = Duration::from_secs(30 + file.bytes / SLOWEST);
        let patience = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(attempt)
            .operation_timeout(attempt * 3)
            .build();
        self.0
            .bucket(bucket)
            .put_object(&key(entry, &file.name))
            .checksum_sha256(base64_of(&file.sha256))
            .content_length(i64::try_from(file.bytes).unwrap_or(i64::MAX))
            .body(body)
            .customize()
            .config_override(aws_sdk_s3::config::Builder::default().timeout_config(patience))
            .send()
            .await
            .map_err(|error| in_bucket(Failure::from_sdk(PUT, &error), bucket))?;
        Ok(())
    }

    /// Fetches the files of an entry into a folder, all or those for which `wanted` says so, and
    /// compares each with what was stored.
    pub async fn fetch(
        &self,
        entry: &Entry,
        folder: &Path,
        wanted: impl Fn(Use) -> bool,
    ) -> Result<(), Error> {
        for file in entry.files.iter().filter(|file| wanted(file.used)) {
            let path = folder.join(file.name.as_str());
            let mut to = File::create(&path).map_err(|error| {
                Error::in_file(&name_of(&path), format!("cannot be written: {error}"))
            })?;
            self.fetch_file(entry, file, &mut to).await?;
        }
        Ok(())
    }

    async fn fetch_file(
        &self,
        entry: &Entry,
        file: &StoredFile,
        to: &mut impl Write,
    ) -> Result<(), Error> {
        let key = key(&entry.id, &file.name);
        let mut got = self
            .0
            .bucket(&entry.bucket)
            .get_object(&key)
            .send()
            .await
            .map_err(|error| in_bucket(Failure::from_sdk(GET, &error), &entry.bucket))?;
        let mut hash = Sha256::new();
        let mut bytes: u64 = 0;
        let failed = |kind, text: String| {
            let place = format!("`s3://{}/{key}`", excerpt(&entry.bucket));
            Error::Aws(Failure::new(GET, kind, format!("{place}: {text}")))
        };
        // The SDK gives up a stream that stands still.
        while let Some(piece) = got.body.next().await {
            let piece =
                piece.map_err(|error| failed(FailureKind::Unavailable, error.to_string()))?;
            bytes += piece.len() as u64;
            if bytes > file.bytes {
                break;
            }
            hash.update(&piece);
            to.write_all(&piece).map_err(|error| {
                Error::in_file(file.name.as_str(), format!("cannot be written: {error}"))
            })?;
        }
        let sha256 = hex(&hash.finalize());
        if bytes != file.bytes || !sha256.eq_ignore_ascii_case(&file.sha256) {
            return Err(failed(
                FailureKind::Refused,
                format!(
                    "is not the file that was stored: its SHA-256 or length is another (expected `{}`, {} bytes)",
                    file.sha256, file.bytes
                ),
            ));
        }
        to.flush().map_err(|error| {
            Error::in_file(file.name.as_str(), format!("cannot be written: {error}"))
        })
    }
}

fn in_bucket(failure: Failure, bucket: &str) -> Error {
    failure.of(format_args!("bucket `{}`", excerpt(bucket))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_digested_in_pieces() {
        let mut copy = Vec::new();
        let found = digest(&b"abc"[..], &mut copy).unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(found, Digested { bytes: 3, sha256: sha256.to_owned() });
        assert_eq!(copy, b"abc");
        assert_eq!(base64_of(sha256), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let name = || "x".parse().unwrap();
        let refused = |path: &Path| describe(path, Use::Firmware, name()).unwrap_err().to_string();
        assert!(refused(folder.path()).contains("is a directory (expected a file of the release)"));
        assert!(refused(&folder.path().join("none")).contains("cannot be read"));
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        assert!(refused(&empty).ends_with("is empty"));
    }
}
