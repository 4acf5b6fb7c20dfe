//! CloudWatch's alarms, as far as a function and the command ask the same of them.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::describe_alarm_history::DescribeAlarmHistoryOutput;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, AlarmMuteRuleStatus, HistoryItemType, ScanBy, StateValue,
};
use serde_json::Value;

use crate::answer::Complete;
use crate::{Failure, FailureKind};

/// Most names of one `DeleteAlarms`.
pub const MOST_DELETED: usize = 100;

/// The keys and values of an alarm's tags.
///
/// # Errors
/// That of the call.
pub async fn alarm_tags(client: &Client, arn: &str) -> Result<Vec<(String, String)>, Failure> {
    let listed = client.list_tags_for_resource().resource_arn(arn).send().await;
    let listed = listed.map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
    let tags = listed.tags.into_iter().flatten();
    Ok(tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect())
}

/// Deletes alarms, at most [`MOST_DELETED`].
///
/// # Errors
/// That of the call.
pub async fn delete_alarms(client: &Client, names: &[String]) -> Result<(), Failure> {
    let deleted = client.delete_alarms().set_alarm_names(Some(names.to_vec())).send().await;
    deleted.map(drop).map_err(|error| Failure::from_sdk("DeleteAlarms", &error))
}

/// When an alarm last went to ALARM, no earlier than `since`, in seconds since the epoch.
///
/// # Errors
/// That of the call; and if the history is longer than `most_pages` of 100 items, for what was not read may say
/// that it fired.
pub async fn last_firing(
    client: &Client,
    alarm: &str,
    since: i64,
    most_pages: usize,
) -> Result<Option<i64>, Failure> {
    const OPERATION: &str = "DescribeAlarmHistory";
    let mut next = None;
    for _ in 0..most_pages {
        let page = client
            .describe_alarm_history()
            .alarm_name(alarm)
            .history_item_type(HistoryItemType::StateUpdate)
            .start_date(DateTime::from_secs(since))
            .scan_by(ScanBy::TimestampDescending)
            .max_records(100)
            .set_next_token(next)
            .customize()
            // An empty list is an answer, none is not.
            .interceptor(Complete::<DescribeAlarmHistoryOutput>::new(|output| {
                output.alarm_history_items.is_some()
            }))
            .send()
            .await
            .map_err(|error| Failure::from_sdk(OPERATION, &error))?;
        let items = page.alarm_history_items.into_iter().flatten();
        // The time is compared here too, for whoever answers without regard to it.
        let mut times = items
            .filter(is_firing)
            .map(|item| item.timestamp.map_or(since, |at| at.secs()))
            .filter(|at| *at >= since);
        if let Some(at) = times.next() {
            return Ok(Some(at));
        }
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(None);
        }
    }
    let text = format!("the history of alarm `{alarm}` is too long to be read");
    Err(Failure::new(OPERATION, FailureKind::Unavailable, text))
}

/// Whether an item is of a change to ALARM: `historyData` is JSON with the new state, and the summary says the same
/// in words.
fn is_firing(item: &AlarmHistoryItem) -> bool {
    let data: Option<Value> = item.history_data().and_then(|data| serde_json::from_str(data).ok());
    match data.as_ref().and_then(|data| data.pointer("/newState/stateValue")?.as_str()) {
        Some(state) => state == StateValue::Alarm.as_str(),
        None => item.history_summary().is_some_and(|summary| summary.ends_with("to ALARM")),
    }
}

/// How CloudWatch's answer begins where it does not know a call: before mute rules there were none.
const UNKNOWN_CALLS: [&str; 4] =
    ["InvalidAction", "UnknownOperation", "UnknownOperationException", "InvalidOperation"];

/// An alarm mute rule that is active: it keeps the actions of its alarms from running.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MuteRule {
    /// Its name.
    pub name: String,
    /// When it was changed last, in seconds since the epoch.
    pub updated: i64,
}

/// A page of the active mute rules, and the token of the next.
///
/// # Errors
/// That of the call. Where mute rules are not known there are none.
pub async fn active_mute_rules(
    client: &Client,
    next: Option<String>,
) -> Result<(Vec<MuteRule>, Option<String>), Failure> {
    let listed = client
        .list_alarm_mute_rules()
        .statuses(AlarmMuteRuleStatus::Active)
        .set_next_token(next)
        .send()
        .await
        .map_err(|error| Failure::from_sdk("ListAlarmMuteRules", &error));
    let listed = match listed {
        Ok(listed) => listed,
        Err(failure) if is_unknown_call(&failure) => return Ok((Vec::new(), None)),
        Err(failure) => return Err(failure),
    };
    let rules = listed.alarm_mute_rule_summaries.into_iter().flatten().filter_map(|rule| {
        // Whatever is listed beside the active ones mutes nothing now.
        let is_active = rule.status.is_none_or(|status| status == AlarmMuteRuleStatus::Active);
        let name = rule_name(rule.alarm_mute_rule_arn.as_deref()?)?;
        let updated = rule.last_updated_timestamp.map_or(0, |at| at.secs());
        is_active.then(|| MuteRule { name: name.to_owned(), updated })
    });
    Ok((rules.collect(), listed.next_token))
}

/// The names of the alarms that a mute rule mutes; of one that is gone, none.
///
/// # Errors
/// That of the call.
pub async fn muted_alarms(client: &Client, rule: &str) -> Result<Vec<String>, Failure> {
    let asked = client.get_alarm_mute_rule().alarm_mute_rule_name(rule).send().await;
    match asked.map_err(|error| Failure::from_sdk("GetAlarmMuteRule", &error)) {
        Ok(rule) => Ok(rule.mute_targets.and_then(|of| of.alarm_names).unwrap_or_default()),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

/// AWS documents two spellings of such an ARN.
fn rule_name(arn: &str) -> Option<&str> {
    let kinds = [":alarm-mute-rule:", ":alarm-mute:"];
    kinds.into_iter().find_map(|kind| Some(arn.split_once(kind)?.1))
}

fn is_unknown_call(failure: &Failure) -> bool {
    let code = failure.code().unwrap_or_default();
    failure.kind != FailureKind::Denied && UNKNOWN_CALLS.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_does_not_know_the_call_means_that_there_are_no_rules() {
        for (kind, code, is_unknown) in [
            (FailureKind::Refused, "InvalidAction", true),
            (FailureKind::Unavailable, "UnknownOperationException", true),
            (FailureKind::Denied, "AccessDenied", false),
            (FailureKind::Throttled, "Throttling", false),
            (FailureKind::Unavailable, "", false),
        ] {
            let failure = Failure::answered("ListAlarmMuteRules", kind, code, "no message");
            assert_eq!(is_unknown_call(&failure), is_unknown, "{code}");
        }
    }
}
