//! The deployed stack, found by its name: what it gives away in its outputs.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{Stack as Described, StackStatus};
use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind};

use crate::exit::Error;

const DESCRIBE: &str = "DescribeStacks";

/// A stack whose resources are there.
#[derive(Debug)]
pub struct Stack {
    name: String,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// Looks a stack up. It has to be at rest: outputs of a stack that is being changed, or whose
    /// creation failed, may name what is gone in a moment.
    pub async fn find(client: &Client, name: &str) -> Result<Self, Error> {
        let shown = excerpt(name);
        let stack = describe(client, name).await?;
        let status = stack.stack_status().map_or("unknown", StackStatus::as_str);
        if !is_at_rest(status) {
            let hint = if status.ends_with("_IN_PROGRESS") {
                "wait until it is done, and run this again"
            } else {
                "mend the stack first: its functions may be missing, so that an alarm would stop nothing"
            };
            let text = format!(
                "stack `{shown}` is in `{status}` (expected a completed one)\n\n  hint: {hint}"
            );
            return Err(Failure::new(DESCRIBE, FailureKind::Refused, text).into());
        }
        let outputs = stack
            .outputs()
            .iter()
            .filter_map(|output| {
                Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
            })
            .collect();
        Ok(Self { name: shown, outputs })
    }

    /// An output's value.
    pub fn output(&self, key: &str) -> Result<&str, Error> {
        self.outputs.get(key).map(String::as_str).ok_or_else(|| {
            Error::Input(format!(
                "stack `{}` has no output `{key}`\n\n  hint: is it a stack of Tripline's template, of this version?",
                self.name
            ))
        })
    }
}

/// A stack as CloudFormation describes it, in whatever state it is.
pub async fn describe(client: &Client, name: &str) -> Result<Described, Error> {
    let missing = || {
        Error::Input(format!(
            "there is no stack `{}`\n\n  hint: is this its region and account? `--stack` takes another name",
            excerpt(name)
        ))
    };
    let described = match client.describe_stacks().stack_name(name).send().await {
        Ok(described) => described,
        // CloudFormation has no error of its own for this.
        Err(error)
            if error.code() == Some("ValidationError")
                && error.message().is_some_and(|text| text.contains("does not exist")) =>
        {
            return Err(missing());
        }
        Err(error) => return Err(Failure::from_sdk(DESCRIBE, &error).into()),
    };
    described.stacks.unwrap_or_default().into_iter().next().ok_or_else(missing)
}

/// States in which all resources of one version of the template are there.
pub fn is_at_rest(status: &str) -> bool {
    matches!(
        status,
        "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
            | "IMPORT_COMPLETE"
            | "IMPORT_ROLLBACK_COMPLETE"
    )
}
