use super::abort::ReplayedAbort;
use super::alarm::ReplayedAlarm;
use super::evidence::ReplayedEvidence;
use super::rollout::{RecordedRollout, Spared};
use crate::simulation::{AbortPlan, AlarmPlan, EvidencePlan, GuardPlan, Reaction};
use crate::stop_topics::StopTopics;
use tripline::alarm::{AlarmDefinition, Topic};
use tripline::evidence::Limits;
use tripline::job::{ExecutionCounts, Job, JobState, Setup};
use tripline::rollout::AbortCriterion;
use tripline::rollout::Rate;
use tripline::stop::{Certainty, Decision, JobKnowledge, StopMode, decide};
use tripline::time::Timestamp;

/// What the guards of a job would have made of a recorded rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The alarms that can be replayed, in the order of the config.
    pub alarms: Vec<ReplayedAlarm>,
    /// Alarms on other metrics than Tripline's, of which a recording says nothing, and those on the failure rate if
    /// nothing says when devices began.
    pub not_replayed: Vec<AlarmDefinition>,
    /// The abort criteria of the job, if it has any.
    pub abort: Option<ReplayedAbort>,
    /// Evidence, if the config has limits of a healthy rollout and it is known when devices began.
    pub evidence: Option<ReplayedEvidence>,
    /// The stop by the first guard that would have stopped the rollout.
    pub stop: Option<Stop>,
    /// Without a stop: the first guard that would have stopped the rollout if it had not been over.
    pub too_late: Option<TooLate>,
    /// Nothing was stopped because no guard looked: an alarm watches what was never reported, and nothing beside
    /// it could decide.
    pub is_unwatched: bool,
}

/// A guard has fired: an alarm went to `ALARM`, or an abort criterion was met.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired {
    /// When.
    pub at: Timestamp,
    /// Why, in CloudWatch's words if it is an alarm.
    pub reason: String,
    /// What would have come of it.
    pub response: Response,
}

/// What comes of a guard that fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// People are alerted, and the stopper is not.
    AlertsPeople,
    /// People are alerted to what would have been stopped.
    Observes,
    /// The rollout is stopped.
    Stops {
        /// Whether executions in progress are canceled too.
        force: bool,
    },
    /// Another guard has stopped the rollout.
    AlreadyStopped,
    /// It would stop the rollout, but by then the last recorded execution has ended, and the job with
    /// it unless devices were still at work: there is nothing to stop.
    AfterTheEnd,
}

/// One of the guards of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardOf {
    /// An alarm, as an index into [`Replay::alarms`].
    Alarm(usize),
    /// The abort criteria.
    Abort,
    /// Evidence.
    Evidence,
}

/// What a config says of evidence.
#[derive(Debug, Clone, Copy)]
pub struct EvidenceOf<'a> {
    /// The limits of a healthy rollout.
    pub limits: &'a Limits,
    /// Where its alarm goes.
    pub topics: &'a [Topic],
}

/// A stop that would have been made.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// By whom.
    pub by: GuardOf,
    /// When the guard fired.
    pub fired_at: Timestamp,
    /// Why, in CloudWatch's words if it is an alarm.
    pub reason: String,
    /// When the stop would have taken effect: [`AlarmPlan::DELAY`] after an alarm,
    /// [`EvidencePlan::DELAY`] after the minute that evidence is of; AWS IoT Jobs' own at once.
    pub at: Timestamp,
    /// Whether executions in progress would have been canceled too.
    pub force: bool,
    /// Whom it would have come in time for.
    pub spared: Spared,
}

/// A stop that would have come after the last recorded execution had ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TooLate {
    /// By whom.
    pub by: GuardOf,
    /// When the guard fired.
    pub fired_at: Timestamp,
    /// Why, in CloudWatch's words if it is an alarm.
    pub reason: String,
    /// When the stop would have taken effect.
    pub at: Timestamp,
}

impl Replay {
    /// Replays a rollout under these alarms, of which those that go to one of `topics` stop it as `mode`
    /// says, and these abort criteria, which are AWS IoT Jobs' own and stop in any mode.
    pub fn new(
        rollout: &RecordedRollout,
        alarms: &[AlarmDefinition],
        abort: &[AbortCriterion],
        mode: StopMode,
        topics: &StopTopics,
    ) -> Self {
        Self::with_evidence(rollout, alarms, abort, None, mode, topics)
    }

