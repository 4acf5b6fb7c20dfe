//! The local AWS of the tests and of the demo: servers of their own that do not meet, and that
//! leave nothing behind.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tripline_tests::local_aws::LocalAws;
use tripline_tests::stack::Stack;

/// Processes in a process group, by the kernel's word.
fn processes_in(group: u32) -> usize {
    let mut found = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // `pid (name) state parent group ..`; the name may contain anything.
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let mut fields = rest.split_whitespace();
        let (state, group_of) = (fields.next(), fields.nth(1));
        if state != Some("Z") && group_of == Some(group.to_string().as_str()) {
            found += 1;
        }
    }
    found
}

/// The kernel takes a moment to end what was killed, most of all its open sockets.
fn soon(is: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !is() {
        if start.elapsed() > Duration::from_secs(5) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

fn is_gone(group: u32) -> bool {
    soon(|| processes_in(group) == 0)
}

#[tokio::test]
async fn two_at_once_do_not_meet_and_are_gone_after() {
    let (one, two) = tokio::join!(LocalAws::start(), LocalAws::start());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.endpoint(), two.endpoint());

    let bucket_of = |aws: &LocalAws| {
        let config = aws_sdk_s3::config::Builder::from(&aws.config()).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    };
    bucket_of(&one).create_bucket().bucket("only-here").send().await.unwrap();
    let there = bucket_of(&two).list_buckets().send().await.unwrap();
    assert!(there.buckets().is_empty());

    for aws in [one, two] {
        let (group, address) = (aws.process_group(), aws.address());
        assert!(processes_in(group) > 1);
        drop(aws);
        assert!(is_gone(group));
        assert!(soon(|| TcpStream::connect(address).is_err()));
    }
}

#[tokio::test]
async fn it_is_gone_after_a_panic() {
    let aws = LocalAws::start().await.unwrap();
    let group = aws.process_group();
    let panicked = std::thread::spawn(move || {
        let _aws = aws;
        panic!("a test that fails");
    });
    assert!(panicked.join().is_err());
    assert!(is_gone(group));
}

/// A process that is killed drops nothing. This test is that process when `OUTLIVE` is set: it
/// says which process group its server has, and waits to be killed.
#[tokio::test]
async fn it_does_not_outlive_a_killed_parent() {
    if std::env::var_os("OUTLIVE").is_some() {
        let aws = LocalAws::start().await.unwrap();
        println!("group {} {}", aws.process_group(), aws.files().display());
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "local_aws::it_does_not_outlive_a_killed_parent", "--nocapture"])
        .env("OUTLIVE", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(parent.stdout.take().unwrap()));
    let (group, files) = lines
        .map_while(Result::ok)
        .find_map(|line| {
            let (group, files) = line.rsplit_once("group ")?.1.split_once(' ')?;
            Some((group.parse().ok()?, files.to_owned()))
        })
        .expect("the parent says which group");
    assert!(processes_in(group) > 1);
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(is_gone(group));
    assert!(!std::path::Path::new(&files).exists());
}

#[tokio::test]
async fn a_stack_that_fails_says_why() {
    let aws = LocalAws::start().await.unwrap();
    let template = r#"{"Resources": {"Wrong": {"Type": "AWS::Nothing::AtAll"}}}"#;
    let error = Stack::create_from(&aws, "wrong", template, &[]).await.unwrap_err();
    assert!(error.to_string().contains("AWS::Nothing::AtAll"), "{error}");
}

#[tokio::test]
async fn a_stack_has_outputs_until_it_is_deleted() {
    let aws = LocalAws::start().await.unwrap();
    let template = r#"{
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}},
        "Outputs": {"TopicArn": {"Value": {"Ref": "Topic"}}}
    }"#;
    let stack = Stack::create_from(&aws, "one", template, &[("Name", "mail")]).await.unwrap();
    assert!(stack.output("TopicArn").unwrap().ends_with(":mail"));
    assert!(stack.output("Other").unwrap_err().to_string().contains("`TopicArn`"));
    stack.delete().await.unwrap();
}
