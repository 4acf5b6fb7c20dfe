//! Faults of a job and of its alarms.

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StateValue, Statistic};

use serde_json::json;

use super::rows::{Doing, Row};
use super::seeds::{
    declare, evidence_alarm, forget, keep_record, tag_alarm, tag_job, undeclare, untag_job, weigh,
};
use super::stage::{JOB, Stage};

/// A fault of the sound job's alarms: they are made again afterwards.
const fn row(check: &'static str, fault: &'static str, seed: fn(&Stage) -> Doing<'_>) -> Row {
    Row { check, fault, companions: &[], arguments: &["--job-id", JOB], seed, undo: Some(again) }
}

const fn row_undone(
    check: &'static str,
    fault: &'static str,
    seed: fn(&Stage) -> Doing<'_>,
    undo: fn(&Stage) -> Doing<'_>,
) -> Row {
    Row { undo: Some(undo), ..row(check, fault, seed) }
}

pub const ROWS: &[Row] = &[
    Row {
        check: "job-in-progress",
        fault: "the job is canceled",
        companions: &[],
        arguments: &["--job-id", "ended"],
        seed: |stage| {
            Box::pin(async {
                stage.job("ended", true).await;
                stage.arm("ended").await;
                stage.iot.cancel_job().job_id("ended").send().await.unwrap();
            })
        },
        undo: Some(|_| Box::pin(async {})),
    },
    Row {
        check: "job-has-timeout",
        fault: "nothing ends what does not end",
        companions: &[],
        arguments: &["--job-id", "endless"],
        seed: |stage| {
            Box::pin(async {
                stage.job("endless", false).await;
                stage.arm("endless").await;
            })
        },
        undo: Some(|_| Box::pin(async {})),
    },
    Row {
        check: "metrics-arriving",
        fault: "a device ended while job events were off",
        companions: &[],
        arguments: &["--job-id", "uncounted"],
        seed: |stage| {
            Box::pin(async {
                stage.job("uncounted", true).await;
                stage.arm("uncounted").await;
                stage.events(false).await;
                stage.succeed("uncounted").await;
                stage.events(true).await;
            })
        },
        undo: Some(|_| Box::pin(async {})),
    },
    Row {
        // Its own alarms need more devices than it has.
        companions: &["coverage"],
        ..row_undone(
            "guarded-by-keeper",
            "the job's tag says that it goes without",
            |stage| Box::pin(tag_job(stage, JOB, "tripline:guard", "off")),
            |stage| Box::pin(untag_job(stage, JOB, "tripline:guard")),
        )
    },
    Row {
        check: "alarms-match-config",
        fault: "one of its alarms is another stack's",
        companions: &[],
        arguments: &["--job-id", JOB, "--config", "<config>"],
        seed: |stage| Box::pin(tag_alarm(stage, "tripline-sound-Rejections")),
        undo: Some(again),
    },
    row("alarms-guard-job", "nothing ever crosses the threshold", |stage| {
        Box::pin(async { change(stage, |alarm| alarm.threshold(1e300), STOP).await })
    }),
    row("guarded-by-keeper", "the stack does not know what it was armed with", |stage| {
        Box::pin(forget(stage, JOB))
    }),
    row("alarms-exist", "the alarms are deleted", |stage| Box::pin(stage.disarm(JOB))),
    Row {
        check: "alarms-match-config",
        fault: "an alarm is deleted",
        companions: &[],
        arguments: &["--job-id", JOB, "--config", "<config>"],
        seed: |stage| {
            Box::pin(async {
                let delete = stage.cloudwatch.delete_alarms();
                delete.alarm_names("tripline-sound-Rejections").send().await.unwrap();
            })
        },
        undo: Some(again),
    },
    row("alarm-actions-enabled", "the actions of an alarm are off", |stage| {
        Box::pin(async {
            let off = stage.cloudwatch.disable_alarm_actions();
            off.alarm_names("tripline-sound-Failures").send().await.unwrap();
        })
    }),
    row("alarm-reaches-stopper", "no alarm goes to the force-stop topic", |stage| {
        Box::pin(async {
            change(stage, |alarm| alarm.set_alarm_actions(None), "EmailTopicArn").await
        })
    }),
    row("alarm-not-in-alarm", "an alarm has fired already", |stage| {
        Box::pin(async {
            let set = stage.cloudwatch.set_alarm_state().alarm_name("tripline-sound-Rejections");
            set.state_value(StateValue::Alarm).state_reason("seeded").send().await.unwrap();
        })
    }),
    row("alarm-dimension-correct", "an alarm watches another job", |stage| {
        Box::pin(async {
            change(stage, |alarm| alarm.set_dimensions(None).dimensions(of("sound-2")), STOP).await;
        })
    }),
    row("alarm-dimension-correct", "an alarm has one dimension too many", |stage| {
        Box::pin(async {
            let region = Dimension::builder().name("region").value("eu").build();
            change(stage, |alarm| alarm.dimensions(region), STOP).await;
        })
    }),
    row("alarm-metric-published", "nobody publishes the metric", |stage| {
        Box::pin(async { change(stage, |alarm| alarm.metric_name("failedcount"), STOP).await })
    }),
    row("alarm-metric-published", "nobody publishes into the namespace", |stage| {
        Box::pin(async { change(stage, |alarm| alarm.namespace("IoT/OTA"), STOP).await })
    }),
    row("alarm-period-whole-minutes", "the period is shorter than a minute", |stage| {
        Box::pin(async { change(stage, |alarm| alarm.period(10), STOP).await })
    }),
    row("alarm-tolerates-missing-data", "a minute without reports breaches", |stage| {
        Box::pin(async {
            change(stage, |alarm| alarm.treat_missing_data("breaching"), STOP).await;
        })
    }),
    row("alarm-has-enough-samples", "one device decides a period", |stage| {
        Box::pin(async {
            change(
                stage,
                |alarm| {
                    let alarm = alarm.metric_name("downloadTime").set_statistic(None);
                    alarm.extended_statistic("p99.9").threshold(3600.0)
                },
                STOP,
            )
            .await;
        })
    }),
    Row {
        check: "alarm-fires-in-time",
        fault: "all devices are notified before the first slow one says so",
        companions: &[],
        arguments: &["--job-id", JOB, "--devices", "20000"],
        seed: |stage| {
            Box::pin(async {
                change(
                    stage,
                    |alarm| {
                        let alarm = alarm.metric_name("downloadTime").threshold(3600.0);
                        alarm.statistic(Statistic::Average)
                    },
                    STOP,
                )
                .await;
            })
        },
        undo: Some(again),
    },
    row_of_limits("coverage", "nobody computes what the alarm on evidence watches", |stage| {
        Box::pin(async {
            declare(stage, JOB, DECLARED, None).await;
            evidence_alarm(stage, JOB, 2.0).await;
            keep_record(stage, JOB, 10, &json!({"leastDevices": 2})).await;
        })
    }),
    row_of_limits("evidence-published", "it was computed six minutes ago", |stage| {
        Box::pin(async {
            declare(stage, JOB, DECLARED, None).await;
            evidence_alarm(stage, JOB, 2.0).await;
            weigh(stage, JOB, 360).await;
        })
    }),
    row_of_limits("evidence-alarm", "there is no alarm on it", |stage| {
        Box::pin(async {
            declare(stage, JOB, DECLARED, None).await;
            weigh(stage, JOB, 10).await;
        })
    }),
    row_of_limits("evidence-alarm", "its alarm fires elsewhere", |stage| {
        Box::pin(async {
            declare(stage, JOB, DECLARED, None).await;
            evidence_alarm(stage, JOB, 3.0).await;
            weigh(stage, JOB, 10).await;
        })
    }),
    row_of_limits("evidence-limits", "a limit lies beyond the timeout", |stage| {
        Box::pin(async {
            declare(stage, JOB, &DECLARED.replace("75:2", "90:2"), None).await;
            evidence_alarm(stage, JOB, 2.0).await;
            weigh(stage, JOB, 10).await;
        })
    }),
    row_of_limits("evidence-baseline", "its baseline is of one rollout", |stage| {
        Box::pin(async {
            let limits = DECLARED.replace("unfinishedLimits = 60:3, 75:2", "baseline = fw.json");
            declare(stage, JOB, &limits, Some(ONE_ROLLOUT)).await;
            evidence_alarm(stage, JOB, 2.0).await;
            weigh(stage, JOB, 10).await;
        })
    }),
    Row {
        arguments: &["--job-id", JOB, "--devices", "20000"],
        ..row_of_limits("evidence-size", "too few devices decide nothing", |stage| {
            Box::pin(async {
                declare(stage, JOB, &DECLARED.replace("60:3, 75:2", "60:99.98"), None).await;
                evidence_alarm(stage, JOB, 2.0).await;
                weigh(stage, JOB, 10).await;
            })
        })
    },
    // The last one: in a minute of the guard-keeper the sound job, too, gets what its own alarms do not see.
    Row {
        check: "guarded-by-keeper",
        fault: "a tag for its default guard cannot be used",
        companions: &[],
        arguments: &["--job-id", "tagged"],
        seed: |stage| {
            Box::pin(async {
                stage.job("tagged", true).await;
                stage.tick().await;
                tag_job(stage, "tagged", "tripline:FailureRateUpperLimit", "a fifth").await;
            })
        },
        undo: Some(|_| Box::pin(async {})),
    },
];

