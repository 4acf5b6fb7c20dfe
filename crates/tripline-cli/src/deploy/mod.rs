//! `tripline deploy`: a rollout from a `dev.ini`, armed before it begins.
//!
//! - [`plan`]: what is going to be made, for people and programs;
//! - [`found`]: what is there already, and whose it is;
//! - [`rounds`]: makes it, round by round, [`ending`]: how a round ended, [`record`]: what is kept of
//!   that.
//!
//! What is read beforehand is in [`input`](crate::input), what AWS is asked for and how it is removed
//! in [`aws::deployment`](crate::aws::deployment).
//!
//! Nothing that is needed to go on is kept on this machine: every step looks whether it has been
//! done, so that a deployment can be cut off at any moment and be carried on from anywhere.

mod ending;
mod found;
mod plan;
mod record;
mod rounds;
mod waiting;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::arming::guard::Guard;
use crate::aws::clients::Aws;
use crate::aws::connect::connect;
use crate::aws::deployment::bucket::BucketRemarks;
use crate::aws::deployment::cloud::Cloud;
use crate::aws::deployment::spec::Spec;
use crate::aws::region::{Region, check_topics, region_for};
use crate::aws::s3;
use crate::aws::scope;
use crate::aws::stack::Stack;
use crate::aws::topics;
use crate::exit::{End, Error};
use crate::input::accepted::AcceptedWays;
use crate::input::alarms::check_alarms;
use crate::input::deployment::{self, Input};
use crate::input::planned::{PlannedCoverage, PlannedRollout, StackRules};
use crate::input::renamed::ALERT_ONLY;
use crate::input::review::{self, Meant};
use crate::input::within::Within;
use crate::terminal::armed::Tense;
use crate::terminal::document::print_document;
use crate::terminal::fault::RemarkData;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::remarks::say_all;
use crate::terminal::verdict::Verdict;
use ending::{RoundEnding, RoundOutcome};
use found::ExistingDeployment;
use plan::Plan;
use record::Round;
use rounds::Rounds;
use tripline::diagnostic::{Diagnostic, Diagnostics};
use tripline::stop::StopMode;
use tripline_config::Remark;

/// A rollout to deploy.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline deploy --dry-run
  tripline deploy release/dev.ini --stack tripline
  tripline deploy release/dev.ini --resume

Tripline checks the config and every file that it names before it creates anything; it looks for
files in the config's folder. Then it uploads the firmware and the documents, arms the alarms, and
creates the stream and the job. The command waits until the job ends and repeats it for as many
`rounds` as the config sets. If `cleanUpCfg` is True it removes job, stream and alarms of a round
that succeeded, and leaves those of one that did not for you to examine.

After an interruption, run the command again with --resume and the same files, or remove what
exists with `tripline cleanup`. Tripline never changes anything that does not belong to this
deployment.

The plan says for each way to go wrong (devices fail, refuse, time out, are slow, never answer)
whether it would stop the rollout, alert people or have no alarm. If nothing would report failing
devices, Tripline does not begin the rollout unless you pass --accept-uncovered.

Exit code 1: the job ended and some devices do not have the firmware, or its guard would not have
stopped it, so Tripline did not begin; 2: invalid input; 3: AWS refused or could not be reached; 5:
the guard stopped the rollout; 6: somebody interrupted the command, or AWS IoT counts attempts and
does not name their devices.")]
pub struct Deployment {
    /// The config; the files that it names are in its folder
    #[arg(default_value = "dev.ini")]
    pub config: PathBuf,
    /// The stack whose force-stopper guards it
    #[arg(long, default_value = "tripline")]
    pub stack: String,
    /// AWS Region [default: the config's `region`, or else the environment's]
    #[arg(long)]
    pub region: Option<Region>,
    /// Refuse files of the config that are outside of this folder, wherever links and `..` lead
    #[arg(long, value_name = "DIR")]
    pub within: Option<Within>,
    /// Continue an earlier, interrupted deployment
    #[arg(long)]
    pub resume: bool,
    /// Return once the job exists, without waiting for its end
    #[arg(long)]
    pub detach: bool,
    /// Show what the command would create, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Accept a config whose alarms alert people but never stop the rollout
    #[arg(long, alias = ALERT_ONLY)]
    pub alert_only: bool,
    /// Accept a config without alarms: the stack's default guard guards the job
    #[arg(long)]
    pub default_guard: bool,
    /// Accept that no alarm covers these ways to go wrong: `fails`, `refuses`, `timesOut`, `slow`,
    /// `neverAnswers`, separated by commas
    #[arg(long, value_name = "WAYS")]
    pub accept_uncovered: Option<AcceptedWays>,
    /// Also write the result of each round to this file
    #[arg(long, value_name = "FILE", conflicts_with = "detach")]
    pub result: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    pub output: Output,
    /// Part of another command, which has stdout and Ctrl-C; a rollout that is not begun is an error
    #[arg(skip)]
    pub quiet: bool,
    /// The share of devices, 0 to 1, that may be without the firmware for a round to have succeeded
    #[arg(skip)]
    pub tolerance: f64,
}

