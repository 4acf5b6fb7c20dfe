//! Makes a wave's job, once it is armed.

use aws_sdk_iot::error::BuildError;
use aws_sdk_iot::operation::create_job::CreateJobInput;
use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use aws_sdk_iot::types::{PresignedUrlConfig, Tag, TargetSelection};
use tripline::release::{Phase, Plan, PlannedWave, RELEASE_TAG};
use tripline::rollout::Rate;
use tripline_aws::FailureKind;
use tripline_aws::iot::request;
use tripline_config::DeployConfig;
use tripline_guard::ownership::STACK_TAG;

use crate::arm::Guard;
use crate::ask::{Ask, Versioned};
use crate::failed::Failed;

use crate::step::OfWave;
use crate::{Runner, no_wave, stopped};

impl<C: Ask> Runner<C> {
    /// Arms a wave and creates its job. A job that is there already is taken for it only if its tags say so. A
    /// release that is stopped meanwhile gets none: whoever stopped it may not have seen it.
    pub(crate) async fn begin(&self, of: &OfWave) -> Result<(), Failed> {
        let (plan, config) = self.plan(of).await?;
        let planned = plan.waves.get(of.wave).ok_or_else(|| no_wave(of))?;
        match self.make(of, &plan, planned, &config).await {
            Err(Failed::Ended(why)) => {
                self.withdraw(&plan, planned).await?;
                Err(Failed::Ended(why))
            }
            made => made,
        }
    }

    async fn make(
        &self,
        of: &OfWave,
        plan: &Plan,
        planned: &PlannedWave,
        config: &DeployConfig,
    ) -> Result<(), Failed> {
        let now = self.client.now().seconds();
        // What waited for a person's word waits no more.
        let entered = self.change(of, |wave| {
            if wave.phase != Phase::Stopped {
                wave.enter(Phase::Beginning, now);
                (wave.token, wave.token_at) = (None, None);
            }
        });
        let read = entered.await?;
        let key = read.state.begin_key(&planned.name);
        goes_on(of, read)?;
        // The machine waits for it. Whoever invokes this function past the machine does not get round it.
        if planned.approval && self.client.approval(&key).await?.is_none() {
            return Err(Failed::Refused(format!("nobody has approved wave `{}`", planned.name)));
        }
        let guard = Guard::of(plan, config)?;
        let is_there = match self.client.describe_job(&planned.job).await {
            Ok(_) => true,
            Err(failure) if failure.kind == FailureKind::NotFound => false,
            Err(failure) => return Err(failure.into()),
        };
        if !is_there {
            self.arm(&planned.job, &guard).await?;
            let request = self.request(plan, planned, config).map_err(|fault| {
                Failed::Refused(format!("job `{}` cannot be asked for: {fault}", planned.job))
            })?;
            // Arming takes a while, in which the release may have been stopped.
            goes_on(of, self.read(of).await?)?;
            // Somebody may have been faster: then its tags say whose it is.
            self.client.create_job(request).await?;
        }
        self.prove(plan, planned).await?;
        let created = self.client.describe_job(&planned.job).await?.created_at;
        let begun = self.change(of, |wave| wave.created = wave.created.or(created).or(Some(now)));
        goes_on(of, begun.await?)?;
        tracing::info!(release = %of.release, wave = %planned.name, job = %planned.job, "wave_begun");
        Ok(())
    }

    /// Stops a job that was made while its release was stopped. No device waits for it yet, so that this is
    /// done whatever the stack's mode.
    async fn withdraw(&self, plan: &Plan, planned: &PlannedWave) -> Result<(), Failed> {
        let job = match self.client.describe_job(&planned.job).await {
            Ok(job) => job,
            Err(failure) if failure.kind == FailureKind::NotFound => return Ok(()),
            Err(failure) => return Err(failure.into()),
        };
        match self.prove(plan, planned).await {
            Ok(()) if !job.state.has_ended() => {
                let comment = format!("Tripline: release {} was stopped meanwhile", plan.release);
                Ok(self.client.cancel_job(&planned.job, &comment).await?)
            }
            // Somebody else's.
            Ok(()) | Err(Failed::Refused(_)) => Ok(()),
            Err(failed) => Err(failed),
        }
    }

    /// What a release was started with, and its config.
    pub(crate) async fn plan(&self, of: &OfWave) -> Result<(Plan, DeployConfig), Failed> {
        let plan = self.client.plan(&of.release, of.attempt).await?.ok_or_else(|| {
            Failed::Refused(format!("release `{}` has no plan in the table", of.release))
        })?;
        let config = DeployConfig::parse(&plan.file, &plan.config)
            .map_err(|faults| Failed::Refused(faults.to_string()))?;
        Ok((plan, config))
    }

    /// Whether the job of a wave is this release's.
    async fn prove(&self, plan: &Plan, wave: &PlannedWave) -> Result<(), Failed> {
        let tags = self.client.job_tags(&wave.job).await?;
        let has = |key: &str, value: &str| tags.iter().any(|(k, v)| k == key && v == value);
        if has(RELEASE_TAG, &release_tag(plan)) && has(STACK_TAG, &self.settings.stack) {
            return Ok(());
        }
        Err(Failed::Refused(format!(
            "there is a job `{}` already, and it is not of release `{}`: a wave is not rolled out by another's job",
            wave.job, plan.release
        )))
    }

    fn request(
        &self,
        plan: &Plan,
        wave: &PlannedWave,
        config: &DeployConfig,
    ) -> Result<CreateJobInputBuilder, BuildError> {
        let rate = match wave.rate {
            Some(rate) => Some(request::rate(Rate::Constant(rate))),
            None => config.staged.then(|| request::rate(config.rollout.rate)),
        };
        let own = [
            (RELEASE_TAG.to_owned(), release_tag(plan)),
            (STACK_TAG.to_owned(), self.settings.stack.clone()),
        ];
        let tags = plan.tags.clone().into_iter().chain(own);
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
        Ok(CreateJobInput::builder()
            .job_id(wave.job.as_str())
            .set_targets(Some(wave.targets.clone()))
            .document(&plan.document)
            .description(format!("Wave {} of release {}, by Tripline", wave.name, plan.release))
            .target_selection(TargetSelection::Snapshot)
            .set_presigned_url_config(config.presigned.as_ref().map(|presigned| {
                PresignedUrlConfig::builder()
                    .role_arn(presigned.role.as_str())
                    .expires_in_sec(i64::from(presigned.expires))
                    .build()
            }))
            .set_job_executions_rollout_config(rate)
            .set_abort_config(request::abort(&config.rollout)?)
            .set_timeout_config(request::timeout(&config.rollout))
            .set_job_executions_retry_config(request::retries(&config.rollout)?)
            .set_tags(Some(tags.collect::<Result<_, _>>()?)))
    }
}

/// Whether a wave may go on beginning: a look may have stopped it.
fn goes_on(of: &OfWave, read: Versioned) -> Result<(), Failed> {
    if read.state.ended.is_some() {
        return Err(Failed::Ended(format!("release `{}` has ended", of.release)));
    }
    match read.state.waves.get(of.wave) {
        Some(wave) if wave.phase == Phase::Stopped => Err(stopped(of, wave)),
        _ => Ok(()),
    }
}

fn release_tag(plan: &Plan) -> String {
    tripline::release::State::execution(&plan.release, plan.attempt)
}
