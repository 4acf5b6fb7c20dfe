//! Whole configs.

use super::*;
use tripline::rollout::Rate;

/// Every key that there is, with a value of its own.
const WHOLE: &str = include_str!("whole.ini");

fn parse(text: &str) -> Result<DeployConfig, String> {
    DeployConfig::parse("dev.ini", text).map_err(|faults| faults.to_string())
}

#[test]
fn every_value_is_read() {
    let config = parse(WHOLE).unwrap();
    let role =
        |name: &str| RoleArn::new(&format!("arn:aws:iam::111122223333:role/{name}")).unwrap();
    assert_eq!(config.job.as_str(), "pump-4-2");
    assert_eq!(config.region.as_deref(), Some("eu-central-1"));
    assert_eq!((config.things.as_str(), config.firmware.as_str()), ("pumps.txt", "pump-4.2.bin"));
    assert_eq!(config.bucket.as_str(), "pump-firmware");
    let stream = Stream {
        id: StreamId::new("pump-4-2-stream").unwrap(),
        file: FileId::new(12),
        role: role("pump-ota"),
    };
    assert_eq!(config.stream, Some(stream));
    assert_eq!(config.image_version.as_deref(), Some("4.2"));
    assert_eq!(config.private_key.as_deref(), Some("signing.pem"));
    assert_eq!(config.selection, TargetSelection::Continuous);
    assert_eq!(config.device_count, Some(40));
    assert_eq!((config.rounds, config.clean_up, config.debug), (3, true, true));
    assert_eq!(config.delay, Duration::from_secs(7));
    assert_eq!(config.pace, Duration::from_millis(60));
    assert_eq!(config.chunk, 16_384);
    assert_eq!(config.document, Some(DocumentSource::File("pump-job.json".to_owned())));
    assert_eq!(config.presigned, Some(Presigned { role: role("pump-reader"), expires: 900 }));
    assert!(config.staged);
    assert!(matches!(config.rollout.rate, Rate::Exponential(rate) if rate.maximum == 200));
    assert_eq!(config.rollout.abort.len(), 3);
    assert_eq!(config.rollout.timeout.map(|timeout| timeout.minutes()), Some(45));
    let alarms: Vec<_> = config.alarms.alarms.iter().map(|alarm| alarm.name.as_str()).collect();
    assert_eq!(alarms, ["Slow", "Retries"]);
}

#[test]
fn a_document_can_be_at_a_url() {
    let at = |url: &str| {
        parse(
            &WHOLE
                .replace("jobDocSrcCfg = local_file", "jobDocSrcCfg = url")
                .replace("jobDocSrcUrl = None", &format!("jobDocSrcUrl = {url}")),
        )
    };
    for good in ["https://pump-firmware.s3.amazonaws.com/job.json", "s3://pump-firmware/job.json"] {
        assert_eq!(at(good).unwrap().document, Some(DocumentSource::Url(good.to_owned())));
    }
    for bad in ["None", "http://example.com/job.json", "job.json", "file:///etc/passwd"] {
        assert!(at(bad).unwrap_err().contains("jobDocSrcUrl cannot be"), "{bad}");
    }
}

#[test]
fn little_is_enough() {
    let config = parse(
        "[DEFAULT]\nthingList = t\nbinName = b\njobId = j\nbucket = bbb\nversion = 3\nimageVer = v%(version)s\n",
    )
    .unwrap();
    assert_eq!(config.stream, None);
    assert_eq!(config.image_version.as_deref(), Some("v3"));
    assert_eq!(
        (config.rounds, config.clean_up, config.chunk, config.staged),
        (1, false, 8_192, false)
    );
    assert_eq!(config.selection, TargetSelection::Snapshot);
    assert_eq!(config.alarms.alarms, []);
}

