//! The guard-keeper: rollouts that nobody armed are stopped all the same, and a guard that sees nothing
//! is noticed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, MetricAlarm, StateValue, Statistic, Tag,
};
use aws_sdk_iot::types::EventType;
use serde_json::{Value, json};
use tripline::metric::{DIMENSION, NAMESPACE, STACK_DIMENSION, STACK_NAMESPACE};

use super::rollout::{GUARDED_FROM, Rollout};
use super::stage::{Chain, STACK, Stage, must};

/// One sample decides, so that the default guard's alarm is no metric math: the local AWS does not
/// evaluate that.
const FIRES: (&str, &str) = ("DownloadTimeMinSamples", "1");
const AT_ONCE: (&str, &str) = ("RemoveAlarmsAfterMinutes", "0");

/// A minute of the keeper.
async fn tick(chain: &Chain<'_>) -> Value {
    must(chain.stack.keep(chain.aws).await)
}

async fn alarms(chain: &Chain<'_>) -> Vec<MetricAlarm> {
    let described = chain.cloudwatch.describe_alarms().alarm_name_prefix("tripline-");
    let alarms = described.max_records(100).send().await.unwrap().metric_alarms.unwrap_or_default();
    // The stack's own are called alike.
    let stack = format!("{STACK}-");
    // Those on evidence have tests of their own.
    let own = |alarm: &MetricAlarm| {
        let name = alarm.alarm_name().unwrap();
        let is_of_stack =
            name.starts_with(&stack) && alarm.namespace().is_some_and(|space| space != NAMESPACE);
        is_of_stack || alarm.metric_name() == Some("evidence")
    };
    alarms.into_iter().filter(|alarm| !own(alarm)).collect()
}

async fn names(chain: &Chain<'_>) -> BTreeSet<String> {
    alarms(chain).await.into_iter().filter_map(|alarm| alarm.alarm_name).collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// An alarm that is called as Tripline's are, and is not Tripline's.
async fn put_foreign(chain: &Chain<'_>, name: &str, job: &str, tagged: Option<&str>) {
    let dimension = Dimension::builder().name(DIMENSION).value(job).build();
    let tags = tagged.map(|job| vec![Tag::builder().key("tripline:job").value(job).build()]);
    let put = chain
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(name)
        .namespace(NAMESPACE)
        .metric_name("rejectedCount")
        .dimensions(dimension)
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(1)
        .threshold(1e6)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .set_tags(tags);
    put.send().await.unwrap();
}

/// The highest value of one of the stack's metrics in the last minutes.
async fn published(chain: &Chain<'_>, metric: &str) -> Option<f64> {
    highest(chain, STACK_NAMESPACE, metric, (STACK_DIMENSION, STACK)).await
}

/// The same of a job.
pub async fn published_of(chain: &Chain<'_>, job: &str, metric: &str) -> Option<f64> {
    highest(chain, NAMESPACE, metric, (DIMENSION, job)).await
}

async fn highest(
    chain: &Chain<'_>,
    namespace: &str,
    metric: &str,
    (name, value): (&str, &str),
) -> Option<f64> {
    let now = SystemTime::now();
    let asked = chain
        .cloudwatch
        .get_metric_statistics()
        .namespace(namespace)
        .metric_name(metric)
        .dimensions(Dimension::builder().name(name).value(value).build())
        .start_time((now - Duration::from_secs(600)).into())
        .end_time((now + Duration::from_secs(60)).into())
        .period(60)
        .statistics(Statistic::Maximum);
    let points = asked.send().await.unwrap().datapoints.unwrap_or_default();
    points.iter().filter_map(|point| point.maximum).reduce(f64::max)
}

#[tokio::test]
async fn a_job_created_with_plain_api_calls_is_armed_and_its_bad_rollout_is_stopped() {
    let stage = Stage::new(&[FIRES, AT_ONCE]).await;
    let chain = stage.chain();
    put_foreign(&chain, "tripline-plain-mine", "plain", None).await;
    put_foreign(&chain, "tripline-plain-1-slow", "plain-1", Some("plain-1")).await;
    let foreign = set(["tripline-plain-mine", "tripline-plain-1-slow"]);

    let rollout = Rollout::create(&chain, "plain", 4).await;
    let summary = tick(&chain).await;
    assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&json!(1), &json!(0)));
    let guard = set(["tripline-plain-default-DownloadTime", "tripline-plain-default-FailureRate"]);
    assert_eq!(names(&chain).await, foreign.union(&guard).cloned().collect());
    let [email, force_stop] = ["EmailTopicArn", "ForceStopTopicArn"].map(|key| chain.output(key));
    for alarm in alarms(&chain).await {
        if guard.contains(alarm.alarm_name().unwrap()) {
            assert_eq!(alarm.alarm_actions(), [email, force_stop]);
        }
    }
    // Once its tags are known there is evidence, and then its absence has an alarm.
    let absence = async || {
        tick(&chain).await;
        let described = chain.cloudwatch.describe_alarms();
        let named = described.alarm_names("tripline-plain-default-EvidenceMissing").send().await;
        named.unwrap().metric_alarms.unwrap().len()
    };
    chain.until("the alarm on the absence of evidence", absence, |there| *there == 1).await;
    // Nothing is left to do, though the metric math of one of them is not shown.
    let summary = tick(&chain).await;
    let all = alarms(&chain).await;
    assert_eq!((&summary["armed"], &summary["repaired"]), (&json!(0), &json!(0)), "{all:#?}");
    assert_eq!(published(&chain, "guardedJobs").await, Some(1.0));

    rollout.succeeds(0, "240").await;
    rollout.until_counted("downloadTime", 1.0).await;
    rollout.succeeds(1, "7350").await;
    let canceled = async || rollout.status().await;
    chain.until("the job", canceled, |status| status == "CANCELED").await;
    let job = rollout.job().await;
    assert_eq!(job.reason_code.as_deref(), Some("TRIPLINE_ALARM"));
    assert!(job.comment.unwrap().contains("tripline-plain-default-DownloadTime"));

    // Its alarms go, and nobody else's.
    tick(&chain).await;
    tick(&chain).await;
    assert_eq!(names(&chain).await, foreign);
}

