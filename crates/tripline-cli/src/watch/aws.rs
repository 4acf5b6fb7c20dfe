//! What is asked of AWS while a rollout is watched. Every call waits for its turn, and the SDK
//! repeats none: the next look does.

use aws_sdk_cloudwatch::primitives::DateTime;
use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::types::{
    AlarmType, Dimension, Metric as CloudWatchMetric, MetricAlarm, MetricDataQuery,
    MetricDataResult, MetricStat,
};
use aws_sdk_iot::types::{JobExecutionStatus, JobExecutionSummaryForJob};
use tripline::alarm::alarm_name_prefix;
use tripline::evidence::Record;
use tripline::job::JobId;
use tripline::metric::{DIMENSION, Metric, NAMESPACE};
use tripline_aws::Failure;

use super::seen::Download;
use crate::aws::alarms::Listed;
use crate::aws::arming::keeping;
use crate::aws::budget::Budget;
use crate::aws::clients::Aws;
use crate::aws::devices::Devices;
use crate::aws::job::{DescribedJob, find_job};
use crate::aws::{stack, topics};
use crate::exit::Error;
use crate::recording::executions::{JobExecution, all_executions};
use tokio::time::Instant;
use tripline_guard::coverage::Watcher;
use tripline_guard::observed::{ObservedAlarm, Watched, watched};
use tripline_guard::ownership::{AlarmTags, Owner};
use tripline_guard::verdict::{Stack, Verdict, Why};

/// `ListJobExecutionsForJob` gives so many at a time.
const PAGE: i32 = 250;
/// What is asked of each job's download times.
const STATISTICS: [&str; 4] = ["SampleCount", "p50", "p90", "p99"];
/// `GetMetricData` answers so many queries at a time.
const MOST_QUERIES: usize = 500;

/// Looks at AWS, and no faster than it should.
#[derive(Debug)]
pub struct Observer {
    aws: Aws,
    budget: Budget,
    /// The stack whose alarms guard, by its name.
    stack: String,
    /// What it is, once it was asked for.
    known: Option<KnownStack>,
    /// When it could not be had for evidence.
    missed: Option<Instant>,
    /// Alarms' tags, by their names, and when they were asked for.
    tags: BTreeMap<String, (Instant, AlarmTags)>,
    /// The muted alarms, each with the rule that mutes it, and when that was asked.
    muted: Option<(Instant, BTreeMap<String, String>)>,
}

/// What is known of the stack.
#[derive(Debug, Clone)]
struct KnownStack {
    /// The ARN of its force-stop topic.
    force_stop_topic: String,
    /// Its table. Stacks of earlier versions have none.
    table: Option<String>,
}

/// The alarms of a job, and whether they guard it.
#[derive(Debug)]
pub struct Guard {
    pub alarms: Vec<Listed>,
    /// `Err`: the stack cannot be asked, for this reason.
    pub verdict: Result<Verdict, String>,
    /// The stack's alarms, as far as they watch the job.
    pub watchers: Vec<Watcher>,
}

/// For so long nobody asks again what is muted, or whose an alarm is.
const KNOWN_FOR: Duration = Duration::from_secs(60);

/// One device's part of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    pub thing: String,
    pub started_at: Option<i64>,
    pub updated_at: i64,
}

impl Observer {
    pub fn new(aws: Aws, budget: Budget, stack: &str) -> Self {
        Self {
            aws,
            budget,
            stack: stack.to_owned(),
            known: None,
            missed: None,
            tags: BTreeMap::new(),
            muted: None,
        }
    }

    /// When the next look may begin.
    pub fn settled(&self) -> tokio::time::Instant {
        self.budget.settled()
    }

    /// The job, as AWS IoT counts; `None` if there is none.
    pub async fn job(&mut self, job: &JobId) -> Result<Option<DescribedJob>, Failure> {
        self.budget.turn().await;
        Ok(find_job(&self.aws.iot, job).await?.as_ref().map(DescribedJob::from))
    }

