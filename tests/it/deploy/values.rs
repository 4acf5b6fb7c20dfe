//! What is made has exactly the values of the config.

use aws_sdk_iot::types::{AbortCriteria, Tag};

use super::stage::{BUCKET, IMAGE, SHORT, Stage, assert_ended};

/// Every section of the manual's config.
const WHOLE: &str = "\
[DEFAULT]
thingList = things.txt
binName = pump-4.2.bin
roleArn = arn:aws:iam::000000000000:role/pump-ota
jobId = <job>
rounds = 1
bucket = pump-firmware
cleanUpCfg = False
debug = False
defaultDelay = 5
region = us-east-1
streamId = <job>-stream
fileId = 12
imageVer = 4.2
iotApiSleepTime = 1
fileChunkSize = 5
targetSelection = CONTINUOUS
useCustomJobDocument = True
usePresignedUrlConfig = True
useJobExecutionsRolloutConfig = True
useAbortConfig = True
useTimeoutConfig = True
deviceCount = 2

[CUSTOM_JOB_DOCUMENT]
jobDocSrcCfg = local_file
jobDocSrcUrl = None
jobDocPath = job.json

[PRESIGNED_URL_CONFIG]
roleArn = arn:aws:iam::000000000000:role/pump-reader
expiresInSec = 900

[JOB_EXECUTE_ROLLOUT_CONFIG]
maximumPerMinute = 200
useExponentialRateCfg = True

[EXP_RATE_CONFIG]
baseRatePerMinute = 20
incrementFactor = 1.5
useRateIncreaseCriteria = True

[INCREASE_CRITERIA]
numberOfNotifiedThings = 15
numberOfSucceededThings = 123

[ABORT_CONFIG]
useAllSubsection = ALL
useFailedSubsection = True
useRejectedSubsection = True
useTimedOutSubsection = True

[ABORT_CONFIG_TYPE_ALL]
failureType = ALL
thresholdPercentage = 11.5
minNumberOfExecutedThings = 4

[ABORT_CONFIG_TYPE_FAILED]
failureType = FAILED
thresholdPercentage = 13.25
minNumberOfExecutedThings = 5

[ABORT_CONFIG_TYPE_REJECTED]
failureType = REJECTED
thresholdPercentage = 12.0
minNumberOfExecutedThings = 6

[ABORT_CONFIG_TYPE_TIMED_OUT]
failureType = TIMED_OUT
thresholdPercentage = 14.0
minNumberOfExecutedThings = 7

[TIMEOUT_CONFIG]
inProgressTimeoutInMinutes = 45

[RETRY_CONFIG]
failedRetries = 2
timedOutRetries = 1

[ALARM_CONFIG]
alarmList = Slow,Early

[ALARM_CONFIG_Slow]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p99
period = 300
threshold = 3600
alarmType = upper
evaluationPeriods = 5
datapointsToAlarm = 3
snsTopics = @email, @force-stop

[ALARM_CONFIG_Early]
namespace = IoT:OTA:JobExecution
metricName = retryCount
stat = Average
period = 60
threshold = 0.5
alarmType = lower
evaluationPeriods = 4
datapointsToAlarm = 4
treatMissingData = ignore
snsTopics = @sms
";

