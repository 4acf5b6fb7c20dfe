//! Amazon CloudWatch: alarms with their tags, and the values of metrics.

use std::collections::{BTreeMap, BTreeSet};

use aws_models::Taken;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::delete_alarms::{
    DeleteAlarmsError, DeleteAlarmsInput, DeleteAlarmsOutput,
};
use aws_sdk_cloudwatch::operation::describe_alarm_history::{
    DescribeAlarmHistoryError, DescribeAlarmHistoryInput, DescribeAlarmHistoryOutput,
};
use aws_sdk_cloudwatch::operation::describe_alarms::{
    DescribeAlarmsError, DescribeAlarmsInput, DescribeAlarmsOutput,
};
use aws_sdk_cloudwatch::operation::get_alarm_mute_rule::{
    GetAlarmMuteRuleError, GetAlarmMuteRuleInput, GetAlarmMuteRuleOutput,
};
use aws_sdk_cloudwatch::operation::get_metric_data::{
    GetMetricDataError, GetMetricDataInput, GetMetricDataOutput,
};
use aws_sdk_cloudwatch::operation::list_alarm_mute_rules::{
    ListAlarmMuteRulesError, ListAlarmMuteRulesInput, ListAlarmMuteRulesOutput,
};
use aws_sdk_cloudwatch::operation::list_tags_for_resource::{
    ListTagsForResourceError, ListTagsForResourceInput, ListTagsForResourceOutput,
};
use aws_sdk_cloudwatch::operation::put_metric_alarm::{
    PutMetricAlarmError, PutMetricAlarmInput, PutMetricAlarmOutput,
};
use aws_sdk_cloudwatch::operation::tag_resource::{
    TagResourceError, TagResourceInput, TagResourceOutput,
};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, AlarmMuteRuleStatus, AlarmMuteRuleSummary, CompositeAlarm, Dimension,
    MetricAlarm, MetricDataResult, MuteTargets, StateValue, Tag,
};
use aws_smithy_mocks::{RuleMode, mock_client};

use crate::door::{not_found, on};
use crate::page::page;
use crate::{ACCOUNT, Account, FakeAws, REGION};

/// How many alarms are on a page.
const PAGE: usize = 2;
/// Most alarms that one call deletes.
const MOST_DELETED: usize = 100;

type Tags = BTreeMap<String, String>;

/// Alarms and metrics.
#[derive(Debug, Default)]
pub struct CloudWatch {
    /// By their name.
    pub alarms: BTreeMap<String, MetricAlarm>,
    /// The names that are listed first, in this order; CloudWatch promises none. The others follow
    /// by their name.
    pub first: Vec<String>,
    /// The names of composite alarms.
    pub composite: BTreeSet<String>,
    /// When an alarm went to ALARM, in seconds, by its name; the latest comes last.
    pub fired: BTreeMap<String, Vec<i64>>,
    /// The active mute rules, each with the names of the alarms that it mutes.
    pub mute_rules: BTreeMap<String, Vec<String>>,
    /// By an alarm's ARN.
    pub tags: BTreeMap<String, Tags>,
    /// The values of a metric in their order, by its name; of every job, in every period.
    pub values: BTreeMap<String, Vec<f64>>,
    /// New alarms have no actions, as if somebody else took them away.
    pub forgets_actions: bool,
}

/// The ARN of an alarm.
pub fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}")
}

impl CloudWatch {
    /// Puts an alarm: its tags count on creation only, and it keeps its state.
    pub fn put(&mut self, input: &PutMetricAlarmInput) {
        let name = input.alarm_name().unwrap().to_owned();
        let before = self.alarms.get(&name).map(|alarm| alarm.state_value.clone());
        if before.is_none() {
            self.tags.insert(arn(&name), input.tags().iter().map(pair).collect());
        }
        let mut alarm = alarm_of(input);
        alarm.alarm_arn = Some(arn(&name));
        alarm.state_value = before.unwrap_or(Some(StateValue::InsufficientData));
        if self.forgets_actions {
            alarm.alarm_actions = None;
        }
        self.alarms.insert(name, alarm);
    }

    /// An alarm `tripline-<job>-<name>` on a metric of a job, in OK.
    pub fn watch(&mut self, job: &str, name: &str) {
        let name = format!("tripline-{job}-{name}");
        let alarm = MetricAlarm::builder()
            .alarm_name(&name)
            .alarm_arn(arn(&name))
            .dimensions(Dimension::builder().name("jobId").value(job).build())
            .state_value(StateValue::Ok);
        self.alarms.insert(name, alarm.build());
    }

    /// An alarm goes to ALARM, at a second.
    pub fn fire(&mut self, name: &str, at: i64) {
        let alarm = self.alarms.get_mut(name).expect("an alarm that is there");
        alarm.state_value = Some(StateValue::Alarm);
        alarm.state_transitioned_timestamp = Some(DateTime::from_secs(at));
        self.fired.entry(name.to_owned()).or_default().push(at);
    }

    /// An alarm goes back to OK.
    pub fn calm(&mut self, name: &str) {
        let alarm = self.alarms.get_mut(name).expect("an alarm that is there");
        alarm.state_value = Some(StateValue::Ok);
        alarm.state_transitioned_timestamp = None;
    }

