//! A stack, a bucket, things, and a folder with a `dev.ini`.

use std::path::PathBuf;
use std::process::Command;

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_iot::types::{Job, StreamInfo};
use tempfile::TempDir;
use tripline_tests::Result;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::{Cut, Proxy, Ran};
use tripline_tests::stack::Stack;

use crate::policies::{assert_allows, policy_of};

pub const BUCKET: &str = "pump-firmware";
pub const IMAGE: &[u8] = b"pump firmware 4.2";

/// A config as short as one can be that is guarded.
pub const SHORT: &str = concat!(
    "\
[DEFAULT]
thingList = things.txt
binName = pump-4.2.bin
roleArn = arn:aws:iam::000000000000:role/pump-ota
jobId = <job>
rounds = 1
bucket = pump-firmware
cleanUpCfg = True
defaultDelay = 0
region = us-east-1
streamId = <job>-stream

",
    include_str!("../../support/slow.ini")
);

pub struct Stage {
    pub proxy: Proxy,
    pub aws: LocalAws,
    pub iot: aws_sdk_iot::Client,
    pub s3: aws_sdk_s3::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    folder: TempDir,
    pub stack: Stack,
    /// Sees what the functions call, and whether they may.
    _functions: Proxy,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A stage whose stack has these parameters.
    pub async fn with(parameters: &[(&str, &str)]) -> Self {
        let (aws, functions) = must(Proxy::start_with_functions().await);
        let stack = must(Stack::create(&aws, "tripline", parameters).await);
        let proxy = must(Proxy::start(&aws));
        let config = proxy.config();
        let stage = Self {
            _functions: functions,
            iot: aws_sdk_iot::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            s3: proxy.s3(),
            folder: tempfile::tempdir().unwrap(),
            stack,
            proxy,
            aws,
        };
        stage.s3.create_bucket().bucket(BUCKET).send().await.unwrap();
        stage.write("pump-4.2.bin", IMAGE);
        stage
    }

    /// Things with these names; the thing list names them.
    pub async fn things(&self, names: &[&str]) {
        let mut list = String::new();
        for name in names {
            let thing = self.iot.create_thing().thing_name(*name).send().await.unwrap();
            list += &format!("{}\n", thing.thing_arn().unwrap());
        }
        self.write("things.txt", list.as_bytes());
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A config for a job, as `<job>.ini`.
    pub fn config(&self, template: &str, job: &str) -> PathBuf {
        self.write(&format!("{job}.ini"), template.replace("<job>", job).as_bytes())
    }

    /// Where the files are.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Deletes the alarms of a job past the command.
    pub async fn disarm(&self, job: &str) {
        let names = self.alarms(job).await.into_iter().filter_map(|alarm| alarm.alarm_name);
        let delete = self.cloudwatch.delete_alarms().set_alarm_names(Some(names.collect()));
        delete.send().await.unwrap();
    }

    /// `tripline deploy` or another command with the config of a job.
    pub fn command(&self, command: &str, job: &str, more: &[&str]) -> Command {
        let mut program = must(self.proxy.tripline());
        program.arg(command).arg(self.folder.path().join(format!("{job}.ini"))).args(more);
        program
    }

    pub async fn deploy(&self, job: &str, more: &[&str]) -> Ran {
        let ran = must(self.proxy.run(&mut self.command("deploy", job, more), None).await);
        assert_operator_may(&ran);
        ran
    }

    pub async fn deploy_until(&self, job: &str, more: &[&str], cut: Cut) -> Ran {
        let ran = must(self.proxy.run(&mut self.command("deploy", job, more), Some(cut)).await);
        assert_operator_may(&ran);
        ran
    }

    pub async fn job(&self, job: &str) -> Option<Job> {
        let found = self.iot.describe_job().job_id(job).send().await;
        match found {
            Ok(found) => found.job,
            Err(error) if error.as_service_error().unwrap().is_resource_not_found_exception() => {
                None
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    pub async fn stream(&self, id: &str) -> Option<StreamInfo> {
        let found = self.iot.describe_stream().stream_id(id).send().await;
        match found {
            Ok(found) => found.stream_info,
            Err(error) if error.as_service_error().unwrap().is_resource_not_found_exception() => {
                None
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    pub async fn alarms(&self, job: &str) -> Vec<MetricAlarm> {
        let alarms =
            self.cloudwatch.describe_alarms().alarm_name_prefix(format!("tripline-{job}-"));
        alarms.send().await.unwrap().metric_alarms.unwrap_or_default()
    }

    /// The text of an object.
    pub async fn object(&self, key: &str) -> String {
        let found = self.s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        String::from_utf8(found.body.collect().await.unwrap().to_vec()).unwrap()
    }

    /// The keys that begin so.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let listed = self.s3.list_objects_v2().bucket(BUCKET).prefix(prefix).send().await.unwrap();
        listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    /// Nothing of a job is left: no job, no stream, no alarm.
    pub async fn assert_nothing_is_left(&self, job: &str) {
        assert_eq!(self.job(job).await, None, "{job}");
        assert_eq!(self.stream(&format!("{job}-stream")).await, None, "{job}");
        assert_eq!(self.alarms(job).await, [], "{job}");
    }
}

/// Whatever a deployment called, the policy of docs/guide/deploy.md allows.
pub fn assert_operator_may(ran: &Ran) {
    let names = [
        ("tracker-ota", "pump-ota"),
        ("tracker-firmware-reader", "pump-reader"),
        ("tracker-firmware", BUCKET),
    ];
    let policy = policy_of("docs/guide/deploy.md", &names);
    assert_allows(&policy, &ran.calls);
}

/// What a harness gives, or its own words about why not.
pub fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

pub fn assert_ended(ran: &Ran, code: i32) {
    assert_eq!(ran.status.code(), Some(code), "{}\n{}", ran.stdout, ran.stderr);
}
