//! A deployed stack on a local AWS, as a test needs it.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tripline_tests::Result;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::mailbox::{Email, Mailbox};
use tripline_tests::proxy::Proxy;
use tripline_tests::runner::run;
use tripline_tests::stack::Stack;
use tripline_tests::wire::Answer;

/// Most of what is awaited comes within a second; a busy machine is given time.
const WITHIN: Duration = Duration::from_secs(60);
pub const STACK: &str = "tripline";

/// A local AWS with the stack on it. It may be shared; the clients may not outlive a test.
pub struct Stage {
    /// Sees what the functions call, and whether they may.
    front: Option<Proxy>,
    aws: LocalAws,
    stack: Stack,
}

/// A stage with a test's own clients.
pub struct Chain<'a> {
    /// Sees what the command calls, if the test has no proxy of its own.
    front: Option<&'a Proxy>,
    pub aws: &'a LocalAws,
    pub stack: &'a Stack,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub devices: aws_sdk_iotjobsdataplane::Client,
    pub iot: aws_sdk_iot::Client,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
}

impl Stage {
    /// What functions have done so far is in their roles. A stage that is never dropped has to be asked.
    pub fn is_allowed(&self) {
        let violations = self.front.as_ref().map(Proxy::take_violations).unwrap_or_default();
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// Parameters that are not given have the template's defaults.
    pub async fn new(parameters: &[(&str, &str)]) -> Self {
        let (aws, front) = must(Proxy::start_with_functions().await);
        Self { front: Some(front), ..Self::on(aws, parameters).await }
    }

    /// The same with all calls of the functions in a proxy's hands, and no minute of the guard-keeper
    /// but those that a test asks for.
    pub async fn behind_proxy(parameters: &[(&str, &str)]) -> (Proxy, Self) {
        let (aws, proxy) = must(Proxy::start_with_functions().await);
        let stage = Self::on(aws, parameters).await;
        let schedule = must(stage.stack.output("GuardKeeperScheduleArn"));
        let off = json!({"Name": schedule.rsplit('/').next()});
        must(stage.aws.post("events", "AWSEvents.DisableRule", &off));
        (proxy, stage)
    }

    async fn on(aws: LocalAws, parameters: &[(&str, &str)]) -> Self {
        let stack = Stack::create(&aws, STACK, parameters).await;
        Self { front: None, stack: stack.unwrap_or_else(|error| panic!("{error}")), aws }
    }

    pub fn chain(&self) -> Chain<'_> {
        let config = self.aws.config();
        Chain {
            front: self.front.as_ref(),
            aws: &self.aws,
            stack: &self.stack,
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            devices: aws_sdk_iotjobsdataplane::Client::new(&config),
            iot: aws_sdk_iot::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
        }
    }

    pub fn take_apart(self) -> (LocalAws, Stack) {
        (self.aws, self.stack)
    }
}

impl Chain<'_> {
    /// Asks until it is so, and fails with what was seen last.
    pub async fn until<T: Debug>(
        &self,
        what: &str,
        mut ask: impl AsyncFnMut() -> T,
        is_so: impl Fn(&T) -> bool,
    ) -> T {
        let start = Instant::now();
        loop {
            let seen = ask().await;
            if is_so(&seen) {
                return seen;
            }
            assert!(
                start.elapsed() < WITHIN,
                "{what}: not within {WITHIN:?}; seen last: {seen:#?}\n{}",
                self.logs()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn output(&self, key: &str) -> &str {
        must(self.stack.output(key))
    }

    /// The command as an operator runs it; it must be done. Returns what it wrote to stdout.
    pub fn tripline(&self, arguments: &str) -> String {
        let command = self.front.map_or_else(|| self.aws.tripline(), Proxy::tripline);
        let ran = run(must(command).args(arguments.split_whitespace()));
        assert_eq!(ran.code, 0, "tripline {arguments}\n{ran}");
        ran.stdout
    }

    /// Reads one of the stack's topics from now on; the name is unlike that of any other.
    pub async fn mailbox(&self, topic: &str, name: &str) -> Mailbox {
        must(Mailbox::subscribe(self.aws, self.output(topic), name).await)
    }

    /// Publishes to the topic that stops rollouts.
    pub async fn publish(&self, message: &Value) {
        let topic = self.output("ForceStopTopicArn");
        let sent = self.sns.publish().topic_arn(topic).message(message.to_string()).send().await;
        sent.unwrap();
    }

    /// Invokes a function of the stack by its logical id, and waits for its answer.
    pub fn invoke(&self, function: &str, event: &Value) -> Answer {
        must(self.aws.invoke(self.function(function), event))
    }

    /// Invokes a function of the stack as AWS does it for SNS and AWS IoT.
    pub fn invoke_asynchronously(&self, function: &str, event: &Value) {
        must(self.aws.invoke_asynchronously(self.function(function), event));
    }

    fn function(&self, logical_id: &str) -> &str {
        self.output(&format!("{logical_id}Arn")).rsplit(':').next().unwrap()
    }

    /// What the functions and the local AWS said last.
    fn logs(&self) -> String {
        let mut logs = String::new();
        for group in ["MetricsGeneratorLogGroup", "ForceStopperLogGroup", "GuardKeeperLogGroup"] {
            let lines = self.logged(group, &["\"level\""]);
            logs += &format!("{group} ends with\n");
            for line in lines.iter().skip(lines.len().saturating_sub(10)) {
                logs += &format!("  | {line}\n");
            }
        }
        logs + "the local AWS's log ends with\n" + &self.aws.log_tail()
    }

    /// The lines of a function's log in which all of these words are.
    pub fn logged(&self, group: &str, words: &[&str]) -> Vec<String> {
        let mut lines = must(self.aws.log_of(self.output(group)));
        lines.retain(|line| words.iter().all(|word| line.contains(word)));
        lines
    }
}

/// What a harness gives, or its own words about why not.
pub fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// A topic's messages about one thing.
pub struct Reader {
    mailbox: Mailbox,
    about: String,
    emails: Vec<Email>,
}

impl Reader {
    /// Only what has these words in it, because others may use the topic too.
    pub fn new(mailbox: Mailbox, about: &str) -> Self {
        Self { mailbox, about: about.to_owned(), emails: Vec::new() }
    }

    /// Everything until now.
    pub async fn emails(&mut self) -> Vec<Email> {
        let new = must(self.mailbox.so_far().await).into_iter();
        self.emails.extend(new.filter(|email| email.text.contains(&self.about)));
        self.emails.clone()
    }

    /// What the stopper wrote until now: CloudWatch itself writes to the topics too.
    pub async fn announced(&mut self) -> Vec<Email> {
        let mut emails = self.emails().await;
        emails.retain(|email| !email.is_alarm());
        emails
    }
}
