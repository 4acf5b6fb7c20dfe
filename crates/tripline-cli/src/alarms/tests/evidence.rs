//! Arming a job whose config declares limits.

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm};
use tripline::baseline::Baseline;
use tripline_config::{EvidenceConfig, parse_evidence};

use super::*;
use crate::alarms::fake::{EMAIL, FORCE_STOP};
use crate::aws::arming::plan::Change;
use crate::input::declared::DeclaredLimits;
use crate::terminal::armed::Tense;
use crate::terminal::document::document;
use crate::terminal::verdict::Verdict;

const BASELINE: &str = "{\"version\":1,\"name\":\"fw\",\"rollouts\":2,\"pooled\":{\"devices\":900,\"unfinished\":[800,300,9]},\"slowest\":{\"devices\":400,\"unfinished\":[400,200,9]},\"failures\":[0,2]}\n";
const MISSING: &str = "tripline-fw-EvidenceMissing";

fn config(keys: &str) -> EvidenceConfig {
    let text = format!("[EVIDENCE_CONFIG]\nuseEvidence = True\n{keys}\n");
    parse_evidence("dev.ini", &text).unwrap().unwrap()
}

/// A guard by evidence alone, with these keys.
fn by_evidence(keys: &str, baseline: Option<&str>) -> Guard {
    let baseline = baseline.map(|text| Baseline::parse(text).unwrap());
    let evidence = DeclaredLimits::new("dev.ini", config(keys), baseline).unwrap();
    Guard { evidence: Some(evidence), ..guard("fw", &[]) }
}

fn declared() -> Guard {
    by_evidence("unfinishedLimits = 60:3, 75:2\nsnsTopics = @email, @force-stop", None)
}

