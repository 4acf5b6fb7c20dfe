use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::types::{AlarmType, MetricAlarm, StateValue};
use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline_aws::answer::Complete;
use tripline_aws::{Failure, FailureKind, cloudwatch};
use tripline_guard::desired::{GuardAlarm, watches_evidence_s_absence};
use tripline_guard::observed::{Watched, watched};
use tripline_guard::{ownership, request};

use super::Aws;
use crate::ask::{Alarms, JobAlarm};

/// Most pages that are read, of 100 alarms or items each.
const MAX_PAGES: usize = 10;

impl Alarms for Aws {
    async fn alarms(&self, job: &JobId) -> Result<Vec<JobAlarm>, Failure> {
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
        cloudwatch::last_firing(&self.cloudwatch, alarm, since, MAX_PAGES).await
    }

    async fn put_alarm(&self, alarm: &GuardAlarm, job: &JobId) -> Result<(), Failure> {
        let actions = self.settings.actions(alarm.topics());
        let tags = ownership::tags(alarm.name(), job, &self.settings.stack);
        let request = request::request_for(alarm, job, &actions).set_tags(Some(tags));
        let put = request.send_with(&self.cloudwatch).await;
        put.map(drop).map_err(|error| Failure::from_sdk("PutMetricAlarm", &error))
    }
}

/// An alarm, if it is this job's: the name alone does not say so. That on the absence of evidence says nothing of
/// its devices, and goes off once nobody publishes evidence any more.
fn seen(alarm: MetricAlarm, job: &JobId) -> Option<JobAlarm> {
    if watches_evidence_s_absence(&alarm) {
        return None;
    }
    let is_its = match watched(&alarm) {
        Watched::Job(watched) => watched == job.as_str(),
        // An operator's alarm on something else, and one that shows no metrics.
        Watched::Other | Watched::Unseen => true,
    };
    let since = alarm.state_transitioned_timestamp.or(alarm.state_updated_timestamp);
    is_its.then_some(JobAlarm {
        name: alarm.alarm_name?,
        is_on: alarm.state_value == Some(StateValue::Alarm),
        since: since.map_or(0, |at| at.secs()),
        actions: match alarm.actions_enabled {
            Some(true) => alarm.alarm_actions.unwrap_or_default(),
            _ => Vec::new(),
        },
    })
}
