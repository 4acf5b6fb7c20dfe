//! `tripline release start`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use tripline::baseline::Baseline;
use tripline::diagnostic::Diagnostic;
use tripline::faults::Faults;
use tripline::job::JobState;
use tripline::release::{Plan, PlannedWave, ReleaseId, State};
use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind};
use tripline_config::{TargetSelection, WaveSize, Waves};
use tripline_guard::coverage::Devices;

use super::store::{Store, Versioned, now, person};
use super::waves::{Wave, work_out};
use super::{fits, frozen};
use crate::aws::connect::connect_to_change;
use crate::aws::deployment::bucket::BucketRemarks;
use crate::aws::deployment::cloud::Cloud;
use crate::aws::deployment::firmware::Stored;
use crate::aws::deployment::spec::{Spec, claim_key};
use crate::aws::region::{Region, check_topics, region_for};
use crate::aws::{clients, s3, topics};
use crate::exit::{End, Error};
use crate::input::accepted::AcceptedWays;
use crate::input::alarms::check_stops;
use crate::input::declared::all_alarms;
use crate::input::deployment::{self, Input};
use crate::input::duration::short;
use crate::input::planned::{PlannedCoverage, PlannedRollout, StackRules};
use crate::input::waves::percent;
use crate::successor::aws::Aws;
use crate::terminal::coverage::CoverageData;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::progress::Progress;
use crate::terminal::remarks::say_all;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline release start release/dev.ini --dry-run
  tripline release start release/dev.ini

The config is that of `deploy`, with `[WAVES]` and a section `[WAVE_..]` for each wave. Tripline
checks everything first. Then it uploads the firmware and the documents and creates a thing group
for each wave of more than 100 devices, unless the wave is a group itself. The stack arms each wave
before it creates the wave's job. The next wave begins when the gate allows it. The devices of each
wave are fixed at the start: things that later join a group or match a query are not included.

Starting a release that runs already changes nothing. A release that has ended begins again as
another attempt with new jobs. After any failure, run the command again: it completes the start.

Exit code 0: the release is in progress; 1: no alert would report failing devices, so Tripline did
not begin it (accept this with --accept-uncovered); 2: invalid input; 3: AWS refused or could not
be reached.")]
pub struct Start {
    /// The config; the files that it names are in its folder
    #[arg(default_value = "dev.ini")]
    config: PathBuf,
    /// The stack that runs the release
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// AWS Region [default: the config's `region`, or else the environment's]
    #[arg(long)]
    region: Option<Region>,
    /// Show what the command would create, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Accept that no alarm covers these ways to go wrong: `fails`, `refuses`, `timesOut`, `slow`,
    /// `neverAnswers`, separated by commas
    #[arg(long, value_name = "WAYS")]
    accept_uncovered: Option<AcceptedWays>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// What it takes to start.
struct Ready<'a> {
    input: &'a Input,
    spec: &'a Spec,
    waves: &'a [Wave],
    planned: Vec<PlannedWave>,
}