/// CloudWatch would overwrite it without a word.
#[tokio::test]
async fn a_name_that_another_alarm_has_is_left_to_it_and_the_guard_has_another() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let name = "tripline-held-default-DownloadTime";
    put_foreign(&chain, name, "another", Some("held")).await;
    let rollout = Rollout::create(&chain, "held", GUARDED_FROM).await;
    for _ in 0..2 {
        let summary = tick(&chain).await;
        assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&json!(1), &json!(0)));
    }
    let other = "tripline-held-default-FailureRate";
    let instead = "tripline-held-default-DownloadTime-2";
    assert_eq!(names(&chain).await, set([name, instead, other]));
    let all = alarms(&chain).await;
    let held = all.iter().find(|alarm| alarm.alarm_name() == Some(name)).unwrap();
    assert_eq!((held.metric_name(), held.threshold()), (Some("rejectedCount"), Some(1e6)));
    // What the alarm on the failure rate goes by.
    rollout.begins(0).await;
    tick(&chain).await;
    let begun = async || published_of(&chain, "held", "notifiedCount").await;
    let all = Some(GUARDED_FROM as f64);
    chain.until("how many were notified", begun, |value| *value == all).await;
    assert_eq!(published_of(&chain, "held", "unsuccessfulCount").await, Some(0.0));
}

/// Whoever may tag a job cannot disarm it while it runs.
#[tokio::test]
async fn a_job_that_opts_out_while_it_runs_keeps_its_guard() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    Rollout::create(&chain, "running", GUARDED_FROM).await;
    tick(&chain).await;
    let armed = names(&chain).await;
    assert_eq!(armed.len(), 2);
    let described = chain.iot.describe_job().job_id("running").send().await.unwrap();
    let arn = described.job.unwrap().job_arn.unwrap();
    let tag = aws_sdk_iot::types::Tag::builder().key("tripline:guard").value("off");
    let tag = tag.build().unwrap();
    chain.iot.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
    for _ in 0..2 {
        let summary = tick(&chain).await;
        assert_eq!((&summary["guardedJobs"], &summary["optedOutJobs"]), (&json!(1), &json!(0)));
    }
    assert_eq!(names(&chain).await, armed);
}

