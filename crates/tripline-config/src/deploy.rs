//! The whole `dev.ini`: everything a rollout is deployed from.

use std::collections::HashSet;
use std::time::Duration;

use tripline::faults::{Fault, Faults, MAX_FAULTS};
use tripline::job::JobId;
use tripline::rollout::{Rate, RolloutConfig};
use tripline::text::excerpt;

use crate::alarm;
use crate::alarms::{self, AlarmConfig};
use crate::evidence::EvidenceConfig;
use crate::ini::{Ini, MAX_FILE_BYTES, Section, read_whole};
use crate::keys::{DEFAULT, FILE_CHUNCK_SIZE, WAVES, has_key, hint_for, is_section, section_names};
use crate::lines::Lines;
use crate::near::near;
use crate::reader::{Reader, positive, unknown_keys};
use crate::regions;
use crate::slips::is_dressed;
use crate::values::{Bucket, FileId, Presigned, RoleArn, StreamId, TargetSelection};
use crate::waves::{Around, Waves};

/// Most rounds of one deployment.
pub const MAX_ROUNDS: u32 = 10_000;

/// The sections that a key of another switches on: by whom, and by which.
const SWITCHES: [(&str, &str, &str); 11] = [
    ("CUSTOM_JOB_DOCUMENT", DEFAULT, "useCustomJobDocument"),
    ("PRESIGNED_URL_CONFIG", DEFAULT, "usePresignedUrlConfig"),
    ("JOB_EXECUTE_ROLLOUT_CONFIG", DEFAULT, "useJobExecutionsRolloutConfig"),
    ("EXP_RATE_CONFIG", "JOB_EXECUTE_ROLLOUT_CONFIG", "useExponentialRateCfg"),
    ("INCREASE_CRITERIA", "EXP_RATE_CONFIG", "useRateIncreaseCriteria"),
    ("ABORT_CONFIG", DEFAULT, "useAbortConfig"),
    ("ABORT_CONFIG_TYPE_ALL", "ABORT_CONFIG", "useAllSubsection"),
    ("ABORT_CONFIG_TYPE_FAILED", "ABORT_CONFIG", "useFailedSubsection"),
    ("ABORT_CONFIG_TYPE_REJECTED", "ABORT_CONFIG", "useRejectedSubsection"),
    ("ABORT_CONFIG_TYPE_TIMED_OUT", "ABORT_CONFIG", "useTimedOutSubsection"),
    ("TIMEOUT_CONFIG", DEFAULT, "useTimeoutConfig"),
];

/// What a `dev.ini` says. Paths are as they stand there.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployConfig {
    /// What the job is called.
    pub job: JobId,
    /// Where it is; `None` leaves it to the environment.
    pub region: Option<String>,
    /// The file with the targets.
    pub things: String,
    /// The firmware.
    pub firmware: String,
    /// Where the firmware and the documents go.
    pub bucket: Bucket,
    /// How devices stream the firmware; `None`: they get it by URL.
    pub stream: Option<Stream>,
    /// What the firmware's version is called in the job document.
    pub image_version: Option<String>,
    /// The key that the firmware is signed with.
    pub private_key: Option<String>,
    /// Whether the job ends once all its targets have.
    pub selection: TargetSelection,
    /// How many devices there should be.
    pub device_count: Option<u32>,
    /// How often the job is rolled out, 1 to [`MAX_ROUNDS`].
    pub rounds: u32,
    /// Whether job, stream and alarms are removed once the job has ended well.
    pub clean_up: bool,
    /// Whether every call to AWS is reported.
    pub debug: bool,
    /// How long to wait before the next round, and between looks at the job.
    pub delay: Duration,
    /// How long to wait between calls to AWS IoT.
    pub pace: Duration,
    /// How many bytes of the firmware are read at a time; the MD5 is that of the whole file.
    pub chunk: u32,
    /// The operator's own job document.
    pub document: Option<DocumentSource>,
    /// How presigned URLs in the document are made.
    pub presigned: Option<Presigned>,
    /// Whether the config says how fast to roll out.
    pub staged: bool,
    /// How the job is rolled out, and when AWS IoT Jobs itself gives up.
    pub rollout: RolloutConfig,
    /// What guards it.
    pub alarms: AlarmConfig,
    /// The limits of a healthy rollout, if evidence of leaving them guards it.
    pub evidence: Option<EvidenceConfig>,
    /// In which stages it goes out; `None`: all at once.
    pub waves: Option<Waves>,
    /// The job to go back to if this one turns out bad.
    pub fallback: Option<JobId>,
    /// Sections that are there and not switched on.
    pub unused: Vec<String>,
    /// What would be wrong with those.
    pub faults_of_unused: Vec<Fault>,
    /// Sections that nothing switches on or off.
    pub unswitched: Vec<Fault>,
    /// What was taken for something else than stands there.
    pub notes: Vec<Fault>,
    /// Where everything stands.
    pub lines: Lines,
}