    /// The tags of the alarm with this ARN, if there is one.
    pub fn tags_of(&self, arn: &str) -> Option<Tags> {
        let is_meant = |alarm: &MetricAlarm| alarm.alarm_arn.as_deref() == Some(arn);
        // An ARN ends with the name, unless a test gave it another.
        let by_name = self.alarms.get(arn.rsplit(':').next().unwrap_or_default());
        let is_there = by_name.is_some_and(is_meant) || self.alarms.values().any(is_meant);
        is_there.then(|| self.tags.get(arn).cloned().unwrap_or_default())
    }

    /// Deletes alarms, all of which have to be there.
    pub fn delete(&mut self, names: &[String]) {
        assert!((1..=MOST_DELETED).contains(&names.len()), "{} alarms at once", names.len());
        for name in names {
            let alarm = self.alarms.remove(name).expect("an alarm that is there");
            self.tags.remove(alarm.alarm_arn().unwrap_or_default());
        }
    }
}

impl FakeAws {
    /// A client of CloudWatch.
    pub fn cloudwatch(&self) -> Client {
        let rules = [
            on!(
                self,
                "cloudwatch",
                Client::describe_alarms,
                "DescribeAlarms",
                |input| input.alarm_name_prefix().unwrap_or_default(),
                describe_alarms
            ),
            on!(
                self,
                "cloudwatch",
                Client::describe_alarm_history,
                "DescribeAlarmHistory",
                |input| input.alarm_name().unwrap_or_default(),
                describe_alarm_history
            ),
            on!(
                self,
                "cloudwatch",
                Client::put_metric_alarm,
                "PutMetricAlarm",
                |input| input.alarm_name().unwrap_or_default(),
                put_metric_alarm
            ),
            on!(
                self,
                "cloudwatch",
                Client::delete_alarms,
                "DeleteAlarms",
                |input| input.alarm_names().join(" "),
                delete_alarms
            ),
            on!(
                self,
                "cloudwatch",
                Client::list_tags_for_resource,
                "ListTagsForResource",
                |input| input.resource_arn().unwrap_or_default(),
                list_tags
            ),
            on!(
                self,
                "cloudwatch",
                Client::tag_resource,
                "TagResource",
                |input| input.resource_arn().unwrap_or_default(),
                tag
            ),
            on!(
                self,
                "cloudwatch",
                Client::list_alarm_mute_rules,
                "ListAlarmMuteRules",
                |_input| "",
                list_mute_rules
            ),
            on!(
                self,
                "cloudwatch",
                Client::get_alarm_mute_rule,
                "GetAlarmMuteRule",
                |input| input.alarm_mute_rule_name().unwrap_or_default(),
                get_mute_rule
            ),
            on!(
                self,
                "cloudwatch",
                Client::get_metric_data,
                "GetMetricData",
                |_input| "",
                get_metric_data
            ),
        ];
        mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &rules, |config| config
            .interceptor(Taken))
    }
}

fn describe_alarms(
    account: &mut Account,
    input: &DescribeAlarmsInput,
) -> Result<DescribeAlarmsOutput, DescribeAlarmsError> {
    let there = &account.cloudwatch;
    let prefix = input.alarm_name_prefix().unwrap_or_default();
    let first = there.first.iter();
    let others = there.alarms.keys().filter(|name| !there.first.contains(name));
    let names = first.chain(others).filter(|name| name.starts_with(prefix));
    let alarms = names.filter_map(|name| there.alarms.get(name)).cloned();
    let (alarms, next) = page(alarms, input.next_token(), PAGE);
    let composite = there.composite.iter().filter(|name| name.starts_with(prefix));
    let composite = composite.map(|name| CompositeAlarm::builder().alarm_name(name).build());
    Ok(DescribeAlarmsOutput::builder()
        .set_metric_alarms(Some(alarms))
        .set_composite_alarms(Some(composite.collect()))
        .set_next_token(next)
        .build())
}

/// Each change to ALARM, and the one back before it, the newest first.
fn describe_alarm_history(
    account: &mut Account,
    input: &DescribeAlarmHistoryInput,
) -> Result<DescribeAlarmHistoryOutput, DescribeAlarmHistoryError> {
    let name = input.alarm_name().unwrap();
    let since = input.start_date().map_or(i64::MIN, DateTime::secs);
    let times = account.cloudwatch.fired.get(name).into_iter().flatten().rev();
    let item = |at: i64, to: &str| {
        AlarmHistoryItem::builder()
            .alarm_name(name)
            .timestamp(DateTime::from_secs(at))
            .history_summary(format!("Alarm updated from {to}"))
            .build()
    };
    let items = times
        .filter(|at| **at >= since)
        .flat_map(|at| [item(at.saturating_add(60), "ALARM to OK"), item(*at, "OK to ALARM")]);
    let (items, next) = page(items, input.next_token(), 1);
    Ok(DescribeAlarmHistoryOutput::builder()
        .set_alarm_history_items(Some(items))
        .set_next_token(next)
        .build())
}