impl Start {
    pub async fn run(self) -> Result<End, Error> {
        let loaded = deployment::load(&self.config)?;
        let Some(waves) = loaded.config.waves.clone() else {
            return Err(Error::in_file(
                &loaded.file,
                "has no waves (expected `[WAVES]` with a `waveList`)",
            )
            .hint("`tripline deploy` rolls out in one wave"));
        };
        let release = ReleaseId::new(loaded.config.job.as_str()).map_err(|error| {
            Error::in_file(&loaded.file, format!("jobId, which names the release: {error}"))
        })?;
        let connection = connect_to_change(region_for(
            self.region.clone(),
            &loaded.file,
            &loaded.config.alarms,
        )?)
        .await?;
        let region = connection.region.clone();
        let s3 = loaded.buckets(s3::client(&connection.config));
        let input = loaded.read(&s3).await?;
        input.check_region(&region)?;
        let alarms = all_alarms(&input.config.alarms.alarms, input.evidence.as_ref());
        check_topics(&input.file, &alarms, &region)?;
        check_stops(&input.file, &alarms, false)?;
        if input.config.selection == TargetSelection::Continuous {
            return Err(Error::in_file(
                &input.file,
                "targetSelection is CONTINUOUS, and waves are frozen (expected SNAPSHOT)",
            ));
        }
        let spec = Spec::new(&input, &region)?;
        let pace = input.config.pace;
        let store = Store::connect(connection.clone(), &self.stack).await?;
        let cloud = Cloud { aws: clients::Aws::for_connection(connection.clone()), s3, pace };
        let aws = Aws::for_connection(connection);
        let there = store.find(&release).await?;
        let attempt = match under_way(&store, &there).await? {
            Standing::Runs(state) => return self.same(&store, &state, &spec).await,
            Standing::Begin(attempt) => attempt,
        };
        let worked_out = work_out(&aws, &input, &waves).await?;
        let planned = plan_waves(&release, attempt, &worked_out, &input, &waves, &spec)?;
        let role = input.config.presigned.as_ref().map(|presigned| presigned.role.as_str());
        fits::check(&input.file, &planned, role, |parameter| store.stack.parameter(parameter))?;
        let ready = Ready { input: &input, spec: &spec, waves: &worked_out, planned };
        let covered = coverage(&ready, &store)?;
        let mut plan = ready.plan(&release, attempt, waves.false_stops);
        self.show(&plan, &covered, attempt, &store.aws.region);
        let line = input.config.lines.of("DEFAULT", "bucket");
        let bucket = BucketRemarks::find(cloud.s3.bucket(&spec.bucket), line).await;
        say_all("note", &input.file, &bucket.notes);
        say_all("finding", &input.file, &bucket.findings);
        let accepted = self.accept_uncovered.clone().unwrap_or_default();
        for note in accepted.check(&input.file, &covered.coverage)? {
            say(&format!("note: {note}"));
        }
        if self.dry_run {
            say("dry run: nothing was changed");
            return Ok(End::Done);
        }
        // With what is known of the firmware once it is stored.
        plan.tags = ready.tags(&make(&aws, &cloud, &ready, &release).await?);
        begin(&store, &plan, there.as_ref()).await?;
        let waits = plan.waves.first().is_some_and(|wave| wave.approval);
        let begun = format!("release `{release}` is under way in stack `{}`", store.stack.name());
        let hint = format!(
            "`tripline release status {release}` says how far it is{}",
            if waits { "; its first wave waits for `tripline release approve`" } else { "" }
        );
        say(&Diagnostic::new(begun).with_hint(hint).to_string());
        Ok(End::Done)
    }

    /// It runs already: the same files make the same release, others none.
    async fn same(&self, store: &Store, state: &State, spec: &Spec) -> Result<End, Error> {
        let plan = store.plan(&state.release, state.attempt).await?;
        let is_same = plan.is_some_and(|plan| {
            plan.tags.get(crate::aws::tags::DEPLOYMENT_TAG) == Some(&spec.digest)
        });
        if !is_same {
            return Err(Error::input(format!(
                "release `{}` is under way with other files; nothing was changed",
                state.release
            ))
            .hint(format!(
                "give this one another jobId, or stop that one: `tripline release stop {}`",
                state.release
            ))
            .command(format!("tripline release stop {}", state.release)));
        }
        match self.output {
            Output::Text => print(&format!("release {}: under way already\n", state.release)),
            Output::Json => print_document(&StartedData::UnderWay(UnderWay {
                release: state.release.to_string(),
                attempt: state.attempt,
                started: false,
            })),
        }
        Ok(End::Done)
    }

    fn show(&self, plan: &Plan, covered: &PlannedCoverage, attempt: u32, region: &str) {
        match self.output {
            Output::Text => print(&text(plan, covered, attempt, region)),
            Output::Json => print_document(&StartedData::Planned(Box::new(planned(
                plan,
                covered,
                self.dry_run,
                region,
            )))),
        }
    }
}

/// What there is of a release.
enum Standing {
    Runs(Box<State>),
    /// As this attempt.
    Begin(u32),
}

/// Whether a release runs; if not, as which attempt it is to begin. One that was written down and never
/// started, or that somebody aborted in the console, has no end in the table.
async fn under_way(store: &Store, there: &Option<Versioned>) -> Result<Standing, Error> {
    let Some(Versioned { state, .. }) = there else { return Ok(Standing::Begin(1)) };
    match store.runs(&state.release, state.attempt).await? {
        Some(true) => Ok(Standing::Runs(Box::new(state.clone()))),
        Some(false) => {
            // Of one that is out, devices that are offline may still get it.
            if !state.ended.as_ref().is_some_and(|ended| ended.well) {
                nothing_goes_on(store, state).await?;
            }
            Ok(Standing::Begin(state.attempt + 1))
        }
        None if state.ended.is_some() => Ok(Standing::Begin(state.attempt + 1)),
        None => Ok(Standing::Begin(state.attempt)),
    }
}

/// A release that somebody aborted in the console has rollouts that go on: no other is begun beside them.
async fn nothing_goes_on(store: &Store, state: &State) -> Result<(), Error> {
    for wave in &state.waves {
        if store.aws.job_state(&wave.job).await? == Some(JobState::Active) {
            return Err(Error::input(format!("release `{}` does not run, and the rollout of its job `{}` goes on; nothing was changed", state.release, wave.job)).hint(format!("`tripline release stop {}` ends it", state.release)).command(format!("tripline release stop {}", state.release)));
        }
    }
    Ok(())
}