#[tokio::test]
async fn every_section_comes_to_its_value() {
    let stage = Stage::new().await;
    stage.things(&["a", "b"]).await;
    stage.write("job.json", br#"{"site": "north", "fileSize": 1, "imageVer": "0"}"#);
    stage.config(&WHOLE.replace("= ALL\nuseF", "= False\nuseF"), "whole");
    assert_ended(&stage.deploy("whole", &["--detach"]).await, 0);

    let job = stage.job("whole").await.unwrap();
    let targets: Vec<_> = job.targets().iter().map(|arn| arn.rsplit('/').next().unwrap()).collect();
    assert_eq!(targets, ["a", "b"]);
    assert_eq!(job.target_selection().unwrap().as_str(), "CONTINUOUS");
    let presigned = job.presigned_url_config().unwrap();
    assert_eq!(presigned.role_arn(), Some("arn:aws:iam::000000000000:role/pump-reader"));
    assert_eq!(presigned.expires_in_sec(), Some(900));
    let rollout = job.job_executions_rollout_config().unwrap();
    assert_eq!(rollout.maximum_per_minute(), Some(200));
    let rate = rollout.exponential_rate().unwrap();
    assert_eq!((rate.base_rate_per_minute(), rate.increment_factor()), (20, 1.5));
    let criteria = rate.rate_increase_criteria().unwrap();
    assert_eq!(criteria.number_of_notified_things(), Some(15));
    assert_eq!(criteria.number_of_succeeded_things(), Some(123));
    assert_eq!(abort(&job), [("FAILED", 13.25, 5), ("REJECTED", 12.0, 6), ("TIMED_OUT", 14.0, 7)]);
    assert_eq!(job.timeout_config().unwrap().in_progress_timeout_in_minutes(), Some(45));
    let retries = job.job_executions_retry_config().unwrap().criteria_list();
    let retries: Vec<_> =
        retries.iter().map(|c| (c.failure_type().as_str(), c.number_of_retries())).collect();
    assert_eq!(retries, [("FAILED", 2), ("TIMED_OUT", 1)]);

    let keys = stage.keys("whole/").await;
    let key = |name: &str| keys.iter().find(|key| key.ends_with(name)).unwrap().as_str();
    assert_eq!(stage.object(key("pump-4.2.bin")).await.as_bytes(), IMAGE);
    let document = stage.iot.get_job_document().job_id("whole").send().await.unwrap();
    let document = document.document().unwrap();
    assert_eq!(stage.object(key("job-document.json")).await, document);
    let url = format!(
        "${{aws:iot:s3-presigned-url:https://s3.us-east-1.amazonaws.com/{BUCKET}/{}}}",
        key("pump-4.2.bin")
    );
    let expected = serde_json::json!({
        "site": "north", "command": "fota", "streamId": "whole-stream", "fileId": 12,
        "fileSize": IMAGE.len(), "imageVer": "4.2", "url": url,
        "md5sum": "MD5", "sha256": "SHA",
    });
    let mut seen: serde_json::Value = serde_json::from_str(document).unwrap();
    for (key, length, name) in [("md5sum", 32, "MD5"), ("sha256", 64, "SHA")] {
        assert_eq!(seen[key].as_str().unwrap().len(), length);
        seen[key] = name.into();
    }
    assert_eq!(seen, expected);
    let config = stage.object(key("dev.ini")).await;
    assert!(config.contains("jobId = whole"), "{config}");

    let stream = stage.stream("whole-stream").await.unwrap();
    assert_eq!(stream.role_arn(), Some("arn:aws:iam::000000000000:role/pump-ota"));
    let file = &stream.files()[0];
    assert_eq!(file.file_id(), Some(12));
    let location = file.s3_location().unwrap();
    assert_eq!((location.bucket(), location.key()), (Some(BUCKET), Some(key("pump-4.2.bin"))));

    let tags = stage.iot.list_tags_for_resource().resource_arn(job.job_arn().unwrap());
    let tags = tags.send().await.unwrap().tags.unwrap();
    let tag = |key: &str| tags.iter().find(|tag| tag.key() == key).and_then(Tag::value);
    assert_eq!(tag("tripline:round"), Some("1"));
    assert_eq!(
        tag("tripline:config"),
        Some(format!("s3://{BUCKET}/{}", key("dev.ini"))).as_deref()
    );

    let mut alarms = stage.alarms("whole").await;
    alarms.sort_by(|a, b| a.alarm_name().cmp(&b.alarm_name()));
    let [early, slow] = &alarms[..] else { panic!("{alarms:#?}") };
    let facts = |alarm: &aws_sdk_cloudwatch::types::MetricAlarm| {
        let stat = alarm.extended_statistic().map(str::to_owned);
        (
            alarm.metric_name().unwrap().to_owned(),
            stat.or(alarm.statistic().map(|stat| stat.as_str().to_owned())).unwrap(),
            [
                alarm.period().unwrap(),
                alarm.evaluation_periods().unwrap(),
                alarm.datapoints_to_alarm().unwrap(),
            ],
            alarm.threshold().unwrap(),
            alarm.comparison_operator().unwrap().as_str().to_owned(),
            alarm.treat_missing_data().unwrap().to_owned(),
            alarm.alarm_actions().len(),
        )
    };
    let text = str::to_owned;
    assert_eq!(
        facts(early),
        (
            text("retryCount"),
            text("Average"),
            [60, 4, 4],
            0.5,
            text("LessThanThreshold"),
            text("ignore"),
            1
        )
    );
    assert_eq!(
        facts(slow),
        (
            text("downloadTime"),
            text("p99"),
            [300, 5, 3],
            3600.0,
            text("GreaterThanThreshold"),
            text("notBreaching"),
            2
        )
    );
    for alarm in [early, slow] {
        let dimension = &alarm.dimensions()[0];
        assert_eq!((dimension.name(), dimension.value()), (Some("jobId"), Some("whole")));
    }
}

#[tokio::test]
async fn one_criterion_for_all_failures_excludes_the_others() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.write("job.json", b"{}");
    stage.config(&WHOLE.replace("= ALL\nuseF", "= True\nuseF"), "all");
    assert_ended(&stage.deploy("all", &["--detach"]).await, 0);
    assert_eq!(abort(&stage.job("all").await.unwrap()), [("ALL", 11.5, 4)]);
}

