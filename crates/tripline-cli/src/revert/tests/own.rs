//! A firmware of one's own.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_firmware_of_one_s_own_is_stored_and_rolled_out_as_the_config_says() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("fix.bin"), b"image").unwrap();
    std::fs::write(at("things.txt"), "arn:aws:iot:us-east-1:111122223333:thinggroup/fleet\n")
        .unwrap();
    let config = format!(
        "[DEFAULT]\njobId = fw\nthingList = things.txt\nbinName = bad.bin\nbucket = bucket\nstreamId = pumps\nroleArn = arn:aws:iam::111122223333:role/ota\nrounds = 1\ntargetSelection = SNAPSHOT\n{CONFIG}"
    );
    std::fs::write(at("dev.ini"), config).unwrap();
    let own = Own { bin: at("fix.bin"), config: at("dev.ini") };
    let guard = || Arming::Config(Box::new(Config::read(&at("dev.ini")).unwrap()));
    let revert = || Revert { source: Source::Own(own.clone()), guard: guard(), ..revert() };
    let fake = reached(5);
    run(&fake, &Revert { dry_run: true, ..revert() }).await.unwrap();
    assert_eq!(fake.changes(), 0);
    let reverted = run(&fake, &revert()).await.unwrap();
    assert!(reverted.text(&id("fw")).starts_with("job fw-back reverts fw to fix.bin\n"));
    let world = fake.world();
    let iot = &world.iot;
    assert_eq!(iot.targets("fw-back"), ["d000", "d001", "d002"]);
    let (job, document) = &iot.jobs["fw-back"];
    assert_eq!(job.description(), Some("Reverts fw to fix.bin"));
    assert!(document.contains("\"streamId\":\"fw-back-stream\""), "{document}");
    let tags = &iot.tags["job/fw-back"];
    assert_eq!(tags["tripline:reverts"], "fw");
    assert!(!tags.contains_key("tripline:revertsTo"));
    let record = FirmwareRecord::from_tags(tags).unwrap();
    assert!(record.key.starts_with("fw-back/") && record.key.ends_with("/fix.bin"), "{record:?}");
    assert_eq!((record.size, record.stored.version.is_some()), (5, true));
    assert!(
        iot.streams["fw-back-stream"].files()[0].s3_location().unwrap().key() == Some(&record.key)
    );
    assert_eq!(iot.tags["stream/fw-back-stream"]["tripline:job"], "fw-back");
    assert!(world.cloudwatch.alarms.contains_key("tripline-fw-back-slow"));
}
