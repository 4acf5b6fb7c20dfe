//! The drill itself: one link after another, each seen before the next is tried.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    HistoryItemType, Metric, MetricAlarm, MetricDataQuery, MetricStat, StateValue,
};
use tripline::alarm::alarm_name_prefix;
use tripline::job::{JobId, JobState};
use tripline::stop::{REASON_CODE, StopMode};
use tripline::text::{clean, excerpt};
use tripline_aws::{Failure, FailureKind};

use super::clients::DrillClients;
use super::diagnosis::{BrokenLink, Diagnosis, doctor_hint};
use super::mailbox::{Mailbox, ReceivedMessages};
use super::record::{Record, Step, StepOutcome};
use super::sentinel;
use super::wait::{Patience, StepError};
use crate::aws::arming::guard::Guard;
use crate::aws::drill_name::DrillName;
use crate::aws::job_side::{
    AwsJobSide, DeviceOutcome as ExecutionOutcome, Fate, JobSide, Offer, Taken,
};
use crate::aws::stack::Stack;
use crate::aws::topics;
use crate::terminal::verdict::Verdict;

/// Clocks may differ, and CloudWatch's periods begin with the minute.
const AROUND: Duration = Duration::from_secs(600);
/// In the alarm's messages, in the job's comment, and in the alarm's history.
const REASON: &str = "Fire drill by `tripline drill`: nothing is wrong, and nothing has to be done";

/// A drill on its way.
#[derive(Debug)]
pub struct Run<'a> {
    pub cloud: &'a DrillClients,
    pub stack: &'a Stack,
    pub stack_name: &'a str,
    pub mode: StopMode,
    pub name: &'a DrillName,
    pub job: JobId,
    pub enable_events: bool,
    pub patience: Patience,
    pub record: &'a mut Record,
    /// Reports a step that has ended.
    pub report_step: fn(&str),
}

impl<'a> Run<'a> {
    /// Runs the drill to its end, or to the first link that does not hold.
    pub async fn run(mut self) -> Result<(), StepError> {
        self.step(Step::JobEvents, Self::enable_job_events).await?;
        self.patience.interrupt.check()?;
        let email = topics::of_stack(self.stack, topics::EMAIL)?.to_owned();
        let mailbox = Mailbox::open(self.cloud, self.name, &email).await?;
        self.patience.interrupt.check()?;
        sentinel::create(self.cloud, self.name).await?;
        let alarm = self.step(Step::Armed, Self::arm_sentinel).await?;
        let alarm_name = alarm.alarm_name().unwrap_or_default().to_owned();
        self.step(Step::Reported, Self::report_execution).await?;
        self.step(Step::Counted, async |run: &mut Run<'a>| run.await_metric(&alarm).await).await?;
        self.step(Step::InAlarm, async |run: &mut Run<'a>| run.fire_alarm(&alarm_name).await)
            .await?;
        let mut post = ReceivedMessages::default();
        self.step(Step::Stopped, async |run: &mut Run<'a>| {
            run.await_stop(&alarm_name, &mailbox, &mut post).await
        })
        .await?;
        self.step(Step::Alerted, async |run: &mut Run<'a>| {
            run.await_alerts(&alarm_name, &mailbox, &mut post).await
        })
        .await
    }

    /// One step: what it returns beside its value is what was seen.
    async fn step<T>(
        &mut self,
        step: Step,
        run: impl AsyncFnOnce(&mut Self) -> Result<(T, String), StepError>,
    ) -> Result<T, StepError> {
        self.patience.interrupt.check()?;
        self.record.begin(step);
        let (outcome, ended) = match run(self).await {
            Ok((value, seen)) => (StepOutcome::Passed(seen), Ok(value)),
            Err(broken) => (broken.outcome(), Err(broken)),
        };
        if let Some(line) = self.record.end(outcome) {
            (self.report_step)(&line);
        }
        ended
    }