/// The alarm on evidence's absence, as the guard-keeper puts it.
fn put_missing(aws: &FakeAws) {
    let alarm = MetricAlarm::builder()
        .alarm_name(MISSING)
        .alarm_arn("arn:missing")
        .namespace("IoT:OTA:JobExecution")
        .metric_name("evidence")
        .dimensions(Dimension::builder().name("jobId").value("fw").build())
        .treat_missing_data("breaching")
        .alarm_actions(EMAIL)
        .actions_enabled(true)
        .build();
    let mut world = aws.world();
    world.cloudwatch.alarms.insert(MISSING.to_owned(), alarm);
    let tags = [("tripline:job", "fw"), ("tripline:stack", "tripline")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    world.cloudwatch.tags.insert("arn:missing".to_owned(), tags);
}

#[tokio::test]
async fn evidence_alone_guards_a_job() {
    let aws = FakeAws::new();
    let guard = declared();
    let report = apply(&aws, &guard).await.unwrap();
    assert_eq!(aws.changes(), ["put tripline-fw-Evidence"]);
    let alarm = aws.world().cloudwatch.alarms["tripline-fw-Evidence"].clone();
    assert_eq!(alarm.alarm_actions(), [EMAIL, FORCE_STOP]);
    assert_eq!((alarm.metric_name(), alarm.threshold()), (Some("evidence"), Some(2.0)));
    assert_eq!((alarm.period(), alarm.evaluation_periods()), (Some(60), Some(1)));
    assert_eq!(alarm.treat_missing_data(), Some("notBreaching"));
    let verdict = Verdict::of_arming(&guard, &report, fake_aws::REGION);
    assert!(verdict.findings.is_empty(), "{verdict:?}");
    assert!(verdict.result.contains("is armed in `us-east-1` with 1 alarm"), "{verdict:?}");
    apply(&aws, &guard).await.unwrap();
    assert_eq!(aws.changes(), <[String; 0]>::default(), "a second time");
}

#[tokio::test]
async fn limits_and_their_baseline_are_kept_before_the_first_alarm() {
    let aws = FakeAws::new();
    aws.refuse("tripline-fw-Evidence");
    let keys = "baseline = of/fw.json\nslowerBy = 33\nsnsTopics = @force-stop";
    let guard = Guard { alarms: alarms(&["slow"], ""), ..by_evidence(keys, Some(BASELINE)) };
    apply(&aws, &guard).await.unwrap_err();
    let text = aws.kept()["fw"].clone();
    assert_eq!(AlarmConfig::parse("kept", &text).unwrap().alarms, guard.alarms);
    let read = parse_evidence("kept", &text).unwrap().unwrap();
    let declared = &guard.evidence.as_ref().unwrap().config;
    assert_eq!((&read.unfinished, &read.topics), (&declared.unfinished, &declared.topics));
    assert_eq!((read.failed, read.false_stops), (declared.failed, declared.false_stops));
    assert_eq!(aws.kept_baseline("fw").as_deref(), Some(BASELINE));
    // A config without limits leaves none of the earlier one's.
    aws.world().faults.clear();
    apply(&aws, &Guard { evidence: None, ..guard }).await.unwrap();
    assert_eq!(aws.kept_baseline("fw"), None);
    assert_eq!(parse_evidence("kept", &aws.kept()["fw"]).unwrap(), None);
}

#[tokio::test]
async fn the_guard_keeper_s_alarm_on_missing_evidence_is_neither_put_nor_removed() {
    let aws = FakeAws::new();
    apply(&aws, &declared()).await.unwrap();
    put_missing(&aws);
    aws.changes();
    let report = apply(&aws, &declared()).await.unwrap();
    assert_eq!(aws.changes(), <[String; 0]>::default());
    assert!(report.plan.strays.is_empty() && report.plan.others.is_empty());
    // Without limits nobody computes evidence, and it would go off.
    let report = apply(&aws, &guard("fw", &["slow"])).await.unwrap();
    assert_eq!(report.plan.strays, ["tripline-fw-Evidence", MISSING]);
}

#[tokio::test]
async fn a_dry_run_says_the_limits_in_words() {
    let aws = FakeAws::new();
    let guard = Guard { dry_run: true, alarms: alarms(&["slow"], ""), ..declared() };
    let report = apply(&aws, &guard).await.unwrap();
    assert_eq!(report.plan.alarms[1].change, Change::Create);
    let text = report.text(Tense::Would);
    let words = "evidence > 2 (1 in 100): failed 3 %, 60 min 3 %, 75 min 2 %";
    assert!(text.contains(words), "{text}");
    assert_eq!(document(&report.data(&guard, "us-east-1"))["alarms"][1]["watches"], words);
    assert_eq!(aws.changes(), <[String; 0]>::default());
    assert!(aws.kept().is_empty());
}

#[tokio::test]
async fn evidence_that_only_alerts_is_a_finding_unless_it_is_meant() {
    for alert_only in [false, true] {
        let aws = FakeAws::new();
        let only = by_evidence("unfinishedLimits = 60:3\nsnsTopics = @email", None);
        let guard = Guard { alert_only, ..only };
        let report = apply(&aws, &guard).await.unwrap();
        let verdict = Verdict::of_arming(&guard, &report, fake_aws::REGION);
        assert_eq!(verdict.findings.is_empty(), alert_only, "{verdict:?}");
        assert_eq!(aws.is_kept_to_alert_only("fw"), alert_only);
    }
}

#[tokio::test]
async fn topics_of_another_region_and_what_is_too_long_are_refused_before_anything_is_done() {
    let aws = FakeAws::new();
    let elsewhere = "unfinishedLimits = 60:3\nsnsTopics = arn:aws:sns:eu-west-1:111122223333:stop";
    let error = text(apply(&aws, &by_evidence(elsewhere, None)).await.unwrap_err());
    assert!(error.contains("alarm `Evidence`: topic `arn:aws:sns:eu-west-1:"), "{error}");
    let counts: Vec<u32> = (0..10_000).rev().map(|n| 10_000_000 + n).collect();
    let counts = format!("{counts:?}").replace(' ', "");
    let long = BASELINE
        .replace("900", "20000000")
        .replace("400,\"un", "20000000,\"un")
        .replace("[800,300,9]", &counts)
        .replace("[400,200,9]", &counts);
    let guard = by_evidence("baseline = fw.json\nsnsTopics = @force-stop", Some(&long));
    let error = text(apply(&aws, &guard).await.unwrap_err());
    assert!(error.starts_with("dev.ini: its alarms and its baseline take "), "{error}");
    assert!(error.contains("(expected at most 100000)\n  hint: "), "{error}");
    assert_eq!((aws.changes().len(), aws.kept().len()), (0, 0));
}