/// Where only tagged jobs are guarded, a tag that is nearly the right one counts; and what a job was armed with
/// does too, also once it cannot be read.
#[tokio::test]
async fn where_tagged_jobs_are_guarded_the_others_are_left_alone() {
    let stage = Stage::new(&[("GuardedJobs", "tagged")]).await;
    let chain = stage.chain();
    for (job, value) in [("asks", Some("on")), ("asks-badly", Some("yes")), ("plain", None)] {
        Rollout::create(&chain, job, GUARDED_FROM).await;
        let Some(value) = value else { continue };
        let described = chain.iot.describe_job().job_id(job).send().await.unwrap();
        let arn = described.job.unwrap().job_arn.unwrap();
        let tag = aws_sdk_iot::types::Tag::builder().key("tripline:guard").value(value);
        let tag = tag.build().unwrap();
        chain.iot.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
    }
    Rollout::create(&chain, "own", GUARDED_FROM).await.arm();
    let summary = tick(&chain).await;
    assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&json!(3), &json!(0)));
    let armed = names(&chain).await;
    assert!(!armed.iter().any(|name| name.starts_with("tripline-plain-")), "{armed:?}");
    // The failure rate, too, of the one that has alarms of its own.
    assert_eq!(armed.len(), 7, "{armed:?}");

    let item = json!({
        "jobId": {"S": "own"}, "config": {"S": "[ALARM_CONFIG]\nalarmList = ?"}, "armedAt": {"N": "1"},
    });
    let put = json!({"TableName": chain.output("GuardsTableName"), "Item": item});
    must(chain.aws.post("dynamodb", "DynamoDB_20120810.PutItem", &put));
    // A guard that has a hole again so soon does not count as one in the minute in which it is closed.
    tick(&chain).await;
    let summary = tick(&chain).await;
    assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&json!(3), &json!(0)));
    let armed = names(&chain).await;
    assert!(armed.contains("tripline-own-default-DownloadTime"), "{armed:?}");
}

#[tokio::test]
async fn what_a_job_was_armed_with_is_kept_and_its_tags_are_heeded() {
    let stage = Stage::new(&[AT_ONCE]).await;
    let chain = stage.chain();
    let own = Rollout::create(&chain, "own", GUARDED_FROM).await;
    own.arm();
    Rollout::create(&chain, "out", 1).await;
    Rollout::create(&chain, "late", 1).await;
    for (job, key, value) in
        [("out", "tripline:guard", "off"), ("late", "tripline:DownloadTimeUpperLimit", "9000")]
    {
        let described = chain.iot.describe_job().job_id(job).send().await.unwrap();
        let arn = described.job.unwrap().job_arn.unwrap();
        let tag = aws_sdk_iot::types::Tag::builder().key(key).value(value).build().unwrap();
        chain.iot.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
    }
    let expected = set([
        "tripline-late-default-DownloadTime",
        "tripline-late-default-FailureRate",
        "tripline-own-Failures",
        "tripline-own-SlowDownloads",
        // Nothing of its own sees devices that refuse.
        "tripline-own-default-FailureRate",
    ]);
    tick(&chain).await;
    assert_eq!(names(&chain).await, expected);
    let all = alarms(&chain).await;
    let late =
        all.iter().find(|alarm| alarm.alarm_name() == Some("tripline-late-default-DownloadTime"));
    assert_eq!(late.unwrap().threshold(), Some(9_000.0));

    // Job events are switched off, one alarm is cut off from its actions, another is gone.
    let off = aws_sdk_iot::types::Configuration::builder().enabled(false).build();
    let update = chain.iot.update_event_configurations();
    update.event_configurations(EventType::JobExecution, off).send().await.unwrap();
    let disable = chain.cloudwatch.disable_alarm_actions().alarm_names("tripline-own-Failures");
    disable.send().await.unwrap();
    let delete = chain.cloudwatch.delete_alarms().alarm_names("tripline-own-SlowDownloads");
    delete.send().await.unwrap();
    tick(&chain).await;
    assert_eq!(names(&chain).await, expected);
    let all = alarms(&chain).await;
    let on = |alarm: &MetricAlarm| alarm.actions_enabled() == Some(true);
    assert!(all.iter().all(on), "{all:#?}");
    let described = chain.iot.describe_event_configurations().send().await.unwrap();
    let events = described.event_configurations.unwrap();
    assert!(events[&EventType::JobExecution].enabled(), "job events");

    // An operator who disarms the job gets the stack's guard in its place.
    chain.tripline(&format!("alarms remove --job-id own --stack {STACK} --force"));
    tick(&chain).await;
    let now = names(&chain).await;
    assert!(now.contains("tripline-own-default-DownloadTime"), "{now:?}");
    assert!(!now.contains("tripline-own-Failures"), "{now:?}");
}