    async fn enable_job_events(&mut self) -> Result<((), String), StepError> {
        let aws = &self.cloud.aws;
        if aws.sends_job_events().await? {
            return Ok(((), "AWS IoT sends job events".to_owned()));
        }
        if !self.enable_events {
            return Err(StepError::BrokenLink(BrokenLink::new(
                format!(
                    "AWS IoT sends no job events in `{}`, so that no alarm ever has a value",
                    aws.region
                ),
                "`--enable-events` enables them for the account in this region, and leaves them on",
            )));
        }
        aws.enable_job_events().await?;
        Ok(((), "AWS IoT sends job events: they were off, and are enabled now".to_owned()))
    }

    async fn arm_sentinel(&mut self) -> Result<(MetricAlarm, String), StepError> {
        let aws = &self.cloud.aws;
        let guard = Guard {
            file: "the drill's alarm".to_owned(),
            stack: self.stack_name.to_owned(),
            job: self.job.clone(),
            alarms: sentinel::alarm().into_iter().collect(),
            default_guard: true,
            evidence: None,
            alert_only: false,
            dry_run: false,
        };
        let report = guard.apply(aws).await?;
        let verdict = Verdict::of_arming(&guard, &report, &aws.region);
        if let Some(finding) = verdict.findings.into_iter().next() {
            let hint = finding.hint().unwrap_or_default();
            return Err(StepError::BrokenLink(BrokenLink::new(finding.what(), hint)));
        }
        let prefix = alarm_name_prefix(&self.job);
        let alarms = aws.alarms(&prefix).await?.metric;
        let wanted = format!("{prefix}{}", sentinel::ALARM);
        let alarm = alarms.into_iter().find(|alarm| alarm.alarm_name() == Some(&wanted));
        let alarm = alarm.ok_or_else(|| StepError::BrokenLink(alarm_is_gone(&wanted)))?;
        let watches = aws.owner(&alarm).await?;
        if watches.as_deref() != Some(self.name.as_str()) {
            let what = format!("alarm `{wanted}` does not watch the sentinel");
            return Err(StepError::BrokenLink(BrokenLink::new(
                what,
                "find out who else changes alarms",
            )));
        }
        Ok((alarm, format!("alarm {wanted} goes to force-stop and e-mail")))
    }

    async fn report_execution(&mut self) -> Result<((), String), StepError> {
        let side = AwsJobSide::new(&self.cloud.config, self.job.clone()).await?;
        let thing = self.name.reports();
        let offered = self
            .patience
            .until(
                "AWS IoT has not offered the sentinel its job",
                async || match side.offer(&thing).await? {
                    Offer::Nothing => Ok(None),
                    offer => Ok(Some(offer)),
                },
                async || None,
            )
            .await?;
        let ended = || {
            let what = "another client ended the sentinel's execution";
            StepError::BrokenLink(BrokenLink::new(
                what,
                "find out who cancels jobs, and run the drill again",
            ))
        };
        let download_time = sentinel::DOWNLOAD_TIME;
        let fate = Fate { outcome: ExecutionOutcome::Succeeded, download_time, retries: 0 };
        if offered == Offer::Ended
            || side.start(&thing).await? == Taken::TooLate
            || side.report(&thing, fate).await? == Taken::TooLate
        {
            return Err(ended());
        }
        Ok(((), format!("{thing} SUCCEEDED with downloadTime {download_time:.1}")))
    }