#[tokio::test]
async fn what_is_switched_off_is_not_asked_for() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    let off = WHOLE
        .replace("= ALL\nuseF", "= True\nuseF")
        .replace("useCustomJobDocument = True", "useCustomJobDocument = False")
        .replace("usePresignedUrlConfig = True", "usePresignedUrlConfig = False")
        .replace("useJobExecutionsRolloutConfig = True", "useJobExecutionsRolloutConfig = False")
        .replace("useAbortConfig = True", "useAbortConfig = False")
        .replace("useTimeoutConfig = True\n", "")
        .replace("deviceCount = 2\n", "");
    stage.config(&off, "off");
    assert_ended(&stage.deploy("off", &["--detach"]).await, 0);
    let job = stage.job("off").await.unwrap();
    assert_eq!(job.abort_config(), None);
    assert_eq!(
        job.timeout_config().and_then(|config| config.in_progress_timeout_in_minutes()),
        None
    );
    assert_eq!(job.presigned_url_config().and_then(|config| config.role_arn()), None);
    assert_eq!(
        job.job_executions_rollout_config().and_then(|config| config.maximum_per_minute()),
        None
    );
}

#[tokio::test]
async fn a_document_comes_from_a_url_and_firmware_is_signed() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    let own = aws_sdk_s3::primitives::ByteStream::from_static(br#"{"site": "south"}"#);
    stage.s3.put_object().bucket(BUCKET).key("jobs/own.json").body(own).send().await.unwrap();
    stage.write("key.pem", KEY.as_bytes());
    for (job, url) in [
        ("by-s3", format!("s3://{BUCKET}/jobs/own.json")),
        ("by-http", format!("{}/{BUCKET}/jobs/own.json", stage.proxy.endpoint())),
    ] {
        let config = SHORT
            .replace("streamId", "useCustomJobDocument = True\nprivateKey = key.pem\nstreamId")
            + &format!("\n[CUSTOM_JOB_DOCUMENT]\njobDocSrcCfg = url\njobDocSrcUrl = {url}\n");
        stage.config(&config, job);
        assert_ended(&stage.deploy(job, &["--detach"]).await, 0);
        let document = stage.iot.get_job_document().job_id(job).send().await.unwrap();
        let document: serde_json::Value =
            serde_json::from_str(document.document().unwrap()).unwrap();
        assert_eq!(document["site"], "south");
        assert!(document["signature"].as_str().unwrap().starts_with("ME"), "{document:#}");
        assert_eq!(document.get("md5sum"), None);
    }
}

/// Made for this test, and used for nothing else.
const KEY: &str = include_str!("key.pem");

fn abort(job: &aws_sdk_iot::types::Job) -> Vec<(&str, f64, i32)> {
    let criteria = job.abort_config().unwrap().criteria_list().iter();
    criteria
        .map(|c: &AbortCriteria| {
            (c.failure_type().as_str(), c.threshold_percentage(), c.min_number_of_executed_things())
        })
        .collect()
}
