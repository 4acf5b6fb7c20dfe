//! Programs that are killed in the middle, exactly there.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, Statistic, Tag};
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::{Cut, Proxy};

struct Stage {
    aws: LocalAws,
    proxy: Proxy,
}

impl Stage {
    /// Some jobs with an alarm each.
    async fn with(jobs: &[&str]) -> Self {
        let aws = LocalAws::start().await.unwrap();
        let proxy = Proxy::start(&aws).unwrap();
        let cloudwatch = aws_sdk_cloudwatch::Client::new(&aws.config());
        for job in jobs {
            let tags = [("tripline:job", *job), ("tripline:stack", "tripline")];
            let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
            let put = cloudwatch
                .put_metric_alarm()
                .alarm_name(format!("tripline-{job}-Slow"))
                .namespace("IoT:OTA:JobExecution")
                .metric_name("downloadTime")
                .dimensions(Dimension::builder().name("jobId").value(*job).build())
                .statistic(Statistic::Average)
                .period(60)
                .evaluation_periods(1)
                .threshold(600.0)
                .comparison_operator(ComparisonOperator::GreaterThanThreshold)
                .set_tags(Some(tags.into()));
            put.send().await.unwrap();
        }
        Self { aws, proxy }
    }

    /// Looks for the job's alarms, looks at the job, and removes its alarm.
    fn remove(&self, job: &str) -> Command {
        let mut command = self.proxy.tripline().unwrap();
        command.args(["alarms", "remove", "--job-id", job]);
        command
    }

    async fn alarms(&self) -> usize {
        let cloudwatch = aws_sdk_cloudwatch::Client::new(&self.aws.config());
        cloudwatch.describe_alarms().send().await.unwrap().metric_alarms().len()
    }
}

#[tokio::test]
async fn a_program_runs_to_its_end_with_its_own_calls() {
    let stage = Stage::with(&["one"]).await;
    let sns = aws_sdk_sns::Client::new(&stage.proxy.config());
    sns.list_topics().send().await.unwrap();
    let ran = stage.proxy.run(&mut stage.remove("one"), None).await.unwrap();
    assert!(ran.status.success() && !ran.cut, "{}", ran.stderr);
    assert_eq!(ran.stdout, "tripline-one-Slow\n");
    assert!(ran.stderr.contains("1 alarm removed"), "{}", ran.stderr);
    let writes: Vec<&str> =
        ran.calls.iter().filter(|call| call.write).map(|call| call.operation.as_str()).collect();
    assert_eq!(writes, ["DeleteAlarms"]);
    assert!(ran.calls.iter().all(|call| call.operation != "ListTopics"));
    assert_eq!(stage.proxy.calls().len(), ran.calls.len() + 1);
    assert_eq!(stage.alarms().await, 0);
}

/// A test may block its only thread: the proxy has its own.
#[tokio::test]
async fn a_program_runs_without_the_harness_too() {
    let stage = Stage::with(&["one"]).await;
    let listed = stage.proxy.tripline().unwrap().args(["alarms", "list"]).output().unwrap();
    assert!(listed.status.success());
    assert!(stage.proxy.calls().iter().any(|call| call.operation == "DescribeAlarms"));
}

#[tokio::test]
async fn killed_before_a_call_it_is_not_carried_out_and_after_it_is() {
    let stage = Stage::with(&["measured", "one"]).await;
    let whole = stage.proxy.run(&mut stage.remove("measured"), None).await.unwrap();
    let delete = whole.calls.iter().position(|call| call.operation == "DeleteAlarms").unwrap() + 1;
    assert!(delete > 1);
    assert_eq!(stage.alarms().await, 1);

    for (cut, status, left) in [(Cut::before(delete), None, 1), (Cut::after(delete), Some(200), 0)]
    {
        let ran = stage.proxy.run(&mut stage.remove("one"), Some(cut)).await.unwrap();
        assert_eq!((ran.status.signal(), ran.cut, ran.calls.len()), (Some(9), true, delete));
        assert_eq!(ran.stdout, "");
        assert!(
            ran.stderr.starts_with("account ") && ran.stderr.lines().count() == 1,
            "{}",
            ran.stderr
        );
        let last = ran.calls.last().unwrap();
        assert_eq!((last.operation.as_str(), last.status), ("DeleteAlarms", status));
        assert_eq!(stage.alarms().await, left, "{cut:?}");
    }
}

