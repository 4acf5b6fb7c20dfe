//! Buckets: every call to S3 names the account that the bucket has to belong to.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::delete_object::builders::DeleteObjectFluentBuilder;
use aws_sdk_s3::operation::get_bucket_policy_status::builders::GetBucketPolicyStatusFluentBuilder;
use aws_sdk_s3::operation::get_bucket_versioning::builders::GetBucketVersioningFluentBuilder;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::get_public_access_block::builders::GetPublicAccessBlockFluentBuilder;
use aws_sdk_s3::operation::head_bucket::builders::HeadBucketFluentBuilder;
use aws_sdk_s3::operation::head_object::builders::HeadObjectFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::types::ChecksumMode;

/// The buckets of one account.
///
/// A bucket's name is anybody's once its owner has deleted it. With the owner's account in the call, S3
/// refuses one that is somebody else's by now, instead of taking firmware from it or giving it away.
#[derive(Debug, Clone)]
pub struct Buckets {
    client: Client,
    /// `None` where no ARN has said it.
    owner: Option<String>,
}

/// A bucket of an account.
#[derive(Debug, Clone, Copy)]
pub struct Bucket<'a> {
    of: &'a Buckets,
    pub name: &'a str,
}

impl Buckets {
    /// Those of the account that an ARN names, if it names one.
    pub fn of_arn(client: Client, arn: &str) -> Self {
        let owner = arn.split(':').nth(4).filter(|account| !account.is_empty());
        Self { client, owner: owner.map(str::to_owned) }
    }

    /// Those of whichever account.
    pub fn of_any(client: Client) -> Self {
        Self { client, owner: None }
    }

    pub fn bucket<'a>(&'a self, name: &'a str) -> Bucket<'a> {
        Bucket { of: self, name }
    }
}

/// What every call to a bucket has in common.
macro_rules! call {
    ($bucket:ident, $operation:ident) => {
        $bucket
            .of
            .client
            .$operation()
            .bucket($bucket.name)
            .set_expected_bucket_owner($bucket.of.owner.clone())
    };
}

impl Bucket<'_> {
    pub fn head(self) -> HeadBucketFluentBuilder {
        call!(self, head_bucket)
    }

    /// With S3's own checksum, which it gives only if it is asked for.
    pub fn head_object(self, key: &str) -> HeadObjectFluentBuilder {
        call!(self, head_object).key(key).checksum_mode(ChecksumMode::Enabled)
    }

    pub fn get_object(self, key: &str) -> GetObjectFluentBuilder {
        call!(self, get_object).key(key)
    }

    pub fn put_object(self, key: &str) -> PutObjectFluentBuilder {
        call!(self, put_object).key(key)
    }

    pub fn delete_object(self, key: &str) -> DeleteObjectFluentBuilder {
        call!(self, delete_object).key(key)
    }

    pub fn versioning(self) -> GetBucketVersioningFluentBuilder {
        call!(self, get_bucket_versioning)
    }

    pub fn policy_status(self) -> GetBucketPolicyStatusFluentBuilder {
        call!(self, get_bucket_policy_status)
    }

    pub fn public_access_block(self) -> GetPublicAccessBlockFluentBuilder {
        call!(self, get_public_access_block)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Calls that are made past [`Bucket`](super::Bucket) name no owner.
    #[test]
    fn every_call_to_s3_is_made_here() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut past = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for call in
                    ["head_bucket", "head_object", "get_object", "put_object", "delete_object"]
                {
                    // The SDK's own take no argument.
                    if text.contains(&format!(".{call}()")) {
                        past.push(format!("{}: {call}", path.display()));
                    }
                }
            }
        }
        assert_eq!(past, Vec::<String>::new());
    }
}
