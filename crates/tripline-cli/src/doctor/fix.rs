//! What `--fix` does: only what brings back what the template or the config says, takes nothing away
//! and can be done twice.

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline_aws::Failure;
use tripline_policy::Decision;

use super::ask::Clients;
use super::check::Fix;
use super::checks::{rule_invoker, rule_name, runner_invoker, schedule_invoker, topic_invoker};
use super::facts::{Facts, Function};
use crate::aws::arming::guard::Guard;
use crate::aws::policy::Invoker;
use crate::exit::Error;

impl Fix {
    /// Fixes it, and says what was done; `None` if there is nothing that could be done.
    pub async fn apply(
        self,
        clients: &Clients,
        facts: &Facts,
        guard: Option<&Guard>,
    ) -> Result<Option<String>, Error> {
        Ok(match self {
            Self::JobEvents => {
                clients.alarms.enable_job_events().await?;
                Some(format!("enabled job events, for the whole account in `{}`", facts.region))
            }
            Self::Rule => match rule_name(facts) {
                Ok(name) if facts.rule.as_ref().is_ok_and(|rule| rule.is_some()) => {
                    let enabled =
                        clients.alarms.iot.enable_topic_rule().rule_name(name).send().await;
                    enabled.map_err(|error| Failure::from_sdk("EnableTopicRule", &error))?;
                    Some(format!("enabled the rule `{name}`"))
                }
                _ => None,
            },
            Self::RulePermission => {
                add_permission(clients, facts, rule_invoker(facts).ok(), &facts.generator).await?
            }
            Self::StopPermission => {
                add_permission(clients, facts, topic_invoker(facts).ok(), &facts.stopper).await?
            }
            Self::KeeperPermission => {
                add_permission(clients, facts, schedule_invoker(facts).ok(), &facts.keeper).await?
            }
            Self::RunnerPermission => {
                add_permission(clients, facts, runner_invoker(facts).ok(), &facts.runner).await?
            }
            Self::OwnAlarmActions => {
                enable_alarm_actions(clients, facts.own_alarms.as_deref().unwrap_or_default())
                    .await?
            }
            Self::AlarmActions => {
                let alarms = facts.job.as_ref().and_then(|job| job.alarms.as_deref().ok());
                enable_alarm_actions(clients, alarms.unwrap_or_default()).await?
            }
            Self::Config => match guard {
                None => None,
                Some(guard) => {
                    guard.apply(&clients.alarms).await?;
                    Some(format!("applied the alarms of `{}` to job `{}`", guard.file, guard.job))
                }
            },
        })
    }
}

async fn add_permission(
    clients: &Clients,
    facts: &Facts,
    invoker: Option<Invoker<'_>>,
    function: &Function,
) -> Result<Option<String>, Error> {
    let Some(invoker) = invoker else { return Ok(None) };
    let Ok(policy) = &function.policy else { return Ok(None) };
    // What lets in too many is not fixed by letting in one more.
    if policy.as_ref().is_some_and(|policy| invoker.decision(policy) != Decision::NotAllowed) {
        return Ok(None);
    }
    let added = clients
        .lambda
        .add_permission()
        .function_name(invoker.function)
        .statement_id(invoker.statement_id())
        .action("lambda:InvokeFunction")
        .principal(invoker.service)
        .source_arn(invoker.source)
        .set_source_account(invoker.says_account.then(|| facts.stack.account().to_owned()))
        .send()
        .await;
    added.map_err(|error| Failure::from_sdk("AddPermission", &error))?;
    Ok(Some(format!("let `{}` invoke `{}`", invoker.source, invoker.function)))
}

async fn enable_alarm_actions(
    clients: &Clients,
    alarms: &[MetricAlarm],
) -> Result<Option<String>, Error> {
    let off = alarms.iter().filter(|alarm| alarm.actions_enabled() != Some(true));
    let names: Vec<String> =
        off.filter_map(|alarm| Some(alarm.alarm_name()?.to_owned())).take(100).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let enabled = clients
        .alarms
        .cloudwatch
        .enable_alarm_actions()
        .set_alarm_names(Some(names.clone()))
        .send()
        .await;
    enabled.map_err(|error| Failure::from_sdk("EnableAlarmActions", &error))?;
    Ok(Some(format!("switched on the actions of `{}`", names.join("`, `"))))
}