/// Limits of the sound job, which alert people.
const DECLARED: &str = "unfinishedLimits = 60:3, 75:2\nsnsTopics = @email";
const ONE_ROLLOUT: &str = r#"{"version":1,"name":"fw","rollouts":1,"pooled":{"devices":900,"unfinished":[800,300,9]},"slowest":{"devices":900,"unfinished":[800,300,9]},"failures":[]}"#;

/// A fault of the sound job's evidence, which it has only for this row.
const fn row_of_limits(
    check: &'static str,
    fault: &'static str,
    seed: fn(&Stage) -> Doing<'_>,
) -> Row {
    row_undone(check, fault, seed, |stage| Box::pin(undeclare(stage, JOB)))
}

const STOP: &str = "ForceStopTopicArn";

fn again(stage: &Stage) -> Doing<'_> {
    Box::pin(async {
        stage.disarm(JOB).await;
        stage.arm(JOB).await;
    })
}

fn of(job: &str) -> Dimension {
    Dimension::builder().name("jobId").value(job).build()
}

/// Overwrites the alarm that stops the sound job: as it is, but for a change.
async fn change(
    stage: &Stage,
    change: impl FnOnce(PutMetricAlarmFluentBuilder) -> PutMetricAlarmFluentBuilder,
    topic: &str,
) {
    let alarm = stage
        .cloudwatch
        .put_metric_alarm()
        .alarm_name("tripline-sound-Failures")
        .namespace("IoT:OTA:JobExecution")
        .metric_name("failedCount")
        .dimensions(of(JOB))
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(5)
        .datapoints_to_alarm(3)
        .threshold(50.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching")
        .actions_enabled(true);
    change(alarm).alarm_actions(stage.output(topic)).send().await.unwrap();
}
