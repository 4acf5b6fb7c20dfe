//! Where releases and holds are kept, and the state machine that takes them out.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::json;
use tripline::job::JobId;
use tripline::release::hold::{HOLDS, Hold};
use tripline::release::item::{APPROVAL, ENTRY, PLAN, QUEUE, STATE, VERSION};
use tripline::release::{Approval, Plan, ReleaseId, State};
use tripline_aws::{Failure, FailureKind};
use tripline_guard::kept::JOB;

use crate::aws::clients::Aws;
use crate::aws::connect::Connection;
use crate::aws::stack::Stack;
use crate::exit::Error;

/// The stack's releases.
#[derive(Debug)]
pub struct Store {
    pub aws: Aws,
    pub sfn: aws_sdk_sfn::Client,
    pub stack: Stack,
    pub machine: String,
    releases: String,
    guards: String,
}

/// A release with the version of its item.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned {
    pub state: State,
    pub version: u64,
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

impl Store {
    /// The releases of a stack that takes them.
    pub async fn connect(connection: Connection, stack: &str) -> Result<Self, Error> {
        let sfn = aws_sdk_sfn::Client::new(&connection.config);
        Self::new(Aws::for_connection(connection), sfn, stack).await
    }

    pub async fn new(aws: Aws, sfn: aws_sdk_sfn::Client, stack: &str) -> Result<Self, Error> {
        let stack = Stack::find(&aws.cloudformation, stack).await?;
        let Some(machine) = stack.find_output("ReleaseMachineArn") else {
            return Err(Error::input(format!("stack `{}` takes no releases", stack.name()))
                .hint("deploy it with the parameter `Releases=on`"));
        };
        let machine = machine.to_owned();
        let releases = stack.output("QueueTableName")?.to_owned();
        let guards = stack.output("GuardsTableName")?.to_owned();
        Ok(Self { aws, sfn, stack, machine, releases, guards })
    }

    async fn item(
        &self,
        table: &str,
        key: &[(&str, &str)],
    ) -> Result<Option<HashMap<String, AttributeValue>>, Failure> {
        let mut get = self.aws.dynamodb.get_item().table_name(table).consistent_read(true);
        for (name, value) in key {
            get = get.key(*name, text(*value));
        }
        let got = get.send().await.map_err(|error| Failure::from_sdk("GetItem", &error))?;
        Ok(got.item)
    }

    /// A release; `None` if there is none of this name.
    pub async fn find(&self, release: &ReleaseId) -> Result<Option<Versioned>, Failure> {
        let key = [(QUEUE, State::QUEUE), (ENTRY, release.as_str())];
        let Some(item) = self.item(&self.releases, &key).await? else { return Ok(None) };
        let state = item.get(STATE).and_then(|it| it.as_s().ok());
        let state = state.and_then(|text| State::from_text(text));
        let version = item.get(VERSION).and_then(|it| it.as_n().ok()).and_then(|n| n.parse().ok());
        match (state, version) {
            (Some(state), Some(version)) => Ok(Some(Versioned { state, version })),
            _ => {
                let text = format!("the state of release `{release}` cannot be read");
                Err(Failure::new("GetItem", FailureKind::Refused, text))
            }
        }
    }

    /// A release that has to be there.
    pub async fn get(&self, release: &ReleaseId) -> Result<Versioned, Error> {
        self.find(release).await?.ok_or_else(|| {
            Error::input(format!(
                "there is no release `{release}` in stack `{}`",
                self.stack.name()
            ))
            .hint("check the Region and the account; `tripline release start` starts one")
        })
    }

    /// Writes a state in place of what was read, or where nothing was; `false` if somebody was faster.
    pub async fn write(&self, state: &State, read: Option<u64>) -> Result<bool, Failure> {
        let version = read.unwrap_or(0) + 1;
        let put = self
            .aws
            .dynamodb
            .put_item()
            .table_name(&self.releases)
            .item(QUEUE, text(State::QUEUE))
            .item(ENTRY, text(state.release.as_str()))
            .item(STATE, text(state.to_text()))
            .item(VERSION, AttributeValue::N(version.to_string()))
            .expression_attribute_names("#version", VERSION);
        let put = match read {
            None => put.condition_expression("attribute_not_exists(#version)"),
            Some(read) => put
                .condition_expression("#version = :read")
                .expression_attribute_values(":read", AttributeValue::N(read.to_string())),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(Failure::from_sdk("PutItem", &error)),
        }
    }

    /// What an attempt was started with.
    pub async fn plan(&self, release: &ReleaseId, attempt: u32) -> Result<Option<Plan>, Failure> {
        let entry = State::plan_key(release, attempt);
        let item = self.item(&self.releases, &[(QUEUE, State::PLANS), (ENTRY, &entry)]).await?;
        let plan = item.as_ref().and_then(|item| item.get(PLAN)).and_then(|it| it.as_s().ok());
        Ok(plan.and_then(|text| Plan::from_text(text)))
    }