    /// The same, with evidence beside them if a config asks for it.
    pub fn with_evidence(
        rollout: &RecordedRollout,
        alarms: &[AlarmDefinition],
        abort: &[AbortCriterion],
        evidence: Option<EvidenceOf<'_>>,
        mode: StopMode,
        topics: &StopTopics,
    ) -> Self {
        let evidence = evidence.and_then(|EvidenceOf { limits, topics: to }| {
            ReplayedEvidence::new(limits, topics.are_among(to), rollout)
        });
        let mut replay = Self {
            alarms: Vec::new(),
            not_replayed: Vec::new(),
            abort: ReplayedAbort::new(abort, rollout),
            evidence,
            stop: None,
            too_late: None,
            is_unwatched: false,
        };
        for alarm in alarms {
            let plan = AlarmPlan::with_topics(alarm.clone(), mode, topics);
            match ReplayedAlarm::new(&plan, topics.stop(alarm), rollout) {
                Some(replayed) => replay.alarms.push(replayed),
                None => replay.not_replayed.push(alarm.clone()),
            }
        }
        replay.respond(rollout, mode);
        replay.is_unwatched =
            replay.stop.is_none() && replay.too_late.is_none() && replay.looks_at_nothing(rollout);
        replay
    }

    /// Lets come of each guard that fires and stops what would have, in the order of time.
    fn respond(&mut self, rollout: &RecordedRollout, mode: StopMode) {
        let of_alarms = Reaction { mode, delay: AlarmPlan::DELAY };
        let alarms = self.alarms.iter_mut().enumerate().filter(|(_, alarm)| alarm.stops);
        let alarms = alarms.filter_map(|(index, alarm)| {
            Some((GuardOf::Alarm(index), of_alarms, alarm.fired.as_mut()?))
        });
        let of_abort = AbortPlan::new(Vec::new()).reaction;
        let abort = self.abort.iter_mut().filter_map(|abort| abort.fired.as_mut());
        let abort = abort.map(|fired| (GuardOf::Abort, of_abort, fired));
        let of_evidence = Reaction { mode, delay: EvidencePlan::DELAY };
        let evidence = self.evidence.iter_mut().filter(|evidence| evidence.stops);
        let evidence = evidence.filter_map(|evidence| evidence.fired.as_mut());
        let evidence = evidence.map(|fired| (GuardOf::Evidence, of_evidence, fired));
        let mut firings: Vec<_> = alarms
            .chain(abort)
            .chain(evidence)
            .map(|(by, reaction, fired)| (reaction.delay.at(fired.at), by, reaction, fired))
            .collect();
        firings.sort_by_key(|(at, ..)| *at);
        for (at, by, reaction, fired) in firings {
            let is_over = at >= rollout.last && !rollout.goes_on();
            let state = match self.stop {
                Some(_) => JobState::Canceled,
                None if is_over => JobState::Completed,
                None => JobState::Active,
            };
            let job = JobKnowledge::Found(job_in(state));
            fired.response = match decide(reaction.mode, &Certainty::Verified, &job, "") {
                Decision::Observe => Response::Observes,
                Decision::Cancel { force } => Response::Stops { force },
                Decision::AlreadyEnded | Decision::AlreadyStopped { .. } | Decision::Missing => {
                    match self.stop {
                        Some(_) => Response::AlreadyStopped,
                        None => Response::AfterTheEnd,
                    }
                }
            };
            let (fired_at, reason) = (fired.at, fired.reason.clone());
            match fired.response {
                Response::Stops { force } => {
                    let spared = rollout.spared_by(at);
                    self.stop = Some(Stop { by, fired_at, reason, at, force, spared });
                }
                Response::AfterTheEnd
                    if self.too_late.is_none() && reaction.mode != StopMode::Observe =>
                {
                    self.too_late = Some(TooLate { by, fired_at, reason, at });
                }
                _ => {}
            }
        }
    }

    /// The alarm that a guard is; `None` if it is the abort criteria or evidence.
    pub fn alarm(&self, guard: GuardOf) -> Option<&ReplayedAlarm> {
        match guard {
            GuardOf::Alarm(index) => self.alarms.get(index),
            GuardOf::Abort | GuardOf::Evidence => None,
        }
    }

    /// What a guard is called: an alarm's name in the config, `abortConfig` or `evidence`.
    pub fn name(&self, guard: GuardOf) -> String {
        match (self.alarm(guard), guard) {
            (Some(alarm), _) => alarm.alarm.name.to_string(),
            (None, GuardOf::Evidence) => EvidencePlan::NAME.to_owned(),
            (None, GuardOf::Abort | GuardOf::Alarm(_)) => AbortPlan::new(Vec::new()).name(),
        }
    }
}

/// The job as the stopper would have found it.
fn job_in(state: JobState) -> Job {
    Job {
        state,
        reason_code: None,
        is_forced: false,
        comment: None,
        created_at: None,
        ended_at: None,
        rate: Rate::QUOTA,
        is_greengrass: false,
        counts: ExecutionCounts::default(),
        is_counted: true,
        timeout: None,
        setup: Setup::default(),
    }
}
