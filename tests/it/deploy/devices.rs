//! Devices that take whatever comes and report at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_iotjobsdataplane::Client;
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;
use tokio::task::JoinHandle;
use tripline_tests::local_aws::LocalAws;

/// Running devices. Dropping them ends them.
pub struct Devices {
    task: JoinHandle<()>,
    reports: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Devices {
    /// Devices that succeed, with this download time if there is one.
    pub fn start(aws: &LocalAws, things: &[&str], download_time: Option<&str>) -> Self {
        let client = Client::new(&aws.config());
        let things: Vec<String> = things.iter().map(|thing| (*thing).to_owned()).collect();
        let download_time = download_time.map(str::to_owned);
        let reports = Arc::new(Mutex::new(BTreeMap::new()));
        let counted = reports.clone();
        let task = tokio::spawn(async move {
            loop {
                for thing in &things {
                    if let Some(job) = report(&client, thing, download_time.as_deref()).await {
                        *counted.lock().unwrap().entry(job).or_insert(0) += 1;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Self { task, reports }
    }

    /// How many executions of a job they have reported.
    pub fn reports(&self, job: &str) -> u32 {
        self.reports.lock().unwrap().get(job).copied().unwrap_or(0)
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes one execution, and says which job it was of.
async fn report(client: &Client, thing: &str, download_time: Option<&str>) -> Option<String> {
    let next = client.start_next_pending_job_execution().thing_name(thing).send().await.ok()?;
    let job = next.execution?.job_id?;
    let update = client
        .update_job_execution()
        .thing_name(thing)
        .job_id(&job)
        .status(JobExecutionStatus::Succeeded)
        .set_status_details(
            download_time.map(|time| [("downloadTime".to_owned(), time.to_owned())].into()),
        );
    // Its job may have been removed in between.
    update.send().await.ok().map(|_| job)
}