/// Templates are filled in, keys are misspelt, and all of it is said at once.
#[test]
fn every_fault_is_named_at_once() {
    let text = WHOLE
        .replace("jobId = pump-4-2", "jobId = <yourJobId>")
        .replace("fileChunkSize", "fileChunSize")
        .replace("role/pump-ota", "role/<your_role>")
        .replace("cleanUpCfg = True", "cleanUpCfg = False")
        .replace("targetSelection = CONTINUOUS", "targetSelection = SOMETIMES")
        .replace("expiresInSec = 900", "expiresInSec = 7200")
        .replace("[TIMEOUT_CONFIG]", "[TIME_OUT_CONFIG]")
        .replace("alarmType = upper", "alarmType = uper");
    let said = parse(&text).unwrap_err();
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("dev.ini: 10 faults"));
    for (text, hint) in [
        ("unknown key `fileChunSize`", Some("did you mean `fileChunkSize`?")),
        ("jobId cannot be `<yourJobId>`", Some("put your own in the place of `<yourJobId>`")),
        (
            "roleArn cannot be `arn:aws:iam::111122223333:role/<your_role>`",
            Some("put your own in the place of `<your_role>`"),
        ),
        ("3 rounds need cleanUpCfg = True", None),
        ("targetSelection cannot be `SOMETIMES`", None),
        ("useTimeoutConfig is True, but there is no `[TIMEOUT_CONFIG]`", None),
        ("expiresInSec cannot be `7200`", None),
        ("unknown section `[TIME_OUT_CONFIG]`", Some("did you mean `[TIMEOUT_CONFIG]`?")),
        ("alarm `Slow`: unknown alarmType `uper`", None),
        ("alarm `Retries`: unknown alarmType `uper`", None),
    ] {
        let at = said.lines().position(|line| line.contains(text));
        let at = at.unwrap_or_else(|| panic!("{text} is not in\n{said}"));
        let next = said.lines().nth(at + 1).unwrap_or("").trim();
        assert_eq!(
            hint.map(|hint| format!("hint: {hint}")),
            next.starts_with("hint:").then(|| next.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn what_is_not_there_is_asked_for() {
    let said = parse("[DEFAULT]\nstreamId = s\n").unwrap_err();
    for key in ["jobId", "thingList", "binName", "bucket", "roleArn"] {
        assert!(said.contains(&format!("missing key `{key}`")), "{key} is not in\n{said}");
    }
    assert!(parse("[ALARM_CONFIG]\nalarmList =\n").unwrap_err().contains("no section `[DEFAULT]`"));
}

#[test]
fn what_is_not_switched_on_is_named_with_its_faults() {
    assert_eq!(parse(WHOLE).unwrap().unused, Vec::<String>::new());
    let off = WHOLE
        .replace("usePresignedUrlConfig = True", "usePresignedUrlConfig = False")
        .replace("useTimeoutConfig = True", "useTimeoutConfig = no")
        .replace("useExponentialRateCfg = True", "useExponentialRateCfg = False")
        .replace("role/pump-reader", "role/<your_signing_role>")
        .replace("incrementFactor = 1.5", "incrementFactor = 9")
        .replace("inProgressTimeoutInMinutes", "inProgressTimeoutInMinute");
    let config = parse(&off).unwrap();
    assert_eq!(
        config.unused,
        ["PRESIGNED_URL_CONFIG", "EXP_RATE_CONFIG", "INCREASE_CRITERIA", "TIMEOUT_CONFIG"]
    );
    assert_eq!((config.presigned, config.rollout.timeout), (None, None));
    let faults: Vec<_> = config.faults_of_unused.iter().map(|fault| fault.text.as_str()).collect();
    assert_eq!(
        faults,
        [
            "`[PRESIGNED_URL_CONFIG]`: roleArn cannot be `arn:aws:iam::111122223333:role/<your_signing_role>` (expected a role's ARN such as arn:aws:iam::111122223333:role/ota)",
            "`[EXP_RATE_CONFIG]`: incrementFactor cannot be `9` (expected 1.1 to 5 with one decimal)",
            "`[TIMEOUT_CONFIG]`: missing key `inProgressTimeoutInMinutes` (expected 1 to 10080 minutes)",
            "`[TIMEOUT_CONFIG]`: unknown key `inProgressTimeoutInMinute`",
        ]
    );
    let all = WHOLE.replace("useAllSubsection = False", "useAllSubsection = True")
        + "\n[ABORT_CONFIG_TYPE_ALL]\nfailureType = ALL\nthresholdPercentage = 10\nminNumberOfExecutedThings = 50\n";
    assert_eq!(
        parse(&all).unwrap().unused,
        ["ABORT_CONFIG_TYPE_FAILED", "ABORT_CONFIG_TYPE_REJECTED", "ABORT_CONFIG_TYPE_TIMED_OUT"]
    );
}

#[test]
fn a_rate_that_rises_says_when() {
    let never = WHOLE.replace("useRateIncreaseCriteria = True", "useRateIncreaseCriteria = False");
    assert!(parse(&never).unwrap_err().contains("nothing says when the rate rises"));
}

#[test]
fn files_are_found_whatever_the_faults() {
    let named = FileNames {
        things: Some("pumps.txt".to_owned()),
        firmware: Some("pump-4.2.bin".to_owned()),
        private_key: Some("signing.pem".to_owned()),
        document: Some("pump-job.json".to_owned()),
        has_waves: false,
        lines: Lines::default(),
    };
    let find = |text: &str| FileNames { lines: Lines::default(), ..FileNames::find(text) };
    let faulty =
        WHOLE.replace("jobId = pump-4-2", "jobId = <yourJobId>").replace("rounds", "round");
    assert!(parse(&faulty).is_err());
    assert_eq!(find(&faulty), named);
    assert_eq!(FileNames::find(&faulty).lines.of("DEFAULT", "thingList"), Some(2));
    let off = WHOLE.replace("useCustomJobDocument = True", "");
    assert_eq!(find(&off), FileNames { document: None, ..named });
    assert_eq!(find("what\n"), FileNames::default());
}

#[test]
fn evidence_is_read_with_the_rollout_whose_timeout_it_keeps() {
    let example = include_str!("../../../../examples/dev.ini");
    let (before, _) = example.split_once("[EVIDENCE_CONFIG]").unwrap();
    let with = |limits: &str| {
        let section = format!(
            "\n[EVIDENCE_CONFIG]\nuseEvidence = True\nunfinishedLimits = {limits}\nsnsTopics = @email, @force-stop\n"
        );
        DeployConfig::parse("dev.ini", &(before.to_owned() + &section))
    };
    let parsed = |text| DeployConfig::parse("dev.ini", text).unwrap().evidence;
    assert_eq!(parsed(before), None);
    assert!(parsed(example).is_some());
    assert!(with("60:3, 75:2").unwrap().evidence.is_some());
    let fault = with("60:3, 200:2").unwrap_err().to_string();
    assert!(fault.contains("200 minutes lie beyond the timeout"), "{fault}");
}

/// As the manual of the AWS IoT OTA deployment tool has it.
#[test]
fn a_key_as_the_manual_spells_it_is_taken_with_a_note() {
    let misspelt = WHOLE.replace("fileChunkSize", "fileChunckSize");
    let config = parse(&misspelt).unwrap();
    assert_eq!(config.chunk, parse(WHOLE).unwrap().chunk);
    let line = misspelt.lines().position(|line| line.starts_with("fileChunckSize")).unwrap();
    assert_eq!(config.notes[0].line, Some(line + 1));
    assert_eq!(config.notes[0].text, "`fileChunckSize` is taken for `fileChunkSize`");
    assert_eq!(parse(WHOLE).unwrap().notes, []);
    let both = misspelt.replace("fileChunckSize", "fileChunkSize = 1\nfileChunckSize");
    let said = parse(&both).unwrap_err();
    assert!(
        said.contains("fileChunckSize stands for fileChunkSize, which is there already"),
        "{said}"
    );
    let wrong = misspelt.replace("fileChunckSize = 16384", "fileChunckSize = none");
    assert!(parse(&wrong).unwrap_err().contains("fileChunckSize cannot be `none`"));
}

/// What a section is called in the table of keys.
fn in_table(section: &str) -> &str {
    let prefixes = [crate::keys::ALARM_PREFIX, crate::keys::WAVE_PREFIX];
    prefixes.into_iter().find(|prefix| section.starts_with(prefix)).unwrap_or(section)
}

/// A key that is in the table and nobody reads would be taken and do nothing; one that is read and not in the
/// table could not be used.
#[test]
fn the_table_of_keys_has_what_is_read() {
    let more = "\n[RETRY_CONFIG]\nfailedRetries = 1\n\n[EVIDENCE_CONFIG]\nuseEvidence = True\nbaseline = a.json\nblindTopics = @email\nsnsTopics = @email\n\n[WAVES]\nwaveList = a\n\n[WAVE_a]\nrest = True\n";
    let all = format!(
        "{WHOLE}{more}\n[ABORT_CONFIG_TYPE_ALL]\nfailureType = ALL\nthresholdPercentage = 5\nminNumberOfExecutedThings = 9\n"
    );
    let others = [
        all.replace("= local_file", "= url")
            .replace("SrcUrl = None", "SrcUrl = https://example.com/a"),
        all.replace("useAllSubsection = False", "useAllSubsection = True"),
        all.replace("baseline = a.json", "unfinishedLimits = 60:3"),
    ];
    let mut asked: HashSet<(String, String)> = HashSet::new();
    for text in others.iter().chain([&all]) {
        let mut faults = Vec::new();
        let ini = Ini::parse(text, &mut faults);
        read(&ini, &mut faults);
        let keys = ini.asked.borrow().clone();
        asked.extend(keys.into_iter().map(|(section, key)| (in_table(&section).to_owned(), key)));
    }
    let table: HashSet<(String, String)> = crate::keys::keys_by_section()
        .flat_map(|(section, keys)| {
            keys.iter().map(move |key| (section.to_owned(), key.to_lowercase()))
        })
        .collect();
    let differ: Vec<_> = table.symmetric_difference(&asked).collect();
    assert!(differ.is_empty(), "{differ:?}");
}

#[test]
fn a_document_comes_by_tls_from_s3_or_from_this_machine() {
    let with = |url: &str| {
        let text = WHOLE
            .replace("= local_file", "= url")
            .replace("SrcUrl = None", &format!("SrcUrl = {url}"));
        parse(&text).is_ok()
    };
    for good in
        ["https://example.com/a", "s3://b/k", "http://127.0.0.1:8080/a", "http://localhost/a"]
    {
        assert!(with(good), "{good}");
    }
    for bad in [
        "http://example.com/a",
        "http://localhost.example.com/a",
        "s3://b",
        "s3:///k",
        "https://",
        "ftp://a/b",
    ] {
        assert!(!with(bad), "{bad}");
    }
}

/// Whatever stands in a file, wherever: a terminal obeys nothing of what is said of it.
#[test]
fn no_escape_reaches_a_terminal() {
    let hostile = |line: &str, at: usize| {
        let at = line.char_indices().nth(at).map_or(line.len(), |(at, _)| at);
        let (before, after) = line.split_at(at);
        format!("{before}\u{1b}[31m\u{7}\u{202e}{after}")
    };
    let text = format!(
        "{WHOLE}\n[EVIDENCE_CONFIG]\nuseEvidence = True\nunfinishedLimits = 60:3\nsnsTopics = @email\n\n[WAVES]\nwaveList = ab, c\n\n[WAVE_ab]\nthings = pump-1\n\n[WAVE_c]\nrest = True\n"
    );
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        for at in [0, 1, line.len() / 2, line.len().saturating_sub(1), line.len()] {
            let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            changed[number] = hostile(line, at);
            let text = changed.join("\n");
            let said = match parse(&text) {
                Ok(config) => {
                    format!("{:?}", config.notes.iter().map(|it| &it.text).collect::<Vec<_>>())
                }
                Err(said) => said,
            };
            assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{said:?}");
        }
    }
    let list = hostile("arn:aws:iot:us-east-1:111122223333:thing/a,b", 43);
    let said = crate::ThingList::parse("things.txt", &list).unwrap_err().to_string();
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let document = hostile("{\"a\": \"${aws:iot:s3-presigned-ur:x}\"}", 20);
    let said = crate::JobDocument::faults_of(&document)[0].text.clone();
    assert!(!said.contains('\u{1b}'), "{said:?}");
}
