//! A local AWS with the stack, a bucket and a thing, and releases to put into a queue.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use tempfile::TempDir;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Proxy;
use tripline_tests::runner::{Ran, run};
use tripline_tests::stack::Stack;

pub const BUCKET: &str = "releases";

/// A config that is guarded, and needs no stream.
const CONFIG: &str = concat!(
    "\
; <job>
[DEFAULT]
jobId = <job>
binName = <job>.bin
thingList = things.txt
bucket = releases
region = us-east-1

",
    include_str!("../../support/slow.ini")
);

pub struct Stage {
    /// What the commands speak to.
    proxy: Proxy,
    pub aws: LocalAws,
    /// The stack's.
    pub table: String,
    pub folder: TempDir,
    pub dynamo: aws_sdk_dynamodb::Client,
    pub s3: aws_sdk_s3::Client,
    pub iot: aws_sdk_iot::Client,
    thing: String,
}

impl Stage {
    pub async fn start() -> Self {
        let aws = LocalAws::start().await.unwrap();
        let stack = Stack::create(&aws, "tripline", &[("Queue", "on")]).await.unwrap();
        let table = stack.output("QueueTableName").unwrap().to_owned();
        let config = aws.config();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        let dynamo = aws_sdk_dynamodb::Client::new(&config);
        let iot = aws_sdk_iot::Client::new(&config);
        s3.create_bucket().bucket(BUCKET).send().await.unwrap();
        let thing = iot.create_thing().thing_name("tracker-1").send().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let thing = thing.thing_arn.unwrap();
        Self { proxy: Proxy::start(&aws).unwrap(), aws, table, folder, dynamo, s3, iot, thing }
    }

    /// `tripline queue`, with the stack's table.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = self.proxy.tripline().unwrap();
        command.arg("queue").args(arguments.split_whitespace()).current_dir(self.folder.path());
        command
    }

    pub fn run(&self, arguments: &str) -> Ran {
        run(&mut self.command(arguments))
    }

    /// Runs in the background.
    pub fn spawn(&self, arguments: &str) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap()
    }

    /// Writes the files of a release into a folder of its own.
    pub fn release(&self, job: &str) -> PathBuf {
        let folder = self.folder.path().join(job);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("dev.ini"), CONFIG.replace("<job>", job)).unwrap();
        fs::write(folder.join(format!("{job}.bin")), format!("firmware of {job}")).unwrap();
        fs::write(folder.join("things.txt"), format!("{}\n", self.thing)).unwrap();
        folder
    }

    /// Adds a release, and returns what its entry is called.
    pub fn add(&self, job: &str, more: &str) -> String {
        let folder = self.release(job);
        let folder = folder.display();
        let added = self.run(&format!(
            "add --bin {folder}/{job}.bin --config {folder}/dev.ini --things {folder}/things.txt --bucket {BUCKET} {more}"
        ));
        assert_eq!(added.code, 0, "{}", added.stderr);
        added.stdout.trim().to_owned()
    }

    /// An entry as the list shows it.
    pub fn entry(&self, queue: &str, id: &str) -> Value {
        let listed = self.run(&format!("list --queue {queue} --output json")).json();
        let entries = listed["entries"].as_array().unwrap();
        let found = entries.iter().find(|entry| entry["entry"] == id);
        found.unwrap_or_else(|| panic!("no {id} in {listed}")).clone()
    }

    /// Writes an attribute past the command.
    pub async fn set(&self, id: &str, name: &str, value: AttributeValue) {
        self.dynamo
            .update_item()
            .table_name(&self.table)
            .key("queue", AttributeValue::S("default".to_owned()))
            .key("entry", AttributeValue::S(id.to_owned()))
            .update_expression("SET #name = :value")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", value)
            .send()
            .await
            .unwrap();
    }

    /// All jobs of AWS IoT.
    pub async fn jobs(&self) -> Vec<String> {
        let mut pages = self.iot.list_jobs().into_paginator().send();
        let mut jobs = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            jobs.extend(page.jobs().iter().map(|job| job.job_id().unwrap().to_owned()));
        }
        jobs
    }

    /// Creates a job past the command.
    pub async fn create_job(&self, job: &str) {
        let job = self.iot.create_job().job_id(job).targets(&self.thing).document("{}");
        job.send().await.unwrap();
    }

    /// Asserts that an entry was deployed by its first worker, and that there is exactly one job of
    /// it.
    pub async fn assert_deployed_once(&self, queue: &str, id: &str) {
        let entry = self.entry(queue, id);
        assert_eq!((&entry["state"], &entry["claims"]), (&"deployed".into(), &1.into()), "{entry}");
        assert_eq!(self.jobs_of(&entry).await, 1, "{entry}");
    }

    /// How many jobs there are of an entry.
    pub async fn jobs_of(&self, entry: &Value) -> usize {
        self.jobs().await.iter().filter(|job| entry["jobId"] == **job).count()
    }
}

/// The exit code and the word for what has come of `next`.
pub fn result(ran: &Ran) -> (i32, String) {
    (ran.code, ran.json()["state"].as_str().unwrap().to_owned())
}

/// How `next --detach` ends that deploys an entry.
pub fn deployed() -> (i32, String) {
    (0, "deployed".to_owned())
}
