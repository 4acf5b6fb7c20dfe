//! The firmware: its size, its digests and, if there is a key, its signature.

use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::DecodePrivateKey;
use sha2::Sha256;

use crate::exit::Error;
use crate::input::source;

/// Largest object that S3 takes in one upload.
const MAX_BYTES: u64 = 5_000_000_000;
/// Longest key file.
const MAX_KEY_BYTES: u64 = 65_536;

/// A firmware image as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firmware {
    pub path: PathBuf,
    /// The file's name, with `_` for what would need quoting in a URL.
    pub name: String,
    pub size: u64,
    /// In hexadecimal digits.
    pub md5: String,
    /// The digest itself.
    pub sha256: [u8; 32],
    /// DER in base64.
    pub signature: Option<String>,
}

impl Firmware {
    /// Reads a file, `chunk` bytes at a time. The digests are those of the whole file, whatever the
    /// chunks: they are read one after another into one digest.
    pub fn read(path: &Path, chunk: u32, key: Option<&Path>) -> Result<Self, Error> {
        let shown = source::name_of(path);
        let cannot =
            |error: std::io::Error| Error::in_file(&shown, format!("cannot be read: {error}"));
        let mut file = source::open(path, "the firmware")?;
        let (mut md5, mut sha256, mut size) = (Md5::new(), Sha256::new(), 0_u64);
        let mut buffer = vec![0; usize::try_from(chunk).unwrap_or(8_192).max(1)];
        loop {
            let count = file.read(&mut buffer).map_err(cannot)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
            md5.update(read);
            sha256.update(read);
            size += read.len() as u64;
        }
        if size == 0 || size > MAX_BYTES {
            return Err(Error::in_file(
                &shown,
                format!("{size} bytes (expected 1 to {MAX_BYTES}, what S3 takes in one upload)"),
            ));
        }
        let sha256: [u8; 32] = sha256.finalize().into();
        let signature = key.map(|key| sign(key, &sha256)).transpose()?;
        Ok(Self {
            path: path.to_owned(),
            name: file_name(path),
            size,
            md5: hex(&md5.finalize()),
            sha256,
            signature,
        })
    }

    /// The SHA-256 in hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }

    /// The SHA-256 as S3 writes it.
    pub fn sha256_base64(&self) -> String {
        STANDARD.encode(self.sha256)
    }
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a text, in hexadecimal digits.
pub fn sha256_of(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    name.chars().map(plain).take(128).collect()
}

/// An ECDSA signature on P-256 over the SHA-256, as `openssl dgst -sha256 -sign` makes it.
fn sign(path: &Path, sha256: &[u8; 32]) -> Result<String, Error> {
    const EXPECTED: &str =
        "a private key on P-256: PEM (`EC PRIVATE KEY` or `PRIVATE KEY`), or its DER in base64";
    let shown = source::name_of(path);
    let cannot = |error: std::io::Error| Error::in_file(&shown, format!("cannot be read: {error}"));
    let mut text = String::new();
    source::open(path, "a key file")?
        .take(MAX_KEY_BYTES)
        .read_to_string(&mut text)
        .map_err(cannot)?;
    let key = signing_key(&text).ok_or_else(|| {
        Error::in_file(&shown, format!("no key to sign with (expected {EXPECTED})"))
    })?;
    let signature: DerSignature = key.sign_prehash(sha256).map_err(|fault| {
        Error::in_file(&shown, format!("the firmware cannot be signed: {fault}"))
    })?;
    Ok(STANDARD.encode(signature.as_bytes()))
}

fn signing_key(text: &str) -> Option<SigningKey> {
    // `openssl ecparam -genkey` puts the curve's parameters before the key.
    let pem =
        text.find("-----BEGIN EC PRIVATE KEY").map_or(text, |at| text.get(at..).unwrap_or(text));
    if let Ok(key) = p256::SecretKey::from_sec1_pem(pem.trim()) {
        return Some(SigningKey::from(key));
    }
    if let Ok(key) = p256::SecretKey::from_pkcs8_pem(text.trim()) {
        return Some(SigningKey::from(key));
    }
    let packed: String = text.split_whitespace().collect();
    let der = STANDARD.decode(packed).ok()?;
    let key = p256::SecretKey::from_pkcs8_der(&der).or_else(|_| {
        p256::SecretKey::from_sec1_der(&der)
            .map_err(|_| p256::pkcs8::Error::KeyMalformed(p256::pkcs8::KeyError::Invalid))
    });
    key.ok().map(SigningKey::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::hazmat::PrehashVerifier;
    use p256::pkcs8::{EncodePrivateKey, LineEnding};

    fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn digests_are_those_of_the_whole_file_whatever_the_chunks() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "pump 4.2 é.bin", b"The quick brown fox jumps over the lazy dog");
        for chunk in [1, 7, 43, 8_192] {
            let firmware = Firmware::read(&path, chunk, None).unwrap();
            assert_eq!(firmware.md5, "9e107d9d372bb6826bd81d3542a419d6", "{chunk}");
            assert_eq!(
                firmware.sha256_hex(),
                "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"
            );
            assert_eq!((firmware.size, firmware.name.as_str()), (43, "pump_4.2__.bin"));
        }
    }

    #[test]
    fn what_is_no_firmware_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let empty = file(&folder, "empty.bin", b"");
        for (path, said) in [
            (empty.as_path(), "0 bytes (expected 1 to 5000000000"),
            (folder.path(), "is a directory (expected the firmware)"),
            (&folder.path().join("none.bin"), "cannot be read"),
        ] {
            let error = Firmware::read(path, 8_192, None).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn nobody_waits_for_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let image = file(&folder, "fw.bin", b"image");
        for (path, key, expected) in
            [(&pipe, None, "the firmware"), (&image, Some(pipe.as_path()), "a key file")]
        {
            let error = Firmware::read(path, 8_192, key).unwrap_err().to_string();
            let said = format!("pipe: is a pipe or a device and no file (expected {expected})");
            assert!(error.contains(&said), "{error}");
        }
        let error = source::read(&pipe).unwrap_err().to_string();
        assert!(error.contains("(expected a config file such as `dev.ini`)"), "{error}");
    }

    #[test]
    fn any_form_of_the_key_signs_what_its_public_half_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let image = file(&folder, "fw.bin", b"image");
        let secret = p256::SecretKey::from_slice(&[7; 32]).unwrap();
        let pkcs8 = secret.to_pkcs8_der().unwrap();
        let sec1 = secret.to_sec1_pem(LineEnding::LF).unwrap().to_string();
        let keys = [
            secret.to_pkcs8_pem(LineEnding::LF).unwrap().to_string(),
            format!(
                "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{sec1}"
            ),
            sec1,
            STANDARD.encode(pkcs8.as_bytes()),
        ];
        let public = VerifyingKey::from(&SigningKey::from(&secret));
        for (number, key) in keys.iter().enumerate() {
            let key = file(&folder, &format!("key-{number}"), key.as_bytes());
            let firmware = Firmware::read(&image, 8_192, Some(&key)).unwrap();
            let der = STANDARD.decode(firmware.signature.unwrap()).unwrap();
            let signature = DerSignature::from_bytes(&der).unwrap();
            assert!(public.verify_prehash(&firmware.sha256, &signature).is_ok(), "{number}");
        }
        let other = file(&folder, "other", b"no key");
        let error = Firmware::read(&image, 8_192, Some(&other)).unwrap_err().to_string();
        assert!(error.contains("no key to sign with"), "{error}");
    }
}