#[tokio::test]
async fn executions_that_nobody_counts_are_announced() {
    let stage = Stage::new(&[("CountedWithinMinutes", "0")]).await;
    let chain = stage.chain();
    tick(&chain).await;
    let rollout = Rollout::create(&chain, "blind", 4).await;
    tick(&chain).await;
    rollout.succeeds(0, "240").await;
    rollout.until_counted("succeededCount", 1.0).await;
    assert_eq!(tick(&chain).await["uncountedCount"], 0);

    let rule = chain.output("JobExecutionRuleArn").rsplit('/').next().unwrap().to_owned();
    chain.iot.disable_topic_rule().rule_name(&rule).send().await.unwrap();
    rollout.succeeds(1, "240").await;
    rollout.succeeds(2, "240").await;
    assert_eq!(tick(&chain).await["uncountedCount"], 2);
    assert_eq!(published(&chain, "uncountedCount").await, Some(2.0));
    let alarm = async || {
        let described = chain.cloudwatch.describe_alarms().send().await.unwrap();
        let all = described.metric_alarms.unwrap_or_default().into_iter();
        let mut of = all.filter(|alarm| alarm.metric_name() == Some("uncountedCount"));
        of.next().and_then(|alarm| alarm.state_value)
    };
    let fired = |state: &Option<StateValue>| *state == Some(StateValue::Alarm);
    chain.until("the alarm on uncounted endings", alarm, fired).await;

    chain.iot.enable_topic_rule().rule_name(&rule).send().await.unwrap();
    rollout.succeeds(3, "240").await;
    rollout.until_counted("succeededCount", 2.0).await;
    assert_eq!(tick(&chain).await["uncountedCount"], 0);
}

/// Two alarms a job at two a second: however many jobs begin at once, nothing is throttled.
#[tokio::test]
async fn many_jobs_at_once_are_armed_at_the_pace_that_cloudwatch_allows() {
    const JOBS: usize = 8;
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    for job in 0..JOBS {
        Rollout::create(&chain, &format!("many-{job}"), 1).await;
    }
    let start = Instant::now();
    let mut minutes = 0;
    while names(&chain).await.len() < 2 * JOBS {
        tick(&chain).await;
        minutes += 1;
        assert!(minutes <= 3);
    }
    let least = Duration::from_millis(500) * (2 * JOBS as u32 - 1);
    assert!(start.elapsed() >= least, "{:?}", start.elapsed());
}

/// The one test that waits for the clock: nothing but the schedule calls the keeper here.
#[tokio::test]
async fn the_schedule_calls_the_keeper() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    Rollout::create(&chain, "scheduled", 1).await;
    let start = Instant::now();
    while names(&chain).await.len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(180), "{}", chain.aws.log_tail());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
