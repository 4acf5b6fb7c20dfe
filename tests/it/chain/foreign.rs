//! What belongs to others: their alarms, which guard nothing, and the deployments of Greengrass, which are
//! not Tripline's to stop.

use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, MetricAlarm, StateValue, Statistic, Tag,
};
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus::Failed;
use serde_json::{Value, json};
use tripline::metric::{DIMENSION, NAMESPACE};
use tripline_tests::mailbox::Email;

use super::messages::set;
use super::rollout::{GUARDED_FROM, Rollout};
use super::stage::{Chain, Reader, Stage, must};

async fn tick(chain: &Chain<'_>) -> Value {
    must(chain.stack.keep(chain.aws).await)
}

async fn alarms(chain: &Chain<'_>, job: &str) -> Vec<MetricAlarm> {
    let described =
        chain.cloudwatch.describe_alarms().alarm_name_prefix(format!("tripline-{job}-"));
    let mut alarms = described.send().await.unwrap().metric_alarms.unwrap();
    // Those on evidence have tests of their own.
    alarms.retain(|alarm| alarm.metric_name() != Some("evidence"));
    alarms
}

async fn tags(chain: &Chain<'_>, alarm: &MetricAlarm) -> Vec<Tag> {
    let list = chain.cloudwatch.list_tags_for_resource().resource_arn(alarm.alarm_arn().unwrap());
    list.send().await.unwrap().tags.unwrap_or_default()
}

/// An alarm that never fires, and looks as if it would stop the job.
async fn squat(chain: &Chain<'_>, name: &str, job: &str) {
    let put = chain
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(name)
        .namespace(NAMESPACE)
        .metric_name("noSuchMetric")
        .dimensions(Dimension::builder().name(DIMENSION).value(job).build())
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(1)
        .threshold(1e300)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .alarm_actions(chain.output("ForceStopTopicArn"));
    put.send().await.unwrap();
}

/// One under a name of no guard's, and one under the name of the default guard's.
#[tokio::test]
async fn alarms_that_squat_on_a_job_keep_its_guard_neither_from_being_armed_nor_repaired() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let [mine, taken] = ["tripline-fw-mine", "tripline-fw-default-FailureRate"];
    for name in [mine, taken] {
        squat(&chain, name, "fw").await;
    }
    let squatters = alarms(&chain, "fw").await;
    assert_eq!(squatters.len(), 2);
    Rollout::create(&chain, "fw", GUARDED_FROM).await;
    let guard = ["tripline-fw-default-DownloadTime", "tripline-fw-default-FailureRate-2"];
    for emptied in [None, Some(guard[0]), Some(guard[1])] {
        if let Some(name) = emptied {
            let disable = chain.cloudwatch.disable_alarm_actions().alarm_names(name);
            disable.send().await.unwrap();
        }
        // A guard that somebody undoes as soon as it is made is repaired, and does not count as one at once.
        let guarded = u64::from(emptied.is_none());
        assert_eq!(tick(&chain).await["guardedJobs"], guarded);
        let (others, ours): (Vec<_>, Vec<_>) = alarms(&chain, "fw")
            .await
            .into_iter()
            .partition(|alarm| [mine, taken].map(Some).contains(&alarm.alarm_name()));
        assert_eq!(others, squatters);
        let names: Vec<&str> = ours.iter().filter_map(MetricAlarm::alarm_name).collect();
        assert_eq!(names, guard);
        let [email, force_stop] =
            ["EmailTopicArn", "ForceStopTopicArn"].map(|key| chain.output(key));
        for alarm in &ours {
            assert_eq!(alarm.alarm_actions(), [email, force_stop]);
            assert_eq!(alarm.actions_enabled(), Some(true));
        }
    }
    for squatter in &squatters {
        assert_eq!(tags(&chain, squatter).await, []);
    }
}

/// Recognized by its namespace. The local AWS judges an alarm on downloads by the values of all jobs, so that those
/// of both jobs go off, and none on a failure rate, which is metric math: that one is set.
#[tokio::test]
async fn a_deployment_of_greengrass_whose_devices_fail_is_announced_and_not_stopped() {
    let stage = Stage::new(&[("DownloadTimeMinSamples", "1")]).await;
    let chain = stage.chain();
    let mailbox = chain.mailbox("EmailTopicArn", "email").await;
    let mut email = Reader::new(mailbox, "tripline-deployment-default-");
    let deployment = Rollout::create_in(&chain, "deployment", 5, Some("aws-gg-deployment")).await;
    let plain = Rollout::create(&chain, "plain", 5).await;
    let mut summary = tick(&chain).await;
    let counted = ["guardedJobs", "alertsOnlyJobs", "unguardedJobs"].map(|key| summary[key].take());
    assert_eq!(counted, [json!(1), json!(1), json!(0)]);
    let guard =
        ["DownloadTime", "FailureRate"].map(|of| format!("tripline-deployment-default-{of}"));
    let armed = alarms(&chain, "deployment").await;
    assert!(armed.iter().filter_map(MetricAlarm::alarm_name).eq(&guard), "{armed:#?}");
    for alarm in armed {
        assert_eq!(alarm.alarm_actions(), [chain.output("EmailTopicArn")], "{alarm:#?}");
    }

    for device in 0..4 {
        deployment.begins(device).await;
        deployment.reports(device, Failed, &[("downloadTime", "7350")]).await;
    }
    deployment.until_counted("failedCount", 4.0).await;
    tick(&chain).await;
    deployment.until_counted("unsuccessfulCount", 1.0).await;
    set(&chain, &guard[1], StateValue::Alarm).await;
    // People are alerted to both from CloudWatch.
    let said = async || email.emails().await;
    let of_both = |said: &Vec<Email>| {
        guard.iter().all(|name| said.iter().any(|email| email.text.contains(name)))
    };
    let said = chain.until("the e-mails", said, of_both).await;
    assert!(said.iter().all(Email::is_alarm), "{said:#?}");
    // Whatever may be stopped is stopped, and it is not.
    chain.until("the stop", async || plain.status().await, |is| is == "CANCELED").await;
    assert_eq!(deployment.status().await, "IN_PROGRESS");
    assert_eq!(chain.logged("ForceStopperLogGroup", &["deployment"]), Vec::<String>::new());
}
