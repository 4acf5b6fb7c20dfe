//! The guard-keeper's item as it is asked for, and what of an answer can be used.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
use aws_sdk_dynamodb::types::error::ResourceNotFoundException;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_mocks::{Rule, mock, mock_client};
use tripline::evidence::Record;
use tripline::job::JobId;
use tripline_aws::FailureKind;

use super::tests::aws;
use super::*;
use crate::ask::ReadEvidence;

async fn read(rule: &Rule) -> Result<Option<Record>, tripline_aws::Failure> {
    let dynamodb = mock_client!(aws_sdk_dynamodb, aws_smithy_mocks::RuleMode::MatchAny, &[rule]);
    let aws = Aws { dynamodb, ..aws(&[], &[], &[]) };
    aws.read_evidence(&JobId::new("fw-1").unwrap()).await
}

fn item(text: &str) -> GetItemOutput {
    let text = AttributeValue::S(text.to_owned());
    GetItemOutput::builder().set_item(Some(HashMap::from([("evidence".to_owned(), text)]))).build()
}

#[tokio::test]
async fn the_item_is_read_as_it_was_written_last() {
    let rule = mock!(aws_sdk_dynamodb::Client::get_item)
        .match_requests(|input| {
            let key = AttributeValue::S("evidence#fw-1".to_owned());
            input.table_name() == Some("a-stack")
                && input.key() == Some(&HashMap::from([("jobId".to_owned(), key)]))
                && input.consistent_read() == Some(true)
                && input.projection_expression() == Some("evidence")
                && input.return_consumed_capacity() == Some(&ReturnConsumedCapacity::Total)
        })
        .then_output(|| item(r#"{"created":7,"at":67,"evidence":2.5,"threshold":2.0}"#));
    let record = Record { created: 7, at: 67, evidence: 2.5, threshold: 2.0, ..Record::default() };
    assert_eq!(read(&rule).await, Ok(Some(record)));
}

/// What is no answer stands in `wire_tests.rs`.
#[tokio::test]
async fn there_may_be_no_item() {
    let rule = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| {
        let capacity = ConsumedCapacity::builder().build();
        GetItemOutput::builder().consumed_capacity(capacity).build()
    });
    assert_eq!(read(&rule).await, Ok(None));
}

#[tokio::test]
async fn an_item_that_is_no_record_cannot_be_read() {
    for text in ["", "{", r#"{"evidence":-1}"#, r#"{"evidence":"much"}"#] {
        let rule = mock!(aws_sdk_dynamodb::Client::get_item).then_output(move || item(text));
        assert_eq!(read(&rule).await.unwrap_err().kind, FailureKind::Unavailable, "{text}");
    }
    let of_another_kind = || {
        let value = HashMap::from([("evidence".to_owned(), AttributeValue::N("2".to_owned()))]);
        GetItemOutput::builder().set_item(Some(value)).build()
    };
    let rule = mock!(aws_sdk_dynamodb::Client::get_item).then_output(of_another_kind);
    assert_eq!(read(&rule).await.unwrap_err().kind, FailureKind::Unavailable);
}

#[tokio::test]
async fn a_table_that_is_not_there_says_nothing_of_the_evidence() {
    let rule = mock!(aws_sdk_dynamodb::Client::get_item).then_error(|| {
        let meta = aws_sdk_dynamodb::error::ErrorMetadata::builder()
            .code("ResourceNotFoundException")
            .build();
        GetItemError::ResourceNotFoundException(
            ResourceNotFoundException::builder().meta(meta).build(),
        )
    });
    let failure = read(&rule).await.unwrap_err();
    assert_eq!((failure.kind, failure.operation), (FailureKind::Unavailable, "GetItem"));
}
