//! Amazon S3: objects.

use std::collections::{BTreeMap, BTreeSet};

use aws_models::Taken;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_bucket_policy_status::{
    GetBucketPolicyStatusError, GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput,
};
use aws_sdk_s3::operation::get_bucket_versioning::{
    GetBucketVersioningError, GetBucketVersioningInput, GetBucketVersioningOutput,
};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectInput, GetObjectOutput};
use aws_sdk_s3::operation::get_public_access_block::{
    GetPublicAccessBlockError, GetPublicAccessBlockInput, GetPublicAccessBlockOutput,
};
use aws_sdk_s3::operation::head_bucket::{HeadBucketError, HeadBucketInput, HeadBucketOutput};
use aws_sdk_s3::operation::head_object::{HeadObjectError, HeadObjectInput, HeadObjectOutput};
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectInput, PutObjectOutput};
use aws_sdk_s3::types::{BucketVersioningStatus, PolicyStatus, PublicAccessBlockConfiguration};
use aws_smithy_mocks::{RuleMode, mock_client};

use crate::door::{error, on};
use crate::{ACCOUNT, Account, FakeAws};

/// Buckets.
#[derive(Debug, Default)]
pub struct S3 {
    /// What is in an object, by its bucket and key.
    pub objects: BTreeMap<(String, String), Vec<u8>>,
    /// What is known of an object beside its content; of one that is not here, nothing is.
    pub heads: BTreeMap<(String, String), Head>,
    /// Buckets of other accounts, each with its account.
    pub owners: BTreeMap<String, String>,
    /// Buckets that keep versions.
    pub versioned: BTreeSet<String>,
    /// Buckets with a public policy.
    pub public: BTreeSet<String>,
    /// Buckets that block public access.
    pub blocked: BTreeSet<String>,
}

/// What `HeadObject` shows of an object beside its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// S3's own SHA-256, in base64.
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
            on!(
                self,
                "s3",
                Client::get_bucket_versioning,
                "GetBucketVersioning",
                |input| input.bucket().unwrap_or_default(),
                get_bucket_versioning
            ),
            on!(
                self,
                "s3",
                Client::get_bucket_policy_status,
                "GetBucketPolicyStatus",
                |input| input.bucket().unwrap_or_default(),
                get_bucket_policy_status
            ),
            on!(
                self,
                "s3",
                Client::get_public_access_block,
                "GetPublicAccessBlock",
                |input| input.bucket().unwrap_or_default(),
                get_public_access_block
            ),
        ];
        mock_client!(aws_sdk_s3, RuleMode::MatchAny, &rules, |config| config
            .force_path_style(true)
            .interceptor(Taken))
    }
}

/// Refuses a call that expects another owner of the bucket.
macro_rules! owned {
    ($account:ident, $input:ident) => {
        let bucket = $input.bucket().unwrap();
        let owner = $account.s3.owners.get(bucket).map_or(ACCOUNT, String::as_str);
        if $input.expected_bucket_owner().is_some_and(|expected| expected != owner) {
            return Err(error("AccessDenied", "Access Denied"));
        }
    };
}

/// Every bucket is there.
fn head_bucket(
    account: &mut Account,
    input: &HeadBucketInput,
) -> Result<HeadBucketOutput, HeadBucketError> {
    owned!(account, input);
    Ok(HeadBucketOutput::builder().build())
}

fn head_object(
    account: &mut Account,
    input: &HeadObjectInput,
) -> Result<HeadObjectOutput, HeadObjectError> {
    owned!(account, input);
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
    Ok(output.build())
}

/// Of a body from a file nothing is kept but its metadata: the mock does not read it. Each put is a new version.
fn put_object(
    account: &mut Account,
    input: &PutObjectInput,
) -> Result<PutObjectOutput, PutObjectError> {
    owned!(account, input);
    let place = (input.bucket().unwrap().to_owned(), input.key().unwrap().to_owned());
    let content = input.body().bytes().unwrap_or_default().to_vec();
    let version = account.s3.heads.len() + 1;
    let head = Head {
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
    owned!(account, input);
    let place = (input.bucket().unwrap().to_owned(), input.key().unwrap().to_owned());
    match account.s3.objects.get(&place) {
        Some(content) => Ok(GetObjectOutput::builder().body(content.clone().into()).build()),
        None => Err(error("NoSuchKey", "as it says")),
    }
}

fn get_bucket_versioning(
    account: &mut Account,
    input: &GetBucketVersioningInput,
) -> Result<GetBucketVersioningOutput, GetBucketVersioningError> {
    owned!(account, input);
    let is_versioned = account.s3.versioned.contains(input.bucket().unwrap());
    let status = is_versioned.then_some(BucketVersioningStatus::Enabled);
    Ok(GetBucketVersioningOutput::builder().set_status(status).build())
}

fn get_bucket_policy_status(
    account: &mut Account,
    input: &GetBucketPolicyStatusInput,
) -> Result<GetBucketPolicyStatusOutput, GetBucketPolicyStatusError> {
    owned!(account, input);
    if !account.s3.public.contains(input.bucket().unwrap()) {
        return Err(error("NoSuchBucketPolicy", "The bucket policy does not exist"));
    }
    let status = PolicyStatus::builder().is_public(true).build();
    Ok(GetBucketPolicyStatusOutput::builder().policy_status(status).build())
}

fn get_public_access_block(
    account: &mut Account,
    input: &GetPublicAccessBlockInput,
) -> Result<GetPublicAccessBlockOutput, GetPublicAccessBlockError> {
    owned!(account, input);
    if !account.s3.blocked.contains(input.bucket().unwrap()) {
        let code = "NoSuchPublicAccessBlockConfiguration";
        return Err(error(code, "The public access block configuration was not found"));
    }
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true);
    let output = GetPublicAccessBlockOutput::builder();
    Ok(output.public_access_block_configuration(block.build()).build())
}