impl Deployment {
    /// A deployment of a config, with everything else as the command's defaults have it.
    pub fn with_defaults(config: PathBuf, stack: String) -> Self {
        Self {
            config,
            stack,
            region: None,
            within: None,
            resume: false,
            detach: false,
            dry_run: false,
            alert_only: false,
            default_guard: false,
            accept_uncovered: None,
            result: None,
            output: Output::Text,
            quiet: false,
            tolerance: 0.0,
        }
    }

    /// Deploys it: what is there already and is of the same deployment is left as it is.
    pub async fn run(&self) -> Result<End, Error> {
        let loaded = deployment::load_within(&self.config, self.within.as_ref())?;
        loaded.goes_out_at_once()?;
        check_alarms(&loaded.file, loaded.config.has_guard(), self.default_guard)?;
        if loaded.config.rounds > 1 && self.detach {
            return Err(Error::in_file(
                &loaded.file,
                format!(
                    "{} rounds follow one another, so they have to be waited for (expected no `--detach`)",
                    loaded.config.rounds
                ),
            ));
        }
        let mut connection =
            connect(region_for(self.region.clone(), &loaded.file, &loaded.config.alarms)?).await?;
        if loaded.config.debug {
            connection.config =
                tripline_aws::traced(&connection.config, |call| say(&format!("debug: {call}")));
        }
        scope::say_place(&connection.config).await;
        let region = connection.region.clone();
        let s3 = loaded.buckets(s3::client(&connection.config));
        let input = loaded.read(&s3).await?;
        input.check_region(&region)?;
        check_topics(&input.file, &input.alarms(), &region)?;
        let spec = Spec::new(&input, &region)?;
        let pace = input.config.pace;
        let cloud = Cloud { aws: Aws::for_connection(connection), s3, pace };
        self.deploy(&cloud, &input, &spec).await
    }

