//! The tags of jobs and streams that Tripline made.

/// The tag with the digest of the files that a job was deployed from.
pub const DEPLOYMENT_TAG: &str = "tripline:deployment";
/// The tag with the round that a job is of.
pub const ROUND_TAG: &str = "tripline:round";
/// The tag with the object that holds a job's `dev.ini`.
pub const CONFIG_TAG: &str = "tripline:config";
/// The tag with the SHA-256 of that object and, behind a blank, of the baseline beside it, in base64: who
/// can write to the bucket cannot change those.
pub const CONFIG_DIGEST_TAG: &str = "tripline:configDigest";
/// The tag with the job that a stream is for.
pub const JOB_TAG: &str = "tripline:job";
