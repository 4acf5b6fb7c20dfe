//! Whether what devices get again is what it was.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_firmware_that_was_changed_is_refused_and_nothing_is_made() {
    let place = || ("bucket".to_owned(), KEY.to_owned());
    type Change = fn(&mut fake_aws::Account, (String, String));
    let changes: [(Change, &str); 8] = [
        (
            |world, place| {
                world.s3.objects.insert(place, b"other image".to_vec());
            },
            "its size is `11`, and was `5`",
        ),
        (
            |world, place| world.s3.heads.get_mut(&place).unwrap().checksum = None,
            "S3's SHA-256 of it is none",
        ),
        (
            |world, place| {
                world.s3.heads.get_mut(&place).unwrap().checksum = Some("x".to_owned());
            },
            "S3's SHA-256 of it is `x`",
        ),
        (
            |world, place| {
                world.s3.heads.get_mut(&place).unwrap().version = Some("v2".to_owned());
            },
            "its version is `v2`, and was `v1`",
        ),
        (
            |world, place| {
                world.s3.heads.get_mut(&place).unwrap().e_tag = Some("\"e2\"".to_owned());
            },
            "its ETag is `e2`, and was `e1`",
        ),
        (
            |world, _| world.iot.stream("pumps", "bucket", "other.bin"),
            "its stream does not have that object",
        ),
        (
            |world, _| world.iot.stream("pumps", "other", KEY),
            "its stream does not have that object",
        ),
        (
            |world, _| world.iot.tag("job/good", "tripline:signature", "MEUCIR"),
            "the signature in its document is not the one that was noted",
        ),
    ];
    for (change, said) in changes {
        let fake = reached(5);
        change(&mut fake.world(), place());
        // That it is not recorded was not said of what is.
        for source in [revert().source, unrecorded()] {
            let error = run(&fake, &Revert { source, ..revert() }).await.unwrap_err();
            assert!(error.contains("a downgrade is an attack"), "{error}");
            assert!(error.contains(&format!("\n  {said}")), "{said}: {error}");
            assert!(error.contains("hint: find out who changed it"), "{error}");
        }
        assert_eq!(fake.changes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_firmware_that_is_gone_is_refused() {
    let fake = reached(5);
    fake.world().s3.objects.remove(&("bucket".to_owned(), KEY.to_owned()));
    let error = run(&fake, &revert()).await.unwrap_err();
    assert!(
        error.starts_with("job `good`: its firmware does not exist: there is no object s3://"),
        "{error}"
    );
    let fake = reached(5);
    fake.world().iot.streams.clear();
    for source in [revert().source, unrecorded()] {
        let error = run(&fake, &Revert { source, ..revert() }).await.unwrap_err();
        assert!(error.starts_with("job `good`: its stream `pumps` does not exist"), "{error}");
    }
    let fake = reached(5);
    fake.world().iot.tags.get_mut("job/good").unwrap().remove("tripline:config");
    let error = run(&fake, &revert()).await.unwrap_err();
    assert!(error.contains("has no tag `tripline:config` that names its bucket"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_job_without_a_record_is_reverted_to_only_if_that_is_meant() {
    let fake = reached(5);
    fake.world().iot.tags.get_mut("job/good").unwrap().remove("tripline:firmwareDigest");
    let error = run(&fake, &revert()).await.unwrap_err();
    assert!(error.starts_with("job `good` has no record of its firmware"), "{error}");
    assert!(error.contains("`--unrecorded`") && error.contains("`--bin FILE"), "{error}");
    let reverted = run(&fake, &Revert { source: unrecorded(), ..revert() }).await.unwrap();
    assert_eq!(
        reverted.notes(&id("fw"))[0],
        "note: the firmware of `good` was not compared: `deploy` did not record it"
    );
    assert_eq!(document(&reverted.data(&id("fw"), "us-east-1"))["firmware"], "not recorded");
    assert!(fake.world().iot.jobs.contains_key("fw-back"));
}
