use aws_sdk_cloudwatch::operation::describe_alarm_history::DescribeAlarmHistoryOutput;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, AlarmType, HistoryItemType, MetricAlarm, ScanBy, StateValue,
};
use serde_json::Value;
use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline_aws::answer::Complete;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::desired::GuardAlarm;
use tripline_guard::observed::{Watched, watched};
use tripline_guard::{ownership, request};

use super::Aws;
use crate::ask::{AlarmSeen, Alarms};

/// Most pages that are read, of 100 alarms or items each.
const MAX_PAGES: usize = 10;

impl Alarms for Aws {
    async fn alarms(&self, job: &JobId) -> Result<Vec<AlarmSeen>, Failure> {
        const OPERATION: &str = "DescribeAlarms";
        let mut alarms = Vec::new();
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .cloudwatch
                .describe_alarms()
                .alarm_name_prefix(alarm_name_prefix(job))
                .alarm_types(AlarmType::MetricAlarm)
                .max_records(100)
                .set_next_token(next)
                .customize()
                // An empty list is an answer, none is not.
                .interceptor(Complete::<DescribeAlarmsOutput>::new(|output| {
                    output.metric_alarms.is_some() || output.composite_alarms.is_some()
                }))
                .send()
                .await
                .map_err(|error| Failure::from_sdk(OPERATION, &error))?;
            alarms.extend(page.metric_alarms.into_iter().flatten().filter_map(|it| seen(it, job)));
            next = page.next_token;
            if next.is_none() {
                return Ok(alarms);
            }
        }
        Err(Failure::new(OPERATION, FailureKind::Unavailable, "too many to be read"))
    }

    async fn last_firing(&self, alarm: &str, since: i64) -> Result<Option<i64>, Failure> {
        const OPERATION: &str = "DescribeAlarmHistory";
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .cloudwatch
                .describe_alarm_history()
                .alarm_name(alarm)
                .history_item_type(HistoryItemType::StateUpdate)
                .start_date(DateTime::from_secs(since))
                .scan_by(ScanBy::TimestampDescending)
                .max_records(100)
                .set_next_token(next)
                .customize()
                .interceptor(Complete::<DescribeAlarmHistoryOutput>::new(|output| {
                    output.alarm_history_items.is_some()
                }))
                .send()
                .await
                .map_err(|error| Failure::from_sdk(OPERATION, &error))?;
            let items = page.alarm_history_items.into_iter().flatten();
            // The times are compared here too, for whoever answers without regard to them.
            let mut recent =
                items.filter(|item| item.timestamp.is_none_or(|at| at.secs() >= since));
            if let Some(item) = recent.find(fired) {
                return Ok(Some(item.timestamp.map_or(since, |at| at.secs())));
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(None);
            }
        }
        Err(Failure::new(OPERATION, FailureKind::Unavailable, "too long to be read"))
    }

    async fn put_alarm(&self, alarm: &GuardAlarm, job: &JobId) -> Result<(), Failure> {
        let actions = self.settings.actions(alarm.topics());
        let tags = ownership::tags(alarm.name(), job, &self.settings.stack);
        let request = request::request_for(alarm, job, &actions).set_tags(Some(tags));
        let put = request.send_with(&self.cloudwatch).await;
        put.map(drop).map_err(|error| Failure::from_sdk("PutMetricAlarm", &error))
    }
}

/// An alarm, if it is this job's: the name alone does not say so.
fn seen(alarm: MetricAlarm, job: &JobId) -> Option<AlarmSeen> {
    let is_its = match watched(&alarm) {
        Watched::Job(watched) => watched == job.as_str(),
        // An operator's alarm on something else, and one that shows no metrics.
        Watched::Other | Watched::Unseen => true,
    };
    let since = alarm.state_transitioned_timestamp.or(alarm.state_updated_timestamp);
    is_its.then_some(AlarmSeen {
        name: alarm.alarm_name?,
        is_on: alarm.state_value == Some(StateValue::Alarm),
        since: since.map_or(0, |at| at.secs()),
        actions: match alarm.actions_enabled {
            Some(true) => alarm.alarm_actions.unwrap_or_default(),
            _ => Vec::new(),
        },
    })
}

/// Whether an item says that the alarm went to ALARM. `historyData` is JSON with the new state; the summary
/// says the same in words.
fn fired(item: &AlarmHistoryItem) -> bool {
    let data = item.history_data.as_deref();
    let data: Option<Value> = data.and_then(|data| serde_json::from_str(data).ok());
    match data.as_ref().and_then(|data| data.pointer("/newState/stateValue")) {
        Some(state) => state == "ALARM",
        None => item.history_summary.as_deref().is_some_and(|text| text.ends_with("to ALARM")),
    }
}
