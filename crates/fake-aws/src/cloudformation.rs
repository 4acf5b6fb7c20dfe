//! AWS CloudFormation: one stack, which has any name.

use aws_models::Taken;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::operation::describe_stacks::{
    DescribeStacksError, DescribeStacksInput, DescribeStacksOutput,
};
use aws_sdk_cloudformation::types::{Output, Stack, StackStatus};
use aws_smithy_mocks::{RuleMode, mock_client};

use crate::door::{error, on};
use crate::{Account, FakeAws};

/// The stack.
#[derive(Debug, Default)]
pub struct CloudFormation {
    /// Its status; without one there is no stack.
    pub stack: Option<&'static str>,
    /// Its outputs.
    pub outputs: Vec<(&'static str, &'static str)>,
}

impl FakeAws {
    /// A client of CloudFormation.
    pub fn cloudformation(&self) -> Client {
        let rules = [on!(
            self,
            "cloudformation",
            Client::describe_stacks,
            "DescribeStacks",
            |input| input.stack_name().unwrap_or_default(),
            describe_stacks
        )];
        mock_client!(aws_sdk_cloudformation, RuleMode::MatchAny, &rules, |config| config
            .interceptor(Taken))
    }
}

fn describe_stacks(
    account: &mut Account,
    input: &DescribeStacksInput,
) -> Result<DescribeStacksOutput, DescribeStacksError> {
    let name = input.stack_name().unwrap();
    let there = &account.cloudformation;
    let Some(status) = there.stack else {
        return Err(error("ValidationError", &format!("Stack with id {name} does not exist")));
    };
    let output = |(key, value): &(&str, &str)| {
        Output::builder().output_key(*key).output_value(*value).build()
    };
    let stack = Stack::builder()
        .stack_name(name)
        .stack_status(StackStatus::from(status))
        .set_outputs(Some(there.outputs.iter().map(output).collect()))
        .build();
    Ok(DescribeStacksOutput::builder().stacks(stack).build())
}