    async fn deploy(&self, cloud: &Cloud, input: &Input, spec: &Spec) -> Result<End, Error> {
        let devices = found::devices(cloud, input, spec).await?;
        let found = ExistingDeployment::find(cloud, spec).await?;
        if !found.is_nothing() && !self.resume {
            return Err(Error::input(format!(
                "an earlier deployment left {} behind; nothing was changed",
                found.text(spec)
            ))
            .hint("continue it with `--resume`, or remove it with `tripline cleanup`"));
        }
        let region = &cloud.aws.region;
        let stack = Stack::find(&cloud.aws.cloudformation, &self.stack).await?;
        let planned = match self.guard(input, true) {
            None => {
                stack.guards_by_default()?;
                None
            }
            Some(guard) => Some((guard.apply(&cloud.aws).await?, guard)),
        };
        let covered = self.coverage(input, devices, &stack)?;
        let report = planned.as_ref().map(|(report, _)| report);
        let coverage = &covered.coverage;
        let plan =
            Plan { input, spec, region, devices, detach: self.detach, guard: report, coverage };
        let mut findings = self.findings(input, region);
        let line = input.config.lines.of("DEFAULT", "bucket");
        let bucket = BucketRemarks::find(cloud.s3.bucket(&spec.bucket), line).await;
        if self.dry_run {
            match self.output {
                Output::Text => print(&plan.text(Tense::Would)),
                Output::Json => {
                    let all = findings.iter().chain(&bucket.findings);
                    print_document(&DeployData::Plan(Box::new(plan.data(all))));
                }
            }
        } else {
            say(plan.text(Tense::Will).trim_end_matches('\n'));
        }
        say_all("finding", &input.file, &findings);
        note_count(input, devices);
        say_all("note", &input.file, &bucket.notes);
        say_all("finding", &input.file, &bucket.findings);
        findings.extend(bucket.findings);
        let accepted = self.accept_uncovered.clone().unwrap_or_default();
        // What has begun is seen to its end.
        if found.round.is_none() {
            for note in accepted.check(&input.file, coverage)? {
                say(&format!("note: {note}"));
            }
        }
        if let Some((report, guard)) = &planned {
            let of = if self.dry_run { Verdict::of_arming } else { Verdict::of_plan };
            let mut verdict = of(guard, report, region);
            if report.stopping.mode == StopMode::Observe && !self.alert_only {
                verdict.findings.push(
                    Diagnostic::new(format!(
                        "stack `{}` observes only, so that nothing would stop the rollout",
                        self.stack
                    ))
                    .with_hint("deploy it with the parameter `StopMode=cancel`, or accept it with `--alert-only`"),
                );
            }
            if self.quiet && !verdict.findings.is_empty() && found.round.is_none() {
                let findings = verdict.findings.into_iter().map(|finding| {
                    finding
                        .led_by("Tripline did not begin the rollout: ")
                        .in_file(&input.file, None)
                });
                return Err(Error::input(findings.collect::<Diagnostics>()));
            }
            verdict.say();
            // What has begun is seen to its end.
            if !verdict.findings.is_empty() && found.round.is_none() {
                say("Tripline did not begin the rollout");
                return Ok(End::Finding);
            }
        }
        if self.dry_run {
            say("dry run: nothing was changed");
            return Ok(End::Done);
        }
        let count = input.config.device_count.or(devices.number());
        let guard = self.guard(input, false);
        let mut rounds =
            Rounds::new(cloud, input, spec, &self.stack, guard, count, self.result.as_deref());
        rounds.tolerance = self.tolerance;
        let outcome = {
            let run = rounds.run(found, self.resume, self.detach);
            tokio::select! {
                outcome = run => Some(outcome),
                () = interrupted(), if !self.quiet => None,
            }
        };
        let Some(outcome) = outcome else {
            say(&rounds.interrupted().to_string());
            return Ok(End::Undecided);
        };
        match outcome {
            Ok(()) if self.quiet && rounds.unguarded => Err(Error::in_file(
                &input.file,
                format!(
                    "round {} was not begun, because nothing would have stopped it",
                    rounds.record.done() + 1
                ),
            )),
            Ok(()) => Ok(self.report(&rounds, region, &findings)),
            // Whoever it is part of knows how it goes on.
            Err(error) => Err(rounds.left_behind(error, !self.quiet)),
        }
    }

    /// What `config check` finds in the config, apart from what is said of this very stack anyway.
    fn findings(&self, input: &Input, region: &str) -> Vec<Remark> {
        // That nothing stops the rollout is the verdict's to say, with the stack's own topics.
        let meant = Meant { alert_only: true, default_guard: true };
        review::of_config(input, region, meant).findings
    }

    /// What would be seen if the rollout went wrong, with this stack.
    fn coverage(
        &self,
        input: &Input,
        devices: found::Devices,
        stack: &Stack,
    ) -> Result<PlannedCoverage, Error> {
        let rules = StackRules::read(|parameter| stack.parameter(parameter).map(str::to_owned))?;
        let force_stop_topic = Some(topics::of_stack(stack, topics::FORCE_STOP)?.to_owned());
        let rules = StackRules { force_stop_topic, ..rules };
        Ok(PlannedRollout::new(input, devices.into(), self.alert_only).coverage(&rules))
    }

    fn guard(&self, input: &Input, dry_run: bool) -> Option<Guard> {
        input.config.has_guard().then(|| Guard {
            file: input.file.clone(),
            stack: self.stack.clone(),
            job: input.config.job.clone(),
            alarms: input.config.alarms.alarms.clone(),
            default_guard: input.config.alarms.default_guard,
            evidence: input.evidence.clone(),
            alert_only: self.alert_only,
            dry_run,
        })
    }

