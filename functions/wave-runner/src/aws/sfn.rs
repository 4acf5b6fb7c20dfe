use aws_sdk_sfn::error::ProvideErrorMetadata;
use aws_sdk_sfn::types::ExecutionStatus;
use tripline::text::clean;
use tripline_aws::Failure;
use tripline_aws::answer::whole;

use super::Aws;
use crate::ask::Machine;

/// Most executions that are looked at.
const MOST: i32 = 100;
/// Longest cause of a failure in characters (Step Functions `SendTaskFailure`: 32,768).
const MAX_CAUSE: usize = 2_000;

/// Whether a token was taken. Step Functions does not know it if nobody waits with it any more.
fn is_taken<T, E, R>(
    operation: &'static str,
    sent: Result<T, aws_sdk_sfn::error::SdkError<E, R>>,
    failure: impl Fn(&aws_sdk_sfn::error::SdkError<E, R>) -> Failure,
) -> Result<bool, Failure>
where
    E: ProvideErrorMetadata,
{
    match sent {
        Ok(_) => Ok(true),
        Err(error)
            if matches!(
                error.code(),
                Some("TaskDoesNotExist" | "TaskTimedOut" | "InvalidToken")
            ) =>
        {
            tracing::warn!(operation, "token_not_waited_for");
            Ok(false)
        }
        Err(error) => Err(failure(&error)),
    }
}

impl Machine for Aws {
    async fn running(&self, machine: &str) -> Result<Vec<String>, Failure> {
        let listed = self
            .sfn
            .list_executions()
            .state_machine_arn(machine)
            .status_filter(ExecutionStatus::Running)
            .max_results(MOST)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListExecutions", &error))?;
        // Or `{}` of anybody would read as "no release is under way".
        whole("ListExecutions", !listed.executions.is_empty(), &listed)?;
        Ok(listed.executions.into_iter().map(|execution| execution.name).collect())
    }

    async fn succeed(&self, token: &str) -> Result<bool, Failure> {
        const OPERATION: &str = "SendTaskSuccess";
        let sent = self.sfn.send_task_success().task_token(token).output("{}").send().await;
        is_taken(OPERATION, sent, |error| Failure::from_sdk(OPERATION, error))
    }

    async fn fail(&self, token: &str, error: &str, cause: &str) -> Result<bool, Failure> {
        const OPERATION: &str = "SendTaskFailure";
        let failure = self.sfn.send_task_failure().task_token(token).error(error);
        let sent = failure.cause(clean(cause, MAX_CAUSE)).send().await;
        is_taken(OPERATION, sent, |error| Failure::from_sdk(OPERATION, error))
    }

    async fn heartbeat(&self, token: &str) -> Result<bool, Failure> {
        const OPERATION: &str = "SendTaskHeartbeat";
        let sent = self.sfn.send_task_heartbeat().task_token(token).send().await;
        is_taken(OPERATION, sent, |error| Failure::from_sdk(OPERATION, error))
    }
}
