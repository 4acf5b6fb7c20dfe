//! What `deploy` notes of the firmware that it stored, in tags of the job: who can write to the bucket
//! cannot change those, and whoever rolls the firmware out again compares.

use std::collections::BTreeMap;

use tripline::text::excerpt;

/// The tag with the object's key.
pub const KEY_TAG: &str = "tripline:firmware";
/// The tag with the SHA-256, in base64, and the size in bytes: `nUM..= 27434`.
pub const DIGEST_TAG: &str = "tripline:firmwareDigest";
/// The tag with S3's version of the object, in a bucket that keeps versions.
pub const VERSION_TAG: &str = "tripline:firmwareVersion";
/// The tag with S3's ETag, without its quotes.
pub const ETAG_TAG: &str = "tripline:firmwareETag";
/// The tag with the signature, as it stands in the job document.
pub const SIGNATURE_TAG: &str = "tripline:signature";

/// Longest value of a tag, in characters (AWS IoT `Tag`).
const MAX_VALUE: usize = 256;

/// An object as S3 has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    pub version: Option<String>,
    /// Without quotes.
    pub e_tag: Option<String>,
}

/// The firmware of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirmwareRecord {
    pub key: String,
    /// In base64.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
    pub stored: Stored,
    pub signature: Option<String>,
}

impl Stored {
    pub fn new(version: Option<&str>, e_tag: Option<&str>) -> Self {
        let own = |text: &str| text.trim_matches('"').to_owned();
        // What a bucket that keeps versions no longer calls an object that the next one replaces.
        let version = version.filter(|version| *version != "null");
        Self { version: version.map(own), e_tag: e_tag.map(own) }
    }
}

impl FirmwareRecord {
    /// The tags of the job. What does not fit a tag is left out, and not compared later.
    pub fn tags(&self) -> BTreeMap<&'static str, String> {
        let mut tags = BTreeMap::from([
            (KEY_TAG, self.key.clone()),
            (DIGEST_TAG, format!("{} {}", self.sha256, self.size)),
        ]);
        for (tag, value) in [
            (VERSION_TAG, &self.stored.version),
            (ETAG_TAG, &self.stored.e_tag),
            (SIGNATURE_TAG, &self.signature),
        ] {
            tags.extend(value.clone().filter(|value| fits(value)).map(|value| (tag, value)));
        }
        tags
    }

    /// What the tags of a job say; `None` if `deploy` noted nothing.
    pub fn from_tags(tags: &BTreeMap<String, String>) -> Option<Self> {
        let own = |tag: &str| tags.get(tag).cloned();
        let (sha256, size) = tags.get(DIGEST_TAG)?.split_once(' ')?;
        Some(Self {
            key: own(KEY_TAG)?,
            sha256: sha256.to_owned(),
            size: size.parse().ok()?,
            stored: Stored { version: own(VERSION_TAG), e_tag: own(ETAG_TAG) },
            signature: own(SIGNATURE_TAG),
        })
    }
}

/// Whether AWS IoT takes it as a tag's value.
fn fits(value: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
    !value.is_empty() && value.len() <= MAX_VALUE && value.chars().all(is_allowed)
}

/// An object as AWS shows it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedObject {
    pub size: Option<u64>,
    /// S3's own SHA-256, in base64, if it has one: `deploy` never stores an object without.
    pub checksum: Option<String>,
    pub stored: Stored,
}

impl FirmwareRecord {
    /// How an object differs from what was noted, each with what is and what was.
    pub fn differences(&self, seen: &ObservedObject) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differs = |what: &str, is: Option<&str>, was: &str| {
            let is = is.map_or_else(|| "none".to_owned(), |is| format!("`{}`", excerpt(is)));
            differences.push(format!("{what} is {is}, and was `{}`", excerpt(was)));
        };
        if seen.size != Some(self.size) {
            let size = seen.size.map(|size| size.to_string());
            differs("its size", size.as_deref(), &self.size.to_string());
        }
        if seen.checksum.as_ref() != Some(&self.sha256) {
            differs("S3's SHA-256 of it", seen.checksum.as_deref(), &self.sha256);
        }
        for (what, is, was) in [
            ("its version", &seen.stored.version, &self.stored.version),
            ("its ETag", &seen.stored.e_tag, &self.stored.e_tag),
        ] {
            if let Some(was) = was
                && is.as_ref() != Some(was)
            {
                differs(what, is.as_deref(), was);
            }
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> FirmwareRecord {
        FirmwareRecord {
            key: "fw/0011223344556677/pump.bin".to_owned(),
            sha256: "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=".to_owned(),
            size: 4,
            stored: Stored::new(Some("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH"), Some("\"098f6bcd\"")),
            signature: Some("MEUCIQ+/=".to_owned()),
        }
    }

    fn seen() -> ObservedObject {
        let FirmwareRecord { sha256, size, stored, .. } = record();
        ObservedObject { size: Some(size), checksum: Some(sha256), stored }
    }

    fn read(record: &FirmwareRecord) -> Option<FirmwareRecord> {
        let tags = record.tags().into_iter().map(|(key, value)| (key.to_owned(), value));
        FirmwareRecord::from_tags(&tags.collect())
    }

    #[test]
    fn what_is_noted_is_read_again() {
        assert_eq!(read(&record()), Some(record()));
        let bare = FirmwareRecord { stored: Stored::default(), signature: None, ..record() };
        assert_eq!(read(&bare), Some(bare));
        assert_eq!(FirmwareRecord::from_tags(&BTreeMap::new()), None);
        // What no tag can hold is not noted.
        let odd = Stored::new(Some("a\u{1f600}"), Some(&"x".repeat(257)));
        let odd = FirmwareRecord { stored: odd, ..record() };
        assert_eq!(read(&odd).unwrap().stored, Stored::default());
    }

    #[test]
    fn every_change_of_the_object_is_a_difference() {
        assert_eq!(record().differences(&seen()), Vec::<String>::new());
        // A bucket that began to keep versions.
        let unversioned =
            FirmwareRecord { stored: Stored { version: None, ..record().stored }, ..record() };
        assert!(unversioned.differences(&seen()).is_empty());
        let other = || Some("other".to_owned());
        let stored = |change: fn(&mut Stored)| {
            let mut stored = seen().stored;
            change(&mut stored);
            stored
        };
        for (changed, said) in [
            (ObservedObject { size: Some(5), ..seen() }, "its size is `5`, and was `4`"),
            (ObservedObject { size: None, ..seen() }, "its size is none"),
            (ObservedObject { checksum: other(), ..seen() }, "S3's SHA-256 of it is `other`"),
            (ObservedObject { checksum: None, ..seen() }, "S3's SHA-256 of it is none"),
            (
                ObservedObject { stored: stored(|it| it.version = Some("2".to_owned())), ..seen() },
                "its version is `2`",
            ),
            (
                ObservedObject { stored: stored(|it| it.version = None), ..seen() },
                "its version is none",
            ),
            (ObservedObject { stored: stored(|it| it.e_tag = None), ..seen() }, "its ETag is none"),
        ] {
            let differences = record().differences(&changed);
            assert!(differences.len() == 1 && differences[0].starts_with(said), "{differences:?}");
        }
    }
}
