//! Arming a job whose config has an alarm on the share of devices that were unsuccessful.

use super::*;
use crate::aws::alarms::listed;
use crate::aws::arming::plan::Change;
use crate::terminal::alarm::AlarmData;
use crate::terminal::document::document;
use crate::terminal::verdict::Verdict;

const WORDS: &str =
    "failed, rejected and timed out executions > 7.5 % of notified devices, from 12";

fn by_rate() -> Guard {
    let text = "[ALARM_CONFIG]\nalarmList = bad\n[ALARM_CONFIG_bad]\nnamespace = IoT:OTA:JobExecution\nmetricName = unsuccessfulRate\nthreshold = 7.5\nalarmType = upper\nminSamples = 12\nsnsTopics = @email, @force-stop\n";
    let alarms = AlarmConfig::parse("dev.ini", text).unwrap().alarms;
    Guard { alarms, ..guard("fw", &[]) }
}

/// A metric of its name is published by nobody.
#[tokio::test]
async fn it_is_armed_as_the_keeper_s_metric_math_and_again_changes_nothing() {
    let aws = FakeAws::new();
    let report = apply(&aws, &by_rate()).await.unwrap();
    let verdict = Verdict::of_arming(&by_rate(), &report, fake_aws::REGION);
    assert!(verdict.findings.is_empty(), "{verdict:?}");
    let there = aws.world().cloudwatch.alarms["tripline-fw-bad"].clone();
    let expression = there.metrics().iter().find_map(|query| query.expression());
    assert_eq!(expression, Some("IF(notified >= 12, 100 * unsuccessful / notified)"));
    let stats = there.metrics().iter().filter_map(|query| query.metric_stat());
    let metrics: Vec<_> = stats.filter_map(|stat| stat.metric()?.metric_name()).collect();
    assert_eq!(metrics, ["notifiedCount", "unsuccessfulCount"]);
    assert_eq!((there.threshold(), there.metric_name()), (Some(7.5), None));
    let kept = AlarmConfig::parse("kept", &aws.kept()["fw"]).unwrap();
    assert_eq!(kept.alarms, by_rate().alarms);
    aws.changes();
    let again = apply(&aws, &by_rate()).await.unwrap();
    assert_eq!(again.plan.alarms[0].change, Change::Keep);
    assert_eq!(aws.changes(), <[String; 0]>::default());
}

#[tokio::test]
async fn it_reads_the_same_in_the_config_the_plan_and_the_list() {
    let aws = FakeAws::new();
    let report = apply(&aws, &by_rate()).await.unwrap();
    assert_eq!(report.plan.alarms[0].watches, WORDS);
    assert_eq!(document(&AlarmData::new(&by_rate().alarms[0], None))["watches"], WORDS);
    let listed = listed(&aws.aws(), Some(&job("fw"))).await.unwrap();
    assert_eq!(listed[0].watches(), WORDS);
}