#[tokio::test]
async fn a_cut_behind_the_last_call_never_comes() {
    let stage = Stage::with(&["one"]).await;
    let list = || {
        let mut command = stage.proxy.tripline().unwrap();
        command.args(["alarms", "list"]);
        command
    };
    let all = stage.proxy.run(&mut list(), None).await.unwrap().calls.len();
    assert!(all > 0);
    let last = stage.proxy.run(&mut list(), Some(Cut::after(all))).await.unwrap();
    assert!(last.cut && last.status.signal() == Some(9));
    let beyond = stage.proxy.run(&mut list(), Some(Cut::before(all + 1))).await.unwrap();
    assert!(!beyond.cut && beyond.status.success());
}

#[tokio::test]
async fn of_two_at_once_only_the_one_is_killed() {
    let stage = Stage::with(&["one", "two"]).await;
    let (mut one, mut two) = (stage.remove("one"), stage.remove("two"));
    let (one, two) = tokio::join!(
        stage.proxy.run(&mut one, Some(Cut::before(1))),
        stage.proxy.run(&mut two, None)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.cut, one.calls.len()), (true, 1));
    assert!(!two.cut && two.status.success(), "{}", two.stderr);
    assert_eq!(stage.alarms().await, 1);
}

/// The program with many calls at once is this test itself, when `AT_ONCE` is set: it makes eight
/// buckets and waits for the answers.
#[tokio::test]
async fn of_many_calls_at_once_exactly_those_before_the_cut_are_carried_out() {
    if std::env::var_os("AT_ONCE").is_some() {
        make_eight_buckets();
        return;
    }
    let stage = Stage::with(&[]).await;
    let me = || {
        let mut command = stage.proxy.command(std::env::current_exe().unwrap());
        let name =
            "proxy::cutting::of_many_calls_at_once_exactly_those_before_the_cut_are_carried_out";
        command.args(["--exact", name]).env("AT_ONCE", "1");
        command
    };
    for (cut, carried_out) in [(Cut::before(4), 3), (Cut::after(6), 6)] {
        let ran = stage.proxy.run(&mut me(), Some(cut)).await.unwrap();
        assert!(ran.cut, "{ran:?}");
        let statuses: Vec<Option<u16>> = ran.calls.iter().map(|call| call.status).collect();
        assert_eq!(statuses.iter().flatten().count(), carried_out, "{statuses:?}");
        let s3 = stage.proxy.s3();
        let there = s3.list_buckets().send().await.unwrap();
        assert_eq!(there.buckets().len(), carried_out);
        for bucket in there.buckets() {
            s3.delete_bucket().bucket(bucket.name().unwrap()).send().await.unwrap();
        }
    }
    let ran = stage.proxy.run(&mut me(), None).await.unwrap();
    assert!(ran.status.success() && ran.calls.len() == 8, "{ran:?}");
}

fn make_eight_buckets() {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let address = endpoint.strip_prefix("http://").unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let request = format!(
                    "PUT /bucket-{number} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n"
                );
                stream.write_all(request.as_bytes()).unwrap();
                stream.read_exact(&mut [0; 12]).unwrap(); // `HTTP/1.1 200`
            });
        }
    });
}

#[tokio::test]
async fn a_program_that_is_dropped_is_gone() {
    let stage = Stage::with(&[]).await;
    let running = stage.proxy.spawn(Command::new("sleep").arg("600"), None).unwrap();
    let process = PathBuf::from(format!("/proc/{}", running.id()));
    assert!(process.exists());
    drop(running);
    assert!(!process.exists());
}