    /// Reads back exactly what the alarm watches: another namespace or dimension would have no value.
    async fn await_metric(&mut self, alarm: &MetricAlarm) -> Result<((), String), StepError> {
        let metric = Metric::builder()
            .set_namespace(alarm.namespace().map(str::to_owned))
            .set_metric_name(alarm.metric_name().map(str::to_owned))
            .set_dimensions(Some(alarm.dimensions().to_vec()))
            .build();
        let stat = MetricStat::builder().metric(metric).period(60).stat("SampleCount").build();
        let query = MetricDataQuery::builder().id("reports").metric_stat(stat).build();
        let cloud = self.cloud;
        let (stack, stack_name) = (self.stack, self.stack_name);
        let name = alarm.alarm_name().unwrap_or_default().to_owned();
        let observes = self.mode == StopMode::Observe;
        let diagnosis = Diagnosis { cloud, stack, stack_name, alarm: &name, observes };
        let samples = self
            .patience
            .until(
                "the report is not in CloudWatch",
                async || {
                    let now = SystemTime::now();
                    let found = cloud
                        .aws
                        .cloudwatch
                        .get_metric_data()
                        .metric_data_queries(query.clone())
                        .start_time(DateTime::from(now - AROUND))
                        .end_time(DateTime::from(now + AROUND))
                        .send()
                        .await
                        .map_err(|error| Failure::from_sdk("GetMetricData", &error))?;
                    let results = found.metric_data_results().iter();
                    let samples: f64 = results.flat_map(|result| result.values()).sum();
                    Ok((samples >= 1.0).then_some(samples))
                },
                async || diagnosis.find_counting_fault().await,
            )
            .await?;
        let metric = alarm.metric_name().unwrap_or_default();
        let job = &self.job;
        Ok(((), format!("{samples} value of {} with jobId {job}", excerpt(metric))))
    }

    async fn fire_alarm(&mut self, alarm: &str) -> Result<((), String), StepError> {
        let cloud = self.cloud;
        // The name is this drill's own, and CloudWatch said of it that it watches the sentinel.
        let set = cloud
            .aws
            .cloudwatch
            .set_alarm_state()
            .alarm_name(alarm)
            .state_value(StateValue::Alarm)
            .state_reason(REASON)
            .send()
            .await;
        set.map_err(|error| match Failure::from_sdk("SetAlarmState", &error) {
            failure if failure.kind == FailureKind::NotFound => {
                StepError::BrokenLink(alarm_is_gone(alarm))
            }
            failure => failure.into(),
        })?;
        self.patience
            .until(
                "the alarm is not in ALARM",
                async || {
                    let described =
                        cloud.aws.cloudwatch.describe_alarms().alarm_names(alarm).send();
                    let described = described
                        .await
                        .map_err(|error| Failure::from_sdk("DescribeAlarms", &error))?;
                    match described.metric_alarms().first() {
                        None => Err(StepError::BrokenLink(alarm_is_gone(alarm))),
                        Some(found) if found.state_value() == Some(&StateValue::Alarm) => {
                            Ok(Some(()))
                        }
                        // CloudWatch judges it again by its values within a minute.
                        Some(_) => Ok(has_fired(cloud, alarm).await?.then_some(())),
                    }
                },
                async || None,
            )
            .await?;
        Ok(((), format!("{alarm} went to ALARM (SetAlarmState)")))
    }

