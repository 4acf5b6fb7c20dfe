//! How a job, and its thing group, is linked to the job that it follows.

use std::collections::BTreeMap;

use aws_sdk_iot::types::Tag;
use tripline::job::{JobId, MAX_JOB_ID};

/// The tag with the job that a job, or a thing group, goes on with.
pub const RESUMES: &str = "tripline:resumes";
/// The tag with the job that a job, or a thing group, takes back.
pub const REVERTS: &str = "tripline:reverts";

/// What a job does to the one that it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It goes on with it.
    Resumes,
    /// It takes it back.
    Reverts,
}

/// A job that is followed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub kind: Kind,
    pub old: JobId,
}

impl Kind {
    /// The tag's key.
    pub fn key(self) -> &'static str {
        match self {
            Self::Resumes => RESUMES,
            Self::Reverts => REVERTS,
        }
    }

    /// `it resumes fw`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Resumes => "resumes",
            Self::Reverts => "reverts",
        }
    }

    /// `it does not resume fw`.
    pub fn infinitive(self) -> &'static str {
        match self {
            Self::Resumes => "resume",
            Self::Reverts => "revert",
        }
    }

    /// What the devices of such a job have in common.
    pub fn devices(self) -> &'static str {
        match self {
            Self::Resumes => "Devices that do not have the firmware of job",
            Self::Reverts => "Devices that have the firmware of job",
        }
    }

    /// What the name of the n-th job that follows one ends with.
    fn suffix(self, n: u32) -> String {
        match (self, n) {
            (Self::Resumes, _) => format!("-r{n}"),
            (Self::Reverts, 1) => "-back".to_owned(),
            (Self::Reverts, _) => format!("-back-{n}"),
        }
    }
}

impl Link {
    pub fn new(kind: Kind, old: JobId) -> Self {
        Self { kind, old }
    }

    /// The tag that links what is made to the job.
    pub fn tag(&self) -> Option<Tag> {
        tag(self.kind.key(), self.old.as_str())
    }

    /// Whether tags are of something that follows the job so.
    pub fn is_in(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.get(self.kind.key()).is_some_and(|old| old == self.old.as_str())
    }

    /// `fw-r1`, `fw-back`, `fw-back-2`; the end of a long name gives way.
    pub fn numbered(&self, n: u32) -> Option<JobId> {
        let suffix = self.kind.suffix(n);
        let old = self.old.as_str();
        let head = old.get(..old.len().min(MAX_JOB_ID - suffix.len()))?;
        JobId::new(&format!("{head}{suffix}")).ok()
    }
}

/// `None` only for a tag without a key.
pub fn tag(key: &str, value: &str) -> Option<Tag> {
    Tag::builder().key(key).value(value).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_too_long() {
        let id = |id: &str| JobId::new(id).unwrap();
        let numbered = |kind, old: &str, n| Link::new(kind, id(old)).numbered(n);
        let long = "x".repeat(64);
        for (kind, old, n, name) in [
            (Kind::Resumes, "fw", 1, "fw-r1".to_owned()),
            (Kind::Resumes, &long, 12, format!("{}-r12", "x".repeat(60))),
            (Kind::Reverts, "fw", 1, "fw-back".to_owned()),
            (Kind::Reverts, "fw", 2, "fw-back-2".to_owned()),
            (Kind::Reverts, &long, 12, format!("{}-back-12", "x".repeat(56))),
        ] {
            assert_eq!(numbered(kind, old, n), Some(id(&name)));
        }
    }
}