    /// The job in devices; `None` if there is none.
    pub async fn devices(
        &mut self,
        job: &JobId,
        devices: &mut Devices,
    ) -> Result<Option<DescribedJob>, Failure> {
        self.budget.turn().await;
        let Some(found) = find_job(&self.aws.iot, job).await? else { return Ok(None) };
        devices.describe(&self.aws.iot, job, &found, &mut self.budget).await.map(Some)
    }

    /// A page of a job's executions in one state, and the token of the next.
    pub async fn executions(
        &mut self,
        job: &JobId,
        status: JobExecutionStatus,
        token: Option<String>,
    ) -> Result<(Vec<Execution>, Option<String>), Failure> {
        self.budget.turn().await;
        let listed = self
            .aws
            .iot
            .list_job_executions_for_job()
            .job_id(job.as_str())
            .status(status)
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListJobExecutionsForJob", &error))?;
        let token = listed.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        Ok((listed.execution_summaries().iter().filter_map(execution).collect(), token))
    }

    /// A page of a group's members, those of its subgroups among them, and the token of the next.
    pub async fn members(
        &mut self,
        group: &str,
        token: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), Failure> {
        self.budget.turn().await;
        let list = self.aws.iot.list_things_in_thing_group().thing_group_name(group);
        let list = list.recursive(true).max_results(PAGE).set_next_token(token);
        let page = list.send().await;
        let page = page.map_err(|error| Failure::from_sdk("ListThingsInThingGroup", &error))?;
        let token = page.next_token.filter(|token| !token.is_empty());
        Ok((page.things.unwrap_or_default(), token))
    }

    /// All of a job's executions; `seen` is said how many there are so far.
    pub async fn all_executions(
        &mut self,
        job: &JobId,
        seen: impl FnMut(usize),
    ) -> Result<Vec<JobExecution>, Failure> {
        all_executions(&self.aws.iot, job, &mut self.budget, seen).await
    }

