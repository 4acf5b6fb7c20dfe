//! The stand-in for CloudWatch's alarm mute rules, by the AWS SDK.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::AlarmMuteRuleStatus::{Active, Expired};
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Proxy;

async fn proxy() -> (LocalAws, Proxy, Client) {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    let cloudwatch = Client::new(&proxy.config());
    (aws, proxy, cloudwatch)
}

#[tokio::test]
async fn a_rule_mutes_its_alarms_until_it_is_lifted() {
    let (_aws, proxy, cloudwatch) = proxy().await;
    let list = async || {
        let listed = cloudwatch.list_alarm_mute_rules().statuses(Active).send().await.unwrap();
        assert_eq!(listed.next_token(), None);
        listed.alarm_mute_rule_summaries.unwrap()
    };
    assert_eq!(list().await, []);
    proxy.mute("night shift", &["a", "b"]);
    let arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm-mute-rule:night shift";
    let [rule] = &list().await[..] else { panic!() };
    assert_eq!((rule.alarm_mute_rule_arn(), rule.status()), (Some(arn), Some(&Active)));
    let first = rule.last_updated_timestamp().unwrap().as_secs_f64();

    let get = || cloudwatch.get_alarm_mute_rule().alarm_mute_rule_name("night shift").send();
    let got = get().await.unwrap();
    assert_eq!((got.name(), got.alarm_mute_rule_arn()), (Some("night shift"), Some(arn)));
    assert_eq!(got.mute_targets().unwrap().alarm_names(), ["a", "b"]);
    assert_eq!((got.status(), got.mute_type()), (Some(&Active), Some("RECURRING")));
    let schedule = got.rule().unwrap().schedule().unwrap();
    assert_eq!(schedule.duration(), Some("PT1M"));

    proxy.mute("night shift", &["c"]);
    let got = get().await.unwrap();
    assert_eq!(got.mute_targets().unwrap().alarm_names(), ["c"]);
    assert!(got.last_updated_timestamp().unwrap().as_secs_f64() > first);

    assert!(proxy.lift("night shift") && !proxy.lift("night shift"));
    assert_eq!(list().await, []);
    let error = get().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn rules_are_listed_by_status_and_alarm_and_page_by_page() {
    let (_aws, proxy, cloudwatch) = proxy().await;
    for number in 0..51 {
        proxy.mute(&format!("rule-{number:02}"), &["all", &format!("alarm-{number}")]);
    }
    let count = async |ask: aws_sdk_cloudwatch::operation::list_alarm_mute_rules::builders::ListAlarmMuteRulesFluentBuilder| {
        let mut sizes = Vec::new();
        let mut pages = ask.into_paginator().send();
        while let Some(page) = pages.next().await {
            sizes.push(page.unwrap().alarm_mute_rule_summaries().len());
        }
        sizes
    };
    let list = || cloudwatch.list_alarm_mute_rules();
    assert_eq!(count(list()).await, [50, 1]);
    assert_eq!(count(list().statuses(Expired)).await, [0]);
    assert_eq!(count(list().statuses(Expired).statuses(Active)).await, [50, 1]);
    assert_eq!(count(list().alarm_name("alarm-7")).await, [1]);
    assert_eq!(count(list().alarm_name("all").max_records(20)).await, [20, 20, 11]);
}

/// If this fails, the local AWS has learned mute rules, and the stand-in is to be compared with it.
#[tokio::test]
async fn the_local_aws_has_none() {
    let aws = LocalAws::start().await.unwrap();
    let cloudwatch = Client::new(&aws.config());
    cloudwatch.list_alarm_mute_rules().send().await.unwrap_err();
}