    async fn await_stop(
        &mut self,
        alarm: &str,
        mailbox: &Mailbox,
        post: &mut ReceivedMessages,
    ) -> Result<((), String), StepError> {
        let (cloud, name, mode) = (self.cloud, self.name, self.mode);
        let (stack, stack_name) = (self.stack, self.stack_name);
        let observes = mode == StopMode::Observe;
        let diagnosis = Diagnosis { cloud, stack, stack_name, alarm, observes };
        self.patience
            .until(
                match mode {
                    StopMode::Observe => {
                        "the force-stopper did not report what it would have stopped"
                    }
                    _ => "the sentinel job goes on",
                },
                async || {
                    let job = cloud.job(name).await?;
                    let Some((job, true)) = job else {
                        let what = "the sentinel job does not exist any more";
                        return Err(StepError::BrokenLink(BrokenLink::new(
                            what,
                            "find out who deletes jobs, and run the drill again",
                        )));
                    };
                    let status = job.status().map_or("", |status| status.as_str());
                    let by_us = job.reason_code() == Some(REASON_CODE);
                    let names_it = job.comment().is_some_and(|comment| comment.contains(alarm));
                    match (status, mode) {
                        ("CANCELED", _) if by_us && mode == StopMode::Observe => {
                            let what =
                                "the sentinel job was stopped, although StopMode is `observe`";
                            let hint = doctor_hint(stack_name, "stop-mode-enforced");
                            return Err(StepError::BrokenLink(BrokenLink::new(what, hint)));
                        }
                        ("CANCELED", _) if by_us && names_it => return Ok(Some(())),
                        _ if JobState::from_status(status).has_ended() => {
                            let why = job
                                .comment()
                                .map_or_else(String::new, |why| format!(": {}", clean(why, 200)));
                            let what =
                                format!("another client ended the sentinel job, {status}{why}");
                            return Err(StepError::BrokenLink(BrokenLink::new(
                                what,
                                "find out who cancels jobs, and run the drill again",
                            )));
                        }
                        _ => {}
                    }
                    mailbox.read(cloud, name, alarm, post).await?;
                    match (&post.refused, post.observed) {
                        (Some(why), _) => Err(StepError::BrokenLink(BrokenLink::new(
                            format!("the force-stopper refused the alarm: {why}"),
                            "its log says more: see `docs/operations.md`",
                        ))),
                        (None, true) if !observes => Err(StepError::BrokenLink(BrokenLink::new(
                            format!("the force-stopper only observes, and the stack says `{mode}`"),
                            doctor_hint(stack_name, "stop-mode-enforced"),
                        ))),
                        (None, observed) => Ok(observed.then_some(())),
                    }
                },
                async || diagnosis.find_stopping_fault().await,
            )
            .await?;
        let seen = match mode {
            StopMode::Observe => {
                "nothing was stopped: StopMode is observe, and the job goes on".to_owned()
            }
            _ => format!("job is CANCELED, {REASON_CODE}, and its comment names the alarm"),
        };
        Ok(((), seen))
    }

    async fn await_alerts(
        &mut self,
        alarm: &str,
        mailbox: &Mailbox,
        post: &mut ReceivedMessages,
    ) -> Result<((), String), StepError> {
        let (cloud, name, mode) = (self.cloud, self.name, self.mode);
        let (stack, stack_name) = (self.stack, self.stack_name);
        let observes = mode == StopMode::Observe;
        let diagnosis = Diagnosis { cloud, stack, stack_name, alarm, observes };
        let result = self
            .patience
            .until(
                "",
                async || {
                    mailbox.read(cloud, name, alarm, post).await?;
                    let by_stopper = match mode {
                        StopMode::Observe => post.observed,
                        _ => post.stopped,
                    };
                    Ok((post.alarm && by_stopper).then_some(()))
                },
                async || diagnosis.find_alerting_fault().await,
            )
            .await;
        match result {
            Err(StepError::TimedOut(_)) => {
                Err(StepError::TimedOut(format!("on the e-mail topic {}", missing_messages(post))))
            }
            Err(broken) => Err(broken),
            Ok(()) => {
                let seen = "the alarm's and the force-stopper's messages are on the e-mail topic";
                Ok(((), seen.to_owned()))
            }
        }
    }
}

/// What of the messages has not come.
fn missing_messages(post: &ReceivedMessages) -> &'static str {
    match (post.alarm, post.stopped || post.observed) {
        (false, true) => "the alarm's own message is missing; the force-stopper's has come",
        (true, false) => "the force-stopper's message is missing; the alarm's own has come",
        _ => "both messages are missing, the alarm's own and the force-stopper's",
    }
}

async fn has_fired(cloud: &DrillClients, alarm: &str) -> Result<bool, Failure> {
    let history = cloud
        .aws
        .cloudwatch
        .describe_alarm_history()
        .alarm_name(alarm)
        .history_item_type(HistoryItemType::StateUpdate)
        .send()
        .await
        .map_err(|error| Failure::from_sdk("DescribeAlarmHistory", &error))?;
    let mut summaries = history.alarm_history_items().iter().filter_map(|i| i.history_summary());
    Ok(summaries.any(|summary| summary.ends_with("to ALARM")))
}

fn alarm_is_gone(alarm: &str) -> BrokenLink {
    BrokenLink::new(
        format!("alarm `{alarm}` does not exist any more"),
        "find out who else removes alarms, and run the drill again",
    )
}