fn plan_waves(
    release: &ReleaseId,
    attempt: u32,
    worked_out: &[Wave],
    input: &Input,
    waves: &Waves,
    spec: &Spec,
) -> Result<Vec<PlannedWave>, Error> {
    let prefix = arn_prefix(spec)?;
    let clears_at = input.evidence.as_ref().and_then(|limits| limits.limits.clears_at());
    let devices = |wave: &Wave| u32::try_from(wave.devices.len()).unwrap_or(u32::MAX);
    let size = |wave: &Wave| WaveSize {
        name: wave.name.clone(),
        devices: Some(devices(wave)),
        decides_from: clears_at,
    };
    let sizes: Vec<WaveSize> = worked_out.iter().map(size).collect();
    if let Some(fault) = waves.over_exposed(&sizes) {
        let faults = Faults { file: input.file.clone(), faults: vec![fault], more: 0 };
        return Err(Error::input(faults));
    }
    let mut planned = Vec::new();
    for wave in worked_out {
        let Some(declared) = waves.waves.iter().find(|other| other.name == wave.name) else {
            continue;
        };
        let job =
            release.job(attempt, &wave.name).map_err(|error| Error::input(error.to_string()))?;
        planned.push(PlannedWave {
            name: wave.name.clone(),
            targets: frozen::targets(wave, &job, |resource| format!("{prefix}:{resource}")),
            group: frozen::group_of(wave, &job),
            job,
            devices: devices(wave),
            rate: declared.rate,
            bake: declared.bake,
            tolerance: declared.tolerance,
            decide_within: declared.decide_within,
            approval: declared.approval,
            clears_at,
        });
    }
    Ok(planned)
}

/// The beginning of the ARNs of the thing list, up to the account.
fn arn_prefix(spec: &Spec) -> Result<String, Error> {
    let first = spec.targets.first().and_then(|arn| arn.rsplit_once(':'));
    first.map(|(prefix, _)| prefix.to_owned()).ok_or_else(|| {
        Error::input(
            "the thing list has no target (expected the ARNs of things or groups)".to_owned(),
        )
    })
}

/// What would be seen if a wave went wrong: that of the smallest, which sees least.
fn coverage(ready: &Ready<'_>, store: &Store) -> Result<PlannedCoverage, Error> {
    let stack = &store.stack;
    let rules = StackRules::read(|parameter| stack.parameter(parameter).map(str::to_owned))?;
    let force_stop_topic = Some(topics::of_stack(stack, topics::FORCE_STOP)?.to_owned());
    let rules = StackRules { force_stop_topic, ..rules };
    let smallest = ready.planned.iter().map(|wave| wave.devices).min().unwrap_or(0);
    Ok(PlannedRollout::new(ready.input, Devices::Exactly(smallest), false).coverage(&rules))
}

impl Ready<'_> {
    /// The tags of each wave's job.
    fn tags(&self, stored: &Stored) -> BTreeMap<String, String> {
        let tags = self.spec.tags(1, stored).into_iter();
        tags.map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn plan(&self, release: &ReleaseId, attempt: u32, false_stops: f64) -> Plan {
        Plan {
            release: release.clone(),
            attempt,
            started: now(),
            by: person(),
            file: excerpt(&self.input.file),
            config: self.input.text.clone(),
            baseline: self
                .input
                .evidence
                .as_ref()
                .and_then(|limits| limits.baseline.as_ref())
                .map(Baseline::to_json),
            document: self.spec.document.as_str().to_owned(),
            tags: self.tags(&Stored::default()),
            false_stops,
            waves: self.planned.clone(),
        }
    }
}

/// Makes what the waves need: objects, the stream, and thing groups. What is there is left as it is.
async fn make(
    aws: &Aws,
    cloud: &Cloud,
    ready: &Ready<'_>,
    release: &ReleaseId,
) -> Result<Stored, Error> {
    let spec = ready.spec;
    if !cloud.has_bucket(&spec.bucket).await? {
        return Err(Error::in_file(
            &ready.input.file,
            format!("there is no bucket `{}`; nothing was changed", spec.bucket),
        ));
    }
    let key = claim_key(&spec.job);
    if let Some(other) = cloud.claim(&spec.bucket, &key, &spec.digest).await?
        && other != spec.digest
    {
        return Err(Error::input(format!("`{}` is being rolled out from other files, or was (`{other}` in s3://{}/{key}); nothing was changed", spec.job, spec.bucket)).hint("give the release another jobId"));
    }
    let mut progress = Progress::new();
    // That of the firmware, which is the first.
    let mut stored = None;
    for object in &spec.objects {
        progress.show(format!("object {}", object.key));
        let object = cloud.have_object(&spec.bucket, object).await?;
        stored.get_or_insert(object);
    }
    if let Some(stream) = &spec.stream
        && cloud.stream(&stream.id).await?.is_none()
    {
        cloud.create_stream(stream, &spec.job).await?;
    }
    for (wave, planned) in ready.waves.iter().zip(&ready.planned) {
        if planned.group.is_some() {
            frozen::fill(aws, release, wave, &planned.job, &mut progress).await?;
        }
    }
    Ok(stored.unwrap_or_default())
}