/// A stream with the firmware in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// What it is called.
    pub id: StreamId,
    /// The firmware's number in it.
    pub file: FileId,
    /// The role that may read the bucket.
    pub role: RoleArn,
}

/// Where the operator's own job document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentSource {
    /// A file.
    File(String),
    /// A URL.
    Url(String),
}

impl DeployConfig {
    /// Whether it guards by anything of its own.
    pub fn has_guard(&self) -> bool {
        !self.alarms.alarms.is_empty() || self.evidence.is_some()
    }

    /// Reads a whole `dev.ini`. `file` is what the errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let config = read_whole(file, text, read)?;
        // What is missing has left a fault, so that there is a config here.
        let missing = || Fault { line: None, text: "incomplete".to_owned(), hint: None };
        config.ok_or_else(|| Faults { file: file.to_owned(), faults: vec![missing()], more: 0 })
    }
}

fn read(ini: &Ini, faults: &mut Vec<Fault>) -> Option<DeployConfig> {
    let alarms = alarms::read(ini, faults);
    unknown_sections(ini, faults);
    let Some(default) = ini.section(DEFAULT) else {
        let text = "no section `[DEFAULT]` (expected the job, its firmware and its targets there)";
        faults.push(Fault { line: None, text: text.to_owned(), hint: None });
        return None;
    };
    unknown_keys_of_default(ini, default, faults);
    let mut read = Reader::new(ini, faults);
    let rollout = read.rollout();
    let staged = read.flag(default, "useJobExecutionsRolloutConfig");
    read.has_criteria(&rollout);
    let evidence = read.evidence(&rollout);
    let is_empty = alarms.alarms.is_empty() && evidence.is_none();
    alarms::guards_by_nothing(ini, is_empty, read.faults);
    let job = read.required(default, "jobId", "1 to 64 letters, digits, `-` or `_`", |text| {
        JobId::new(text).ok()
    });
    let things = read.required(default, "thingList", "a file with an ARN a line", path);
    let firmware = read.required(default, "binName", "a file", path);
    let bucket =
        read.required_or(default, "bucket", "the name of an S3 bucket", Bucket::new, Bucket::meant);
    let stream = read.stream(default);
    let rounds = read.optional(default, "rounds", "a whole number from 1 to 10000", |text| {
        positive(text).filter(|rounds| *rounds <= MAX_ROUNDS)
    });
    let clean_up = read.flag(default, "cleanUpCfg");
    if let Some(rounds) = rounds
        && rounds > 1
        && !clean_up
    {
        let line = read.line_of(default, "rounds");
        read.faults.push(Fault::at(line, format!("`[DEFAULT]`: {rounds} rounds need cleanUpCfg = True: the next round's job has the same name")));
    }
    let selection = read
        .optional(default, "targetSelection", "SNAPSHOT or CONTINUOUS", TargetSelection::parse)
        .unwrap_or_default();
    let fallback = read.fallback(default, job.as_ref());
    let waves = read.waves(&Around {
        evidence: evidence.as_ref(),
        selection,
        rounds: rounds.unwrap_or(1),
        default: Some(default),
    });
    let document = read.document();
    let presigned = read.presigned();
    let unused: Vec<_> = SWITCHES
        .into_iter()
        .map(|(name, ..)| name)
        .filter(|name| ini.section(name).is_some() && !read.used.iter().any(|used| used == name))
        .map(str::to_owned)
        .collect();
    let faults_of_unused = faults_of(ini, &unused);
    let unswitched = unswitched(ini, &unused);
    let mut notes = Vec::new();
    let config = DeployConfig {
        region: read.optional_or(
            default,
            "region",
            "the name of an AWS Region such as `us-east-1`",
            |text| path(text).filter(|region| regions::could_be(region)),
            regions::meant,
        ),
        image_version: read.optional(default, "imageVer", "a text", |text| {
            path(text).filter(|it| !is_dressed(it))
        }),
        private_key: read.optional(default, "privateKey", "a file", path),
        selection,
        device_count: read.optional(default, "deviceCount", "a whole number from 1", positive),
        rounds: rounds.unwrap_or(1),
        clean_up,
        debug: read.flag(default, "debug"),
        delay: read.duration(
            default,
            "defaultDelay",
            "seconds, 0 to 86400",
            86_400,
            Duration::from_secs,
        ),
        pace: read.duration(
            default,
            "iotApiSleepTime",
            "milliseconds, 0 to 60000",
            60_000,
            Duration::from_millis,
        ),
        chunk: read.chunk(default, &mut notes),
        document,
        presigned,
        staged,
        rollout,
        alarms,
        evidence,
        waves,
        fallback,
        unused,
        faults_of_unused,
        unswitched,
        notes,
        lines: Lines::new(ini),
        job: job?,
        things: things?,
        firmware: firmware?,
        bucket: bucket?,
        stream: stream.ok()?,
    };
    Some(config)
}

