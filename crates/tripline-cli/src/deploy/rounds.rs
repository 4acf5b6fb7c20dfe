//! Makes a deployment, round by round.

use std::path::Path;

use tripline::diagnostic::Diagnostic;
use tripline_aws::FailureKind;

use super::ending::{RoundEnding, RoundOutcome, Through};
use super::found::ExistingDeployment;
use super::record::{Record, Round};
use super::waiting::wait;
use crate::aws::arming::guard::Guard;
use crate::aws::deployment::cloud::Cloud;
use crate::aws::deployment::firmware::Stored;
use crate::aws::deployment::removal::remove;
use crate::aws::deployment::spec::{Spec, StreamSpec, claim_key};
use crate::exit::Error;
use crate::input::deployment::Input;
use crate::input::notes;
use crate::terminal::print::say;
use crate::terminal::verdict::Verdict;
use crate::watch::Companion;

/// The rounds of a deployment.
pub struct Rounds<'a> {
    cloud: &'a Cloud,
    input: &'a Input,
    pub spec: &'a Spec,
    /// Whose alarms guard it.
    stack: &'a str,
    guard: Option<Guard>,
    /// How many devices there are, where it is known.
    devices: Option<u32>,
    file: Option<&'a Path>,
    /// The share of devices that may be without the firmware.
    pub tolerance: f64,
    pub record: Record,
    /// What this run has made or found, in the order in which it was.
    made: Vec<String>,
    /// Whether the job is there, and has not been seen to end.
    live: bool,
    /// A round was not begun, because nothing would have stopped it.
    pub unguarded: bool,
    /// A round has ended, and how is not known.
    pub undecided: Option<RoundEnding>,
}

impl<'a> Rounds<'a> {
    pub fn new(
        cloud: &'a Cloud,
        input: &'a Input,
        spec: &'a Spec,
        stack: &'a str,
        guard: Option<Guard>,
        devices: Option<u32>,
        file: Option<&'a Path>,
    ) -> Self {
        let record = Record::new(spec, input.config.rounds);
        Self {
            cloud,
            input,
            spec,
            stack,
            guard,
            devices,
            file,
            tolerance: 0.0,
            record,
            made: Vec::new(),
            live: false,
            unguarded: false,
            undecided: None,
        }
    }

    /// Runs all rounds that are left.
    pub async fn run(
        &mut self,
        found: ExistingDeployment,
        resume: bool,
        detach: bool,
    ) -> Result<(), Error> {
        if let Some(file) = self.file {
            // Before anything is made: whether it can be written.
            self.record.write(file)?;
        }
        self.live = found.round.is_some();
        if !found.is_nothing() {
            self.made.push(found.text(self.spec));
        }
        self.claim().await?;
        let kept = if resume { Record::find(self.cloud, self.spec).await? } else { None };
        let is_new = kept.is_none();
        if let Some(kept) = kept {
            self.record = kept;
        }
        // The job of a round whose end has been recorded is only waiting to be removed.
        if found.round.is_none_or(|round| round <= self.record.done())
            && self.record.last() == Some(RoundOutcome::Succeeded)
        {
            self.clean_up().await?;
        }
        if is_new && !resume {
            // Of an earlier deployment of the same files.
            self.record.keep(self.cloud, self.spec, None).await?;
        }
        while !self.record.is_over() {
            let round = self.record.done() + 1;
            self.make(round).await?;
            if detach || self.unguarded {
                return Ok(());
            }
            let config = &self.input.config;
            let through = Through {
                selection: config.selection,
                devices: self.devices,
                tolerance: self.tolerance,
            };
            let ending = self.wait(through).await?;
            self.live = false;
            if ending.outcome == RoundOutcome::Undecided {
                // Whoever goes on looks at it again.
                self.undecided = Some(ending);
                return Ok(());
            }
            if let Some(alarm) = &ending.alarm {
                say(&format!("job `{}`: {alarm}, and did not stop it", self.spec.job));
            }
            let succeeded = ending.outcome == RoundOutcome::Succeeded;
            let alarms = self.alarms();
            self.record.ended.push(Round { round, alarms, ending });
            self.record.keep(self.cloud, self.spec, self.file).await?;
            if succeeded {
                self.clean_up().await?;
            }
            if !self.record.is_over() {
                tokio::time::sleep(self.input.config.delay).await;
            }
        }
        Ok(())
    }

    /// Waits for the end of a round, which a person at a terminal sees coming.
    async fn wait(&self, through: Through) -> Result<RoundEnding, Error> {
        let (job, longest) = (&self.spec.job, self.input.config.delay);
        let waited = wait(self.cloud, job, through, longest);
        let Some(mut companion) = Companion::new(&self.cloud.aws, self.stack, job) else {
            return waited.await;
        };
        let ending = tokio::select! {
            biased;
            ending = waited => ending,
            never = companion.draw() => match never {},
        };
        companion.finish().await;
        ending
    }

    /// Takes the job's name, so that two deployments never arm the same job.
    async fn claim(&self) -> Result<(), Error> {
        let spec = self.spec;
        let key = claim_key(&spec.job);
        match self.cloud.claim(&spec.bucket, &key, &spec.digest).await? {
            Some(other) if other != spec.digest => Err(Error::input(format!("job `{}` is being deployed from other files, or was and has not ended (`{other}` in s3://{}/{key}); nothing was changed", spec.job, spec.bucket)).hint("`tripline cleanup` removes what is left of it")),
            _ => Ok(()),
        }
    }