/// Writes the plan, then the state, then starts: whoever is cut off between them starts the same attempt.
async fn begin(store: &Store, plan: &Plan, there: Option<&Versioned>) -> Result<(), Error> {
    if plan.to_text().len() > tripline::release::MAX_PLAN {
        return Err(Error::in_file(
            &plan.file,
            format!(
                "the release is too large to be kept (expected at most {} bytes of config, document, baseline and targets)",
                tripline::release::MAX_PLAN
            ),
        ));
    }
    store.write_plan(plan).await?;
    let state = State::new(plan);
    if !store.write(&state, there.map(|there| there.version)).await? {
        let text = format!("somebody starts release `{}` at this moment", plan.release);
        return Err(Failure::new("PutItem", FailureKind::Unavailable, text)
            .with_hint("run the command again")
            .into());
    }
    store.start(plan).await?;
    Ok(())
}

fn text(plan: &Plan, covered: &PlannedCoverage, attempt: u32, region: &str) -> String {
    let again = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
    let mut text = format!("release {}{again} in {region}\n", plan.release);
    for wave in &plan.waves {
        let rate = wave.rate.map_or_else(String::new, |rate| format!(", {rate} a minute"));
        text += &format!(
            "  {:<16} {:>7} devices{rate}, bake {}, tolerance {} %{}\n",
            wave.name.as_str(),
            wave.devices,
            short(wave.bake.into()),
            percent(wave.tolerance),
            if wave.approval { ", begins once approved" } else { "" }
        );
        let decides = match wave.clears_at {
            Some(least) if wave.devices >= least => "its gate decides by itself".to_owned(),
            Some(least) => format!(
                "its gate asks a person: about {least} devices decide it, and it has {}",
                wave.devices
            ),
            None => "its gate asks a person: these limits never let a wave through".to_owned(),
        };
        text += &format!("      job {}; {decides}\n", wave.job);
    }
    text += &format!(
        "  at most {} % of healthy releases are stopped, {} % a wave; each `go-on` after a hold adds half a wave's\n",
        percent(plan.false_stops),
        percent(plan.false_stops_of_a_wave())
    );
    text + &format!("\n{}\n{}", covered.coverage.line(), covered.coverage.table("  "))
}

/// A release that was started, or would be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum StartedData {
    Planned(Box<PlannedRelease>),
    UnderWay(UnderWay),
}

/// A release that was under way already, with the same files.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnderWay {
    release: String,
    attempt: u32,
    started: bool,
}

/// A release, worked out.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedRelease {
    release: String,
    /// Which attempt it is, from 1.
    attempt: u32,
    region: String,
    /// Whether it is started, and not only planned.
    started: bool,
    /// The share of healthy releases that may be stopped.
    false_stops: f64,
    false_stops_of_a_wave: f64,
    waves: Vec<PlannedWaveData>,
    coverage: CoverageData,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PlannedWaveData {
    name: String,
    job_id: String,
    devices: u32,
    /// Devices a minute; `null`: as the config says for all.
    rate: Option<u32>,
    bake_seconds: u32,
    /// The share of devices that may be unsuccessful.
    tolerance: f64,
    /// Whether a person has to let it begin.
    approval: bool,
    /// The thing group that is made for it.
    group: Option<String>,
    /// About how many devices it takes for its gate to decide.
    decides_from: Option<u32>,
}

fn planned(plan: &Plan, covered: &PlannedCoverage, dry_run: bool, region: &str) -> PlannedRelease {
    let wave = |wave: &PlannedWave| PlannedWaveData {
        name: wave.name.to_string(),
        job_id: wave.job.to_string(),
        devices: wave.devices,
        rate: wave.rate,
        bake_seconds: wave.bake,
        tolerance: wave.tolerance,
        approval: wave.approval,
        group: wave.group.clone(),
        decides_from: wave.clears_at,
    };
    PlannedRelease {
        release: plan.release.to_string(),
        attempt: plan.attempt,
        region: region.to_owned(),
        started: !dry_run,
        false_stops: plan.false_stops,
        false_stops_of_a_wave: plan.false_stops_of_a_wave(),
        waves: plan.waves.iter().map(wave).collect(),
        coverage: (&covered.coverage).into(),
    }
}