    /// How it went, in one word.
    fn state(&self, rounds: &Rounds<'_>) -> DeployState {
        match rounds.record.last() {
            _ if rounds.undecided.is_some() => DeployState::Undecided,
            _ if rounds.unguarded => DeployState::NotBegun,
            None => DeployState::RolledOut,
            Some(RoundOutcome::Succeeded) => DeployState::Succeeded,
            Some(RoundOutcome::Stopped) => DeployState::Stopped,
            Some(RoundOutcome::Canceled) => DeployState::Canceled,
            Some(RoundOutcome::Failed | RoundOutcome::Undecided) => DeployState::Failed,
        }
    }

    /// Says how it went.
    fn report(&self, rounds: &Rounds<'_>, region: &str, findings: &[Remark]) -> End {
        let (record, job) = (&rounds.record, &rounds.spec.job);
        match self.output {
            _ if self.quiet => {}
            Output::Json => print_document(&DeployData::Deployed(Box::new(DeployedData {
                job_id: job.to_string(),
                state: self.state(rounds),
                region: region.to_owned(),
                deployment: record.deployment.clone(),
                rounds: record.rounds,
                ended: record.ended.clone(),
                undecided: rounds.undecided.clone(),
                detached: self.detach,
                findings: findings.iter().map(RemarkData::from).collect(),
            }))),
            Output::Text => {
                for round in &record.ended {
                    print(&format!(
                        "round {} of {} {}\n",
                        round.round,
                        record.rounds,
                        round.ending.text()
                    ));
                }
                if let Some(ending) = &rounds.undecided {
                    let (round, all) = (record.done() + 1, record.rounds);
                    print(&format!("round {round} of {all} {}\n", ending.text()));
                }
            }
        }
        if rounds.undecided.is_some() {
            let left = Diagnostic::new(format!("job `{job}`: it stays to be looked at"));
            say(&left.with_hint("`--resume` counts its devices again").to_string());
            return End::Undecided;
        }
        match record.last() {
            _ if rounds.unguarded => {
                say(&format!("round {} was not begun", record.done() + 1));
                End::Finding
            }
            None => {
                let begun = Diagnostic::new(format!("job `{job}` is rolled out in `{region}`"));
                let hint = format!("`tripline watch {job}` shows how it goes");
                say(&begun.with_hint(hint).to_string());
                End::Done
            }
            Some(RoundOutcome::Succeeded) => {
                say(&format!("job `{job}`: done"));
                End::Done
            }
            Some(bad) => {
                let left = Diagnostic::new(format!("job `{job}`: it stays to be looked at"));
                let hint = format!("`tripline cleanup --job-id {job}` removes it");
                say(&left.with_hint(hint).to_string());
                if bad == RoundOutcome::Stopped { End::Stopped } else { End::Finding }
            }
        }
    }
}

/// A deployment, or what it would be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DeployData {
    Plan(Box<plan::PlanData>),
    Deployed(Box<DeployedData>),
}

/// A deployment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeployedData {
    job_id: String,
    state: DeployState,
    region: String,
    /// The digest of the config and all its files.
    deployment: String,
    /// How many rounds there are to be.
    rounds: u32,
    /// Those that have ended, in their order.
    ended: Vec<Round>,
    /// A round that has ended, and how is not known.
    undecided: Option<RoundEnding>,
    /// Whether nobody has waited for the job's end.
    detached: bool,
    /// What deserves a look in the config, and of its bucket.
    findings: Vec<RemarkData>,
}

/// How a deployment went: that of its last round.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum DeployState {
    /// Its job is there, and nobody waits for its end.
    RolledOut,
    Succeeded,
    Failed,
    Stopped,
    Canceled,
    /// Whether every device has the firmware is not known.
    Undecided,
    /// A later round was not begun, since nothing would have stopped it.
    NotBegun,
}

/// A number in the config that is not that of the targets is worth a look.
fn note_count(input: &Input, devices: found::Devices) {
    if let (Some(said), Some(count)) = (input.config.device_count, devices.number())
        && said != count
    {
        say(&format!(
            "note: {}: deviceCount is {said}, and the targets are {}",
            input.file,
            devices.text()
        ));
    }
}

/// Waits until somebody wants the command to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    tokio::signal::ctrl_c().await.ok();
}