    fn alarms(&self) -> Vec<String> {
        let job = &self.spec.job;
        let Some(guard) = &self.guard else { return Vec::new() };
        guard.all_alarms().iter().map(|alarm| alarm.name_for(job)).collect()
    }

    /// Makes what is missing for a round: the job comes last, once it is guarded.
    async fn make(&mut self, round: u32) -> Result<(), Error> {
        let (cloud, spec) = (self.cloud, self.spec);
        // That of the firmware, which is the first.
        let mut stored = None;
        for object in &spec.objects {
            let object_stored = cloud.have_object(&spec.bucket, object).await?;
            stored.get_or_insert(object_stored);
            self.note(format!("object s3://{}/{}", spec.bucket, object.key));
        }
        // It took a while to get here, and what is another's is not touched.
        let found = ExistingDeployment::find(cloud, spec).await?;
        if let Some(guard) = &self.guard {
            let report = guard.apply(&cloud.aws).await?;
            let count = guard.all_alarms().len();
            self.made.push(notes::alarms(count));
            let verdict = Verdict::of_arming(guard, &report, &cloud.aws.region);
            if round > 1 && !verdict.findings.is_empty() && found.round.is_none() {
                verdict.say();
                self.unguarded = true;
                return Ok(());
            }
        }
        if let Some(stream) = &spec.stream {
            if !found.stream {
                self.create_stream(stream).await?;
            }
            self.note(format!("stream `{}`", stream.id));
        }
        if found.round.is_none() {
            self.create_job(round, &stored.unwrap_or_default()).await?;
        }
        self.live = true;
        self.note(format!("job `{}`", spec.job));
        self.stay_armed().await
    }

    /// The same of the same deployment may have been made by another worker in the meantime.
    async fn create_stream(&self, stream: &StreamSpec) -> Result<(), Error> {
        match self.cloud.create_stream(stream, &self.spec.job).await {
            Err(failure) if failure.kind == FailureKind::Refused => {
                match ExistingDeployment::find(self.cloud, self.spec).await? {
                    ExistingDeployment { stream: true, .. } => Ok(()),
                    _ => Err(failure.into()),
                }
            }
            created => Ok(created?),
        }
    }

    /// Somebody may have removed or changed the alarms until the job was there: from now on nobody does
    /// without saying so.
    async fn stay_armed(&self) -> Result<(), Error> {
        let Some(guard) = &self.guard else { return Ok(()) };
        let report = guard.apply(&self.cloud.aws).await?;
        let names = report.changed();
        if !names.is_empty() {
            say(&format!("note: armed again, because somebody had changed: {}", names.join(", ")));
        }
        Ok(())
    }

    /// Two workers may deploy the same at once: the job is created by one of them, and is the job of
    /// both.
    async fn create_job(&self, round: u32, stored: &Stored) -> Result<(), Error> {
        let request = self.spec.request(round, self.input.config.rounds, stored);
        match self.cloud.create_job(request).await {
            Err(failure) if failure.kind == FailureKind::Refused => {
                match ExistingDeployment::find(self.cloud, self.spec).await? {
                    ExistingDeployment { round: Some(found), .. } if found == round => Ok(()),
                    _ => Err(failure.into()),
                }
            }
            created => Ok(created?),
        }
    }

    /// Removes job, stream and alarms of a round that ended well, if the config says so.
    async fn clean_up(&mut self) -> Result<(), Error> {
        if self.input.config.clean_up {
            let stream = self.spec.stream.as_ref().map(|stream| stream.id.as_str());
            // A continuous job is in progress for ever.
            let of = Some(self.spec.digest.as_str());
            let removed = remove(self.cloud, &self.spec.job, stream, of, true, false).await?;
            for note in removed.notes {
                say(&format!("note: {note}"));
            }
            self.made.retain(|made| made.starts_with("object"));
            if self.record.is_over() {
                let key = claim_key(&self.spec.job);
                self.cloud.delete_object(&self.spec.bucket, &key).await?;
            }
        }
        Ok(())
    }

    fn note(&mut self, made: String) {
        if !self.made.contains(&made) {
            self.made.push(made);
        }
    }

    /// What somebody who interrupts it has to know.
    pub fn interrupted(&self) -> Diagnostic {
        let job = &self.spec.job;
        let left: String = self.made.iter().map(|made| format!("\n  {made}")).collect();
        if self.live {
            Diagnostic::new(format!("interrupted: job `{job}` goes on without this command{left}"))
                .with_hint(format!(
                    "`--resume` waits for it again; `tripline stop --job-id {job}` stops it"
                ))
        } else if left.is_empty() {
            "interrupted: nothing was made".into()
        } else {
            Diagnostic::new(format!("interrupted{left}"))
                .with_hint("continue it with `--resume`, or remove it with `tripline cleanup`")
        }
    }

    /// An error with what is there and, if it is for a person, how to go on.
    pub fn left_behind(&self, error: Error, with_hint: bool) -> Error {
        if self.made.is_empty() {
            return error;
        }
        let left: String = self.made.iter().map(|made| format!("\n  {made}")).collect();
        let error = error.more(format!("\n\nleft behind:{left}"));
        match with_hint {
            true => error.hint("continue it with `--resume`, or remove it with `tripline cleanup`"),
            false => error,
        }
    }
}
