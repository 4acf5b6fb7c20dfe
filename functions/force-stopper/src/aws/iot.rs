use std::time::Duration;

use aws_sdk_iot::config::timeout::TimeoutConfig;
use aws_sdk_iot::operation::cancel_job::CancelJobOutput;
use aws_sdk_iot::types::Tag;
use tripline::job::{Job, JobId};
use tripline::release::FALLBACK_TAG;
use tripline::release::hold::{Hold, ON_ALARM_TAG, ON_HOLD_FAILED_TAG, OnAlarm, OnHoldFailed};
use tripline::stop::REASON_CODE;
use tripline_aws::answer::{Complete, LastAnswer};
use tripline_aws::iot::request::{held_rate, rates_of};
use tripline_aws::{Failure, iot};

use super::Aws;
use crate::ask::{CancelJob, DescribeJob, HasOptedOut, HoldJob, HoldOrder, ReadFallback};

/// The tag and value by which a job opts out of being guarded, as the guard-keeper reads it.
const OPTED_OUT: (&str, &str) = ("tripline:guard", "off");

impl DescribeJob for Aws {
    async fn describe_job(&self, job: &JobId) -> Result<Job, Failure> {
        iot::describe_job(&self.iot, job).await
    }
}

impl HasOptedOut for Aws {
    /// A job has at most 50 tags, which are on one page.
    async fn has_opted_out(&self, job: &JobId) -> Result<bool, Failure> {
        let arn = self.settings.force_stop_topic.job_arn(job);
        let output = self.iot.list_tags_for_resource().resource_arn(arn).send().await;
        let output = output.map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
        Ok(output
            .tags()
            .iter()
            .any(|tag| (tag.key(), tag.value().unwrap_or_default()) == OPTED_OUT))
    }
}

impl ReadFallback for Aws {
    async fn read_fallback(&self, job: &JobId) -> Result<Option<JobId>, Failure> {
        let arn = self.settings.force_stop_topic.job_arn(job);
        let bounded = aws_sdk_iot::config::Builder::new()
            .timeout_config(TimeoutConfig::builder().operation_timeout(Self::PATIENCE).build());
        let request = self.iot.list_tags_for_resource().resource_arn(arn).customize();
        let output = request.config_override(bounded).send().await;
        let output = output.map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
        let tag = output.tags().iter().find(|tag| tag.key() == FALLBACK_TAG);
        let fallback = tag.and_then(|tag| JobId::new(tag.value()?).ok());
        Ok(fallback.filter(|fallback| fallback != job))
    }
}

impl HoldJob for Aws {
    async fn on_alarm(&self, job: &JobId) -> Result<(OnAlarm, OnHoldFailed), Failure> {
        let arn = self.settings.force_stop_topic.job_arn(job);
        let bounded = aws_sdk_iot::config::Builder::new().timeout_config(
            TimeoutConfig::builder().operation_timeout(<Self as ReadFallback>::PATIENCE).build(),
        );
        let request = self.iot.list_tags_for_resource().resource_arn(arn).customize();
        let output = request.config_override(bounded).send().await;
        let output = output.map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
        let value = |key| output.tags().iter().find(|tag| tag.key() == key).and_then(Tag::value);
        // What is not understood asks for nothing.
        let on_alarm = value(ON_ALARM_TAG).and_then(|text| text.parse().ok()).unwrap_or_default();
        let on_failed = value(ON_HOLD_FAILED_TAG).and_then(|text| text.parse().ok());
        Ok((on_alarm, on_failed.unwrap_or_default()))
    }

    async fn hold(&self, job: &JobId, order: &HoldOrder<'_>) -> Result<(), Failure> {
        let described = iot::describe(&self.iot, job).await?;
        let there = self.read_hold(job).await?;
        let is_held = |hold: &&Hold| {
            hold.is_on() && described.created_at().map(|at| at.secs()) == Some(hold.created)
        };
        if there.as_ref().filter(is_held).is_none() {
            let before = there.as_ref().filter(|hold| hold.created == order.created);
            let now = rates_of(described.job_executions_rollout_config());
            let hold = Hold {
                created: order.created,
                at: order.at,
                by: order.by.to_owned(),
                is_alarm: true,
                // One that still has the rate of an earlier hold was cut off while it went on.
                rates: match before {
                    Some(before) if now == rates_of(Some(&held_rate())) => before.rates,
                    _ => now,
                },
                on_failed: order.on_failed,
                since: None,
                proof: None,
                went_on: None,
                times: before.map_or(0, |hold| hold.times),
            };
            // First what it was: whoever lowers it and is cut off would leave nobody who knows.
            self.write_hold(job, there.as_ref(), &hold).await?;
        }
        let update = self.iot.update_job().job_id(job.as_str());
        let updated = update.job_executions_rollout_config(held_rate()).send().await;
        updated.map(drop).map_err(|error| Failure::from_sdk("UpdateJob", &error))
    }
}

impl CancelJob for Aws {
    async fn cancel_job(
        &self,
        job: &JobId,
        force: bool,
        comment: &str,
        patience: Duration,
    ) -> Result<(), Failure> {
        let last = LastAnswer::new();
        let patient = aws_sdk_iot::config::Builder::new()
            .timeout_config(TimeoutConfig::builder().operation_timeout(patience).build());
        self.iot
            .cancel_job()
            .job_id(job.as_str())
            .reason_code(REASON_CODE)
            .comment(comment)
            .force(force)
            .customize()
            .config_override(patient)
            .interceptor(last.clone())
            .interceptor(Complete::<CancelJobOutput>::new(|output| output.job_id.is_some()))
            .send()
            .await
            .map_err(|error| last.failure("CancelJob", &error))?;
        Ok(())
    }
}
