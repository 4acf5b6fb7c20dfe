//! A stack that takes releases, a folder with a `dev.ini`, and a fleet that does what the test says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_iot::types::Job;
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;
use aws_sdk_lambda::types::Environment;
use serde_json::{Value, json};
use tempfile::TempDir;
use tripline::release::{Phase, State};
use tripline_tests::Result;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::mailbox::{Email, Mailbox};
use tripline_tests::proxy::{Proxy, Ran};
use tripline_tests::stack::Stack;
use tripline_tests::wire::Answer;

const BUCKET: &str = "valve-firmware";
/// How long a minute of evidence is here.
pub const MINUTE: Duration = Duration::from_secs(2);
/// Most looks until something has happened.
const MOST_LOOKS: usize = 45;

/// Limits by which some forty devices decide.
const HEAD: &str = "\
[DEFAULT]
thingList = things.txt
binName = valve.bin
roleArn = arn:aws:iam::000000000000:role/valve-ota
jobId = <release>
rounds = 1
bucket = valve-firmware
cleanUpCfg = False
region = us-east-1
streamId = <release>-stream

[EVIDENCE_CONFIG]
useEvidence = True
falseStops = 3
failedLimit = 10
unfinishedLimits = 10:30, 15:10
snsTopics = @email, @force-stop

";

pub struct Stage {
    pub proxy: Proxy,
    pub aws: LocalAws,
    pub iot: aws_sdk_iot::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    devices: aws_sdk_iotjobsdataplane::Client,
    folder: TempDir,
    pub stack: Stack,
}

/// What devices of a wave do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// All succeed in the minutes after they began.
    Well,
    /// Every other one fails; the others are unfinished.
    Badly,
    /// They begin, and are at it for ever.
    Nothing,
}

impl Stage {
    pub async fn new() -> Self {
        let (aws, proxy) = must(Proxy::start_with_functions().await);
        let parameters = [("Releases", "on"), ("KeeperConcurrency", "shared")];
        let stack = must(Stack::create(&aws, "tripline", &parameters).await);
        let config = proxy.config();
        let stage = Self {
            iot: aws_sdk_iot::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            devices: aws_sdk_iotjobsdataplane::Client::new(&config),
            folder: tempfile::tempdir().unwrap(),
            stack,
            proxy,
            aws,
        };
        stage.proxy.s3().create_bucket().bucket(BUCKET).send().await.unwrap();
        stage.write("valve.bin", b"valve firmware 7.1");
        for schedule in ["GuardKeeperScheduleArn", "WaveRunnerScheduleArn"] {
            let arn = stage.output(schedule);
            let off = json!({"Name": arn.rsplit('/').next()});
            must(stage.aws.post("events", "AWSEvents.DisableRule", &off));
        }
        for function in ["GuardKeeperFunctionArn", "WaveRunnerFunctionArn"] {
            stage.shorten_minutes(function).await;
        }
        stage
    }

    /// Shortens a function's minutes, which no template does.
    async fn shorten_minutes(&self, function: &str) {
        let lambda = aws_sdk_lambda::Client::new(&self.aws.config());
        let name = self.output(function).rsplit(':').next().unwrap();
        let now = lambda.get_function_configuration().function_name(name).send().await.unwrap();
        let mut variables = now.environment.unwrap().variables.unwrap();
        variables.insert("EVIDENCE_MINUTE_SECONDS".to_owned(), MINUTE.as_secs().to_string());
        let environment = Environment::builder().set_variables(Some(variables)).build();
        let update = lambda.update_function_configuration().function_name(name);
        update.environment(environment).send().await.unwrap();
    }

