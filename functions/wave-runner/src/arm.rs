//! Arms a wave: its config is kept, its alarms are put, and both are read back before there is a job.

use tripline::baseline::Baseline;
use tripline::job::JobId;
use tripline::release::Plan;
use tripline::release::hold::OnAlarm;
use tripline_config::{DeployConfig, EvidenceConfig, parse_evidence, text_of_evidence};
use tripline_guard::desired::{GuardAlarm, evidence_alarm};
use tripline_guard::kept::KeptGuard;

use crate::Runner;
use crate::ask::Ask;
use crate::failed::Failed;

/// What a wave is armed with.
pub(crate) struct Guard {
    pub alarms: Vec<GuardAlarm>,
    pub kept: KeptGuard,
    /// The limits by which the guard-keeper judges it.
    pub evidence: EvidenceConfig,
    pub baseline: Option<Baseline>,
    /// What an alarm that asks for a stop does to it.
    pub on_alarm: OnAlarm,
}

impl Guard {
    /// By the config of a release. Its permitted false stops are those of the whole release, of which a wave
    /// has its part.
    pub fn of(plan: &Plan, config: &DeployConfig) -> Result<Self, Failed> {
        let refused = |why: String| Failed::Refused(format!("{}: {why}", plan.file));
        let Some(declared) = &config.evidence else {
            return Err(refused("declares no limits of a healthy rollout".to_owned()));
        };
        let mut declared: EvidenceConfig = declared.clone();
        declared.false_stops = plan.false_stops_of_a_wave();
        // As the guard-keeper reads it where it is kept, so that both put the same alarm.
        let evidence = parse_evidence(&plan.file, &text_of_evidence(&declared))
            .map_err(|faults| refused(faults.to_string()))?
            .unwrap_or(declared);
        let baseline = plan.baseline.as_deref().map(Baseline::parse).transpose();
        let baseline = baseline.map_err(|fault| refused(fault.to_string()))?;
        let own = &config.alarms;
        let on_evidence = evidence_alarm(&evidence);
        let alarms = own.alarms.iter().cloned().chain(on_evidence).map(GuardAlarm::of).collect();
        let limits = Some((&evidence, baseline.as_ref()));
        let kept = KeptGuard::new((&own.alarms, own.default_guard), limits, false)
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self { alarms, kept, evidence, baseline, on_alarm: own.on_alarm })
    }
}

impl<C: Ask> Runner<C> {
    /// Arms a job that is not there yet, and proves it.
    pub(crate) async fn arm(&self, job: &JobId, guard: &Guard) -> Result<(), Failed> {
        let stops = guard.alarms.iter().any(|it| it.can_stop(&self.settings.force_stop_topic));
        if !stops {
            return Err(Failed::Refused(format!(
                "no alarm of wave `{job}` stops it (expected `@force-stop` among the topics)"
            )));
        }
        // First, so that the guard-keeper never puts another guard beside this one.
        self.client.keep(job, &guard.kept, self.client.now()).await?;
        for alarm in &guard.alarms {
            self.client.put_alarm(alarm, job).await?;
        }
        let there = self.client.alarms(job).await?;
        let is_there = |wanted: &GuardAlarm| {
            let (name, actions) = (wanted.name_for(job), self.settings.actions(wanted.topics()));
            there.iter().any(|alarm| {
                alarm.name == name && actions.iter().all(|action| alarm.actions.contains(action))
            })
        };
        match guard.alarms.iter().find(|alarm| !is_there(alarm)) {
            None => Ok(()),
            // CloudWatch may show it a moment later: the step is tried again.
            Some(alarm) => Err(Failed::Aws(tripline_aws::Failure::new(
                "DescribeAlarms",
                tripline_aws::FailureKind::Unavailable,
                format!("CloudWatch does not show alarm `{}`", alarm.name_for(job)),
            ))),
        }
    }
}