impl<'a> Reader<'a> {
    /// AWS IoT takes no rate that rises without saying when (`ExponentialRolloutRate`).
    fn has_criteria(&mut self, rollout: &RolloutConfig) {
        if !matches!(rollout.rate, Rate::Exponential(_)) {
            return;
        }
        // One that cannot be read is a fault of its own.
        let is_used = self.used.iter().any(|section| section == "INCREASE_CRITERIA");
        let is_there = |key: &str| {
            let section = self.ini.section("INCREASE_CRITERIA").filter(|_| is_used);
            section.is_some_and(|section| self.ini.get(section, key).is_some())
        };
        if !["numberOfNotifiedThings", "numberOfSucceededThings"].into_iter().any(is_there)
            && let Some(section) = self.ini.section("EXP_RATE_CONFIG")
        {
            let text = "`[EXP_RATE_CONFIG]`: nothing says when the rate rises (expected useRateIncreaseCriteria = True, and `numberOfNotifiedThings` or `numberOfSucceededThings` in `[INCREASE_CRITERIA]`)";
            self.faults.push(Fault::at(section.line, text.to_owned()));
        }
    }

    /// How much of the firmware is read at a time, by either spelling of the key.
    fn chunk(&mut self, default: &Section, notes: &mut Vec<Fault>) -> u32 {
        const KEY: &str = "fileChunkSize";
        let has = |key: &str| self.ini.get(default, key).is_some();
        let (is_there, is_misspelt) = (has(KEY), has(FILE_CHUNCK_SIZE));
        let line = self.line_of(default, FILE_CHUNCK_SIZE);
        if is_there && is_misspelt {
            let text = format!(
                "{FILE_CHUNCK_SIZE} stands for {KEY}, which is there already, in line {}",
                self.line_of(default, KEY)
            );
            self.fault(
                default.into(),
                line,
                &text,
                Some(format!("leave out `{FILE_CHUNCK_SIZE}`")),
            );
        } else if is_misspelt {
            let text = format!("`{FILE_CHUNCK_SIZE}` is taken for `{KEY}`");
            notes.push(Fault::at(line, text).hint(Some(format!("write `{KEY}`"))));
        }
        let key = if is_misspelt { FILE_CHUNCK_SIZE } else { KEY };
        let size = self.optional(default, key, "bytes, 1 to 67108864", |text| {
            positive(text).filter(|size| *size <= 1 << 26)
        });
        size.unwrap_or(8_192)
    }

