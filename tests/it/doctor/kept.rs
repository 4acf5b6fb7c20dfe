//! A job that nobody armed: the guard-keeper does.

use super::stage::Stage;

#[tokio::test]
async fn a_job_that_the_guard_keeper_guards_is_sound() {
    let stage = Stage::new(&[("AlarmEmailEndpoint", "ops@example.com")]).await;
    stage.job("plain", true).await;
    let before = stage.doctor(&["--job-id", "plain"]).await;
    assert_eq!(before.findings().into_iter().collect::<Vec<_>>(), ["alarms-exist"]);
    let fix = before.checks["alarms-exist"]["fix"].as_str().unwrap();
    assert!(fix.contains("the guard-keeper gives a new job the stack's default guard"), "{fix}");

    // Whichever region their shell is set to.
    let apply = "tripline alarms apply --region us-east-1 dev.ini --stack tripline --job-id plain";
    assert!(fix.starts_with(apply), "{fix}");

    // What another check would say proves nothing where that one is not made.
    let only = stage.doctor(&["--job-id", "plain", "--only", "alarm-metric-published"]).await;
    assert_eq!(only.code, Some(1), "{only:#?}");
    assert_eq!(
        only.checks["alarm-metric-published"]["detail"],
        "the job has no alarms: see `alarms-exist`"
    );

    assert_eq!(stage.tick().await["armed"], 3);
    let sound = stage.doctor(&["--job-id", "plain"]).await;
    assert_eq!((sound.code, sound.findings().len()), (Some(0), 0), "{sound:#?}");
    assert_eq!(sound.checks["alarms-exist"]["detail"], "3 alarms");
    assert_eq!(sound.checks["guarded-by-keeper"]["detail"], "by the stack's default guard");
    // The local AWS shows no metric math, so that there is nothing to simulate.
    for check in sound.with("unknown") {
        assert_eq!(sound.checks[check]["counts"], false, "{sound:#?}");
    }
}
