//! A rollout and its devices.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Datapoint, Dimension, Statistic};
use aws_sdk_iot::operation::create_job::builders::CreateJobFluentBuilder;
use aws_sdk_iot::types::{Job, TargetSelection};
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;
use tripline::metric::{DIMENSION, NAMESPACE};

use super::stage::{Chain, STACK};

pub struct Rollout<'a> {
    chain: &'a Chain<'a>,
    pub id: String,
    things: Vec<String>,
}

/// So many devices are enough for the default guard, by rules for small rollouts.
pub const GUARDED_FROM: usize = 4;

/// The values of one metric: how many, and their sum.
pub type Total = (f64, f64);

impl<'a> Rollout<'a> {
    /// A job for devices of its own.
    pub async fn create(chain: &'a Chain<'a>, id: &str, devices: usize) -> Self {
        Self::create_in(chain, id, devices, None).await
    }

    /// The same in a namespace: another service's job.
    pub async fn create_in(
        chain: &'a Chain<'a>,
        id: &str,
        devices: usize,
        namespace: Option<&str>,
    ) -> Self {
        Self::create_as(chain, id, devices, |job| {
            job.set_namespace_id(namespace.map(str::to_owned))
        })
        .await
    }

    /// The same with more of what a job can have.
    pub async fn create_as(
        chain: &'a Chain<'a>,
        id: &str,
        devices: usize,
        as_well: impl FnOnce(CreateJobFluentBuilder) -> CreateJobFluentBuilder,
    ) -> Self {
        let (things, arns) = Self::things(chain, id, devices).await;
        let job = chain.iot.create_job().job_id(id).set_targets(Some(arns)).document("{}");
        as_well(job.target_selection(TargetSelection::Snapshot)).send().await.unwrap();
        Self { chain, id: id.to_owned(), things }
    }

    /// A job for a group of things.
    pub async fn create_for_group(chain: &'a Chain<'a>, id: &str, devices: usize) -> Self {
        let (things, _) = Self::things(chain, id, devices).await;
        let group = chain.iot.create_thing_group().thing_group_name(id).send().await.unwrap();
        for thing in &things {
            let add = chain.iot.add_thing_to_thing_group().thing_group_name(id).thing_name(thing);
            add.send().await.unwrap();
        }
        let job = chain.iot.create_job().job_id(id).document("{}");
        let job = job.set_targets(group.thing_group_arn.map(|arn| vec![arn]));
        job.target_selection(TargetSelection::Snapshot).send().await.unwrap();
        Self { chain, id: id.to_owned(), things }
    }

    /// Names and ARNs of things for a job.
    async fn things(chain: &Chain<'_>, id: &str, devices: usize) -> (Vec<String>, Vec<String>) {
        let (mut things, mut arns) = (Vec::new(), Vec::new());
        for device in 0..devices {
            let thing = format!("{id}-device-{device}");
            let created = chain.iot.create_thing().thing_name(&thing).send().await.unwrap();
            arns.push(created.thing_arn.unwrap());
            things.push(thing);
        }
        (things, arns)
    }

    /// The name of a device's thing.
    pub fn thing(&self, device: usize) -> &str {
        &self.things[device]
    }

    /// Arms it with the README's alarm config.
    pub fn arm(&self) {
        let id = &self.id;
        self.chain
            .tripline(&format!("alarms apply examples/demo.ini --stack {STACK} --job-id {id}"));
    }

    /// The alarm on slow downloads of [`Self::arm`].
    pub fn alarm(&self) -> String {
        format!("tripline-{}-SlowDownloads", self.id)
    }

    /// A device takes the firmware.
    pub async fn begins(&self, device: usize) {
        let thing = &self.things[device];
        let next = self.chain.devices.start_next_pending_job_execution().thing_name(thing);
        let execution = next.send().await.unwrap().execution;
        assert_eq!(execution.and_then(|e| e.job_id).as_ref(), Some(&self.id), "device {thing}");
    }

    /// A device ends.
    pub async fn reports(
        &self,
        device: usize,
        status: JobExecutionStatus,
        details: &[(&str, &str)],
    ) {
        let details = details.iter().map(|(key, value)| (key.to_string(), value.to_string()));
        let update = self.chain.devices.update_job_execution();
        let update = update.thing_name(&self.things[device]).job_id(&self.id).status(status);
        update.set_status_details(Some(details.collect())).send().await.unwrap();
    }

    /// A device takes the firmware, and is through after a download of so many seconds.
    pub async fn succeeds(&self, device: usize, seconds: &str) {
        self.begins(device).await;
        let details = [("downloadTime", seconds)];
        self.reports(device, JobExecutionStatus::Succeeded, &details).await;
    }

    pub async fn job(&self) -> Job {
        let described = self.chain.iot.describe_job().job_id(&self.id).send().await;
        described.unwrap().job.unwrap()
    }

    pub async fn status(&self) -> String {
        self.job().await.status.unwrap().as_str().to_owned()
    }

    /// The states of the executions, in the order of the devices.
    pub async fn executions(&self) -> Vec<String> {
        let mut states = Vec::new();
        for thing in &self.things {
            let execution = self.chain.iot.describe_job_execution().job_id(&self.id);
            let execution = execution.thing_name(thing).send().await.unwrap().execution.unwrap();
            states.push(execution.status.unwrap().as_str().to_owned());
        }
        states
    }

    /// Every metric of the job.
    pub async fn metrics(&self) -> BTreeMap<String, Total> {
        metrics(self.chain, &self.id).await
    }

    /// Waits until a metric has so many values.
    pub async fn until_counted(&self, metric: &str, values: f64) {
        let what = format!("`{metric}` of `{}` with {values} values", self.id);
        let counted =
            |all: &BTreeMap<String, Total>| all.get(metric).is_some_and(|t| t.0 >= values);
        self.chain.until(&what, async || self.metrics().await, counted).await;
    }
}

/// Every metric that CloudWatch has of a job, and nothing else.
pub async fn metrics(chain: &Chain<'_>, job_id: &str) -> BTreeMap<String, Total> {
    let listed = chain.cloudwatch.list_metrics().namespace(NAMESPACE).send().await.unwrap();
    let job = Dimension::builder().name(DIMENSION).value(job_id).build();
    let names = listed.metrics.unwrap_or_default().into_iter();
    let names = names.filter(|m| m.dimensions() == [job.clone()]).filter_map(|m| m.metric_name);
    let mut totals = BTreeMap::new();
    for name in names {
        let total = total(chain, &name, &job).await;
        totals.insert(name, total);
    }
    totals
}

async fn total(chain: &Chain<'_>, metric: &str, job: &Dimension) -> Total {
    let now = SystemTime::now();
    let hour = Duration::from_secs(3_600);
    let statistics = chain
        .cloudwatch
        .get_metric_statistics()
        .namespace(NAMESPACE)
        .metric_name(metric)
        .dimensions(job.clone())
        .start_time((now - hour).into())
        .end_time((now + hour).into())
        .period(60)
        .statistics(Statistic::SampleCount)
        .statistics(Statistic::Sum);
    let points = statistics.send().await.unwrap().datapoints.unwrap_or_default();
    let sum = |of: fn(&Datapoint) -> Option<f64>| points.iter().filter_map(of).sum();
    (sum(|point| point.sample_count), sum(|point| point.sum))
}
