//! Amazon S3: objects.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectInput, GetObjectOutput};
use aws_sdk_s3::operation::head_bucket::{HeadBucketError, HeadBucketInput, HeadBucketOutput};
use aws_sdk_s3::operation::head_object::{HeadObjectError, HeadObjectInput, HeadObjectOutput};
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectInput, PutObjectOutput};
use aws_smithy_mocks::{RuleMode, mock_client};

use crate::door::{error, on};
use crate::{Account, FakeAws};

/// Buckets.
#[derive(Debug, Default)]
pub struct S3 {
    /// What is in an object, by its bucket and key.
    pub objects: BTreeMap<(String, String), Vec<u8>>,
    /// What is known of an object beside its content; of one that is not here, nothing is.
    pub heads: BTreeMap<(String, String), Head>,
}

/// What `HeadObject` shows of an object beside its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The metadata `sha256`.
    pub sha256: Option<String>,
    /// S3's own, in base64.
    pub checksum: Option<String>,
    /// Only in a bucket that keeps versions.
    pub version: Option<String>,
    /// With its quotes.
    pub e_tag: Option<String>,
}

impl S3 {
    /// Puts an object.
    pub fn put(&mut self, bucket: &str, key: &str, content: impl Into<Vec<u8>>) {
        self.objects.insert((bucket.to_owned(), key.to_owned()), content.into());
    }
}

impl FakeAws {
    /// A client of S3.
    pub fn s3(&self) -> Client {
        let rules = [
            on!(
                self,
                "s3",
                Client::get_object,
                "GetObject",
                |input| input.key().unwrap_or_default(),
                get_object
            ),
            on!(
                self,
                "s3",
                Client::head_object,
                "HeadObject",
                |input| input.key().unwrap_or_default(),
                head_object
            ),
            on!(
                self,
                "s3",
                Client::head_bucket,
                "HeadBucket",
                |input| input.bucket().unwrap_or_default(),
                head_bucket
            ),
            on!(
                self,
                "s3",
                Client::put_object,
                "PutObject",
                |input| input.key().unwrap_or_default(),
                put_object
            ),
        ];
        mock_client!(aws_sdk_s3, RuleMode::MatchAny, &rules)
    }
}

/// Every bucket is there.
fn head_bucket(_: &mut Account, _: &HeadBucketInput) -> Result<HeadBucketOutput, HeadBucketError> {
    Ok(HeadBucketOutput::builder().build())
}

fn head_object(
    account: &mut Account,
    input: &HeadObjectInput,
) -> Result<HeadObjectOutput, HeadObjectError> {
    let place = (input.bucket().unwrap().to_owned(), input.key().unwrap().to_owned());
    let content = account.s3.objects.get(&place).ok_or_else(|| error("NotFound", "as it says"))?;
    let head = account.s3.heads.get(&place).cloned().unwrap_or_default();
    let mut output = HeadObjectOutput::builder()
        .content_length(i64::try_from(content.len()).unwrap())
        .set_version_id(head.version)
        .set_e_tag(head.e_tag);
    if input.checksum_mode().is_some() {
        output = output.set_checksum_sha256(head.checksum);
    }
    if let Some(sha256) = head.sha256 {
        output = output.metadata("sha256", sha256);
    }
    Ok(output.build())
}

/// Of a body from a file nothing is kept but its metadata: the mock does not read it. Each put is a new version.
fn put_object(
    account: &mut Account,
    input: &PutObjectInput,
) -> Result<PutObjectOutput, PutObjectError> {
    let place = (input.bucket().unwrap().to_owned(), input.key().unwrap().to_owned());
    let content = input.body().bytes().unwrap_or_default().to_vec();
    let sha256 = input.metadata().and_then(|metadata| metadata.get("sha256")).cloned();
    let version = account.s3.heads.len() + 1;
    let head = Head {
        sha256,
        checksum: input.checksum_sha256().map(str::to_owned),
        version: Some(format!("v{version}")),
        e_tag: Some(format!("\"e{version}\"")),
    };
    account.s3.objects.insert(place.clone(), content);
    account.s3.heads.insert(place, head.clone());
    Ok(PutObjectOutput::builder().set_version_id(head.version).set_e_tag(head.e_tag).build())
}

fn get_object(
    account: &mut Account,
    input: &GetObjectInput,
) -> Result<GetObjectOutput, GetObjectError> {
    let place = (input.bucket().unwrap().to_owned(), input.key().unwrap().to_owned());
    match account.s3.objects.get(&place) {
        Some(content) => Ok(GetObjectOutput::builder().body(content.clone().into()).build()),
        None => Err(error("NoSuchKey", "as it says")),
    }
}
