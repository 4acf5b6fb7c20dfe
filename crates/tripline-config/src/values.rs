//! Names and numbers with the limits that AWS sets them.

use std::fmt;

/// The name of an S3 bucket: 3 to 63 of `a-z 0-9 - .`, of which the first and last are `a-z 0-9`
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket(String);

impl Bucket {
    /// Checks a bucket's name.
    pub fn new(name: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let allowed = |byte: u8| plain(byte) || byte == b'-' || byte == b'.';
        let ends = |byte: Option<&u8>| byte.is_some_and(|byte| plain(*byte));
        let bytes = name.as_bytes();
        let fits = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| allowed(*byte))
            && ends(bytes.first())
            && ends(bytes.last())
            && !name.contains("..");
        fits.then(|| Self(name.to_owned()))
    }

    /// What to do about an address or an ARN of a bucket, or a name in capitals.
    pub(crate) fn meant(text: &str) -> Option<String> {
        let path = |text: &str| text.split(['/', '?']).next().map(str::to_owned);
        let of_arn =
            text.strip_prefix("arn:").and_then(|arn| arn.split(":::").nth(1)).and_then(path);
        let of_s3 = text.strip_prefix("s3://").and_then(path);
        let of_url = S3Url::parse(text).map(|url| url.bucket.to_owned());
        let name =
            of_arn.or(of_s3).or(of_url).unwrap_or_else(|| text.to_lowercase().replace('_', "-"));
        let name = Self::new(&name).filter(|it| it.as_str() != text)?;
        Some(format!("write the bucket's name alone, such as `{name}`"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The address of an object in S3, with its bucket in the path or in the host's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct S3Url<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The object.
    pub key: &'a str,
    /// The Region that the address names.
    pub region: Option<&'a str>,
    /// What the host's name ends with: `amazonaws.com`, or that with `.cn`.
    pub domain: &'static str,
}

impl<'a> S3Url<'a> {
    /// Takes `https://<bucket>.s3.<region>.amazonaws.com/<key>` or
    /// `https://s3.<region>.amazonaws.com/<bucket>/<key>` apart; the Region may be missing.
    pub fn parse(url: &'a str) -> Option<Self> {
        let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
        let (host, domain) = ["amazonaws.com.cn", "amazonaws.com"]
            .into_iter()
            .find_map(|domain| Some((host.strip_suffix(domain)?.strip_suffix('.')?, domain)))?;
        let is_service = |rest: &str| rest.is_empty() || rest.starts_with(['.', '-']);
        let (bucket, region, key) = match host.strip_prefix("s3").filter(|rest| is_service(rest)) {
            Some(region) => {
                let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
                (bucket, region, key)
            }
            None => {
                let (bucket, region) =
                    host.rsplit_once(".s3").filter(|(_, rest)| is_service(rest))?;
                (bucket, region, path)
            }
        };
        let region = Some(region.trim_start_matches(['.', '-'])).filter(|it| !it.is_empty());
        Some(Self { bucket, key, region, domain })
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a stream: 1 to 128 of `a-z A-Z 0-9 _ -` (AWS IoT `CreateStream`, `streamId`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamId(String);

impl StreamId {
    /// Checks a stream's name.
    pub fn new(id: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = (1..=128).contains(&id.len()) && id.bytes().all(allowed);
        fits.then(|| Self(id.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ARN of an IAM role, 20 to 2,048 characters (AWS IoT `CreateStream`, `roleArn`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleArn(String);

impl RoleArn {
    /// Checks an ARN.
    pub fn new(arn: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte);
        let mut parts = arn.splitn(6, ':');
        let partition = parts.next() == Some("arn")
            && parts.next().is_some_and(|partition| partition.starts_with("aws"));
        let iam = parts.next() == Some("iam") && parts.next() == Some("");
        let account = parts.next().is_some_and(is_account);
        let role = parts.next().and_then(|rest| rest.strip_prefix("role/")).is_some_and(|name| {
            !name.is_empty() && !name.ends_with('/') && name.bytes().all(allowed)
        });
        let fits = (20..=2_048).contains(&arn.len()) && partition && iam && account && role;
        fits.then(|| Self(arn.to_owned()))
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition it is in.
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }

    /// The account it is of.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }
}

/// Whether this is an AWS account's number.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number of a file within a stream: 0 to 255.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileId(u8);

impl FileId {
    /// Any number of this type is one.
    pub fn new(id: u8) -> Self {
        Self(id)
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// How devices get the job document's presigned URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presigned {
    /// The role that may read the bucket.
    pub role: RoleArn,
    /// How long a URL is valid, in seconds, [`Presigned::SECONDS`].
    pub expires: u32,
}

impl Presigned {
    /// How long AWS lets a URL be valid, in seconds (AWS IoT `CreateJob`, `expiresInSec`).
    pub const SECONDS: std::ops::RangeInclusive<u32> = 60..=3_600;
}

/// Whether a job ends once all its targets have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TargetSelection {
    /// It does.
    #[default]
    Snapshot,
    /// It goes on, for things that join a target group later.
    Continuous,
}

impl TargetSelection {
    /// Reads what AWS calls it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "SNAPSHOT" => Some(Self::Snapshot),
            "CONTINUOUS" => Some(Self::Continuous),
            _ => None,
        }
    }

    /// What AWS calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "SNAPSHOT",
            Self::Continuous => "CONTINUOUS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_what_s3_allows() {
        for good in ["abc", "tracker-firmware", "a.b-c.1", &"x".repeat(63)] {
            assert!(Bucket::new(good).is_some(), "{good}");
        }
        for bad in ["", "ab", "-abc", "abc-", "a..b", "A-b", "a_b", "a b", &"x".repeat(64)] {
            assert!(Bucket::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_bucket_is_found_in_what_stands_for_it() {
        for (text, name) in [
            ("arn:aws:s3:::fw-bucket", Some("fw-bucket")),
            ("arn:aws:s3:::fw-bucket/images/x", Some("fw-bucket")),
            ("s3://fw-bucket/images", Some("fw-bucket")),
            ("https://fw-bucket.s3.amazonaws.com/", Some("fw-bucket")),
            ("https://s3.eu-west-1.amazonaws.com/fw-bucket/x", Some("fw-bucket")),
            ("FW_Bucket", Some("fw-bucket")),
            ("a", None),
            ("https://example.com/", None),
        ] {
            let hint = Bucket::meant(text);
            assert_eq!(hint.is_some(), name.is_some(), "{text}");
            assert!(hint.is_none_or(|hint| hint.contains(name.unwrap_or_default())), "{text}");
        }
    }

    #[test]
    fn addresses_of_objects_are_taken_apart() {
        for (url, region) in [
            ("https://s3.amazonaws.com/b.c/k/l", None),
            ("https://s3.eu-west-1.amazonaws.com/b.c/k/l", Some("eu-west-1")),
            ("https://s3-eu-west-1.amazonaws.com/b.c/k/l", Some("eu-west-1")),
            ("https://b.c.s3.amazonaws.com/k/l", None),
            ("https://b.c.s3.eu-west-1.amazonaws.com/k/l", Some("eu-west-1")),
        ] {
            let (bucket, key, domain) = ("b.c", "k/l", "amazonaws.com");
            assert_eq!(S3Url::parse(url), Some(S3Url { bucket, key, region, domain }), "{url}");
        }
        let china = S3Url::parse("https://b.s3.cn-north-1.amazonaws.com.cn/k").unwrap();
        assert_eq!((china.region, china.domain), (Some("cn-north-1"), "amazonaws.com.cn"));
        for url in ["s3://b/k", "https://example.com/b/k", "https://b.s3evil.amazonaws.com/k"] {
            assert_eq!(S3Url::parse(url), None, "{url}");
        }
    }

    #[test]
    fn roles_are_whole_arns() {
        for good in [
            "arn:aws:iam::111122223333:role/ota",
            "arn:aws-cn:iam::111122223333:role/service-role/tracker+ota",
        ] {
            assert!(RoleArn::new(good).is_some(), "{good}");
        }
        for bad in [
            "arn:aws:iam::12345678:role/<your_role>",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:user/ota",
            "arn:aws:iam:us-east-1:111122223333:role/ota",
            "arn:aws:iam::111122223333:role/a b",
            &format!("arn:aws:iam::111122223333:role/{}", "x".repeat(2_048)),
        ] {
            assert!(RoleArn::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn streams_are_what_aws_iot_allows() {
        assert!(StreamId::new("fw-2_1").is_some());
        for bad in ["", "<yourStreamId>", "a b", &"x".repeat(129)] {
            assert!(StreamId::new(bad).is_none(), "{bad}");
        }
    }
}