    /// The alarms of a job, and whether it is guarded by them.
    pub async fn guard(&mut self, job: &JobId) -> Result<Guard, Failure> {
        let there = self.alarms(job).await?;
        if there.is_empty() {
            let verdict = Ok(Verdict::Unguarded(Why::NoAlarm));
            return Ok(Guard { alarms: Vec::new(), verdict, watchers: Vec::new() });
        }
        let mut seen = Vec::new();
        for alarm in &there {
            let tags = self.tags_of(alarm).await?;
            let name = alarm.alarm_name().unwrap_or_default();
            let muted_by = self.muted().await?.get(name).cloned();
            seen.push(ObservedAlarm { muted_by, ..ObservedAlarm::new(alarm, Some(tags)) });
        }
        let (verdict, watchers) = match self.known_stack().await {
            Ok(known) => {
                let topic = known.force_stop_topic.as_str();
                let stack = Stack { name: &self.stack, force_stop_topic: topic };
                let watchers = seen.iter().filter_map(|seen| Watcher::observed(seen, job, stack));
                (Ok(Verdict::new(&seen, job, stack)), watchers.collect())
            }
            Err(error) => (Err(error.to_string()), Vec::new()),
        };
        // Its own by their tags, whatever they watch, and those that watch it, whoever made them.
        let is_shown = |seen: &&ObservedAlarm<'_>| {
            seen.owner(job, &self.stack) == Owner::Ours
                || match watched(seen.alarm) {
                    Watched::Job(watched) => watched == job.as_str(),
                    Watched::Other => false,
                    Watched::Unseen => seen
                        .tags
                        .as_ref()
                        .is_some_and(|tags| tags.job.as_deref() == Some(job.as_str())),
                }
        };
        let shown = seen.iter().filter(is_shown);
        let alarms =
            shown.map(|seen| Listed { job: job.to_string(), alarm: seen.alarm.clone() }).collect();
        Ok(Guard { alarms, verdict, watchers })
    }

    /// What the stack's guard-keeper has kept of a job's evidence. Without a stack, or its table, there is
    /// nothing.
    pub async fn evidence(&mut self, job: &JobId) -> Result<Option<Record>, Failure> {
        let Some(table) = self.table().await else { return Ok(None) };
        self.budget.turn().await;
        self.aws.evidence(&table, job).await
    }

    /// Whether the stack has a guard-keeper that keeps what it knows, so that its silence says something.
    pub fn has_keeper(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.table.is_some())
    }

    async fn table(&mut self) -> Option<String> {
        let now = Instant::now();
        let is_over = |at: Instant| now.duration_since(at) >= KNOWN_FOR;
        if self.known.is_none() && self.missed.is_none_or(is_over) {
            // Why there is none, its alarms say.
            self.missed = self.known_stack().await.is_err().then_some(now);
        }
        self.known.as_ref()?.table.clone()
    }

    async fn known_stack(&mut self) -> Result<KnownStack, Error> {
        if let Some(known) = &self.known {
            return Ok(known.clone());
        }
        self.budget.turn().await;
        let stack = stack::Stack::find_in_any_state(&self.aws.cloudformation, &self.stack).await?;
        let stack =
            stack.ok_or_else(|| Error::input(format!("there is no stack `{}`", self.stack)))?;
        let force_stop_topic = topics::of_stack(&stack, topics::FORCE_STOP)?.to_owned();
        let table = stack.find_output(keeping::TABLE).map(str::to_owned);
        // Whoever names a stack may do it by its ARN.
        self.stack = stack.name().to_owned();
        Ok(self.known.insert(KnownStack { force_stop_topic, table }).clone())
    }

    async fn tags_of(&mut self, alarm: &MetricAlarm) -> Result<AlarmTags, Failure> {
        let (name, now) = (alarm.alarm_name().unwrap_or_default(), Instant::now());
        // Somebody may make it again, under the same name and without tags.
        if let Some((at, tags)) = self.tags.get(name)
            && now.duration_since(*at) < KNOWN_FOR
        {
            return Ok(tags.clone());
        }
        self.budget.turn().await;
        let tags = self.aws.tags_of(alarm).await?;
        self.tags.insert(name.to_owned(), (now, tags.clone()));
        Ok(tags)
    }

    async fn muted(&mut self) -> Result<&BTreeMap<String, String>, Failure> {
        let now = Instant::now();
        let known = self.muted.take().filter(|(at, _)| now.duration_since(*at) < KNOWN_FOR);
        let muted = match known {
            Some(known) => known,
            None => {
                self.budget.turn().await;
                (now, self.aws.muted().await?)
            }
        };
        Ok(&self.muted.insert(muted).1)
    }

    /// The alarms that are called as a job's are.
    async fn alarms(&mut self, job: &JobId) -> Result<Vec<MetricAlarm>, Failure> {
        let mut alarms = Vec::new();
        let mut token = None;
        loop {
            self.budget.turn().await;
            let page = self
                .aws
                .cloudwatch
                .describe_alarms()
                .alarm_name_prefix(alarm_name_prefix(job))
                .alarm_types(AlarmType::MetricAlarm)
                .max_records(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| Failure::from_sdk("DescribeAlarms", &error))?;
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            alarms.extend(page.metric_alarms.unwrap_or_default());
            if token.is_none() {
                return Ok(alarms);
            }
        }
    }

    /// The download times that were reported of jobs since some time, in their order.
    pub async fn downloads(
        &mut self,
        jobs: &[JobId],
        from: i64,
        now: i64,
    ) -> Result<Vec<Option<Download>>, Failure> {
        let (start, period) = one_period(from, now);
        let mut downloads = Vec::new();
        for jobs in jobs.chunks(MOST_QUERIES / STATISTICS.len()) {
            self.budget.turn().await;
            let queries = jobs.iter().enumerate().flat_map(|(n, job)| queries(n, job, period));
            let answer = self
                .aws
                .cloudwatch
                .get_metric_data()
                .set_metric_data_queries(Some(queries.collect()))
                .start_time(DateTime::from_secs(start))
                // Reports of this very minute count too.
                .end_time(DateTime::from_secs(now.saturating_add(60)))
                .send()
                .await
                .map_err(|error| Failure::from_sdk("GetMetricData", &error))?;
            let results = answer.metric_data_results();
            downloads.extend((0..jobs.len()).map(|n| download(n, results)));
        }
        Ok(downloads)
    }
}

