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
    parameters: BTreeMap<String, String>,
}

impl Stack {
    /// Looks a stack up. It has to be at rest: outputs of a stack that is being changed, or whose
    /// creation failed, may name what is gone in a moment.
    pub async fn find(client: &Client, name: &str) -> Result<Self, Error> {
        let shown = excerpt(name);
        let stack = describe(client, name).await?.ok_or_else(|| missing(name))?;
        let status = stack.stack_status().map_or("unknown", StackStatus::as_str);
        if !is_at_rest(status) {
            let hint = if status.ends_with("_IN_PROGRESS") {
                "wait until it is done, and run the command again"
            } else {
                "fix the stack first: its functions may be missing, so that an alarm would stop nothing"
            };
            let text = format!("stack `{shown}` is in `{status}` (expected a completed one)");
            return Err(Failure::new(DESCRIBE, FailureKind::Refused, text).with_hint(hint).into());
        }
        Ok(Self::from_description(name, &stack))
    }

    /// Looks a stack up that may be in any state, or gone.
    pub async fn find_in_any_state(client: &Client, name: &str) -> Result<Option<Self>, Error> {
        Ok(describe(client, name).await?.map(|stack| Self::from_description(name, &stack)))
    }

    fn from_description(name: &str, stack: &Described) -> Self {
        let outputs = stack.outputs().iter().filter_map(|output| {
            Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
        });
        let parameters = stack.parameters().iter().filter_map(|parameter| {
            let (key, value) = (parameter.parameter_key()?, parameter.parameter_value()?);
            Some((key.to_owned(), value.to_owned()))
        });
        // Whoever names a stack may do it by its ARN.
        let name = stack.stack_name().unwrap_or(name);
        Self { name: excerpt(name), outputs: outputs.collect(), parameters: parameters.collect() }
    }

    /// Its name, fit to be shown.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An output's value, if it has such an output.
    pub fn find_output(&self, key: &str) -> Option<&str> {
        self.outputs.get(key).map(String::as_str)
    }

    /// A parameter's value, if it has such a parameter.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.get(key).map(String::as_str)
    }

    /// That the stack's guard-keeper arms the jobs that bring no alarms.
    pub fn guards_by_default(&self) -> Result<(), Error> {
        match self.find_output("GuardKeeperFunctionArn") {
            Some(_) => Ok(()),
            None => Err(Error::input(format!(
                "stack `{}` has no guard-keeper, so that nothing would guard the rollout",
                self.name
            ))
            .hint("update the stack to this version of Tripline's template: `make deploy`")),
        }
    }

    /// An output's value.
    pub fn output(&self, key: &str) -> Result<&str, Error> {
        self.find_output(key).ok_or_else(|| {
            Error::input(format!("stack `{}` has no output `{key}`", self.name))
                .hint("is it a stack of Tripline's template, of this version?")
        })
    }
}

/// The name of a stack that is given by its name or ARN, and may be gone.
pub fn name_of(stack: &str) -> &str {
    match stack.split_once(":stack/") {
        Some((_, rest)) => rest.split_once('/').map_or(rest, |(name, _)| name),
        None => stack,
    }
}

/// That there is no such stack, where there has to be one.
pub fn missing(name: &str) -> Error {
    Error::input(format!("there is no stack `{}`", excerpt(name)))
        .hint("check the Region, the account and `--stack`")
}

/// A stack as CloudFormation describes it, in whatever state it is; `None` if there is none.
pub async fn describe(client: &Client, name: &str) -> Result<Option<Described>, Error> {
    let described = match client.describe_stacks().stack_name(name).send().await {
        Ok(described) => described,
        // CloudFormation has no error of its own for this.
        Err(error)
            if error.code() == Some("ValidationError")
                && error.message().is_some_and(|text| text.contains("does not exist")) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(Failure::from_sdk(DESCRIBE, &error).into()),
    };
    Ok(described.stacks.unwrap_or_default().into_iter().next())
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
