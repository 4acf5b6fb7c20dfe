//! Which alarms of a job have fired.

use std::fmt;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use tripline::alarm::alarm_name_prefix;
use tripline::gate::{FiredAlarm, Stopped};
use tripline::job::JobId;
use tripline_aws::cloudwatch::last_firing;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::desired::watches_evidence_s_absence;

use super::clients::Aws;

/// Most pages of an alarm's history that are read, of 100 items each.
const MOST_PAGES: usize = 3;

/// An alarm that has been in ALARM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Its whole name.
    pub alarm: String,
    /// When it went there, in seconds since the epoch.
    pub at: i64,
}

impl Fired {
    /// For the gate.
    pub fn seen(&self) -> FiredAlarm<'_> {
        FiredAlarm { name: &self.alarm, at: self.at }
    }
}

impl fmt::Display for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Stopped::Fired { alarm: self.alarm.clone(), at: self.at }.fmt(f)
    }
}

impl Aws {
    /// The alarms of a job that are in ALARM, or have gone there since some time, in the order in which CloudWatch
    /// lists them. Left out are those of other jobs that are called alike, and that on the absence of evidence,
    /// which says nothing of the firmware and goes off once nobody computes it any more. Composite alarms are left
    /// out too: their children are not.
    ///
    /// # Errors
    /// That of a call. What cannot be read may say that an alarm fired.
    pub async fn fired(&self, job: &JobId, since: i64) -> Result<Vec<Fired>, Failure> {
        let mut fired = Vec::new();
        for alarm in self.alarms(&alarm_name_prefix(job)).await?.metric {
            if watches_evidence_s_absence(&alarm) || !self.is_of(&alarm, job).await? {
                continue;
            }
            let Some(name) = alarm.alarm_name() else { continue };
            let at = match standing_since(&alarm) {
                Some(at) => Some(at.unwrap_or(since)),
                None => last_firing(&self.cloudwatch, name, since, MOST_PAGES).await?,
            };
            fired.extend(at.map(|at| Fired { alarm: name.to_owned(), at }));
        }
        Ok(fired)
    }

    async fn is_of(&self, alarm: &MetricAlarm, job: &JobId) -> Result<bool, Failure> {
        match self.owner(alarm).await {
            Ok(owner) => Ok(owner.as_deref() == Some(job.as_str())),
            // It was deleted since it was listed.
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// Since when an alarm is in ALARM, if it is, and CloudWatch says when.
fn standing_since(alarm: &MetricAlarm) -> Option<Option<i64>> {
    let is_standing = alarm.state_value() == Some(&StateValue::Alarm);
    let at = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
    is_standing.then(|| at.map(DateTime::secs))
}

#[cfg(test)]
mod tests {
    use fake_aws::{CloudWatch, Fault};

    use super::*;
    use crate::alarms::fake::FakeAws;

    fn job(id: &str) -> JobId {
        JobId::new(id).unwrap()
    }

    /// Alarms of two jobs whose names begin alike.
    fn account() -> FakeAws {
        let fake = FakeAws::new();
        for (job, name) in [("fw", "slow"), ("fw", "failing"), ("fw-2", "slow")] {
            fake.world().cloudwatch.watch(job, name);
        }
        fake
    }

    async fn fired(fake: &FakeAws, id: &str, since: i64) -> Vec<(String, i64)> {
        let fired = fake.aws().fired(&job(id), since).await.unwrap();
        fired.into_iter().map(|fired| (fired.alarm, fired.at)).collect()
    }

    #[tokio::test]
    async fn alarms_that_have_never_fired_are_none() {
        assert_eq!(fired(&account(), "fw", 0).await, []);
    }

    #[tokio::test]
    async fn an_alarm_that_went_back_to_ok_has_fired() {
        let fake = account();
        fake.world().cloudwatch.fire("tripline-fw-slow", 700);
        fake.world().cloudwatch.calm("tripline-fw-slow");
        let expected = [("tripline-fw-slow".to_owned(), 700)];
        assert_eq!(fired(&fake, "fw", 0).await, expected);
        assert_eq!(fired(&fake, "fw", 700).await, expected);
        assert_eq!(fired(&fake, "fw", 701).await, [], "before");
        assert_eq!(fired(&fake, "fw-2", 0).await, [], "another job's");
    }

    #[tokio::test]
    async fn an_alarm_that_stands_counts_whenever_it_began() {
        let fake = account();
        fake.world().cloudwatch.fire("tripline-fw-slow", 700);
        fake.world().cloudwatch.fire("tripline-fw-2-slow", 800);
        assert_eq!(fired(&fake, "fw", 900).await, [("tripline-fw-slow".to_owned(), 700)]);
    }

    #[tokio::test]
    async fn nobody_who_computes_evidence_says_nothing_of_the_firmware() {
        let fake = account();
        watch_absence(&mut fake.world().cloudwatch, "tripline-fw-slow");
        assert_eq!(fired(&fake, "fw", 0).await, []);
    }

    fn watch_absence(cloudwatch: &mut CloudWatch, name: &str) {
        let alarm = cloudwatch.alarms.get_mut(name).unwrap();
        alarm.namespace = Some("IoT:OTA:JobExecution".to_owned());
        alarm.metric_name = Some("evidence".to_owned());
        alarm.treat_missing_data = Some("breaching".to_owned());
        cloudwatch.fire(name, 700);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error() {
        for operation in ["DescribeAlarms", "DescribeAlarmHistory"] {
            let fake = account();
            fake.world().faults.add(move |call| {
                let denied = Fault::Refused("AccessDenied", "not authorized");
                (call.operation == operation).then_some(denied)
            });
            let failure = fake.aws().fired(&job("fw"), 0).await.unwrap_err();
            assert!(failure.to_string().starts_with(operation), "{failure}");
        }
    }
}