fn execution(listed: &JobExecutionSummaryForJob) -> Option<Execution> {
    let summary = listed.job_execution_summary()?;
    let thing = listed.thing_arn()?.split_once(":thing/")?.1.to_owned();
    let started_at = summary.started_at().map(DateTime::secs);
    let updated_at = summary.last_updated_at().or(summary.queued_at())?.secs();
    Some(Execution { thing, started_at, updated_at })
}

fn queries(n: usize, job: &JobId, period: i32) -> Vec<MetricDataQuery> {
    let metric = CloudWatchMetric::builder()
        .namespace(NAMESPACE)
        .metric_name(Metric::DownloadTime.name())
        .dimensions(Dimension::builder().name(DIMENSION).value(job.as_str()).build())
        .build();
    let query = |(m, statistic): (usize, &&str)| {
        let stat =
            MetricStat::builder().metric(metric.clone()).period(period).stat(*statistic).build();
        MetricDataQuery::builder().id(id(n, m)).metric_stat(stat).build()
    };
    STATISTICS.iter().enumerate().map(query).collect()
}

fn id(job: usize, statistic: usize) -> String {
    format!("job{job}s{statistic}")
}

/// A job's answers. There is one point for its whole life; if CloudWatch cuts it nevertheless, the
/// one with the most reports.
fn download(n: usize, results: &[MetricDataResult]) -> Option<Download> {
    let values = |statistic| {
        let id = id(n, statistic);
        results.iter().find(|result| result.id() == Some(&id)).map(MetricDataResult::values)
    };
    let (most, samples) =
        values(0)?.iter().copied().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let at = |statistic| values(statistic)?.get(most).copied();
    Some(Download { samples, p50: at(1)?, p90: at(2)?, p99: at(3)? })
}

/// Where to begin, and a period that holds everything from there to `now` in one point, because
/// percentiles of several cannot be put together. A period may begin where the request does, or at
/// a multiple of its own length; this one fits both. Whole hours suit data of every age.
fn one_period(from: i64, now: i64) -> (i64, i32) {
    const HOUR: i64 = 3_600;
    let start = from.clamp(0, now.max(0)) / HOUR * HOUR;
    // Until a minute from now, which is where the request ends.
    let end = now.max(start).saturating_add(60);
    let least = (end - start) / HOUR + 1;
    let whole = |hours: &i64| start / (hours * HOUR) == end / (hours * HOUR);
    let hours = (least..least.saturating_mul(4).saturating_add(24)).find(whole).unwrap_or(least);
    (start, i32::try_from(hours.saturating_mul(HOUR)).unwrap_or(i32::MAX / 3_600 * 3_600))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_period_holds_a_whole_life(now in 1_700_000_000_i64..2_000_000_000, life in 0_i64..60_000_000) {
            let (start, period) = one_period(now - life, now);
            let (end, period) = (now + 60, i64::from(period));
            prop_assert!(start <= now - life && start > now - life - 3_600);
            prop_assert_eq!(period % 3_600, 0);
            prop_assert!(end - start <= period, "from where the request begins");
            prop_assert_eq!(start / period, end / period, "from the epoch on");
            prop_assert!(period <= 5 * (life + 7_200) + 86_400);
        }
    }

    #[test]
    fn a_life_in_several_points_shows_the_one_with_most_reports() {
        let result = |id: &str, values: &[f64]| {
            MetricDataResult::builder().id(id).set_values(Some(values.to_vec())).build()
        };
        let mut results = vec![
            result("job0s0", &[2.0, 30.0]),
            result("job0s1", &[9.0, 100.0]),
            result("job0s2", &[9.0, 200.0]),
            result("job0s3", &[9.0, 300.0]),
            result("job1s0", &[]),
        ];
        let most = Download { samples: 30.0, p50: 100.0, p90: 200.0, p99: 300.0 };
        assert_eq!(download(0, &results), Some(most));
        assert_eq!(download(1, &results), None);
        results.pop();
        results.pop();
        assert_eq!(download(0, &results), None);
        assert_eq!(one_period(i64::MAX, 5).0, 0);
    }
}
