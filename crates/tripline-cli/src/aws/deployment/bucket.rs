//! Whether a bucket is one to keep firmware in: whoever can change an object decides what devices
//! install.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::BucketVersioningStatus;
use tripline::text::excerpt;
use tripline_aws::Failure;
use tripline_config::Remark;

use crate::input::buckets::Bucket;

/// What is said of the bucket. It keeps no rollout back.
#[derive(Debug, Default, PartialEq)]
pub struct BucketRemarks {
    pub findings: Vec<Remark>,
    pub notes: Vec<Remark>,
}

/// What AWS says of a bucket, or which call did not say it.
#[derive(Debug)]
struct BucketFacts {
    /// Its policy is a public one.
    has_public_policy: Result<bool, String>,
    /// Neither policies nor access control lists can make it public.
    is_blocked: Result<bool, String>,
    keeps_versions: Result<bool, String>,
}

impl BucketRemarks {
    /// Looks at a bucket, which this line of the config names. What cannot be asked is not known, and no
    /// failure.
    pub async fn find(bucket: Bucket<'_>, line: Option<usize>) -> Self {
        BucketFacts::find(bucket).await.remarks(&excerpt(bucket.name), line)
    }
}

impl BucketFacts {
    async fn find(bucket: Bucket<'_>) -> Self {
        let status = bucket.policy_status().send().await;
        let has_public_policy = match status {
            Ok(status) => status
                .policy_status()
                .and_then(|status| status.is_public())
                .ok_or_else(|| "GetBucketPolicyStatus: the answer does not say it".to_owned()),
            Err(error) if is_code(&error, "NoSuchBucketPolicy") => Ok(false),
            Err(error) => Err(Failure::from_sdk("GetBucketPolicyStatus", &error).in_short()),
        };
        let is_blocked = match bucket.public_access_block().send().await {
            Ok(block) => Ok(block.public_access_block_configuration().is_some_and(|block| {
                block.restrict_public_buckets() == Some(true)
                    && block.ignore_public_acls() == Some(true)
            })),
            Err(error) if is_code(&error, "NoSuchPublicAccessBlockConfiguration") => Ok(false),
            Err(error) => Err(Failure::from_sdk("GetPublicAccessBlock", &error).in_short()),
        };
        let keeps_versions = match bucket.versioning().send().await {
            Ok(versioning) => Ok(versioning.status() == Some(&BucketVersioningStatus::Enabled)),
            Err(error) => Err(Failure::from_sdk("GetBucketVersioning", &error).in_short()),
        };
        Self { has_public_policy, is_blocked, keeps_versions }
    }

    fn remarks(&self, bucket: &str, line: Option<usize>) -> BucketRemarks {
        let mut remarks = BucketRemarks::default();
        let note = |text| Remark { line, text, hint: None };
        match (&self.is_blocked, &self.has_public_policy) {
            (Ok(true), _) | (_, Ok(false)) => {}
            (_, Ok(true)) => remarks.findings.push(Remark {
                line,
                text: format!("bucket `{bucket}` is public by its policy: anybody can get at the firmware in it"),
                hint: Some(format!(
                    "`aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`"
                )),
            }),
            (_, Err(why)) => remarks
                .notes
                .push(note(format!("whether bucket `{bucket}` is public is not known ({why})"))),
        }
        match &self.keeps_versions {
            Ok(true) => {}
            Ok(false) => remarks.findings.push(Remark {
                line,
                text: format!("bucket `{bucket}` keeps no versions: whoever can write to it can replace the firmware of a rollout"),
                hint: Some(format!(
                    "`aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled`"
                )),
            }),
            Err(why) => remarks
                .notes
                .push(note(format!("whether bucket `{bucket}` keeps versions is not known ({why})"))),
        }
        remarks
    }
}

fn is_code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.code() == Some(code)
}

#[cfg(test)]
mod tests {
    use fake_aws::{FakeAws, Fault};

    use super::*;
    use crate::input::buckets::Buckets;

    async fn said(change: impl FnOnce(&FakeAws)) -> Vec<String> {
        let fake = FakeAws::default();
        change(&fake);
        let buckets = Buckets::of_any(fake.s3());
        let BucketRemarks { findings, notes } =
            BucketRemarks::find(buckets.bucket("firmware"), Some(3)).await;
        let all = findings.into_iter().chain(notes);
        all.inspect(|remark| assert_eq!(remark.line, Some(3))).map(|remark| remark.text).collect()
    }

    #[tokio::test]
    async fn a_bucket_with_versions_and_without_a_public_policy_is_fit() {
        assert_eq!(
            said(|fake| fake.account().s3.versioned.extend(["firmware".to_owned()])).await,
            [""; 0]
        );
    }

    #[tokio::test]
    async fn a_public_bucket_and_one_without_versions_are_findings() {
        let public = |fake: &FakeAws| fake.account().s3.public.extend(["firmware".to_owned()]);
        assert_eq!(
            said(public).await,
            [
                "bucket `firmware` is public by its policy: anybody can get at the firmware in it",
                "bucket `firmware` keeps no versions: whoever can write to it can replace the firmware of a rollout",
            ]
        );
        let blocked = said(|fake| {
            public(fake);
            fake.account().s3.blocked.insert("firmware".to_owned());
        });
        assert_eq!(blocked.await.len(), 1, "what is blocked is not public");
    }

    #[tokio::test]
    async fn what_nobody_may_ask_is_not_known() {
        let denied = said(|fake| {
            fake.fail(|call| {
                call.operation.starts_with("Get").then_some(Fault::Refused("AccessDenied", "no"))
            });
        });
        assert_eq!(
            denied.await,
            [
                "whether bucket `firmware` is public is not known (GetBucketPolicyStatus: access denied, AccessDenied)",
                "whether bucket `firmware` keeps versions is not known (GetBucketVersioning: access denied, AccessDenied)",
            ]
        );
    }
}