    /// The job to go back to, which is another.
    fn fallback(&mut self, default: &Section, job: Option<&JobId>) -> Option<JobId> {
        const KEY: &str = "fallback";
        let expected = "the id of an earlier job: 1 to 64 letters, digits, `-` or `_`";
        let fallback = self.optional(default, KEY, expected, |text| JobId::new(text).ok())?;
        if job == Some(&fallback) {
            let text = format!("fallback `{fallback}` is the job itself (expected an earlier one)");
            self.fault(default.into(), self.line_of(default, KEY), &text, None);
        }
        Some(fallback)
    }

    /// `Err` if it has faults.
    fn stream(&mut self, default: &Section) -> Result<Option<Stream>, ()> {
        let file = self
            .optional(default, "fileId", "0 to 255", |text| text.parse().ok().map(FileId::new))
            .unwrap_or_default();
        if self.ini.get(default, "streamId").is_none() {
            return Ok(None);
        }
        let id = self.required(
            default,
            "streamId",
            "1 to 128 letters, digits, `-` or `_`",
            StreamId::new,
        );
        let role = self.role(default);
        Ok(Some(Stream { id: id.ok_or(())?, file, role: role.ok_or(())? }))
    }

    fn role(&mut self, section: &Section) -> Option<RoleArn> {
        self.required(
            section,
            "roleArn",
            "a role's ARN such as arn:aws:iam::111122223333:role/ota",
            RoleArn::new,
        )
    }

    fn document(&mut self) -> Option<DocumentSource> {
        let section = self.used("useCustomJobDocument", "CUSTOM_JOB_DOCUMENT")?;
        unknown_keys(section, self.faults);
        let is_file =
            self.required(section, "jobDocSrcCfg", "local_file or url", |text| match text {
                "local_file" => Some(true),
                "url" => Some(false),
                _ => None,
            })?;
        if is_file {
            self.required(section, "jobDocPath", "a JSON file", path).map(DocumentSource::File)
        } else {
            self.required(section, "jobDocSrcUrl", "https://.. or s3://<bucket>/<key>", url)
                .map(DocumentSource::Url)
        }
    }

    fn presigned(&mut self) -> Option<Presigned> {
        let section = self.used("usePresignedUrlConfig", "PRESIGNED_URL_CONFIG")?;
        unknown_keys(section, self.faults);
        let role = self.role(section);
        let expires = self.optional(section, "expiresInSec", "60 to 3600 seconds", |text| {
            positive(text).filter(|seconds| Presigned::SECONDS.contains(seconds))
        });
        Some(Presigned { role: role?, expires: expires.unwrap_or(*Presigned::SECONDS.end()) })
    }

    fn duration(
        &mut self,
        section: &Section,
        key: &str,
        expected: &str,
        most: u64,
        of: impl Fn(u64) -> Duration,
    ) -> Duration {
        let parse = |text: &str| text.parse().ok().filter(|number| *number <= most);
        self.optional(section, key, expected, parse).map(of).unwrap_or_default()
    }
}

/// Sections that are there and that nothing switches on or off. To leave the key out is one way to switch a section
/// off, and one to forget it. What stands in a section that is off itself is not looked at.
fn unswitched(ini: &Ini, unused: &[String]) -> Vec<Fault> {
    let is_unused = |name: &str| unused.iter().any(|unused| unused == name);
    let of = |(name, by, key): (&str, &str, &str)| {
        let by_section = ini.section(by).filter(|_| is_unused(name) && !is_unused(by))?;
        let section = ini.section(name).filter(|_| ini.get(by_section, key).is_none())?;
        let text = format!("`[{name}]` is not used: `[{by}]` has no `{key}`");
        Some(Fault::at(section.line, text).hint(Some(format!("add `{key} = True`, or `False`"))))
    };
    SWITCHES.into_iter().filter_map(of).collect()
}

/// What is wrong with sections that are not switched on, to be known before they are.
fn faults_of(ini: &Ini, unused: &[String]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut read = Reader::of_all(ini, &mut faults);
    read.rollout();
    read.document();
    read.presigned();
    let of_unused = |fault: &Fault| {
        let begins = |name: &String| fault.text.starts_with(&format!("`[{name}]`"));
        unused.iter().any(begins)
    };
    faults.retain(of_unused);
    faults.sort_by_key(|fault| fault.line);
    faults.truncate(MAX_FAULTS);
    faults
}