    pub fn output(&self, key: &str) -> &str {
        must(self.stack.output(key))
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Things, in the thing list.
    pub async fn things(&self, release: &str, count: usize) {
        let mut list = String::new();
        for number in 0..count {
            let thing = self.iot.create_thing().thing_name(format!("{release}-valve-{number}"));
            list += &format!("{}\n", thing.send().await.unwrap().thing_arn().unwrap());
        }
        self.write("things.txt", list.as_bytes());
    }

    /// A config with these waves, each with its section; without any it is one of `tripline deploy`.
    pub fn config(&self, release: &str, waves: &[(&str, &str)]) {
        let names: Vec<&str> = waves.iter().map(|(name, _)| *name).collect();
        let mut text = HEAD.replace("<release>", release);
        if waves.is_empty() {
            self.write(&format!("{release}.ini"), text.as_bytes());
            return;
        }
        text += &format!("[WAVES]\nwaveList = {}\n\n", names.join(", "));
        for (name, keys) in waves {
            text += &format!("[WAVE_{name}]\n{keys}\n");
        }
        self.write(&format!("{release}.ini"), text.as_bytes());
    }

    /// `tripline release ..`.
    pub async fn release(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["release"], arguments].concat()).await
    }

    /// `tripline ..`.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let mut program = must(self.proxy.tripline());
        program.args(arguments);
        must(self.proxy.run(&mut program, None).await)
    }

    /// Where the config of a release, or of a job, is.
    pub fn path(&self, release: &str) -> String {
        self.folder.path().join(format!("{release}.ini")).to_str().unwrap().to_owned()
    }

    /// A device takes what is next for it.
    pub async fn begins(&self, thing: &str) {
        let next = self.devices.start_next_pending_job_execution().thing_name(thing);
        next.send().await.unwrap().execution.unwrap();
    }

    /// A device ends.
    pub async fn reports(&self, job: &str, thing: &str, status: JobExecutionStatus) {
        let update = self.devices.update_job_execution().job_id(job).thing_name(thing);
        update.status(status).send().await.unwrap();
    }

    /// A job's document.
    pub async fn document(&self, job: &str) -> String {
        self.iot.get_job_document().job_id(job).send().await.unwrap().document.unwrap()
    }

    /// The names of a job's alarms.
    pub async fn alarms(&self, job: &str) -> Vec<String> {
        let prefix = format!("tripline-{job}-");
        let alarms = self.cloudwatch.describe_alarms().alarm_name_prefix(prefix).send().await;
        let alarms = alarms.unwrap().metric_alarms.unwrap_or_default();
        alarms.into_iter().filter_map(|alarm| alarm.alarm_name).collect()
    }

    pub async fn start(&self, release: &str) -> Ran {
        self.release(&["start", &self.path(release)]).await
    }

    /// What `tripline release status` says.
    pub async fn status(&self, release: &str) -> (Value, Ran) {
        let ran = self.release(&["status", release, "--output", "json"]).await;
        let status = serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr));
        (status, ran)
    }

    /// A release as the table has it.
    pub fn state(&self, release: &str) -> State {
        let get = json!({
            "TableName": self.output("QueueTableName"),
            "Key": {"queue": {"S": State::QUEUE}, "entry": {"S": release}},
        });
        let answer = must(self.aws.post("dynamodb", "DynamoDB_20120810.GetItem", &get));
        State::from_text(answer["Item"]["state"]["S"].as_str().unwrap()).unwrap()
    }

    pub fn phases(&self, release: &str) -> Vec<Phase> {
        self.state(release).waves.iter().map(|wave| wave.phase).collect()
    }

    pub async fn job(&self, job: &str) -> Option<Job> {
        self.iot.describe_job().job_id(job).send().await.ok().and_then(|found| found.job)
    }

    pub async fn mailbox(&self, name: &str) -> Mailbox {
        must(Mailbox::subscribe(&self.aws, self.output("EmailTopicArn"), name).await)
    }

    /// A minute of the guard-keeper, and then one of the wave-runner.
    pub async fn minute(&self) {
        must(self.stack.keep(&self.aws).await);
        match self.answer() {
            Answer::Returned(_) => {}
            failed => panic!("the wave-runner: {failed:?}\n{}", self.logs()),
        }
    }

    /// A look of the wave-runner.
    pub fn answer(&self) -> Answer {
        let function = self.output("WaveRunnerFunctionArn").rsplit(':').next().unwrap().to_owned();
        let minute = json!({"minute": self.output("ReleaseMachineArn")});
        must(self.aws.invoke(&function, &minute))
    }

    /// A look of the wave-runner that is killed while it works: how many processes were.
    fn killed_look(&self) -> usize {
        let function = self.output("WaveRunnerFunctionArn").rsplit(':').next().unwrap().to_owned();
        let minute = json!({"minute": self.output("ReleaseMachineArn")});
        std::thread::scope(|scope| {
            // What comes of it is the next one's.
            scope.spawn(|| self.aws.invoke(&function, &minute).ok());
            std::thread::sleep(Duration::from_millis(60));
            kill_processes_of(&function, self.proxy.endpoint())
        })
    }

    /// A job's hold as the guards table has it.
    pub fn hold(&self, job: &str) -> Option<Value> {
        let get = json!({
            "TableName": self.output("GuardsTableName"), "Key": {"jobId": {"S": "$holds"}},
        });
        let answer = must(self.aws.post("dynamodb", "DynamoDB_20120810.GetItem", &get));
        serde_json::from_str(answer["Item"][job]["S"].as_str()?).ok()
    }

    /// Asks until it is so.
    pub async fn wait(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let start = std::time::Instant::now();
        while !is_so().await {
            assert!(start.elapsed() < Duration::from_secs(90), "{what}\n{}", self.logs());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn logs(&self) -> String {
        let mut logs = String::new();
        for group in ["WaveRunnerLogGroup", "GuardKeeperLogGroup", "ForceStopperLogGroup"] {
            let mut lines = must(self.aws.log_of(self.output(group)));
            lines.retain(|line| line.starts_with('{'));
            logs += &format!("{group}\n{}\n", lines[lines.len().saturating_sub(12)..].join("\n"));
        }
        logs
    }

    /// Lets minutes pass, in which the devices of every wave do what the test says, until it is so.
    pub async fn until(
        &self,
        release: &str,
        fleet: &mut Fleet,
        is_so: impl Fn(&State) -> bool,
    ) -> State {
        let mut schedule = tokio::time::interval(MINUTE);
        for _ in 0..MOST_LOOKS {
            schedule.tick().await;
            let state = self.state(release);
            if is_so(&state) {
                return state;
            }
            fleet.minute(self, &state).await;
            if fleet.kills {
                fleet.killed += self.killed_look();
            }
            self.minute().await;
        }
        panic!("not within {MOST_LOOKS} minutes: {:#?}\n{}", self.state(release), self.logs());
    }
}

/// Devices of a release: in the first minute that a wave's job is there all begin, in the next two they end.
pub struct Fleet {
    doing: BTreeMap<String, Doing>,
    begun: BTreeMap<String, usize>,
    /// Whether the wave-runner is killed in every minute, and how often it was.
    pub kills: bool,
    pub killed: usize,
}

impl Fleet {
    pub fn new(doing: &[(&str, Doing)]) -> Self {
        let doing = doing.iter().map(|(wave, doing)| ((*wave).to_owned(), *doing)).collect();
        Self { doing, begun: BTreeMap::new(), kills: false, killed: 0 }
    }

    async fn minute(&mut self, stage: &Stage, state: &State) {
        for wave in &state.waves {
            let job = wave.job.as_str();
            let is_on = stage.job(job).await.is_some_and(|job| {
                job.status().is_some_and(|status| status.as_str() == "IN_PROGRESS")
            });
            if !is_on {
                continue;
            }
            let passed = self.begun.entry(wave.name.to_string()).or_default();
            *passed += 1;
            let minute = *passed;
            if minute > 3 {
                continue;
            }
            let doing = self.doing.get(wave.name.as_str()).copied().unwrap_or(Doing::Well);
            let listed = stage.iot.list_job_executions_for_job().job_id(job).send().await.unwrap();
            for execution in listed.execution_summaries() {
                let thing = execution.thing_arn().unwrap().rsplit('/').next().unwrap();
                let number: u32 = thing.rsplit('-').next().unwrap().parse().unwrap();
                if minute == 1 {
                    let next = stage.devices.start_next_pending_job_execution();
                    next.thing_name(thing).send().await.unwrap();
                    continue;
                }
                let is_even = number.is_multiple_of(2);
                let status = match (doing, minute, is_even) {
                    (Doing::Well, 2, true) | (Doing::Well, 3, false) => {
                        JobExecutionStatus::Succeeded
                    }
                    (Doing::Badly, 2, true) => JobExecutionStatus::Failed,
                    _ => continue,
                };
                let update = stage.devices.update_job_execution().job_id(job).thing_name(thing);
                update.status(status).send().await.unwrap();
            }
        }
    }
}

/// Kills the processes of a function of one local AWS: they have its name and its server in their environment.
fn kill_processes_of(function: &str, endpoint: &str) -> usize {
    let marks =
        [format!("AWS_LAMBDA_FUNCTION_NAME={function}"), format!("AWS_ENDPOINT_URL={endpoint}")];
    let mut killed = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        let has = |mark: &String| {
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        if !marks.iter().all(has) {
            continue;
        }
        let id = entry.file_name();
        let kill = std::process::Command::new("kill").arg("-9").arg(&id).output();
        killed += usize::from(kill.is_ok_and(|ran| ran.status.success()));
    }
    killed
}

/// What a harness gives, or its own words about why not.
pub fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

pub fn assert_ended(ran: &Ran, code: i32) {
    assert_eq!(ran.status.code(), Some(code), "{}\n{}", ran.stdout, ran.stderr);
}

/// What is said to people about a release.
pub async fn emails(mailbox: &mut Mailbox, about: &str) -> Vec<Email> {
    let mut emails = must(mailbox.so_far().await);
    emails.retain(|email| email.text.contains(about) && !email.is_alarm());
    emails
}