    pub async fn write_plan(&self, plan: &Plan) -> Result<(), Failure> {
        let put = self
            .aws
            .dynamodb
            .put_item()
            .table_name(&self.releases)
            .item(QUEUE, text(State::PLANS))
            .item(ENTRY, text(State::plan_key(&plan.release, plan.attempt)))
            .item(PLAN, text(plan.to_text()));
        put.send().await.map(drop).map_err(|error| Failure::from_sdk("PutItem", &error))
    }

    /// Keeps a person's word; the first one stays.
    pub async fn approve(&self, key: &str, approval: &Approval) -> Result<bool, Failure> {
        let put = self
            .aws
            .dynamodb
            .put_item()
            .table_name(&self.releases)
            .item(QUEUE, text(State::APPROVALS))
            .item(ENTRY, text(key))
            // Numbers and words always have a text.
            .item(APPROVAL, text(serde_json::to_string(approval).unwrap_or_default()))
            .condition_expression("attribute_not_exists(#approval)")
            .expression_attribute_names("#approval", APPROVAL);
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(Failure::from_sdk("PutItem", &error)),
        }
    }

    /// Starts an attempt; `false` if it was started before.
    pub async fn start(&self, plan: &Plan) -> Result<bool, Failure> {
        let waves: Vec<_> =
            plan.waves.iter().map(|wave| json!({"approval": wave.approval})).collect();
        let input =
            json!({"release": plan.release.as_str(), "attempt": plan.attempt, "waves": waves});
        let started = self
            .sfn
            .start_execution()
            .state_machine_arn(&self.machine)
            .name(State::execution(&plan.release, plan.attempt))
            .input(input.to_string())
            .send()
            .await;
        match started {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ExecutionAlreadyExists") => Ok(false),
            Err(error) => Err(Failure::from_sdk("StartExecution", &error)),
        }
    }

    fn execution_arn(&self, release: &ReleaseId, attempt: u32) -> String {
        let name = State::execution(release, attempt);
        format!("{}:{name}", self.machine.replace(":stateMachine:", ":execution:"))
    }

    /// Whether an attempt runs; `None` if it was never started.
    pub async fn runs(&self, release: &ReleaseId, attempt: u32) -> Result<Option<bool>, Failure> {
        let arn = self.execution_arn(release, attempt);
        match self.sfn.describe_execution().execution_arn(arn).send().await {
            Ok(described) => Ok(Some(described.status == ExecutionStatus::Running)),
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => Ok(None),
            Err(error) => Err(Failure::from_sdk("DescribeExecution", &error)),
        }
    }

    /// Stops an attempt: no further wave begins.
    pub async fn halt(&self, release: &ReleaseId, attempt: u32, why: &str) -> Result<(), Failure> {
        let stop = self.sfn.stop_execution().execution_arn(self.execution_arn(release, attempt));
        let stopped = stop.error("Tripline.StoppedByHand").cause(why).send().await;
        match stopped {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => Ok(()),
            Err(error) => Err(Failure::from_sdk("StopExecution", &error)),
        }
    }

    /// A job's hold.
    pub async fn hold(&self, job: &JobId) -> Result<Option<Hold>, Failure> {
        let item = self.item(&self.guards, &[(JOB, HOLDS)]).await?;
        let hold = item.as_ref().and_then(|item| item.get(job.as_str()));
        Ok(hold.and_then(|it| it.as_s().ok()).and_then(|text| Hold::from_text(text)))
    }

    /// Writes a hold in place of what was read; `false` if somebody was faster.
    pub async fn write_hold(
        &self,
        job: &JobId,
        read: Option<&Hold>,
        hold: &Hold,
    ) -> Result<bool, Failure> {
        let update = self
            .aws
            .dynamodb
            .update_item()
            .table_name(&self.guards)
            .key(JOB, text(HOLDS))
            .update_expression("SET #job = :hold")
            .expression_attribute_names("#job", job.as_str())
            .expression_attribute_values(":hold", text(hold.to_text()));
        let update = match read {
            None => update.condition_expression("attribute_not_exists(#job)"),
            Some(read) => update
                .condition_expression("#job = :read")
                .expression_attribute_values(":read", text(read.to_text())),
        };
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(Failure::from_sdk("UpdateItem", &error)),
        }
    }
}

/// Seconds since the epoch.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Who is at this machine, for those who read it later. It proves nothing: CloudTrail has the caller.
pub fn person() -> String {
    let name = ["TRIPLINE_BY", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    tripline::text::excerpt(&name.unwrap_or_else(|| "somebody".to_owned()))
}