fn put_metric_alarm(
    account: &mut Account,
    input: &PutMetricAlarmInput,
) -> Result<PutMetricAlarmOutput, PutMetricAlarmError> {
    account.cloudwatch.put(input);
    account.changes.push(format!("put {}", input.alarm_name().unwrap()));
    Ok(PutMetricAlarmOutput::builder().build())
}

fn delete_alarms(
    account: &mut Account,
    input: &DeleteAlarmsInput,
) -> Result<DeleteAlarmsOutput, DeleteAlarmsError> {
    account.cloudwatch.delete(input.alarm_names());
    account.changes.push(format!("delete {}", input.alarm_names().join(" ")));
    Ok(DeleteAlarmsOutput::builder().build())
}

fn list_tags(
    account: &mut Account,
    input: &ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, ListTagsForResourceError> {
    let tags = account.cloudwatch.tags_of(input.resource_arn().unwrap()).ok_or_else(not_found)?;
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    Ok(ListTagsForResourceOutput::builder().set_tags(Some(tags.collect())).build())
}

fn list_mute_rules(
    account: &mut Account,
    input: &ListAlarmMuteRulesInput,
) -> Result<ListAlarmMuteRulesOutput, ListAlarmMuteRulesError> {
    assert_eq!(input.statuses(), [AlarmMuteRuleStatus::Active]);
    let summary = |name: &String| {
        AlarmMuteRuleSummary::builder()
            .alarm_mute_rule_arn(format!(
                "arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:{name}"
            ))
            .status(AlarmMuteRuleStatus::Active)
            .build()
    };
    let rules = account.cloudwatch.mute_rules.keys().map(summary).collect();
    Ok(ListAlarmMuteRulesOutput::builder().set_alarm_mute_rule_summaries(Some(rules)).build())
}

fn get_mute_rule(
    account: &mut Account,
    input: &GetAlarmMuteRuleInput,
) -> Result<GetAlarmMuteRuleOutput, GetAlarmMuteRuleError> {
    let name = input.alarm_mute_rule_name().unwrap();
    let alarms = account.cloudwatch.mute_rules.get(name).cloned().ok_or_else(not_found)?;
    let targets = MuteTargets::builder().set_alarm_names(Some(alarms)).build();
    Ok(GetAlarmMuteRuleOutput::builder().name(name).mute_targets(targets).build())
}

fn tag(
    account: &mut Account,
    input: &TagResourceInput,
) -> Result<TagResourceOutput, TagResourceError> {
    let arn = input.resource_arn().unwrap().to_owned();
    account.changes.push(format!("tag {}", arn.rsplit(':').next().unwrap()));
    account.cloudwatch.tags.entry(arn).or_default().extend(input.tags().iter().map(pair));
    Ok(TagResourceOutput::builder().build())
}

/// The number of values, or a percentile of them.
fn get_metric_data(
    account: &mut Account,
    input: &GetMetricDataInput,
) -> Result<GetMetricDataOutput, GetMetricDataError> {
    let results = input.metric_data_queries().iter().map(|query| {
        let stat = query.metric_stat().unwrap();
        let metric = stat.metric().unwrap().metric_name().unwrap();
        let values = account.cloudwatch.values.get(metric).map_or(&[][..], Vec::as_slice);
        let value = match (stat.stat().unwrap(), values) {
            (_, []) => None,
            ("SampleCount", values) => Some(values.len() as f64),
            (percentile, values) => {
                let percent: usize = percentile.strip_prefix('p').unwrap().parse().unwrap();
                Some(values[values.len() * percent / 100])
            }
        };
        MetricDataResult::builder()
            .id(query.id().unwrap())
            .set_values(Some(value.into_iter().collect()))
            .build()
    });
    let results = Some(results.collect());
    Ok(GetMetricDataOutput::builder().set_metric_data_results(results).build())
}

fn pair(tag: &Tag) -> (String, String) {
    (tag.key().unwrap().to_owned(), tag.value().unwrap().to_owned())
}

/// An alarm as CloudWatch shows what it was asked for.
fn alarm_of(input: &PutMetricAlarmInput) -> MetricAlarm {
    let mut alarm = MetricAlarm::builder().build();
    alarm.alarm_name.clone_from(&input.alarm_name);
    alarm.alarm_description.clone_from(&input.alarm_description);
    alarm.actions_enabled = input.actions_enabled;
    alarm.alarm_actions.clone_from(&input.alarm_actions);
    alarm.namespace.clone_from(&input.namespace);
    alarm.metric_name.clone_from(&input.metric_name);
    alarm.dimensions.clone_from(&input.dimensions);
    alarm.statistic.clone_from(&input.statistic);
    alarm.extended_statistic.clone_from(&input.extended_statistic);
    alarm.period = input.period;
    alarm.evaluation_periods = input.evaluation_periods;
    alarm.datapoints_to_alarm = input.datapoints_to_alarm;
    alarm.threshold = input.threshold;
    alarm.comparison_operator.clone_from(&input.comparison_operator);
    alarm.treat_missing_data.clone_from(&input.treat_missing_data);
    alarm.metrics.clone_from(&input.metrics);
    alarm
}
