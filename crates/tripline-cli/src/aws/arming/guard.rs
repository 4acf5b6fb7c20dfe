//! Arms a job: everything is looked at first, then changed, then proved.

use std::borrow::Cow;

use tripline::alarm::AlarmDefinition;
use tripline::job::JobId;
use tripline::stop::StopMode;
use tripline_guard::kept::KeptGuard;
use tripline_guard::verdict::{Stack, Verdict};

use super::plan::{Change, Plan};
use super::stopping::Stopping;
use super::{arm, keeping};
use crate::aws::clients::Aws;
use crate::aws::region::check_topics;
use crate::aws::{stack, topics};
use crate::exit::Error;
use crate::input::declared::{DeclaredLimits, all_alarms};

/// A job to arm.
#[derive(Debug, Clone)]
pub struct Guard {
    /// What the messages call the config.
    pub file: String,
    pub stack: String,
    pub job: JobId,
    /// At least one, unless there are limits.
    pub alarms: Vec<AlarmDefinition>,
    /// The stack's default guard watches for what they do not see.
    pub default_guard: bool,
    /// The limits that evidence of the rollout is compared with.
    pub evidence: Option<DeclaredLimits>,
    /// It is meant that no alarm stops the rollout.
    pub alert_only: bool,
    pub dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug)]
pub struct Report {
    pub plan: Plan,
    pub job_events_were_on: bool,
    pub stopping: Stopping,
    /// Whether the job is guarded, as CloudWatch showed it afterwards; `None` at a dry run.
    pub verdict: Option<Verdict>,
}

impl Guard {
    /// Every alarm that the job is armed with. That on evidence's absence is the guard-keeper's to put.
    pub fn all_alarms(&self) -> Cow<'_, [AlarmDefinition]> {
        all_alarms(&self.alarms, self.evidence.as_ref())
    }

    fn kept(&self) -> Result<KeptGuard, Error> {
        let evidence = self.evidence.as_ref();
        let evidence = evidence.map(|limits| (&limits.config, limits.baseline.as_ref()));
        let kept = KeptGuard::new((&self.alarms, self.default_guard), evidence, self.alert_only);
        kept.map_err(|error| {
            Error::in_file(&self.file, format!("{error}"))
                .hint("use fewer alarms, shorter names, or a baseline of shorter rollouts")
        })
    }

    /// Looks at everything first, so that what can be refused is refused before the first change.
    pub async fn apply(&self, aws: &Aws) -> Result<Report, Error> {
        let all = self.all_alarms();
        check_topics(&self.file, &all, &aws.region)?;
        let kept = self.kept()?;
        let stack = stack::Stack::find(&aws.cloudformation, &self.stack).await?;
        let mut wanted = Vec::new();
        for alarm in all.iter() {
            wanted.push((alarm.clone(), topics::actions(alarm, &stack)?));
        }
        let table = keeping::table_of(&stack)?;
        let stopping = Stopping::find(aws, &stack).await?;
        let job_events_were_on = aws.sends_job_events().await?;
        let ours = Stack { name: stack.name(), force_stop_topic: &stopping.topic };
        let plan = Plan::make(aws, self, ours, wanted).await?;
        let mut verdict = None;
        if !self.dry_run {
            if !job_events_were_on {
                aws.enable_job_events().await?;
            }
            // First, so that the keeper never puts another guard beside this one, unless this one cannot
            // stop the rollout and that is not said to be meant.
            aws.keep(table, &self.job, &kept).await?;
            verdict = Some(arm::arm(aws, &self.job, ours, &plan).await?);
        }
        Ok(Report { plan, job_events_were_on, stopping, verdict })
    }
}

impl Report {
    /// Whether any alarm gets to the topic that stops rollouts.
    pub fn is_reached(&self) -> bool {
        self.plan.alarms.iter().any(|alarm| self.stopping.is_reached_by(&alarm.actions))
    }

    /// The alarms that were not as they were wanted.
    pub fn changed(&self) -> Vec<&str> {
        let alarms = self.plan.alarms.iter().filter(|alarm| alarm.change != Change::Keep);
        alarms.map(|alarm| alarm.name.as_str()).collect()
    }

    /// Whether any alarm stops the rollout.
    pub fn stops(&self) -> bool {
        self.is_reached() && self.stopping.is_heard && self.stopping.mode != StopMode::Observe
    }
}