/// The files that a `dev.ini` names, as far as that can be made out: with them, what is wrong with
/// the files can be said beside what is wrong with the config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileNames {
    /// The thing list.
    pub things: Option<String>,
    /// The firmware.
    pub firmware: Option<String>,
    /// The key that the firmware is signed with.
    pub private_key: Option<String>,
    /// The operator's own job document.
    pub document: Option<String>,
    /// Whether the thing list is one of waves, and may be longer.
    pub has_waves: bool,
    /// Where they are named.
    pub lines: Lines,
}

impl FileNames {
    /// Looks for them in the text of a config, whatever its faults.
    pub fn find(text: &str) -> Self {
        if text.len() > MAX_FILE_BYTES {
            return Self::default();
        }
        let mut faults = Vec::new();
        let ini = Ini::parse(text, &mut faults);
        let Some(default) = ini.section(DEFAULT) else { return Self::default() };
        let mut read = Reader::new(&ini, &mut faults);
        let document = match read.document() {
            Some(DocumentSource::File(path)) => Some(path),
            _ => None,
        };
        let mut named = |key| read.optional(default, key, "a file", path);
        Self {
            things: named("thingList"),
            firmware: named("binName"),
            private_key: named("privateKey"),
            document,
            has_waves: ini.section(WAVES).is_some(),
            lines: Lines::new(&ini),
        }
    }
}

/// A path or another text on one line; `None` is how the sample writes that there is none.
fn path(text: &str) -> Option<String> {
    let fits =
        (1..=4_096).contains(&text.len()) && !text.chars().any(char::is_control) && text != "None";
    fits.then(|| text.to_owned())
}

fn url(text: &str) -> Option<String> {
    let is_object = |rest: &str| {
        rest.split_once('/').is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
    };
    // In the clear only to this machine, where nobody can change the document on its way.
    let is_here = |rest: &str| {
        ["127.0.0.1", "localhost"].iter().any(|host| {
            rest.strip_prefix(host)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        })
    };
    let after = |scheme: &str| text.strip_prefix(scheme);
    let fits = after("https://").is_some_and(|rest| !rest.is_empty())
        || after("s3://").is_some_and(is_object)
        || after("http://").is_some_and(is_here);
    path(text).filter(|_| fits)
}

/// Keys that stand in `[DEFAULT]` are a section's by inheritance, or stand for something in other
/// values (`%(key)s`).
fn unknown_keys_of_default(ini: &Ini, default: &Section, faults: &mut Vec<Fault>) {
    let references = ini.references();
    let said: HashSet<_> = faults.iter().map(|fault| (fault.line, fault.text.clone())).collect();
    for entry in default.own() {
        let key = entry.key.as_str();
        // Some have it here, for the section to inherit.
        let is_inherited = key.eq_ignore_ascii_case("expiresInSec");
        if has_key(DEFAULT, key)
            || is_inherited
            || alarm::is_key(key)
            || references.contains(&key.to_lowercase())
        {
            continue;
        }
        let text = format!("`[DEFAULT]`: unknown key `{}`", excerpt(key));
        let hint = hint_for(DEFAULT, key);
        // The alarms have asked for theirs already.
        if !said.contains(&(Some(entry.line), text.clone())) {
            faults.push(Fault::at(entry.line, text).hint(hint));
        }
    }
}

/// A section that is not known is not looked at, whatever its author meant by it.
fn unknown_sections(ini: &Ini, faults: &mut Vec<Fault>) {
    let known_sections = section_names();
    let said: HashSet<_> = faults.iter().map(|fault| (fault.line, fault.text.clone())).collect();
    for section in ini.sections() {
        let name = section.name.as_str();
        let text = format!("unknown section `[{}]`", excerpt(name));
        if is_section(name) || said.contains(&(Some(section.line), text.clone())) {
            continue;
        }
        let is_default = name.eq_ignore_ascii_case(DEFAULT);
        let near = near(name, &known_sections).or(is_default.then_some(DEFAULT));
        let hint = near.map(|near| format!("did you mean `[{near}]`?"));
        faults.push(Fault::at(section.line, text).hint(hint));
    }
}

#[cfg(test)]
#[path = "tests/deploy.rs"]
mod tests;
