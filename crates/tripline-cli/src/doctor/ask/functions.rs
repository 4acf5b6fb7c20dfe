//! A function: whether it can run, who may invoke it, and what becomes of what it fails at.

use tripline_aws::{Failure, FailureKind};
use tripline_policy::Policy;

use super::answer::{none_if_not_found, parse_policy};
use super::clients::Clients;
use crate::doctor::facts::{Answer, Function, FunctionConfiguration, NoAnswer, Role, StackFacts};

impl Clients {
    /// A function and its role, as far as they are wanted.
    pub async fn get_function_and_role(
        &self,
        stack: &StackFacts,
        function: &'static str,
        role: &'static str,
        wanted: [bool; 2],
    ) -> (Function, Answer<Option<Role>>) {
        let role = match (wanted[1], stack.output(role)) {
            (false, _) => Err(NoAnswer::NotAsked),
            (true, Err(gap)) => Err(gap),
            (true, Ok(role)) => self.get_role(role).await,
        };
        let [whole, _] = wanted;
        let function = match stack.output(function) {
            _ if !wanted.contains(&true) => Function::not_asked(),
            Err(gap) => {
                Function { runs: Err(gap.clone()), policy: Err(gap.clone()), on_failure: Err(gap) }
            }
            // The role alone needs to be known as the one that it runs under.
            Ok(arn) if !whole => Function {
                runs: none_if_not_found(self.get_function(arn).await),
                ..Function::not_asked()
            },
            Ok(arn) => Function {
                runs: none_if_not_found(self.get_function(arn).await),
                policy: self.get_function_policy(arn).await,
                on_failure: self.get_failure_destination(arn).await,
            },
        };
        (function, role)
    }

    async fn get_function(&self, arn: &str) -> Result<FunctionConfiguration, Failure> {
        let found = self.lambda.get_function().function_name(arn).send().await;
        let found = found.map_err(|error| Failure::from_sdk("GetFunction", &error))?;
        let reserved = found.concurrency().and_then(|set| set.reserved_concurrent_executions());
        let Some(function) = found.configuration() else {
            return Err(Failure::new(
                "GetFunction",
                FailureKind::Refused,
                "the answer has no configuration",
            ));
        };
        let reasons = [function.state_reason(), function.last_update_status_reason()];
        let variables = function.environment().and_then(|environment| environment.variables());
        Ok(FunctionConfiguration {
            // An answer without a state is of a function that was active before there were states.
            state: function.state().map_or("Active", |state| state.as_str()).to_owned(),
            last_update: function
                .last_update_status()
                .map_or("Successful", |status| status.as_str())
                .to_owned(),
            reason: reasons
                .into_iter()
                .flatten()
                .find(|reason| !reason.is_empty())
                .unwrap_or_default()
                .to_owned(),
            reserved,
            role: function.role().unwrap_or_default().to_owned(),
            timeout: function.timeout().unwrap_or_default(),
            environment: variables
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        })
    }

    async fn get_function_policy(&self, arn: &str) -> Answer<Option<Policy>> {
        let found = self.lambda.get_policy().function_name(arn).send().await;
        let found =
            none_if_not_found(found.map_err(|error| Failure::from_sdk("GetPolicy", &error)))?;
        match found.and_then(|found| found.policy) {
            None => Ok(None),
            Some(text) => parse_policy("GetPolicy", &text).map(Some),
        }
    }

    async fn get_failure_destination(&self, arn: &str) -> Answer<Option<String>> {
        let found = self
            .lambda
            .get_function_event_invoke_config()
            .function_name(arn)
            .qualifier("$LATEST")
            .send()
            .await;
        let found =
            found.map_err(|error| Failure::from_sdk("GetFunctionEventInvokeConfig", &error));
        let destinations = none_if_not_found(found)?.and_then(|found| found.destination_config);
        let on_failure = destinations.and_then(|destinations| destinations.on_failure);
        Ok(on_failure.and_then(|on_failure| on_failure.destination).filter(|arn| !arn.is_empty()))
    }
}
