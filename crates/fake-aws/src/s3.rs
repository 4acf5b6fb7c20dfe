//! Amazon S3: objects.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectInput, GetObjectOutput};
use aws_smithy_mocks::{RuleMode, mock_client};

use crate::door::{error, on};
use crate::{Account, FakeAws};

/// Buckets.
#[derive(Debug, Default)]
pub struct S3 {
    /// What is in an object, by its bucket and key.
    pub objects: BTreeMap<(String, String), Vec<u8>>,
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
        let rules = [on!(
            self,
            "s3",
            Client::get_object,
            "GetObject",
            |input| input.key().unwrap_or_default(),
            get_object
        )];
        mock_client!(aws_sdk_s3, RuleMode::MatchAny, &rules)
    }
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
