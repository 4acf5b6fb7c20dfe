use tripline::alarm::{Topic, TopicArn};

use super::*;

const FORCE_STOP: &str = "arn:aws:sns:us-east-1:111122223333:force-stop";

fn guard() -> DefaultGuard {
    DefaultGuard::new(vec![Topic::Email, Topic::ForceStop], |_| None).unwrap()
}

fn desired(known: Known<'_>, policy: Policy) -> Desired {
    let guard = guard();
    Desired::new(known, Rules { default_guard: &guard, policy, force_stop_topic: FORCE_STOP })
}

/// The alarms, but for those on evidence.
fn names(desired: &Desired) -> Vec<&str> {
    let alarms = desired.alarms.iter().filter(|alarm| !alarm.is_on_evidence());
    alarms.map(|alarm| alarm.name().as_str()).collect()
}

const DEFAULT: [&str; 2] = ["default-DownloadTime", "default-FailureRate"];

fn known<'a>(kept: KeptConfig<'a>, tagged: Option<&'a Tagged>) -> Known<'a> {
    Known { kept, tagged, is_greengrass: false, rate: 1_000, has_evidence: false, shape: None }
}

fn own(topics: Vec<Topic>) -> Vec<AlarmDefinition> {
    match guard().alarms(1_000).remove(0) {
        GuardAlarm::Config(alarm) => {
            let name = tripline::alarm::AlarmName::new("slow").unwrap();
            vec![AlarmDefinition { name, topics, ..alarm }]
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_kept_config_that_can_stop_is_the_guard_and_any_other_has_the_default_beside_it() {
    let tagged = guard().with_tags([]);
    let arn = Topic::Arn(TopicArn::new(FORCE_STOP).unwrap());
    let mut renamed = own(vec![Topic::ForceStop]);
    renamed[0].metric = "toldCount".to_owned();
    for (alarms, alert_only, purpose, fault) in [
        (own(vec![Topic::Email, Topic::ForceStop]), false, Purpose::Stop, None),
        (own(vec![arn]), false, Purpose::Stop, None),
        (own(vec![Topic::Email]), true, Purpose::Alert, None),
        (own(vec![Topic::Email]), false, Purpose::Stop, Some(ConfigFault::CannotStop)),
        (renamed, false, Purpose::Stop, Some(ConfigFault::CannotStop)),
    ] {
        let kept = KeptConfig::Alarms { alarms: &alarms, evidence: None, alert_only, fills: false };
        let is = desired(known(kept, Some(&tagged)), Policy::default());
        assert_eq!((is.purpose, is.config_fault), (purpose, fault), "{alarms:?}");
        let beside = if fault.is_some() { &DEFAULT[..] } else { &[] };
        assert_eq!(names(&is), [&["slow"], beside].concat());
    }
    let is = desired(known(KeptConfig::Unusable, Some(&tagged)), Policy::default());
    assert_eq!((is.config_fault, names(&is)), (Some(ConfigFault::Unreadable), DEFAULT.to_vec()));
}

/// The metric of a config's failure rate is not published: what is armed is metric math.
#[test]
fn a_config_s_failure_rate_alone_is_a_guard_that_can_stop() {
    let text = "[ALARM_CONFIG]\nalarmList = Failing\n[ALARM_CONFIG_Failing]\nnamespace = IoT:OTA:JobExecution\nmetricName = unsuccessfulRate\nthreshold = 7.5\nalarmType = upper\nminSamples = 12\nsnsTopics = @force-stop\n";
    let alarms = tripline_config::AlarmConfig::parse("dev.ini", text).unwrap().alarms;
    let kept =
        KeptConfig::Alarms { alarms: &alarms, evidence: None, alert_only: false, fills: false };
    let tagged = guard().with_tags([]);
    let is = desired(known(kept, Some(&tagged)), Policy::default());
    assert_eq!((is.purpose, is.config_fault), (Purpose::Stop, None));
    let [GuardAlarm::FailureRate(rate)] = &is.alarms[..] else { panic!("{:?}", is.alarms) };
    assert_eq!((rate.name.as_str(), rate.limit, rate.min_executions.get()), ("Failing", 7.5, 12));
}

#[test]
fn a_job_whose_tags_cannot_be_read_is_armed_to_alert() {
    let is = desired(known(KeptConfig::None, None), Policy::default());
    assert_eq!((is.purpose, names(&is)), (Purpose::AlertUntilTagsAreRead, DEFAULT.to_vec()));
    assert!(is.alarms.iter().all(|alarm| alarm.topics() == [Topic::Email]));
}

#[test]
fn which_jobs_get_the_default_guard_is_the_stack_s_to_say() {
    use GreengrassDeployments::{Alert, Ignore, Stop};
    for (jobs, greengrass, tag, is_greengrass, purpose) in [
        (GuardedJobs::All, Alert, "", false, Purpose::Stop),
        (GuardedJobs::All, Alert, "", true, Purpose::Alert),
        (GuardedJobs::All, Stop, "", true, Purpose::Stop),
        (GuardedJobs::All, Ignore, "", true, Purpose::Outside),
        (GuardedJobs::All, Ignore, "", false, Purpose::Stop),
        (GuardedJobs::All, Stop, "off", true, Purpose::OptedOut),
        (GuardedJobs::Tagged, Alert, "", false, Purpose::Outside),
        (GuardedJobs::Tagged, Alert, "on", false, Purpose::Stop),
        (GuardedJobs::Tagged, Alert, "on", true, Purpose::Alert),
        (GuardedJobs::Tagged, Stop, "", true, Purpose::Outside),
    ] {
        let tagged = guard().with_tags([(GUARD_TAG, tag)]);
        let known = Known { is_greengrass, ..known(KeptConfig::None, Some(&tagged)) };
        let is = desired(known, Policy { jobs, greengrass });
        assert_eq!(is.purpose, purpose, "{jobs:?} {greengrass:?} `{tag}` {is_greengrass}");
        let alarms = matches!(purpose, Purpose::Stop | Purpose::Alert);
        assert_eq!(names(&is).len(), if alarms { 2 } else { 0 });
    }
    // An operator armed it by name.
    let alarms = own(vec![Topic::ForceStop]);
    let kept =
        KeptConfig::Alarms { alarms: &alarms, evidence: None, alert_only: false, fills: false };
    let tagged = guard().with_tags([]);
    let known = Known { is_greengrass: true, ..known(kept, Some(&tagged)) };
    let policy = Policy { jobs: GuardedJobs::Tagged, greengrass: Ignore };
    assert_eq!(desired(known, policy).purpose, Purpose::Stop);
}

#[test]
fn a_deployment_s_name_is_a_uuid() {
    for (name, is) in [
        ("7b8e2f40-9c1d-4a55-8f0e-1f2a3b4c5d6e", true),
        ("7b8e2f40-9c1d-4a55-8f0e-1f2a3b4c5d6", false),
        ("7b8e2f40-9c1d-4a55-8f0e-1f2a3b4c5dxx", false),
        ("fw-1-3-0", false),
    ] {
        assert_eq!(is_named_as_deployment(&JobId::new(name).unwrap()), is, "{name}");
    }
}

/// Name, rule and topics of the alarms on evidence.
fn on_evidence(desired: &Desired) -> Vec<(String, String, &[Topic])> {
    let alarms = desired.alarms.iter().filter(|alarm| alarm.is_on_evidence());
    alarms.map(|it| (it.name().to_string(), it.to_string(), it.topics())).collect()
}

#[test]
fn evidence_alerts_by_default_and_stops_once_limits_are_declared() {
    const BREACH: &str = "evidence > 2 (1 in 100)";
    const MISSING: &str = "no evidence for 10 min";
    let stack = DefaultGuard::new(vec![Topic::Email, Topic::ForceStop], |key| {
        (key == "EvidenceAction").then(|| "stop".to_owned())
    });
    let stack = stack.unwrap();
    for (guard, tags, stops) in [
        (guard(), vec![], false),
        (guard(), vec![("tripline:EvidenceAction", "stop")], true),
        (guard(), vec![("tripline:EvidenceAction", "never")], false),
        (stack.clone(), vec![], true),
        // Whoever may tag a job cannot loosen the stack's guard.
        (stack, vec![("tripline:EvidenceAction", "alert")], false),
    ] {
        let tagged = guard.with_tags(tags.clone());
        let known = Known { has_evidence: true, ..known(KeptConfig::None, Some(&tagged)) };
        let is = desired(known, Policy::default());
        let topics: &[Topic] =
            if stops { &[Topic::Email, Topic::ForceStop] } else { &[Topic::Email] };
        let (breach, missing) = (BREACH.to_owned(), MISSING.to_owned());
        assert_eq!(
            on_evidence(&is),
            [
                ("default-Evidence".to_owned(), breach, topics),
                ("default-EvidenceMissing".to_owned(), missing, &[Topic::Email][..]),
            ],
            "{tags:?}"
        );
        assert_eq!(is.evidence_stops(FORCE_STOP), stops);
        let none = Known { has_evidence: false, ..known };
        assert_eq!(on_evidence(&desired(none, Policy::default())).len(), 1);
    }
}

#[test]
fn evidence_alone_is_a_guard_that_can_stop() {
    let text = "[EVIDENCE_CONFIG]\nuseEvidence = True\nfalseStops = 0.1\nunfinishedLimits = 10:5\nblindMinutes = 7\nblindTopics = @email, @force-stop\nsnsTopics = @force-stop\n";
    let evidence = tripline_config::parse_evidence("dev.ini", text).unwrap();
    let kept = KeptConfig::Alarms {
        alarms: &[],
        evidence: evidence.as_ref(),
        alert_only: false,
        fills: false,
    };
    let tagged = guard().with_tags([]);
    let known = Known { has_evidence: true, ..known(kept, Some(&tagged)) };
    let is = desired(known, Policy::default());
    assert_eq!((is.purpose, is.config_fault, &is.evidence), (Purpose::Stop, None, &evidence));
    let [(name, breach, _), (_, missing, topics)] = &on_evidence(&is)[..] else { panic!() };
    assert_eq!((name.as_str(), breach.as_str()), ("Evidence", "evidence > 3 (1 in 1000)"));
    assert_eq!(missing, "no evidence for 7 min");
    assert_eq!(*topics, [Topic::Email, Topic::ForceStop]);
    assert_eq!(names(&is), Vec::<&str>::new());
}
