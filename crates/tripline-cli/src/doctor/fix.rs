//! What `--fix` does: only what brings back what the template or the config says, takes nothing away
//! and can be done twice.

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline_aws::Failure;

use super::ask::Clients;
use super::facts::{Facts, Function};
use super::judge;
use super::policy::Decision;
use crate::aws::arming::guard::Guard;
use crate::exit::Error;

/// A thing that is safe to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    JobEvents,
    Rule,
    RulePermission,
    StopPermission,
    KeeperPermission,
    OwnAlarmActions,
    AlarmActions,
    Config,
}

impl Fix {
    /// Mends it, and says what was done; `None` if there is nothing that could be done.
    pub async fn mend(
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
            Self::Rule => match judge::rule_name(facts) {
                Some(name) if facts.rule.as_ref().is_ok_and(|rule| rule.is_some()) => {
                    let enabled =
                        clients.alarms.iot.enable_topic_rule().rule_name(name).send().await;
                    enabled.map_err(|error| Failure::from_sdk("EnableTopicRule", &error))?;
                    Some(format!("enabled the rule `{name}`"))
                }
                _ => None,
            },
            Self::RulePermission => {
                let_in(clients, facts, judge::rule_invoker(facts), &facts.generator).await?
            }
            Self::StopPermission => {
                let_in(clients, facts, judge::topic_invoker(facts), &facts.stopper).await?
            }
            Self::KeeperPermission => {
                let_in(clients, facts, judge::schedule_invoker(facts), &facts.keeper).await?
            }
            Self::OwnAlarmActions => {
                actions_on(clients, facts.own_alarms.as_deref().unwrap_or_default()).await?
            }
            Self::AlarmActions => {
                let alarms = facts.job.as_ref().and_then(|job| job.alarms.as_deref().ok());
                actions_on(clients, alarms.unwrap_or_default()).await?
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

async fn let_in(
    clients: &Clients,
    facts: &Facts,
    invoker: Option<judge::Invoker<'_>>,
    function: &Function,
) -> Result<Option<String>, Error> {
    let Some(invoker) = invoker else { return Ok(None) };
    let Ok(policy) = &function.policy else { return Ok(None) };
    // What lets in too many is not mended by letting in one more.
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

async fn actions_on(clients: &Clients, alarms: &[MetricAlarm]) -> Result<Option<String>, Error> {
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
