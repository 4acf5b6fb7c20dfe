//! What goes together, of the config with every section.

use super::*;

const WHOLE: &str = include_str!("whole.ini");
const THINGS: &str = "arn:aws:iot:eu-central-1:111122223333:thing/pump-1\n";

/// Faults and findings, each with its line.
fn misfits(changes: &[(&str, &str)], things: &str, region: &str) -> (Vec<String>, Vec<String>) {
    let text = changes.iter().fold(WHOLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let config = DeployConfig::parse("dev.ini", &text).unwrap();
    let things = ThingList::parse("things.txt", things).unwrap();
    let is_given = config.region.as_deref() != Some(region);
    let Misfits { faults, findings } = config.misfits(&things, region, is_given);
    let said = |faults: Vec<Fault>| -> Vec<String> {
        let said = |fault: Fault| {
            let line = text.lines().nth(fault.line.unwrap() - 1).unwrap();
            format!("{} <- {line}", fault.text)
        };
        faults.into_iter().map(said).collect()
    };
    (said(faults), said(findings))
}

#[test]
fn what_goes_together_is_left_alone() {
    assert_eq!(misfits(&[], THINGS, "eu-central-1"), (vec![], vec![]));
    let china = "arn:aws-cn:iot:cn-north-1:111122223333:thing/a\n";
    let changes = [("eu-central-1", "cn-north-1"), ("arn:aws:", "arn:aws-cn:")];
    assert_eq!(misfits(&changes, china, "cn-north-1"), (vec![], vec![]));
}

#[test]
fn roles_are_of_the_job_s_partition_and_account() {
    let gov = "arn:aws-us-gov:iot:us-gov-west-1:111122223333:thing/a\n";
    let (faults, _) = misfits(&[("eu-central-1", "us-gov-west-1")], gov, "us-gov-west-1");
    for line in ["role/pump-ota", "role/pump-reader"] {
        let is = |fault: &&String| {
            fault.contains("(expected `aws-us-gov`) <- roleArn") && fault.ends_with(line)
        };
        assert_eq!(faults.iter().filter(is).count(), 1, "{faults:?}");
    }
    let other = THINGS.replace("111122223333", "444455556666");
    let (faults, _) = misfits(&[], &other, "eu-central-1");
    let said = "the role is of account 111122223333, and the targets are of 444455556666";
    assert_eq!(faults.iter().filter(|fault| fault.contains(said)).count(), 2, "{faults:?}");
}

#[test]
fn topics_are_where_the_alarms_are() {
    let with = |arn: &str| {
        let line = WHOLE.lines().find(|line| line.starts_with("snsTopics")).unwrap();
        let topics = format!("snsTopics = @force-stop, {arn}");
        misfits(&[(line, topics.as_str())], THINGS, "eu-central-1")
    };
    for (arn, said) in [
        ("arn:aws:sns:eu-west-1:111122223333:ops", "another region than the alarms"),
        ("arn:aws-cn:sns:eu-central-1:111122223333:ops", "partition `aws-cn` does not fit"),
        ("arn:aws:sns:eu-cental-1:111122223333:ops", "which is no AWS Region"),
    ] {
        let (faults, findings) = with(arn);
        assert!(faults[0].contains(said) && faults[0].contains("<- snsTopics"), "{faults:?}");
        assert_eq!(findings, Vec::<String>::new());
    }
    let (faults, findings) = with("arn:aws:sns:eu-central-1:444455556666:ops");
    assert_eq!(faults, Vec::<String>::new());
    assert!(findings[0].contains("of another account than the targets"), "{findings:?}");
}

#[test]
fn a_region_is_that_of_the_targets_and_known() {
    let changes = [("region = eu-central-1", "region = eu-west-1")];
    let (faults, _) = misfits(&changes, THINGS, "eu-west-1");
    assert!(
        faults[0].starts_with("`[DEFAULT]`: region is `eu-west-1`, and the targets"),
        "{faults:?}"
    );
    let new = THINGS.replace("eu-central-1", "eu-central-9");
    let changes = [("eu-central-1", "eu-central-9")];
    let (faults, _) = misfits(&changes, &new, "eu-central-9");
    assert!(faults[0].contains("`eu-central-9` is no AWS Region that is known"), "{faults:?}");
    let config = DeployConfig::parse("dev.ini", &WHOLE.replace("eu-central-1", "eu-central-9"));
    let things = ThingList::parse("things.txt", &new).unwrap();
    let given = config.unwrap().misfits(&things, "eu-central-9", true);
    assert_eq!(given, Misfits::default(), "whoever names it knows it");
}

#[test]
fn a_bucket_is_in_the_job_s_partition() {
    for (host, is_fault, is_finding) in [
        ("s3.eu-central-1.amazonaws.com", false, false),
        ("s3.amazonaws.com", false, false),
        ("s3.eu-west-1.amazonaws.com", false, true),
        ("s3.cn-north-1.amazonaws.com.cn", true, false),
        ("s3.cn-north-1.amazonaws.com", true, false),
        ("s3.eu-central-1.amazonaws.com.cn", true, false),
        ("s3.us-gov-west-1.amazonaws.com", true, false),
        ("s3.eu-cental-1.amazonaws.com", true, false),
        ("example.com", false, false),
    ] {
        let document =
            format!("{{\n\"a\": \"${{aws:iot:s3-presigned-url:https://{host}/fw/x}}\"\n}}");
        let misfits = Misfits::of_document(&document, "eu-central-1");
        let found = (!misfits.faults.is_empty(), !misfits.findings.is_empty());
        assert_eq!(found, (is_fault, is_finding), "{host}");
        let all = misfits.faults.iter().chain(&misfits.findings);
        assert!(all.into_iter().all(|fault| fault.line == Some(2)));
    }
}
